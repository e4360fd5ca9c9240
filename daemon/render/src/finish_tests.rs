#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use rstest::rstest;
use serde_json::json;

fn finished(values: &[Json], scope: &Scope<'_>) -> Result<Finished, RenderError> {
    let set = ObjectSet::new(values.iter().map(Json::to_string).collect()).unwrap();
    let origins = (0..values.len())
        .map(|index| Origin {
            file: Some("a.yaml".into()),
            index: Some(index),
            step: None,
        })
        .collect();
    finish(&set, origins, "env", Some("shop"), scope)
}

fn custom(kind: &str) -> Json {
    json!({"apiVersion": "example.com/v1", "kind": kind, "metadata": {"name": "a"}})
}

#[rstest]
#[case::builtin(json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}), Some("shop"))]
#[case::cluster(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}}), None)]
#[case::its_own(json!({"apiVersion": "v1", "kind": "Service",
    "metadata": {"name": "a", "namespace": "other"}}), Some("other"))]
#[case::known_custom(custom("Global"), None)]
#[case::unknown_custom(custom("Unknown"), Some("shop"))]
fn a_namespace_is_put_where_it_belongs(#[case] object: Json, #[case] expected: Option<&str>) {
    let scope = |kind: &GroupKind| (kind.kind == "Global").then_some(false);
    let objects = finished(&[object], &scope).unwrap().objects;
    assert_eq!(objects[0].object.namespace(), expected);
}

#[test]
fn a_definition_in_the_same_render_decides_for_its_kind() {
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Thing"}}});
    let finished = finished(&[custom("Thing"), definition], &|_| Some(true)).unwrap();
    assert_eq!(finished.objects[0].object.namespace(), None);
    assert!(finished.scopes.is_empty(), "nobody else had to be asked");
}

#[test]
fn duplicates_name_both_origins() {
    let without = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
    let with = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "a", "namespace": "shop"}});
    let error = finished(&[without, with], &|_| None).err().unwrap();
    assert_eq!(error.code(), "WL0507");
    assert_eq!(
        error.to_string(),
        "env: Service shop/a is there twice: from a.yaml and from a.yaml (document 2); remove one, \
         or change its name or namespace"
    );
}

#[test]
fn string_data_becomes_data() {
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
        "data": {"a": "eA==", "b": "eA=="}, "stringData": {"b": "y"}});
    let objects = finished(&[secret], &|_| None).unwrap().objects;
    let json = objects[0].object.json();
    assert_eq!(json["data"], json!({"a": "eA==", "b": "eQ=="}));
    assert!(json.get("stringData").is_none(), "{json}");
}

#[test]
fn annotations_of_the_origin_do_not_reach_the_cluster() {
    let object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a",
        "annotations": {"internal.config.kubernetes.io/path": "a.yaml"}}});
    let objects = finished(&[object], &|_| None).unwrap().objects;
    assert_eq!(
        objects[0].object.json()["metadata"],
        json!({"name": "a", "namespace": "shop"})
    );
}
