//! Plugins that were built once run for ever: their bytes stay, and so do their answers.
//!
//! A change that breaks this test breaks plugins that people have committed. It is made by a new
//! version of the contract, and the old one goes on beside it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use sha2::{Digest, Sha256};
use support::{Answers, host};
use windlass_plugin_host::{
    Exports, Finding, HealthStatus, Level, Limits, LogLine, NoImports, Plugin, Scope, Severity,
};

const CONTRACT_0_1_0: &[u8] = include_bytes!("frozen/contract-0.1.0.wasm");

fn load() -> Plugin {
    host().load("frozen", CONTRACT_0_1_0).unwrap()
}

#[test]
fn the_bytes_are_what_they_were() {
    assert_eq!(
        hex::encode(Sha256::digest(CONTRACT_0_1_0)),
        "06394784a9322501c9149994aa7370a9a2e259b1a5312fb33abaa5e313f357bc",
        "a frozen plugin is not built again"
    );
}

#[test]
fn it_says_what_it_is() {
    let plugin = load();
    let description = plugin.description();
    assert_eq!(description.name, "frozen");
    assert_eq!(description.version, "1.2.3");
    assert_eq!(description.summary, "Stays as it");
    assert_eq!(description.scope, Scope::Set);
    let schema = serde_json::json!({"type": "object"});
    assert_eq!(description.config_schema.as_ref(), Some(&schema));
    let all = Exports {
        transform: true,
        validate: true,
        assess: true,
    };
    assert_eq!(plugin.exports(), all);
}

#[test]
fn it_makes_what_it_made() {
    let mut answers = Answers::default();
    let objects = vec![r#"{"kind":"A"}"#.to_owned(), "{}".to_owned()];
    let output = load()
        .transform(objects, r#"{"a":1}"#, &mut answers, &Limits::default())
        .unwrap();
    assert_eq!(
        output.value,
        [
            r#"{"kind":"A"}"#,
            "{}",
            r#"{"a":1}"#,
            "the text of a",
            "environments/test",
            "reference-to-db",
            "0",
            "000000005e0be100",
            "83fb59803d776afc",
        ],
        "the clock stands at the beginning of 2020, and the dice are the same"
    );
    let line = LogLine {
        level: Level::Info,
        message: "frozen".to_owned(),
    };
    assert_eq!(output.log, [line]);
    let asked = [
        "log Info frozen",
        "read a.txt",
        "secret main db password",
        "exists none",
    ];
    assert_eq!(answers.asked, asked);
}

#[test]
fn it_finds_what_it_found() {
    let output = load()
        .validate(
            vec!["{}".to_owned()],
            "{}",
            &mut NoImports,
            &Limits::default(),
        )
        .unwrap();
    let finding = Finding {
        severity: Severity::Warning,
        object: Some(0),
        field: None,
        message: "said".to_owned(),
        hint: None,
        rule: Some("frozen".to_owned()),
    };
    assert_eq!(output.value, [finding]);
    let health = load()
        .assess("{}", "{}", &mut NoImports, &Limits::default())
        .unwrap()
        .value;
    assert_eq!(health.status, HealthStatus::Progressing);
    assert_eq!(health.message.as_deref(), Some("said"));
}
