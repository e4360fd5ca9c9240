//! The daemon as a process: how it ends, and what it does when it starts again.

use anyhow::Result;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use windlass_test_support::{Daemon, eventually};

use crate::rig::{PLAIN, Road, SOON, config_map};

/// What a validator has something to say about.
const PLAIN_SECRET: &str =
    "apiVersion: v1\nkind: Secret\nmetadata: {name: plain}\nstringData: {key: in-git}\n";

/// Waits until the daemon itself says that its environments are Ready.
async fn all_ready(daemon: &mut Daemon, count: usize) -> Result<()> {
    eventually(SOON, "all environments to be ready", async || {
        let answer = daemon.get("/api/v1/environments").await?.json()?;
        let ready = answer["environments"]
            .as_array()
            .is_some_and(|all| all.len() == count && all.iter().all(|one| one["ready"] == true));
        anyhow::ensure!(ready, "{answer}, and the log says {}", daemon.log());
        Ok(Some(()))
    })
    .await
}

#[tokio::test]
async fn sigterm_ends_it_in_order_and_a_restart_writes_nothing() -> Result<()> {
    let road = Road::start("restart").await?;
    let waits = format!("{PLAIN}  dependsOn: [{{name: web}}]\n");
    // Everything that a status can hold: findings, a count of pruned objects, a wait for another environment.
    let checked = format!(
        "{PLAIN}  pipeline:\n    - plugin: manifests\n    - plugin: require\n      config: {{rules: {{no-plain-secrets: warning}}}}\n"
    );
    let first = road.push(&[
        ("web/environment.yaml", Some(&checked)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
        ("web/last.yaml", Some(&config_map("last", "1"))),
        ("web/plain.yaml", Some(PLAIN_SECRET)),
        ("other/environment.yaml", Some(&waits)),
        ("other/map.yaml", Some(&config_map("other", "1"))),
        ("fence/environment.yaml", Some(PLAIN)),
        ("fence/map.yaml", Some(&config_map("fence", "1"))),
    ])?;
    let mut daemon = road.daemon(&[]).await?;
    road.ready("web", &first).await?;
    let commit = road.push(&[("web/last.yaml", None)])?;
    let pruned = |status: &serde_json::Value| status["pruned"] == 1;
    let status = road.environment("web", "one pruned object", pruned).await?;
    assert!(!status["findings"].is_null(), "it has findings: {status}");
    // The revision of an environment is that of its content, which only changed in one of them.
    for (name, revision) in [("web", &commit), ("other", &first)] {
        road.ready(name, revision).await?;
    }
    eventually(SOON, "the daemon to be ready", async || {
        Ok((daemon.get("/readyz").await?.status == 200).then_some(()))
    })
    .await?;
    all_ready(&mut daemon, 3).await?;

    daemon.terminate()?;
    let answer = eventually(SOON, "the daemon to say that it stops", async || {
        let answer = daemon.get("/readyz").await?;
        Ok((answer.status == 503).then_some(answer))
    })
    .await?;
    assert_eq!(answer.body, "stopping\n", "not ready before it is gone");
    let status = daemon.wait(SOON).await?;
    assert_eq!(status.code(), Some(0), "{}", daemon.log());

    let before = road.requests()?.len();
    let mut daemon = road.daemon(&[]).await?;
    all_ready(&mut daemon, 3).await?;
    // What is put right now was noticed by a daemon that has come to rest.
    let edit = Patch::Merge(json!({ "data": { "value": "by hand" } }));
    let params = PatchParams::default();
    road.config_maps().patch("fence", &params, &edit).await?;
    road.value_is("fence", "1").await?;
    let writes: Vec<String> = road
        .requests()?
        .split_off(before)
        .into_iter()
        .filter(|request| !["get", "list", "watch"].contains(&request.verb.as_str()))
        .filter(|request| request.name != "fence")
        .map(|request| format!("{} {} {}", request.verb, request.uri, request.code))
        .collect();
    assert!(writes.is_empty(), "a restart writes nothing: {writes:#?}");
    Ok(())
}
