//! A plugin that runs another.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use serde_json::json;
use std::time::Duration;
use support::{Answers, load_probe, tight};
use windlass_plugin_host::{Level, Limits, LogLine, NoImports, PluginError};

fn run(path: &str) -> String {
    json!({"run": {"path": path, "config": {"a": 1}}}).to_string()
}

#[test]
fn objects_findings_and_log_come_back() {
    let mut answers = Answers::default();
    let output = load_probe()
        .transform(
            vec![r#"{"kind":"A"}"#.to_owned()],
            &run("inner.wasm"),
            &mut answers,
            &tight(),
        )
        .unwrap();
    assert_eq!(output.value, [r#"{"kind":"A"}"#, r#"{"made":true}"#]);
    assert_eq!(
        answers.asked,
        [r#"run inner.wasm {"a":1}"#, "log Warning odd"]
    );
    let line = |level, message: &str| LogLine {
        level,
        message: message.to_owned(),
    };
    assert_eq!(
        output.log,
        [
            line(Level::Info, "inner.wasm: at work"),
            line(Level::Warning, "odd")
        ]
    );
}

#[test]
fn a_failure_keeps_its_place_and_remedy() {
    let error = load_probe()
        .transform(
            vec!["{}".to_owned()],
            &run("bad.wasm"),
            &mut Answers::default(),
            &tight(),
        )
        .unwrap_err();
    let PluginError::Failed {
        message,
        object,
        field,
        hint,
        ..
    } = &error
    else {
        panic!("a failure, not {error:?}");
    };
    assert_eq!(
        (message.as_str(), *object, field.as_deref(), hint.as_deref()),
        ("bad luck", Some(0), Some("spec"), Some("try again"))
    );
}

#[test]
fn without_other_plugins_it_is_said() {
    let error = load_probe()
        .transform(Vec::new(), &run("inner.wasm"), &mut NoImports, &tight())
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("other plugins cannot be run here"),
        "{error}"
    );
}

#[test]
fn the_time_to_make_a_plugin_ready_is_given_back() {
    let limits = Limits {
        wall_time: Duration::from_secs(2),
        ..tight()
    };
    let mut answers = Answers {
        slow_to_load: Duration::from_secs(3),
        ..Answers::default()
    };
    let output = load_probe()
        .transform(Vec::new(), &run("inner.wasm"), &mut answers, &limits)
        .unwrap();
    assert!(output.elapsed > limits.wall_time, "{:?}", output.elapsed);
}
