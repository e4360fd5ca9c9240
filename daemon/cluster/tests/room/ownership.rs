//! Who owns which field.

use super::*;
use windlass_engine::{Conflict, FailureClass};
use windlass_test_support::workload;

#[tokio::test]
async fn fields_left_to_others_survive_an_apply_and_are_no_drift() {
    let room = Room::new("replicas").await;
    let wanted = |image: &str| {
        let mut body = workload::deployment("app", &room.namespace, 2, None);
        body["spec"]["template"]["spec"]["containers"][0]["image"] = json!(image);
        let mut wanted = room.desired(body);
        wanted.leave = vec!["/spec/replicas".parse().unwrap()];
        wanted
    };
    let first = wanted("one");
    room.target.set_leave(&first.id, first.leave.clone());
    let created = room.apply(&first).await.unwrap();
    let path = room.path("/apis/apps/v1", "deployments", "app");
    let live = room.get(&path).await.unwrap();
    assert_eq!(live["spec"]["replicas"], 2, "set at the creation");
    room.edit(&path, &json!({"spec": {"replicas": 5}})).await;
    let again = room
        .apply_with(&first, true, true, &Secrets::none())
        .await
        .unwrap();
    assert_eq!(again.owned, created.owned, "another number is no drift");
    room.apply_with(&wanted("two"), true, true, &Secrets::none())
        .await
        .unwrap();
    let live = room.get(&path).await.unwrap();
    assert_eq!(live["spec"]["replicas"], 5, "the other's number stays");
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"][0]["image"],
        "two"
    );
}

#[tokio::test]
async fn what_kubectl_applied_before_leaves_with_git() {
    let room = Room::new("adopt").await;
    let path = room.path("/api/v1", "configmaps", "settings");
    let old = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"},
        "data": {"kept": "1", "gone": "2"}});
    let collection = format!(
        "/api/v1/namespaces/{}/configmaps?fieldManager=kubectl-client-side-apply",
        room.namespace
    );
    room.create(&collection, &old).await;
    room.edit(&path, &json!({"data": {"by-hand": "3"}})).await;
    let live = room
        .apply(&room.config_map("settings", json!({"kept": "1"})))
        .await
        .unwrap();
    let object = room.get(&path).await.unwrap();
    assert_eq!(
        object["data"],
        json!({"kept": "1", "by-hand": "3"}),
        "the old manifest's field is gone, a person's edit is not"
    );
    assert_eq!(live.other_manager.as_deref(), Some("kubectl-edit"));
}

#[tokio::test]
async fn a_conflict_names_the_other_and_can_be_yielded_to() {
    let room = Room::new("conflict").await;
    let path = room.path("/api/v1", "configmaps", "settings");
    room.apply(&room.config_map("settings", json!({"a": "1", "b": "1"})))
        .await
        .unwrap();
    room.edit(&path, &json!({"data": {"a": "theirs"}})).await;
    let mut wanted = room.config_map("settings", json!({"a": "2", "b": "2"}));
    let failure = room
        .apply_with(&wanted, false, true, &Secrets::none())
        .await
        .unwrap_err();
    let managers = vec!["kubectl-edit".to_owned()];
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Conflict { managers }, "WL0704")
    );
    wanted.conflict = Conflict::Yield;
    room.apply_with(&wanted, false, true, &Secrets::none())
        .await
        .unwrap();
    let object = room.get(&path).await.unwrap();
    assert_eq!(object["data"], json!({"a": "theirs", "b": "2"}));
    wanted.conflict = Conflict::Force;
    room.apply_with(&wanted, true, true, &Secrets::none())
        .await
        .unwrap();
    let object = room.get(&path).await.unwrap();
    assert_eq!(object["data"], json!({"a": "2", "b": "2"}));
}
