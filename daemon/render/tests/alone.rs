//! One plugin by itself, as its author's tests run it.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::tree::MemoryTree;
use common::without_memo;
use serde_json::{Value, json};
use windlass_plugin_host::{Plugin, Severity};
use windlass_render::RenderError;

fn builtin(name: &str) -> Plugin {
    let wasm = windlass_plugins::get(name).unwrap();
    common::host().load(name, wasm).unwrap()
}

fn secret() -> String {
    json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
        "stringData": {"password": "hunter2"},
    })
    .to_string()
}

#[test]
fn a_policy_gives_back_the_objects_and_what_it_found() {
    let tree = MemoryTree::new();
    let ran = without_memo()
        .run_alone(&tree, &builtin("require"), &Value::Null, vec![secret()])
        .unwrap();
    assert_eq!(ran.objects, [secret()], "as they were given");
    let finding = ran.findings.first().unwrap();
    assert_eq!(finding.severity, Severity::Error, "{finding:?}");
    assert_eq!(finding.object, Some(0));
    assert_eq!(ran.ids[0].to_string(), "Secret s");
}

#[test]
fn a_generator_reads_the_tree_from_its_root() {
    let tree = MemoryTree::new().file("map.yaml", common::config_map("first", "1"));
    let ran = without_memo()
        .run_alone(&tree, &builtin("manifests"), &json!({}), Vec::new())
        .unwrap();
    let ids: Vec<String> = ran.ids.iter().map(ToString::to_string).collect();
    assert_eq!(ids, ["ConfigMap first"]);
}

#[test]
fn what_is_no_object_and_no_configuration_is_refused() {
    let run = |config: Value, object: &str| {
        let tree = MemoryTree::new();
        let objects = vec![object.to_owned()];
        without_memo()
            .run_alone(&tree, &builtin("require"), &config, objects)
            .unwrap_err()
    };
    let error = run(json!({}), "{}");
    assert!(
        matches!(error, RenderError::Object { index: 0, .. }),
        "{error}"
    );
    let error = run(json!(["a"]), &secret());
    assert!(matches!(error, RenderError::Config { .. }), "{error}");
}
