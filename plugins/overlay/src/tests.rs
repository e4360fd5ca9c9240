#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::parse_config;
use windlass_plugin_sdk::testing::MemoryHost;

const BASE: &str = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 1
  template:
    spec:
      containers:
      - {name: web, image: web:1}
      - {name: log, image: log:1}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: NodePort}
---
apiVersion: example.com/v1
kind: Thing
metadata: {name: thing}
spec: {list: [a, b], keep: yes}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: twice, namespace: a}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: twice, namespace: b}
";

fn host(overlay: &str) -> MemoryHost {
    MemoryHost::new()
        .in_folder("prod")
        .file("base/all.yaml", BASE)
        .file("prod/environment.yaml", "kind: Environment")
        .file("prod/overlay.yaml", overlay)
}

fn overlaid(overlay: &str) -> Result<Vec<Json>, Failure> {
    let config = parse_config(r#"{"base": "../base"}"#)?;
    Overlay::transform(Vec::new(), config, &mut host(overlay))
}

#[rstest]
#[case::merge_by_key(
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: \
     {containers: [{name: web, image: 'web:2'}]}}}",
    "/0/spec/template/spec/containers",
    json!([{"name": "web", "image": "web:2"}, {"name": "log", "image": "log:1"}]))]
#[case::the_rest_stays(
    "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}",
    "/0/metadata/labels", json!({"app": "web"}))]
#[case::custom_kinds_by_json_merge(
    "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: thing}\nspec: {list: [c]}",
    "/2/spec", json!({"list": ["c"], "keep": true}))]
#[case::deleted(
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n$patch: delete",
    "/1/kind", json!("Thing"))]
#[case::by_namespace(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice, namespace: b}\ndata: {x: new}",
    "/4/data", json!({"x": "new"}))]
#[case::a_namespace_is_given(
    "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}",
    "/1/metadata/namespace", json!("shop"))]
#[case::the_origin_stays_that_of_the_base(
    "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {type: ClusterIP}",
    "/1/metadata/annotations/internal.config.kubernetes.io~1path", json!("../base/all.yaml"))]
#[case::new_by_annotation(
    "apiVersion: v1\nkind: Service\nmetadata: {name: new, annotations: {windlass.dev/overlay: add}}",
    "/5/metadata/annotations/windlass.dev~1overlay",
    Json::Null
)]
fn an_overlay_changes_the_base(#[case] overlay: &str, #[case] at: &str, #[case] expected: Json) {
    let result = Json::Array(overlaid(overlay).unwrap());
    assert_eq!(
        result.pointer(at).unwrap_or(&Json::Null),
        &expected,
        "{result}"
    );
}

#[rstest]
#[case::misspelt(
    "apiVersion: v1\nkind: Service\nmetadata: {name: wbe}",
    "overlay.yaml, Service wbe: no object of the base matches; did you mean the name `web`?"
)]
#[case::new(
    "apiVersion: v1\nkind: Service\nmetadata: {name: something}",
    "overlay.yaml, Service something: no object of the base matches; a new object belongs into a \
     folder that `add` names, or needs the annotation `windlass.dev/overlay: add`"
)]
#[case::ambiguous(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice}",
    "overlay.yaml, ConfigMap twice: more than one object matches: ConfigMap a/twice, \
     ConfigMap b/twice; say which one with `metadata.namespace`"
)]
#[case::other_namespace(
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: twice, namespace: c}",
    "overlay.yaml, ConfigMap c/twice: no object of the base matches; there is ConfigMap a/twice"
)]
#[case::wrong_marker(
    "apiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {windlass.dev/overlay: new}}",
    "overlay.yaml, Service web: the annotation `windlass.dev/overlay` is `new`; its only value is \
     `add`"
)]
#[case::not_new(
    "apiVersion: v1\nkind: Service\nmetadata: {name: web, annotations: {windlass.dev/overlay: add}}",
    "overlay.yaml, Service web: the object is already there, from ../base/all.yaml (document 2); \
     to change it, put the partial object where `with` points, without the annotation"
)]
fn a_wrong_overlay_is_named(#[case] overlay: &str, #[case] expected: &str) {
    assert_eq!(overlaid(overlay).unwrap_err().to_string(), expected);
}

#[test]
fn folders_of_add_hold_new_objects_and_are_no_overlays() {
    let config = parse_config(r#"{"base": "../base", "add": "only-here"}"#).unwrap();
    let mut host = host("").file(
        "prod/only-here/new.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: new}",
    );
    let objects = Overlay::transform(Vec::new(), config, &mut host).unwrap();
    assert_eq!(objects.len(), 6);
    assert_eq!(objects[5]["metadata"]["name"], "new");
}

#[test]
fn objects_of_earlier_steps_are_a_base_too() {
    let before = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "api"}});
    let overlay = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec:\n  type: ${TYPE}";
    let config = parse_config(r#"{"variables": {"TYPE": "ClusterIP"}}"#).unwrap();
    let objects = Overlay::transform(vec![before], config, &mut host(overlay)).unwrap();
    assert_eq!(objects[0]["spec"]["type"], "ClusterIP");
}

#[test]
fn the_schema_is_json() {
    let schema: Json = serde_json::from_str(config::SCHEMA).unwrap();
    assert!(
        schema["properties"]["variables"].is_object(),
        "the host looks for this key"
    );
}
