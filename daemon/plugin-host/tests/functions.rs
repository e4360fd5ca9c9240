//! A KRM function as its authors write it: a Go program, built by the standard toolchain.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use support::{Answers, host, transform};
use windlass_plugin_host::{
    DirEntry, FileError, Finding, Imports, Limits, NoImports, Output, Plugin, PluginError,
};

/// The program of `guests/labels`, built once.
fn labels() -> Plugin {
    static LABELS: OnceLock<Vec<u8>> = OnceLock::new();
    let wasm = LABELS.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guests/labels");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("labels.wasm");
        let status = Command::new("go")
            .current_dir(source)
            .envs([
                ("GOOS", "wasip1"),
                ("GOARCH", "wasm"),
                ("GOTOOLCHAIN", "local"),
            ])
            .args(["build", "-trimpath", "-buildvcs=false", "-o"])
            .arg(&file)
            .arg(".")
            .status()
            .expect("this test needs Go, 1.21 or later, for `go build`");
        assert!(status.success(), "the program has to compile");
        std::fs::read(file).unwrap()
    });
    host().load("functions/labels.wasm", wasm).unwrap()
}

fn limits() -> Limits {
    Limits {
        wall_time: Duration::from_secs(60),
        ..Limits::default()
    }
}

fn service(name: &str) -> String {
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "n"}})
        .to_string()
}

fn run(config: Value) -> Result<Output<Vec<String>>, PluginError> {
    let objects = [service("a"), service("b")];
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    transform(&labels(), &objects, &config.to_string(), &limits())
}

#[test]
fn a_go_program_changes_objects() {
    let output = run(json!({"label.team": "payments", "label.tier": 1})).unwrap();
    let second: Value = serde_json::from_str(&output.value[1]).unwrap();
    assert_eq!(second["metadata"]["name"], "b", "in their order");
    assert_eq!(
        second["metadata"]["labels"],
        json!({"team": "payments", "tier": "1"})
    );
    assert_eq!(output.findings, Some(Vec::<Finding>::new()));
}

#[test]
fn its_results_name_the_objects() {
    let error = run(json!({"require": "team"})).unwrap_err();
    let message = error.to_string();
    assert_eq!(error.code(), "WL0410", "{message}");
    for part in [
        "it found 2 errors:",
        "- Service n/b: the label team is missing (field metadata.labels)",
        "it printed:\nlabels: some are missing",
    ] {
        assert!(message.contains(part), "says `{part}`: {message}");
    }
    let objects = vec![
        json!({"metadata": {"labels": {"team": "x"}}}).to_string(),
        service("b"),
    ];
    let error = labels()
        .transform(objects, r#"{"require": "team"}"#, &mut NoImports, &limits())
        .unwrap_err();
    let PluginError::Failed { object, field, .. } = &error else {
        panic!("a failure, not {error:?}");
    };
    assert_eq!(
        (*object, field.as_deref()),
        (Some(1), Some("metadata.labels"))
    );
}

#[test]
fn a_panic_is_shown() {
    let error = run(json!({"panic": "the sky fell"})).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("it exited with status 2"), "{message}");
    assert!(message.contains("panic: the sky fell"), "{message}");
    assert!(message.contains("goroutine 1"), "{message}");
}

#[test]
fn sleeping_takes_no_time() {
    let output = run(json!({"sleep": "10h"})).unwrap();
    assert!(
        output.elapsed < Duration::from_secs(60),
        "ten hours pass at once"
    );
}

/// Hands a file in.
struct Files;

impl Imports for Files {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        Answers::default().read(path)
    }

    fn list(&mut self, path: &str) -> Result<Vec<DirEntry>, FileError> {
        Answers::default().list(path)
    }

    fn exists(&mut self, path: &str) -> Result<bool, FileError> {
        Answers::default().exists(path)
    }

    fn folder(&mut self) -> String {
        String::new()
    }

    fn secret_reference(&mut self, _: &str, _: &str, _: &str) -> Result<String, String> {
        Err("none".to_owned())
    }

    fn handed_in(&mut self) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::from([
            ("conf/ca.pem".to_owned(), b"a certificate".to_vec()),
            ("values.yaml".to_owned(), b"a: 1".to_vec()),
        ])
    }
}

fn annotation(output: &Output<Vec<String>>, name: &str) -> String {
    let object: Value = serde_json::from_str(&output.value[0]).unwrap();
    let value = object["metadata"]["annotations"][name].as_str();
    value.unwrap().to_owned()
}

#[test]
fn files_are_those_that_were_handed_in() {
    for (path, expected) in [
        ("/conf/ca.pem", "a certificate"),
        ("conf/../values.yaml", "a: 1"),
        ("/etc/passwd", "open /etc/passwd: No such file or directory"),
        ("/conf", "read /conf: Is a directory"),
    ] {
        let config = json!({"file": path}).to_string();
        let output = labels()
            .transform(vec![service("a")], &config, &mut Files, &limits())
            .unwrap();
        assert_eq!(
            annotation(&output, "file").to_lowercase(),
            expected.to_lowercase(),
            "{path}"
        );
    }
}

#[test]
fn every_call_sees_the_same_surroundings() {
    let see = || {
        let output = labels()
            .transform(
                vec![service("a")],
                r#"{"surroundings": ""}"#,
                &mut Files,
                &limits(),
            )
            .unwrap();
        annotation(&output, "surroundings")
    };
    let seen = see();
    assert_eq!(seen, see(), "clocks and randomness repeat");
    assert!(
        seen.starts_with("2020-01-01T00:00:00Z [function] [] [conf values.yaml] <nil> "),
        "{seen}"
    );
}

#[test]
fn memory_is_bounded() {
    let limits = Limits {
        memory_bytes: 3 << 20,
        ..limits()
    };
    let error = transform(&labels(), &[], "{}", &limits).unwrap_err();
    assert_eq!(error.code(), "WL0414", "{error}");
}
