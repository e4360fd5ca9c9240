//! The daemon as a process: how it ends, and what it does when it starts again.

use anyhow::Result;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use windlass_test_support::eventually;

use crate::rig::{PLAIN, Road, SOON, config_map};

#[tokio::test]
async fn sigterm_ends_it_in_order_and_a_restart_writes_no_object() -> Result<()> {
    let road = Road::start("restart").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
        ("other/environment.yaml", Some(PLAIN)),
        ("other/map.yaml", Some(&config_map("other", "1"))),
    ])?;
    let mut daemon = road.daemon(&[]).await?;
    for name in ["web", "other"] {
        road.ready(name, &commit).await?;
    }
    eventually(SOON, "the daemon to be ready", async || {
        Ok((daemon.get("/readyz").await?.status == 200).then_some(()))
    })
    .await?;

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
    eventually(SOON, "both environments to be ready again", async || {
        let answer = daemon.get("/api/v1/environments").await?.json()?;
        let ready = answer["environments"]
            .as_array()
            .is_some_and(|all| all.len() == 2 && all.iter().all(|one| one["ready"] == true));
        anyhow::ensure!(ready, "{answer}, and the log says {}", daemon.log());
        Ok(Some(()))
    })
    .await?;
    // What is put right now was noticed by a daemon that has come to rest.
    let edit = Patch::Merge(json!({ "data": { "value": "by hand" } }));
    let params = PatchParams::default();
    road.config_maps().patch("other", &params, &edit).await?;
    road.value_is("other", "1").await?;
    let writes: Vec<String> = road
        .requests()?
        .split_off(before)
        .into_iter()
        .filter(|request| !["get", "list", "watch"].contains(&request.verb.as_str()))
        .filter(|request| request.name != "other" && request.resource != "events")
        // Its own definitions and its Repository are applied at every start, and come out as they were.
        .filter(|request| {
            !["customresourcedefinitions", "repositories"].contains(&request.resource.as_str())
        })
        .map(|request| format!("{} {} {}", request.verb, request.uri, request.code))
        .collect();
    assert!(
        writes.is_empty(),
        "a restart writes no object and no environment: {writes:#?}"
    );
    Ok(())
}
