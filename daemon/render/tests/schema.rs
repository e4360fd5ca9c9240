//! Configurations that do not fit their plugin.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::tree::MemoryTree;
use common::{config_map, pipeline, without_memo};
use rstest::rstest;
use serde_json::{Value, json};

/// The file in which the configuration of the second step stands.
fn file(config: &str) -> String {
    format!(
        "apiVersion: windlass.dev/v1alpha1\nkind: Environment\nspec:\n  pipeline:\n  - plugin: \
         manifests\n    config: {{paths: [base]}}\n  - plugin: patch\n    config:\n{config}"
    )
}

const WRONG_TYPE: &str = "      patches:\n      - target: {kind: ConfigMap}\n        patch: 7\n";
const UNKNOWN: &str = "      patches:\n      - taget: {kind: ConfigMap}\n        patch: []\n";

fn render(written: &str, config: Value) -> String {
    let tree = MemoryTree::new()
        .file("prod/environment.yaml", file(written))
        .file("prod/base/a.yaml", config_map("a", "1"));
    let steps = [("manifests", json!({"paths": ["base"]})), ("patch", config)];
    let error = without_memo()
        .render(&tree, &pipeline("prod", &steps))
        .unwrap_err();
    format!("{} {error}", error.code())
}

#[rstest]
#[case::wrong_type(WRONG_TYPE, json!({"patches": [{"target": {"kind": "ConfigMap"}, "patch": 7}]}),
    "WL0433", "prod/environment.yaml:11:9: `config.patches[0].patch` is a number, not")]
#[case::unknown(UNKNOWN, json!({"patches": [{"taget": {"kind": "ConfigMap"}, "patch": []}]}),
    "WL0410", "(about prod/environment.yaml:10:9)")]
#[case::written_elsewhere(WRONG_TYPE, json!({"patches": "x"}),
    "WL0433", "prod, step 2 (patch): `config.patches` is a text, not a list")]
fn what_is_wrong_is_said_with_file_and_line(
    #[case] written: &str,
    #[case] config: Value,
    #[case] code: &str,
    #[case] says: &str,
) {
    let message = render(written, config);
    assert!(message.starts_with(code), "{message}");
    assert!(message.contains(says), "says `{says}`: {message}");
    assert!(message.contains("step 2 (patch)"), "{message}");
}

#[test]
fn a_plugin_that_refuses_a_key_says_so_itself() {
    let config = json!({"patches": [{"taget": {"kind": "ConfigMap"}, "patch": []}]});
    let message = render(UNKNOWN, config);
    assert!(message.contains("plugin `patch` "), "{message}");
    assert!(message.contains("did you mean `target`?"), "{message}");
}
