//! What the watches see.

use super::proxy::Proxy;
use super::*;

#[tokio::test]
async fn drift_is_seen_and_status_is_not_drift() {
    let mut room = Room::new("drift").await;
    room.watch(&[("apps", "Deployment")]);
    room.listed("apps", "Deployment").await;
    let wanted = room.desired(windlass_test_support::workload::deployment(
        "app",
        &room.namespace,
        1,
        None,
    ));
    let applied = room.apply(&wanted).await.unwrap();
    let path = room.path("/apis/apps/v1", "deployments", "app");
    let status = json!({"status": {"replicas": 1, "observedGeneration": 1}});
    room.edit(&format!("{path}/status"), &status).await;
    let seen = room
        .live(&wanted.id, "the new status", |live| {
            live.health != applied.health
        })
        .await;
    assert_eq!(seen.owned, applied.owned, "a status is no drift");
    room.edit(&path, &json!({"spec": {"paused": true}})).await;
    let seen = room
        .live(&wanted.id, "a field that is not ours", |live| {
            live.resource_version != seen.resource_version
        })
        .await;
    assert_eq!(seen.owned, applied.owned, "another's field is no drift");
    room.edit(&path, &json!({"spec": {"replicas": 3}})).await;
    let seen = room
        .live(&wanted.id, "drift", |live| live.owned != applied.owned)
        .await;
    assert_eq!(seen.other_manager.as_deref(), Some("kubectl-edit"));
}

#[tokio::test]
async fn an_object_without_its_label_or_deleted_has_vanished() {
    let mut room = Room::new("vanish").await;
    room.watch(&[("", "ConfigMap")]);
    room.listed("", "ConfigMap").await;
    let (one, two) = (
        room.config_map("one", json!({})),
        room.config_map("two", json!({})),
    );
    let live = room.apply(&one).await.unwrap();
    room.apply(&two).await.unwrap();
    let path = room.path("/api/v1", "configmaps", "one");
    room.edit(&path, &json!({"metadata": {"labels": {PART_OF: null}}}))
        .await;
    assert_eq!(room.vanished(&one.id).await, Some(live.uid));
    let path = room.path("/api/v1", "configmaps", "two");
    room.send("DELETE", &path, "application/json", &json!({}))
        .await
        .unwrap();
    room.vanished(&two.id).await;
    let kind = GroupKind::new("", "ConfigMap");
    let known = room.target.known(&kind).unwrap();
    assert!(
        known
            .iter()
            .all(|live| live.id.namespace.as_deref() != Some(&room.namespace)),
        "nothing is known of what has gone"
    );
}

#[tokio::test]
async fn what_was_there_before_is_listed_and_replayed() {
    let mut room = Room::new("replay").await;
    let wanted = room.config_map("settings", json!({"a": "b"}));
    let applied = room.apply(&wanted).await.unwrap();
    let kinds = BTreeSet::from([GroupKind::new("", "ConfigMap")]);
    assert_eq!(
        room.target.known(&GroupKind::new("", "ConfigMap")),
        None,
        "not listed yet"
    );
    room.target.watch(&kinds);
    assert_eq!(room.live(&wanted.id, "the member", |_| true).await, applied);
    room.listed("", "ConfigMap").await;
    let target = windlass_cluster::Target::Kubernetes(room.target.clone());
    let told = target.replay(&kinds, &room.set);
    assert!(
        matches!(told.as_slice(), [Observation::Live(live), Observation::Listed(_)] if **live == applied),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_custom_kind_comes_and_goes() {
    let mut room = Room::new("custom").await;
    let group = format!("{}.example", room.case.id());
    let widget = json!({"apiVersion": format!("{group}/v1"), "kind": "Widget",
        "metadata": {"name": "w", "namespace": room.namespace}, "spec": {"size": 3}});
    let wanted = room.desired(widget);
    let kind = wanted.id.group_kind();
    room.target.watch(&BTreeSet::from([kind.clone()]));
    let is = |wanted: GroupKind, which: fn(&Observation) -> Option<&GroupKind>| {
        move |seen: Observation| (which(&seen) == Some(&wanted)).then_some(())
    };
    let missing: fn(&Observation) -> Option<&GroupKind> = |seen| match seen {
        Observation::KindMissing(kind) => Some(kind),
        _ => None,
    };
    let served: fn(&Observation) -> Option<&GroupKind> = |seen| match seen {
        Observation::KindServed(kind) => Some(kind),
        _ => None,
    };
    room.observe("the missing kind", is(kind.clone(), missing))
        .await;
    let failure = room.apply(&wanted).await.unwrap_err();
    assert_eq!(failure.code, "WL0705", "{}", failure.message);
    room.apply(&room.desired(definition(&group))).await.unwrap();
    room.observe("the served kind", is(kind.clone(), served))
        .await;
    room.listed(&group, "Widget").await;
    assert_eq!(room.cluster().is_namespaced(&kind), Some(true));
    room.apply(&wanted).await.unwrap();
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}");
    room.send("DELETE", &path, "application/json", &json!({}))
        .await
        .unwrap();
    room.vanished(&wanted.id).await;
    room.observe("the missing kind", is(kind.clone(), missing))
        .await;
    assert!(room.target.is_missing(&kind));
    assert_eq!(room.cluster().is_namespaced(&kind), None);
}

#[tokio::test]
async fn fields_left_to_others_later_change_the_fingerprint_once() {
    let mut room = Room::new("leave-later").await;
    room.watch(&[("", "ConfigMap")]);
    room.listed("", "ConfigMap").await;
    let wanted = room.config_map("settings", json!({"a": "1", "b": "2"}));
    let applied = room.apply(&wanted).await.unwrap();
    room.target
        .set_leave(&wanted.id, vec!["/data/b".parse().unwrap()]);
    let seen = room
        .live(&wanted.id, "the new fingerprint", |live| {
            live.owned != applied.owned
        })
        .await;
    assert_eq!(
        seen.resource_version, applied.resource_version,
        "nothing was written"
    );
}

/// A watch that was away for longer than the API server remembers lists anew.
#[tokio::test]
async fn what_happened_behind_its_back_is_found_after_a_restart() {
    let mut plane = ControlPlane::start(Options::default()).await.unwrap();
    let proxy = Proxy::start(&plane.url()).await;
    let client = proxy.client(&plane).await;
    let mut room = Room::over("restart", client).await;
    room.watch(&[("", "ConfigMap")]);
    room.listed("", "ConfigMap").await;
    let (one, two) = (
        room.config_map("one", json!({})),
        room.config_map("two", json!({})),
    );
    room.apply(&one).await.unwrap();
    room.apply(&two).await.unwrap();

    proxy.cut();
    room.client = plane.client().await.unwrap();
    let path = room.path("/api/v1", "configmaps", "one");
    room.send("DELETE", &path, "application/json", &json!({}))
        .await
        .unwrap();
    plane.stop_api_server().unwrap();
    room.observe("the failure", |seen| {
        matches!(seen, Observation::WatchFailed { .. }).then_some(())
    })
    .await;
    plane.start_api_server().await.unwrap();
    proxy.mend();

    room.vanished(&one.id).await;
    room.observe("the recovery", |seen| {
        matches!(seen, Observation::WatchRecovered { .. }).then_some(())
    })
    .await;
    room.client = plane.client().await.unwrap();
    let path = room.path("/api/v1", "configmaps", "two");
    room.edit(
        &path,
        &json!({"metadata": {"labels": {PART_OF: "another"}}}),
    )
    .await;
    let seen = room.live(&two.id, "a later change", |_| true).await;
    assert_eq!(seen.part_of.as_deref(), Some("another"));
}
