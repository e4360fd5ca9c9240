//! Apply, delete and dry run.

use super::*;
use rstest::rstest;
use windlass_engine::{FailureClass, drift};
use windlass_test_support::workload;

#[tokio::test]
async fn an_object_is_created_left_alone_and_changed() {
    let room = Room::new("apply").await;
    let wanted = room.config_map("settings", json!({"a": "1"}));
    let expected = room.expected(&wanted).await;
    let created = room.apply(&wanted).await.unwrap();
    assert_eq!(
        created.owned,
        Some(expected),
        "what is owned is what was claimed"
    );
    assert_eq!(created.part_of.as_deref(), Some(room.set.as_str()));
    let again = room.apply(&wanted).await.unwrap();
    assert_eq!(again, created, "the same body changes nothing");
    let changed = room.config_map("settings", json!({"b": "2"}));
    let live = room.apply(&changed).await.unwrap();
    assert_eq!(live.owned, Some(room.expected(&changed).await));
    let object = room
        .get(&room.path("/api/v1", "configmaps", "settings"))
        .await
        .unwrap();
    assert_eq!(
        object["data"],
        json!({"b": "2"}),
        "what left the body left the object"
    );
}

impl Room {
    async fn expected(&self, object: &Desired) -> windlass_engine::Fingerprint {
        let secrets = Secrets::none();
        secrets
            .expected(object, &self.namespace, &key())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_the_benchmark_applies_is_owned_as_claimed() {
    let room = Room::new("claims").await;
    for body in workload::objects("app", &room.namespace) {
        let wanted = room.desired(body);
        let live = room.apply(&wanted).await.unwrap();
        assert_eq!(
            live.owned,
            Some(room.expected(&wanted).await),
            "{} is in sync after one apply",
            wanted.id
        );
    }
}

#[rstest]
#[case::string_data(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}, "stringData": {"k": "v"}}))]
#[case::empties(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "annotations": {}, "creationTimestamp": null}, "data": {}}))]
#[case::role(json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "x"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"], "resourceNames": []}]}))]
#[case::policy(json!({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "x"},
    "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": []}}))]
#[case::volumes(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"}, "spec": {
    "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {
        "volumes": [{"name": "tmp", "emptyDir": {}}], "containers": [{"name": "c", "image": "i", "resources": {},
            "env": [{"name": "B", "value": "1"}, {"name": "A", "value": "2"}],
            "ports": [{"containerPort": 80}], "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}]}]}}}}))]
#[tokio::test]
async fn common_manifests_are_owned_as_claimed(#[case] mut body: Json) {
    let room = Room::new("manifests").await;
    body["metadata"]["namespace"] = json!(room.namespace);
    let wanted = room.desired(body);
    let live = room.apply(&wanted).await.unwrap();
    assert_eq!(
        live.owned,
        Some(room.expected(&wanted).await),
        "{}",
        wanted.id
    );
}

#[tokio::test]
async fn a_normalised_body_is_owned_in_the_same_way_each_time() {
    let room = Room::new("quantities").await;
    let mut body = workload::deployment("app", &room.namespace, 0, None);
    body["spec"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"requests": {"cpu": "1000m", "memory": "0.5Gi"}});
    let wanted = room.desired(body);
    let first = room.apply(&wanted).await.unwrap();
    assert_ne!(
        first.owned,
        Some(room.expected(&wanted).await),
        "1000m became 1"
    );
    let second = room.apply(&wanted).await.unwrap();
    assert_eq!(second.owned, first.owned, "and stays what it became");
}

#[tokio::test]
async fn an_old_version_is_owned_as_the_watch_sees_it() {
    let mut room = Room::new("versions").await;
    let scaler = room.desired(
        json!({"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "app", "namespace": room.namespace},
        "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "app"}}}),
    );
    let applied = room.apply(&scaler).await.unwrap();
    room.watch(&[("autoscaling", "HorizontalPodAutoscaler")]);
    let seen = room.live(&scaler.id, "the autoscaler", |_| true).await;
    assert_eq!(seen.owned, applied.owned, "the answer and the watch agree");
}

#[tokio::test]
async fn an_unknown_field_is_refused_by_name() {
    let room = Room::new("strict").await;
    let mut body = workload::deployment("app", &room.namespace, 1, None);
    body["spec"]["replicsa"] = json!(3);
    let failure = room.apply(&room.desired(body)).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Rejected, "WL0703")
    );
    assert!(
        failure.message.contains("spec.replicsa"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn an_invalid_value_is_refused_with_its_field() {
    let room = Room::new("invalid").await;
    let mut body = workload::deployment("app", &room.namespace, 1, None);
    body["spec"]["replicas"] = json!(-1);
    let failure = room.apply(&room.desired(body)).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Rejected, "WL0703")
    );
    assert!(
        failure.message.contains("spec.replicas"),
        "{}",
        failure.message
    );
}

#[tokio::test]
async fn without_rights_it_is_forbidden() {
    let room = Room::new("rights").await;
    let user = windlass_test_support::control_plane::USERS[0];
    let client = plane().await.client_as(user).await.unwrap();
    let cluster = Cluster::over(client, 4);
    cluster.discover().await.unwrap();
    let (sender, _observations) = mpsc::unbounded_channel();
    let target = cluster.target(key(), sender);
    let wanted = room.config_map("settings", json!({}));
    let secrets = Secrets::none();
    let failure = target
        .apply(&wanted, true, false, &secrets, "")
        .await
        .unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Forbidden, "WL0702")
    );
    assert!(failure.message.contains(user), "{}", failure.message);
}

#[tokio::test]
async fn a_service_account_acts_with_its_own_rights() {
    let room = Room::new("account").await;
    let acting = room.target.acting_as(&room.namespace, "deployer");
    let wanted = room.config_map("settings", json!({}));
    let secrets = Secrets::none();
    let failure = acting
        .apply(&wanted, true, false, &secrets, "")
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Forbidden);
    let account = format!("system:serviceaccount:{}:deployer", room.namespace);
    assert!(failure.message.contains(&account), "{}", failure.message);
}

#[tokio::test]
async fn without_its_namespace_it_waits() {
    let room = Room::new("namespace").await;
    let mut body = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}});
    body["metadata"]["namespace"] = json!(room.case.name("absent"));
    let failure = room.apply(&room.desired(body)).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::NamespaceMissing, "WL0706")
    );
}

#[tokio::test]
async fn deletion_needs_the_object_that_was_seen() {
    let room = Room::new("delete").await;
    let wanted = room.config_map("settings", json!({"a": "1"}));
    let first = room.apply(&wanted).await.unwrap();
    let second = room
        .apply(&room.config_map("settings", json!({"a": "2"})))
        .await
        .unwrap();
    let delete =
        async |uid: &str, version: &str| room.target.delete(&wanted.id, uid, version).await;
    for (uid, version) in [
        (first.uid.as_str(), first.resource_version.as_str()),
        ("another", second.resource_version.as_str()),
    ] {
        let failure = delete(uid, version).await.unwrap_err();
        assert_eq!(failure.class, FailureClass::Stale, "{}", failure.message);
    }
    delete(&second.uid, &second.resource_version).await.unwrap();
    delete(&second.uid, &second.resource_version)
        .await
        .expect("what is gone is gone");
}

#[tokio::test]
async fn a_dry_run_shows_both_and_writes_nothing() {
    let room = Room::new("dry-run").await;
    let wanted = room.config_map("settings", json!({"a": "1"}));
    let secrets = Secrets::none();
    let dry = async |object: &Desired| room.target.dry_run(object, &secrets, "").await.unwrap();
    let (live, result) = dry(&wanted).await;
    assert_eq!(live, None);
    assert_eq!(result["data"], json!({"a": "1"}));
    room.apply(&wanted).await.unwrap();
    let (live, result) = dry(&room.config_map("settings", json!({"a": "2"}))).await;
    assert_eq!(live.unwrap()["data"], json!({"a": "1"}));
    assert_eq!(result["data"], json!({"a": "2"}));
}

#[tokio::test]
async fn a_job_is_replaced_when_it_cannot_be_changed() {
    let room = Room::new("job").await;
    let job = |image: &str| {
        json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "migrate", "namespace": room.namespace},
            "spec": {"template": {"spec": {"restartPolicy": "Never",
                "containers": [{"name": "c", "image": image}]}}}})
    };
    let first = room.apply(&room.desired(job("one"))).await.unwrap();
    let mut invalid = job("two");
    invalid["spec"]["template"]["spec"]["restartPolicy"] = json!("Always");
    let failure = room.apply(&room.desired(invalid)).await.unwrap_err();
    assert_ne!(
        failure.code, "WL0731",
        "what would not be accepted replaces nothing"
    );
    let failure = room.apply(&room.desired(job("two"))).await.unwrap_err();
    assert_eq!(failure.code, "WL0731", "{}", failure.message);
    let second = room.apply(&room.desired(job("two"))).await.unwrap();
    assert_ne!(first.uid, second.uid, "a new object");
}

#[tokio::test]
async fn a_deployment_is_not_replaced_unasked() {
    let room = Room::new("immutable").await;
    let body = |label: &str| {
        let mut body = workload::deployment("app", &room.namespace, 0, None);
        body["spec"]["selector"]["matchLabels"] = json!({"app": label});
        body["spec"]["template"]["metadata"]["labels"] = json!({"app": label});
        body
    };
    let first = room.apply(&room.desired(body("a"))).await.unwrap();
    let failure = room.apply(&room.desired(body("b"))).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Rejected, "WL0730")
    );
    let mut allowed = body("b");
    allowed["metadata"]["annotations"] = json!({"windlass.dev/replace": "on-immutable"});
    let failure = room
        .apply(&room.desired(allowed.clone()))
        .await
        .unwrap_err();
    assert_eq!(failure.code, "WL0731", "{}", failure.message);
    let second = room.apply(&room.desired(allowed)).await.unwrap();
    assert_ne!(first.uid, second.uid, "a new object");
    assert_eq!(drift::MANAGER, "windlass");
}
