//! KRM functions as steps of a pipeline.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::tree::MemoryTree;
use common::{config_map, ids, pipeline, with_memo, without_memo};
use serde_json::json;
use windlass_plugin_host::Severity;
use windlass_render::Pipeline;

/// A program of which the text at address 1024 and what `_start` does are filled in.
fn program(data: &str, start: &str) -> Vec<u8> {
    let text = include_str!("../../plugin-host/tests/guests/command.wat")
        .replace("{imports}", "")
        .replace("{data}", &format!("(data (i32.const 1024) {data:?})"))
        .replace("{start}", start);
    wat::parse_str(text).unwrap()
}

/// Prints what it gets, and `ran` on standard error.
fn echo() -> Vec<u8> {
    let start = "(drop (call $write (i32.const 2) (i32.const 1024) (i32.const 3))) (call $echo)";
    program("ran", start)
}

/// Prints one text, whatever it gets, and ends with a status.
fn fixed(text: &str, status: u8) -> Vec<u8> {
    let start = format!(
        "(drop (call $write (i32.const 1) (i32.const 1024) (i32.const {})))
         (call $exit (i32.const {status}))",
        text.len()
    );
    program(text, &start)
}

/// A list in a list, and a result about the second of its objects.
const LIST: &str = "{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items: [\
    {apiVersion: v1, kind: List, items: [\
      {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}, \
      {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}]}, \
    {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}], \
    results: [{message: odd, severity: warning, resourceRef: \
      {apiVersion: v1, kind: ConfigMap, name: c}}]}";

fn tree() -> MemoryTree {
    MemoryTree::new()
        .file(
            "prod/a.yaml",
            config_map("first", "1") + "---\n" + &config_map("second", "2"),
        )
        .file("functions/echo.wasm", echo())
        .file("functions/fixed.wasm", fixed(LIST, 0))
        .file(
            "functions/no.wasm",
            fixed(
                "{apiVersion: config.kubernetes.io/v1, kind: ResourceList, items: [], \
                 results: [{message: 'no', severity: error, resourceRef: \
                 {apiVersion: v1, kind: ConfigMap, name: second}}]}",
                1,
            ),
        )
}

fn after_manifests(function: &str) -> Pipeline {
    pipeline(
        "prod",
        &[
            ("manifests", json!({"paths": "."})),
            (function, json!({"a": "b"})),
        ],
    )
}

#[test]
fn a_function_makes_and_checks_in_one_run() {
    let renderer = with_memo();
    let pipeline = after_manifests("/functions/echo.wasm");
    let rendered = renderer.render(&tree(), &pipeline).unwrap();
    assert_eq!(ids(&rendered), ["ConfigMap first", "ConfigMap second"]);
    let [_, step] = rendered.steps.as_slice() else {
        unreachable!("two steps");
    };
    let printed: Vec<&str> = step.log.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(printed, ["ran"], "once");
    let again = renderer.render(&tree(), &pipeline).unwrap();
    assert!(again.remembered, "it is a pure function");
    let other = tree().file("functions/echo.wasm", fixed(LIST, 0));
    let other = renderer.render(&other, &pipeline).unwrap();
    assert_eq!(ids(&other).len(), 3, "another program, another result");
}

#[test]
fn a_finding_names_its_object_also_behind_a_list() {
    let rendered = without_memo()
        .render(&tree(), &after_manifests("/functions/fixed.wasm"))
        .unwrap();
    assert_eq!(
        ids(&rendered),
        ["ConfigMap a", "ConfigMap b", "ConfigMap c"]
    );
    let [finding] = rendered.findings.as_slice() else {
        unreachable!("one finding");
    };
    assert_eq!(finding.finding.severity, Severity::Warning);
    let object = finding.object.as_ref().map(ToString::to_string);
    assert_eq!(object.as_deref(), Some("ConfigMap c"));
}

#[test]
fn a_failure_names_object_and_file() {
    let error = without_memo()
        .render(&tree(), &after_manifests("/functions/no.wasm"))
        .unwrap_err();
    assert_eq!(error.code(), "WL0410", "{error}");
    let message = error.to_string();
    for part in [
        "prod, step 2 (/functions/no.wasm)",
        "ConfigMap second",
        "a.yaml (document 2)",
        "failed: no",
    ] {
        assert!(message.contains(part), "says `{part}`: {message}");
    }
}
