//! An environment that is made in the cluster, for a folder that has no `environment.yaml`.

use anyhow::{Context as _, Result};
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use windlass_test_support::{eventually, watch_until_gone};

use crate::rig::{PLAIN, Road, SOON, condition, config_map};

/// The label that every member of an environment carries.
const MEMBER: &str = "applyset.kubernetes.io/part-of";

#[tokio::test]
async fn an_environment_made_in_the_cluster_follows_the_folder_that_it_names() -> Result<()> {
    let road = Road::start("made").await?;
    let commit = road.push(&[
        ("plain/a.yaml", Some(&config_map("a", "${COLOUR}"))),
        ("plain/b.yaml", Some(&config_map("b", "of git"))),
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
    ])?;
    let mut daemon = road.daemon(&[]).await?;
    road.ready("web", &commit).await?;
    let spec = |colour: &str| {
        json!({
            "source": { "repository": "main", "path": "plain" },
            "namespace": "default",
            "variables": { "COLOUR": colour },
        })
    };
    road.create("Environment", "made", spec("blue")).await?;
    let status = road.ready("made", &commit).await?;
    assert_eq!(status["path"], "plain", "{status}");
    assert_eq!(status["objects"], 2, "{status}");
    road.value_is("a", "blue").await?;
    let member = road.value_is("b", "of git").await?;
    let labels = member.metadata.labels.context("labels")?;
    assert!(labels.contains_key(MEMBER), "{labels:?}");

    // What the object says is what counts, and the daemon never writes it.
    let environments = road.own("Environment").await?;
    let change = Patch::Merge(json!({ "spec": spec("green") }));
    let params = PatchParams::default();
    environments.patch("made", &params, &change).await?;
    road.value_is("a", "green").await?;
    let object = environments.get("made").await?;
    assert_eq!(object.data["spec"], spec("green"));

    // What it holds is kept by the next daemon too, with a commit that came meanwhile.
    daemon.kill9()?;
    let commit = road.push(&[
        ("plain/b.yaml", None),
        ("plain/c.yaml", Some(&config_map("c", "1"))),
    ])?;
    let _daemon = road.daemon(&[]).await?;
    road.value_is("c", "1").await?;
    watch_until_gone(&road.config_maps(), "b", SOON).await?;
    let status = road.ready("made", &commit).await?;
    assert!(condition(&status, "Removed").is_none(), "{status}");

    // Deleting the object gives the objects up; it does not delete them.
    environments
        .delete("made", &DeleteParams::default())
        .await?;
    watch_until_gone(&environments, "made", SOON).await?;
    let next = road.push(&[
        ("plain/c.yaml", Some(&config_map("c", "2"))),
        ("web/map.yaml", Some(&config_map("web", "2"))),
    ])?;
    road.ready("web", &next).await?;
    road.value_is("a", "green").await?;
    road.value_is("c", "1").await?;
    Ok(())
}

#[tokio::test]
async fn an_environment_that_names_no_folder_or_repository_says_so() -> Result<()> {
    let road = Road::start("made-wrong").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
    ])?;
    let mut daemon = road.daemon(&[]).await?;
    road.ready("web", &commit).await?;
    let source = |path: &str| json!({ "source": { "repository": "main", "path": path } });
    road.create("Environment", "nowhere", source("not-there"))
        .await?;
    road.says("nowhere", &["not-there"]).await?;
    road.create("Environment", "outside", source("../etc"))
        .await?;
    road.says("outside", &["../etc"]).await?;
    assert_eq!(daemon.get("/healthz").await?.status, 200);
    let answer = eventually(SOON, "the other environment to stay Ready", async || {
        Ok(Some(daemon.get("/api/v1/environments/web").await?))
    })
    .await?;
    assert_eq!(answer.json()?["ready"], true, "{}", answer.body);
    Ok(())
}
