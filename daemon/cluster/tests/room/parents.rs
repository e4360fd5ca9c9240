//! Our own kinds: installed, written, followed.

use super::*;
use std::collections::BTreeMap;
use windlass_cluster::resources::{
    Environment, EnvironmentSpec, EnvironmentStatus, RepositorySpec,
};
use windlass_cluster::{EventKind, ObjectReference, ParentEvent};
use windlass_engine::applyset::{CONTAINS, ID, Inventory, NAMESPACES};

async fn crd_version(room: &Room) -> Json {
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/environments.windlass.dev";
    room.get(path).await.unwrap()["metadata"]["resourceVersion"].clone()
}

#[tokio::test]
async fn definitions_are_installed_once() {
    let room = Room::new("install").await;
    room.cluster().install().await.unwrap();
    let version = crd_version(&room).await;
    room.cluster().install().await.unwrap();
    assert_eq!(
        crd_version(&room).await,
        version,
        "what is there is not written"
    );
    let kind = GroupKind::new("windlass.dev", "Environment");
    assert_eq!(
        room.cluster().is_namespaced(&kind),
        Some(true),
        "served at once"
    );
}

/// A restart meets everything as it left it, and what is as it should be is read and not written.
#[tokio::test]
async fn what_is_there_already_is_not_written() {
    const USER: &str = "windlass";
    let options = Options {
        audit: true,
        ..Options::default()
    };
    let plane = ControlPlane::start(options).await.unwrap();
    plane.grant_cluster_admin(USER).await.unwrap();
    let kubeconfig = plane.kubeconfig_as(USER).unwrap();
    let cluster = Cluster::connect_as(Some(&kubeconfig), None).await.unwrap();
    let mut spec: RepositorySpec = serde_json::from_value(json!({
        "url": "https://git.example/fleet.git", "ref": {"branch": "main"}, "interval": "1m30s",
        "secretStores": [{"name": "a", "kubernetes": {}}]}))
    .unwrap();
    let start = async |spec: &RepositorySpec| {
        cluster.install().await.unwrap();
        cluster.ensure_namespace("system").await.unwrap();
        cluster
            .write_repository("system", "fleet", spec)
            .await
            .unwrap();
    };
    let writes = || -> Vec<String> {
        plane
            .requests_by(USER)
            .unwrap()
            .into_iter()
            .filter(|request| !["get", "list", "watch"].contains(&request.verb.as_str()))
            .map(|request| format!("{} {}", request.verb, request.resource))
            .collect()
    };
    start(&spec).await;
    let first = writes();
    assert_eq!(first.len(), 4, "all is written at first: {first:?}");
    start(&spec).await;
    assert_eq!(writes(), first, "and nothing of it again");

    // What is not as it should be is put right.
    spec.interval = None;
    start(&spec).await;
    let third = writes();
    assert_eq!(third[4..], ["patch repositories"], "{third:?}");
    let definition =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/repositories.windlass.dev";
    let edit = json!({"spec": {"names": {"shortNames": ["other"]}}});
    let client = plane.client().await.unwrap();
    let request = http::Request::patch(definition)
        .header("content-type", "application/merge-patch+json")
        .body(edit.to_string().into_bytes())
        .unwrap();
    client.request::<Json>(request).await.unwrap();
    start(&spec).await;
    let fourth = writes();
    assert_eq!(
        fourth[5..],
        ["patch customresourcedefinitions"],
        "{fourth:?}"
    );
}

#[tokio::test]
async fn an_environment_is_written_beside_what_a_person_sets() {
    let room = Room::new("parent").await;
    let (cluster, namespace) = (room.cluster(), room.namespace.as_str());
    cluster.install().await.unwrap();
    let (sender, mut events) = mpsc::unbounded_channel();
    let _watching = cluster.watch_environments(Some(namespace), sender);
    let mut next = async || {
        let event = tokio::time::timeout(DEADLINE, events.recv()).await;
        event.expect("an event").expect("the watch is alive")
    };
    assert!(matches!(next().await, ParentEvent::Listed));

    let inventory = Inventory {
        kinds: BTreeSet::from([
            GroupKind::new("apps", "Deployment"),
            GroupKind::new("", "Service"),
        ]),
        namespaces: BTreeSet::from([namespace.to_owned(), "shop".to_owned()]),
    };
    let spec: EnvironmentSpec = serde_json::from_value(json!({"namespace": "shop",
        "variables": {"replicas": 3, "name": "x"},
        "pipeline": [{"plugin": "manifests", "config": {"deep": {"any": [1, "two"]}}}]}))
    .unwrap();
    let labels = BTreeMap::from([("windlass.dev/repository".to_owned(), "fleet".to_owned())]);
    let write = async || {
        cluster
            .write_environment(
                namespace,
                "shop",
                Some(&spec),
                &room.set,
                &inventory,
                &labels,
            )
            .await
            .unwrap()
    };
    let written = write().await;
    let metadata = &written.metadata;
    assert_eq!(metadata.labels.as_ref().unwrap()[ID], room.set.as_str());
    let annotations = metadata.annotations.as_ref().unwrap();
    assert_eq!(annotations[CONTAINS], "Deployment.apps,Service");
    assert_eq!(annotations[NAMESPACES], "shop", "without the parent's own");
    assert_eq!(written.spec, spec, "every field is in the schema");

    let path = room.path("/apis/windlass.dev/v1alpha1", "environments", "shop");
    room.edit(&path, &json!({"spec": {"suspend": true}})).await;
    assert_eq!(
        write().await.spec.suspend,
        Some(true),
        "a person's field stays"
    );

    let status: EnvironmentStatus = serde_json::from_value(json!({"observedGeneration": 1,
        "objects": 4, "message": "all is well", "failures": [{"object": "Service shop/a", "code": "WL0703", "message": "no"}],
        "conditions": [{"type": "Ready", "status": "True", "reason": "Synced", "message": "",
            "lastTransitionTime": "2026-01-01T00:00:00Z"}]}))
    .unwrap();
    cluster
        .write_environment_status(namespace, "shop", &status)
        .await
        .unwrap();
    let seen: Environment = loop {
        if let ParentEvent::Applied(environment) = next().await
            && environment.status.is_some()
        {
            break *environment;
        }
    };
    assert_eq!(seen.status, Some(status));
    cluster.delete_environment(namespace, "shop").await.unwrap();
    cluster
        .delete_environment(namespace, "shop")
        .await
        .expect("gone is gone");
    loop {
        if let ParentEvent::Deleted { name, .. } = next().await {
            assert_eq!(name, "shop");
            break;
        }
    }
}

#[tokio::test]
async fn a_repository_with_every_field_is_taken() {
    let room = Room::new("repository").await;
    room.cluster().install().await.unwrap();
    let spec = json!({"url": "https://git.example/fleet.git", "ref": {"branch": "main"}, "interval": "1m30s",
        "timeout": "30s", "secretRef": {"name": "git"}, "namespaces": ["*"], "plugins": {"allowPaths": true},
        "secretStores": [{"name": "a", "kubernetes": {}}, {"name": "b", "files": {"path": "/run/secrets"}}],
        "serviceAccount": "deployer", "suspend": false, "webhook": {"secretRef": {"name": "hook"}}});
    let typed: RepositorySpec = serde_json::from_value(spec.clone()).unwrap();
    assert_eq!(serde_json::to_value(&typed).unwrap(), spec);
    let body = json!({"apiVersion": "windlass.dev/v1alpha1", "kind": "Repository",
        "metadata": {"name": "fleet", "namespace": room.namespace}, "spec": spec});
    let collection = format!(
        "/apis/windlass.dev/v1alpha1/namespaces/{}/repositories?fieldValidation=Strict",
        room.namespace
    );
    let made = room.create(&collection, &body).await;
    assert_eq!(made["spec"], spec, "nothing is pruned by the schema");
}

#[tokio::test]
async fn an_event_is_published() {
    let room = Room::new("event").await;
    let about = ObjectReference {
        api_version: Some("v1".into()),
        kind: Some("ConfigMap".into()),
        name: Some("settings".into()),
        namespace: Some(room.namespace.clone()),
        ..ObjectReference::default()
    };
    room.cluster()
        .event(&about, EventKind::Warning, "Drifted", &"long ".repeat(500))
        .await;
    let list = room
        .get(&format!(
            "/apis/events.k8s.io/v1/namespaces/{}/events",
            room.namespace
        ))
        .await
        .unwrap();
    assert_eq!(list["items"][0]["reason"], "Drifted");
    assert_eq!(list["items"][0]["regarding"]["name"], "settings");
}
