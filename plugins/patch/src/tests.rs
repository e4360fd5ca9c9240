#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::parse_config;
use windlass_plugin_sdk::testing::MemoryHost;

fn objects() -> Vec<Json> {
    vec![
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web",
            "namespace": "shop", "labels": {"app": "web"}},
            "spec": {"replicas": 1, "template": {"spec": {"containers": [
                {"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}]}}}}),
        json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "thing"},
            "spec": {"list": [{"name": "a"}, {"name": "b"}]}}),
    ]
}

fn patched(config: Json) -> Result<Vec<Json>, Failure> {
    let mut host = MemoryHost::new()
        .in_folder("env")
        .file(
            "env/two.yaml",
            "- op: replace\n  path: /spec/replicas\n  value: 5\n---\n\
            - {op: add, path: /metadata/labels/x, value: new}\n",
        )
        .file(
            "env/web.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n\
            spec:\n  replicas: ${REPLICAS}\n",
        )
        .file("env/broken.yaml", "a: [");
    let config = parse_config(&config.to_string())?;
    Patches::transform(objects(), config, &mut host)
}

#[rstest]
#[case::merge_by_key(
    json!({"target": {"kind": "Deployment"},
        "patch": {"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}}}),
    "/0/spec/template/spec/containers",
    json!([{"name": "web", "image": "web:2"}, {"name": "log", "image": "log:1"}]))]
#[case::custom_kinds_have_atomic_lists(
    json!({"target": {"kind": "Thing"}, "patch": {"spec": {"list": [{"name": "c"}]}}}),
    "/1/spec/list", json!([{"name": "c"}]))]
#[case::null_removes(
    json!({"target": {"kind": "Deployment"}, "patch": {"metadata": {"labels": null}}}),
    "/0/metadata", json!({"name": "web", "namespace": "shop"}))]
#[case::yaml_text(
    json!({"target": {"name": "web"}, "patch": "spec:\n  replicas: 3\n"}), "/0/spec/replicas", json!(3))]
#[case::operations(
    json!({"target": {"name": "web"}, "patch": [{"op": "remove", "path": "/metadata/labels/app"}]}),
    "/0/metadata/labels", json!({}))]
#[case::operations_as_text(
    json!({"target": {"name": "web"}, "patch": "- {op: replace, path: /spec/replicas, value: 7}"}),
    "/0/spec/replicas", json!(7))]
#[case::every_document_of_a_file(
    json!({"target": {"name": "web"}, "path": "two.yaml"}),
    "/0/metadata/labels", json!({"app": "web", "x": "new"}))]
#[case::a_patch_that_names_its_object(
    json!({"patch": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"replicas": 4}}}), "/0/spec/replicas", json!(4))]
#[case::a_merge_never_renames(
    json!({"target": {"name": "web"}, "patch": {"kind": "X", "metadata": {"name": "other"},
        "spec": {"replicas": 4}}}), "/0/metadata/name", json!("web"))]
#[case::no_match_allowed(
    json!({"target": {"name": "none"}, "patch": {"a": 1}, "allowNoMatch": true}), "/0/spec/replicas", json!(1))]
fn a_patch_changes_its_objects(#[case] patch: Json, #[case] at: &str, #[case] expected: Json) {
    let result = Json::Array(patched(json!({"patches": [patch]})).unwrap());
    assert_eq!(result.pointer(at), Some(&expected), "{result}");
}

#[test]
fn an_object_can_be_deleted_and_the_rest_keeps_its_order() {
    let patch = json!({"target": {"kind": "Deployment"}, "patch": {"$patch": "delete"}});
    let result = patched(json!({"patches": [patch]})).unwrap();
    assert_eq!(result, objects()[1..]);
}

#[test]
fn variables_are_put_into_patches() {
    let config = json!({"patches": [{"path": "web.yaml"}], "variables": {"REPLICAS": 9}});
    assert_eq!(patched(config).unwrap()[0]["spec"]["replicas"], 9);
}

#[test]
fn later_patches_see_earlier_ones() {
    let config = json!({"patches": [
        {"target": {"name": "web"}, "patch": {"metadata": {"labels": {"tier": "front"}}}},
        {"target": {"labelSelector": "tier=front"}, "patch": {"spec": {"replicas": 2}}},
    ]});
    assert_eq!(patched(config).unwrap()[0]["spec"]["replicas"], 2);
}

#[rstest]
#[case::no_match(json!({"target": {"kind": "Deployment", "name": "wbe"}, "patch": {"a": 1}}),
    "no object matches: kind `Deployment`, name `wbe` (at patches[0]); did you mean the name `web`?")]
#[case::other_namespace(json!({"target": {"name": "thing", "namespace": "shop"}, "patch": {"a": 1}}),
    "no object matches: namespace `shop`, name `thing` (at patches[0]); there is \
     Thing.example.com thing; the environment's `namespace` is put in after the last step, so that \
     a target cannot ask for it")]
#[case::nothing_near(json!({"target": {"kind": "Job"}, "patch": {"a": 1}}),
    "no object matches: kind `Job` (at patches[0]); correct the target, or set `allowNoMatch: true`")]
#[case::neither(json!({"target": {"kind": "Job"}}),
    "neither `patch` nor `path` is given (at patches[0]); write the change under `patch`, or name \
     its file in `path`")]
#[case::both(json!({"patch": {}, "path": "a"}),
    "`patch` and `path` exclude each other (at patches[0])")]
#[case::scalar(json!({"target": {}, "patch": 3}),
    "a patch is a mapping or a list, not a number (at patches[0])")]
#[case::no_target(json!({"patch": [{"op": "remove", "path": "/a"}]}),
    "a JSON patch needs a `target` (at patches[0])")]
#[case::no_identity(json!({"patch": {"spec": {}}}),
    "without `target`, the patch has to name its object (at patches[0]); give the patch \
     `apiVersion`, `kind` and `metadata.name`, or a `target`")]
#[case::empty(json!({"target": {}, "patch": ""}), "the patch is empty (at patches[0].patch)")]
#[case::no_file(json!({"target": {}, "path": "none.yaml"}),
    "none.yaml: there is no such file or folder (at patches[0].path)")]
fn a_wrong_patch_is_named(#[case] patch: Json, #[case] expected: &str) {
    let failure = patched(json!({"patches": [patch]})).unwrap_err();
    assert_eq!(failure.to_string(), expected);
}

#[rstest]
#[case::operation(json!({"target": {"name": "web"}, "patch": [{"op": "remove", "path": "/spec/none"}]}),
    "patches[0] does not fit Deployment.apps shop/web: ")]
#[case::file_text(json!({"target": {}, "path": "broken.yaml"}), "broken.yaml: ")]
fn a_patch_that_does_not_fit_names_the_object(#[case] patch: Json, #[case] expected: &str) {
    let failure = patched(json!({"patches": [patch]}))
        .unwrap_err()
        .to_string();
    assert!(failure.starts_with(expected), "{failure}");
}
