//! What is wrong in one environment stays there.

use anyhow::Result;
use kube::Api;
use kube::api::ListParams;

use crate::rig::{PLAIN, Road, SYSTEM, condition, config_map};

#[tokio::test]
async fn a_broken_environment_says_where_and_harms_no_other() -> Result<()> {
    let road = Road::start("broken").await?;
    let broken = "apiVersion: windlass.dev/v1alpha1\nkind: Environment\nspec:\n  namspace: x\n";
    let commit = road.push(&[
        ("broken/environment.yaml", Some(broken)),
        ("broken/map.yaml", Some(&config_map("broken", "1"))),
        ("good/environment.yaml", Some(PLAIN)),
        ("good/map.yaml", Some(&config_map("good", "1"))),
    ])?;
    let _daemon = road.daemon(&[]).await?;
    road.ready("good", &commit).await?;
    let place =
        "broken/environment.yaml:4:3: unknown key `spec.namspace`; did you mean `namespace`?";
    let status = road.says("broken", &[place, "WL0103"]).await?;
    let stalled = condition(&status, "Stalled");
    assert!(stalled.is_some(), "it waits for a person: {status}");

    let commit = road.push(&[
        ("broken/environment.yaml", Some(PLAIN)),
        ("good/map.yaml", Some(&config_map("good", "2"))),
    ])?;
    road.value_is("good", "2").await?;
    road.value_is("broken", "1").await?;
    let status = road.ready("broken", &commit).await?;
    assert!(condition(&status, "Stalled").is_none(), "{status}");

    let events: Api<k8s_openapi::api::core::v1::Event> =
        Api::namespaced(road.client.clone(), SYSTEM);
    let events = events.list(&ListParams::default()).await?;
    assert!(!events.items.is_empty(), "people are told by events too");
    Ok(())
}
