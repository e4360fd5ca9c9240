//! What goes in and what comes out of a call.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use rstest::rstest;
use serde_json::{Value, json};
use support::{Answers, IDENTITY, Shell, load, load_probe, tight, transform};
use windlass_plugin_host::{
    Exports, Finding, Health, HealthStatus, Level, LogLine, NoImports, PluginError, Scope, Severity,
};

#[test]
fn a_plugin_says_what_it_is() {
    let plugin = load_probe();
    assert_eq!(plugin.name(), "probe");
    assert_eq!(plugin.version(), "1.2.3");
    assert_eq!(plugin.digest().len(), 64, "hexadecimal SHA-256");
    assert_eq!(plugin.description().scope, Scope::Object);
    assert_eq!(
        plugin.description().config_schema,
        Some(json!({"type": "object"}))
    );
    assert_eq!(
        plugin.exports(),
        Exports {
            transform: true,
            validate: true,
            assess: true
        }
    );
}

#[test]
fn only_what_is_exported_can_be_called() {
    let plugin = load("shell", &IDENTITY).unwrap();
    assert_eq!(
        plugin.exports(),
        Exports {
            transform: true,
            ..Exports::default()
        }
    );
    let error = plugin
        .validate(vec![], "{}", &mut NoImports, &tight())
        .unwrap_err();
    assert_eq!(error.code(), "WL0407", "{error}");
}

#[test]
fn objects_come_through_byte_for_byte() {
    let objects = [
        r#"{"z": 1.0, "a": "é\u0000\"", "n": 18446744073709551616}"#,
        "{}",
    ];
    let output = transform(&load("shell", &IDENTITY).unwrap(), &objects, "{}", &tight()).unwrap();
    assert_eq!(output.value, objects);
    assert!(output.peak_memory >= 1 << 16, "one page at least");
}

#[test]
fn the_caller_answers_and_hears() {
    let mut answers = Answers::default();
    let config = json!({
        "log": "at work", "read": "a.txt", "list": ".", "exists": "sub/b.txt", "secret": "db",
    });
    let output = load_probe()
        .transform(
            vec![r#"{"kind": "A"}"#.to_owned()],
            &config.to_string(),
            &mut answers,
            &tight(),
        )
        .unwrap();
    let object: Value = serde_json::from_str(&output.value[0]).unwrap();
    assert_eq!(
        object["seen"],
        json!({
            "text": "the text of a",
            "names": ["a.txt", "sub"],
            "exists": true,
            "secret": "reference-to-db",
        })
    );
    assert_eq!(
        answers.asked,
        [
            "log Info at work",
            "read a.txt",
            "list .",
            "exists sub/b.txt",
            "secret main db value"
        ],
        "in this order, and nothing else"
    );
    assert_eq!(
        output.log,
        [LogLine {
            level: Level::Info,
            message: "at work".to_owned()
        }]
    );
}

#[rstest]
#[case::not_found("none.txt", "none.txt: there is no such file or folder")]
#[case::folder("sub", "sub: this is a folder, not a file")]
#[case::too_large("large", "large: the file is larger than 7 bytes")]
#[case::long_path(&"x".repeat(5000), "the path is longer than 4096 bytes")]
fn a_refused_file_is_an_error_that_the_plugin_hands_on(#[case] path: &str, #[case] says: &str) {
    let config = json!({ "read": path }).to_string();
    let error = transform(&load_probe(), &["{}"], &config, &tight()).unwrap_err();
    assert_eq!(error.code(), "WL0410", "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn a_failure_carries_place_and_remedy() {
    let plugin = load_probe();
    let config = r#"{"fail": "too much\u001b[2J"}"#;
    let error = transform(&plugin, &["{}"], config, &tight()).unwrap_err();
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
        message, "too much\u{fffd}[2J",
        "it cannot repaint a terminal"
    );
    assert_eq!(
        (*object, field.as_deref(), hint.as_deref()),
        (Some(0), Some("spec"), Some("ask for less"))
    );
    let error = transform(&plugin, &[], config, &tight()).unwrap_err();
    assert_eq!(error.code(), "WL0420", "there is no object 0: {error}");
}

#[test]
fn a_wrong_configuration_names_key_and_suggestion() {
    let error = transform(&load_probe(), &[], r#"{"copy": 3}"#, &tight()).unwrap_err();
    assert_eq!(
        error.to_string().split_once(": ").unwrap().0,
        "plugin `probe` 1.2.3 failed"
    );
    assert!(
        error.to_string().contains("unknown field `copy`"),
        "{error}"
    );
    assert!(error.to_string().contains("(at copy)"), "{error}");
}

#[test]
fn findings_come_out_as_they_are() {
    let objects = [
        r#"{"kind": "A", "metadata": {"name": "a"}}"#,
        r#"{"kind": "B"}"#,
    ];
    let output = load_probe()
        .validate(
            objects.iter().map(ToString::to_string).collect(),
            "{}",
            &mut NoImports,
            &tight(),
        )
        .unwrap();
    assert_eq!(
        output.value,
        [Finding {
            severity: Severity::Warning,
            object: Some(1),
            field: Some("metadata.name".to_owned()),
            message: "a \"B\" without a name".to_owned(),
            hint: Some("name it".to_owned()),
            rule: Some("named".to_owned()),
        }]
    );
}

#[rstest]
#[case::healthy("Ready", HealthStatus::Healthy, None)]
#[case::progressing("Starting", HealthStatus::Progressing, Some("Starting"))]
fn health_comes_out_as_it_is(
    #[case] phase: &str,
    #[case] status: HealthStatus,
    #[case] message: Option<&str>,
) {
    let object = json!({"status": {"phase": phase}}).to_string();
    let output = load_probe()
        .assess(&object, "{}", &mut NoImports, &tight())
        .unwrap();
    assert_eq!(
        output.value,
        Health {
            status,
            message: message.map(str::to_owned)
        }
    );
}

#[test]
fn every_call_sees_the_same_surroundings() {
    let see = || {
        let config = r#"{"surroundings": true}"#;
        let output = transform(&load_probe(), &["{}"], config, &tight()).unwrap();
        let object: Value = serde_json::from_str(&output.value[0]).unwrap();
        object["seen"]["surroundings"].clone()
    };
    let seen = see();
    assert_eq!(seen, see(), "clocks and randomness repeat");
    assert_eq!(
        seen[0], "SystemTime { tv_sec: 1577836800, tv_nsec: 0 }",
        "{seen}"
    );
    assert_eq!(seen[2], "[]", "no environment variables");
    assert_eq!(seen[3], "[]", "no arguments");
    assert!(
        seen[4].as_str().unwrap().starts_with("Err("),
        "no files: {seen}"
    );
    assert_eq!(seen[5], "Ok(\"\")", "standard input is empty");
    assert!(
        seen[6].as_str().unwrap().starts_with("3600."),
        "an hour of sleep passes at once: {seen}"
    );
}

#[test]
fn what_is_printed_is_in_the_log() {
    let output = transform(&load_probe(), &[], r#"{"print": 2}"#, &tight()).unwrap();
    let line = |message: &str| LogLine {
        level: Level::Debug,
        message: message.to_owned(),
    };
    assert_eq!(output.log, [line("line 0"), line("line 1")]);
}

/// Adds one to what it finds in its memory, and logs when that was not zero.
#[test]
fn nothing_of_a_call_is_left_for_the_next() {
    const COUNTER: Shell = Shell::logging(
        "(if (i32.load (i32.const 60000))
           (then (call $log (i32.const 3) (i32.const 29) (i32.const 4))))
         (i32.store (i32.const 60000) (i32.const 1))
         (call $answer (local.get $objects) (local.get $count))",
    );
    let plugin = load("counter", &COUNTER).unwrap();
    for _ in 0..3 {
        let output = transform(&plugin, &["{}"], "{}", &tight()).unwrap();
        assert_eq!(output.log, [], "the memory is fresh");
    }
}

#[test]
fn many_calls_at_once_are_independent() {
    let plugin = load_probe();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let plugin = &plugin;
            scope.spawn(move || {
                for round in 0..20 {
                    let object = format!(r#"{{"number":{number},"round":{round}}}"#);
                    let output = transform(plugin, &[&object], "{}", &tight()).unwrap();
                    assert_eq!(output.value, [object], "each gets its own back");
                }
            });
        }
    });
}

/// Both of these panic when a host call starts a runtime of its own.
#[test]
fn calls_work_inside_of_an_async_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let call = || transform(&load_probe(), &["{}"], r#"{"print": 1}"#, &tight()).unwrap();
    runtime.block_on(async {
        call();
        tokio::task::spawn_blocking(call).await.unwrap();
    });
}
