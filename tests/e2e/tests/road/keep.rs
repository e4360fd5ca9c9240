//! The cluster is kept as Git says: what left Git is pruned, what was changed by hand is put back, and nothing is asked
//! where nothing has to be done.

use std::time::Duration;

use anyhow::Result;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;
use windlass_test_support::{eventually, watch_until_gone};

use crate::rig::{PLAIN, Road, SOON, condition, config_map, succeeded};

/// An inventory is not narrowed for two minutes after a start, as long as requests of a killed process may still be
/// carried out, and only an object that names nothing any more is deleted.
const TIDY: Duration = Duration::from_secs(180);

#[tokio::test]
async fn a_removed_file_is_pruned_and_a_large_prune_waits_for_a_person() -> Result<()> {
    let road = Road::start("prune").await?;
    let names: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    let mut changes = vec![("web/environment.yaml".to_owned(), PLAIN.to_owned())];
    for name in &names {
        changes.push((format!("web/{name}.yaml"), config_map(name, "1")));
    }
    let changes: Vec<(&str, Option<&str>)> = changes
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    let first = road.push(&changes)?;
    let _daemon = road.daemon(&[]).await?;
    road.ready("web", &first).await?;

    let second = road.push(&[("web/m0.yaml", None)])?;
    watch_until_gone(&road.config_maps(), "m0", SOON).await?;
    road.ready("web", &second).await?;
    road.value_is("m1", "1").await?;

    let files: Vec<String> = names[1..]
        .iter()
        .map(|name| format!("web/{name}.yaml"))
        .collect();
    let removed: Vec<(&str, Option<&str>)> =
        files.iter().map(|file| (file.as_str(), None)).collect();
    road.push(&removed)?;
    let status = road
        .environment("web", "a refused prune", |status| {
            status["pruneRefusal"]["objects"] == 11
        })
        .await?;
    let digest = status["pruneRefusal"]["digest"]
        .as_str()
        .unwrap_or_default();
    assert_ne!(digest, "", "the digest to confirm: {status}");
    assert!(
        condition(&status, "Ready").is_some_and(|ready| ready["status"] == "False"),
        "an environment with a refused prune is not Ready: {status}"
    );
    for name in &names[1..] {
        road.value_is(name, "1").await?;
    }

    let wrong = ["sync", "web", "--confirm-prune", "0000", "--timeout", "1s"];
    assert!(
        !road.windlass(&wrong).await?.status.success(),
        "another digest confirms nothing"
    );
    road.value_is("m11", "1").await?;
    let right = ["sync", "web", "--confirm-prune", digest, "--timeout", "20s"];
    succeeded(&road.windlass(&right).await?)?;
    for name in &names[1..] {
        watch_until_gone(&road.config_maps(), name, SOON).await?;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_changed_by_hand_is_put_back() -> Result<()> {
    let road = Road::start("drift").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("map", "of git"))),
    ])?;
    let _daemon = road.daemon(&[]).await?;
    road.ready("web", &commit).await?;
    let before = road.value_is("map", "of git").await?;

    let edit = Patch::Merge(json!({ "data": { "value": "by hand", "other": "is left alone" } }));
    let params = PatchParams::default();
    let edited = road.config_maps().patch("map", &params, &edit).await?;
    assert_ne!(
        edited.metadata.resource_version,
        before.metadata.resource_version
    );
    let back = road.value_is("map", "of git").await?;
    let other = back.data.as_ref().and_then(|data| data.get("other"));
    assert!(other.is_some(), "a field of somebody else stays: {back:?}");

    road.config_maps()
        .delete("map", &DeleteParams::default())
        .await?;
    let made_again = eventually(SOON, "the object to be made again", async || {
        let map: Option<ConfigMap> = road.config_maps().get_opt("map").await?;
        Ok(map.filter(|map| map.metadata.uid != before.metadata.uid))
    });
    made_again.await?;
    road.value_is("map", "of git").await?;
    road.ready("web", &commit).await?;
    Ok(())
}

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: server
spec:
  replicas: 1
  selector: {matchLabels: {app: server}}
  template:
    metadata: {labels: {app: server}}
    spec:
      containers: [{name: server, image: "registry.example/server:1"}]
"#;

#[tokio::test]
async fn a_status_that_changes_costs_no_request() -> Result<()> {
    let road = Road::start("status").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/server.yaml", Some(DEPLOYMENT)),
        ("other/environment.yaml", Some(PLAIN)),
        ("other/map.yaml", Some(&config_map("map", "of git"))),
    ])?;
    let _daemon = road.daemon(&[]).await?;
    road.ready("other", &commit).await?;
    let deployments: Api<Deployment> = Api::namespaced(road.client.clone(), "default");
    let status = |collisions: u32| {
        Patch::Merge(json!({ "status": {
            "observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "updatedReplicas": 1,
            "availableReplicas": 1, "collisionCount": collisions,
            "conditions": [
                { "type": "Available", "status": "True", "reason": "MinimumReplicasAvailable" },
                { "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable" },
            ],
        }}))
    };
    let params = PatchParams::default();
    eventually(SOON, "the deployment to be made", async || {
        Ok(deployments.get_opt("server").await?)
    })
    .await?;
    deployments
        .patch_status("server", &params, &status(1))
        .await?;
    road.ready("web", &commit).await?;

    let before = road.requests()?.len();
    for collisions in 2..20 {
        let change = status(collisions);
        deployments.patch_status("server", &params, &change).await?;
    }
    // What is put right after them was noticed after them, so the answer to them would have been given by then.
    let edit = Patch::Merge(json!({ "data": { "value": "by hand" } }));
    road.config_maps().patch("map", &params, &edit).await?;
    road.value_is("map", "of git").await?;
    let of_deployment: Vec<_> = road
        .requests()?
        .split_off(before)
        .into_iter()
        .filter(|request| request.resource == "deployments" || request.name == "web")
        .collect();
    assert!(of_deployment.is_empty(), "no request: {of_deployment:#?}");
    Ok(())
}

#[tokio::test]
async fn an_environment_that_agreed_to_it_goes_with_its_folder() -> Result<()> {
    let road = Road::start("remove").await?;
    let goes = format!("{PLAIN}  sync: {{onRemove: prune}}\n");
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec:\n  \
                 accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 1Gi}}\n";
    let map = |name: &str| config_map(name, "1");
    let commit = road.push(&[
        ("goes/environment.yaml", Some(&goes)),
        ("goes/map.yaml", Some(&map("goes"))),
        ("holds/environment.yaml", Some(&goes)),
        ("holds/map.yaml", Some(&map("holds"))),
        ("holds/claim.yaml", Some(claim)),
        ("stays/environment.yaml", Some(PLAIN)),
        ("stays/map.yaml", Some(&map("stays"))),
    ])?;
    let _daemon = road.daemon(&[]).await?;
    for name in ["goes", "stays"] {
        road.ready(name, &commit).await?;
    }
    road.value_is("holds", "1").await?;
    road.push(&[
        ("goes", None),
        ("holds", None),
        ("stays", None),
        ("other/environment.yaml", Some(PLAIN)),
        ("other/map.yaml", Some(&map("other"))),
    ])?;
    watch_until_gone(&road.config_maps(), "goes", SOON).await?;
    road.value_is("other", "1").await?;

    // Without the agreement everything stays, and with it what is never deleted by default: then the object stays
    // too, because it is what still names them.
    watch_until_gone(&road.config_maps(), "holds", SOON).await?;
    for (name, what) in [
        ("stays", "its folder left Git"),
        ("holds", "PersistentVolumeClaim"),
    ] {
        let removed = |status: &serde_json::Value| {
            condition(status, "Removed").is_some_and(|it| it["status"] == "True")
                && status["message"]
                    .as_str()
                    .is_some_and(|it| it.contains(what))
        };
        road.environment(name, &format!("being removed, with {what}"), removed)
            .await?;
    }
    road.value_is("stays", "1").await?;
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(road.client.clone(), "default");
    assert!(claims.get_opt("data").await?.is_some(), "the claim is kept");
    watch_until_gone(&road.own("Environment").await?, "goes", TIDY).await?;
    Ok(())
}
