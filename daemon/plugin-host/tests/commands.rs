//! Core modules as plugins: KRM functions, good and bad.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use rstest::rstest;
use serde_json::json;
use std::time::Duration;
use support::{host, tight, transform};
use windlass_plugin_host::{
    Exports, HostOptions, Level, Limits, LogLine, NoImports, Plugin, PluginError, Scope,
};

/// What is filled into `guests/command.wat`.
struct Program {
    imports: &'static str,
    data: &'static str,
    start: &'static str,
}

const ECHO: Program = Program::doing("(call $echo)");

impl Program {
    const fn doing(start: &'static str) -> Self {
        Self {
            imports: "",
            data: "",
            start,
        }
    }

    /// One that has a text at address 1024.
    const fn with(data: &'static str, start: &'static str) -> Self {
        Self {
            data,
            ..Self::doing(start)
        }
    }

    fn wasm(&self) -> Vec<u8> {
        let text = include_str!("guests/command.wat")
            .replace("{imports}", self.imports)
            .replace("{data}", self.data)
            .replace("{start}", self.start);
        wat::parse_str(text).unwrap()
    }

    fn load(&self) -> Result<Plugin, PluginError> {
        host().load("functions/bad.wasm", &self.wasm())
    }
}

const OBJECT: &str = r#"{"apiVersion":"v1","kind":"Service","metadata":{"name":"a"}}"#;

#[test]
fn a_command_is_a_plugin_with_two_roles() {
    let plugin = ECHO.load().unwrap();
    assert_eq!(plugin.description().name, "bad", "its file's name");
    assert_eq!(plugin.description().scope, Scope::Set);
    assert_eq!(plugin.description().config_schema, None);
    let version = format!("sha256:{}", &plugin.digest()[..12]);
    assert_eq!(plugin.version(), version);
    assert_eq!(
        plugin.exports(),
        Exports {
            transform: true,
            validate: true,
            assess: false
        }
    );
    let error = plugin.assess("{}", "{}", &mut NoImports, &tight());
    assert_eq!(error.unwrap_err().code(), "WL0407");
}

#[test]
fn objects_come_through() {
    let plugin = ECHO.load().unwrap();
    let text = json!({"kind": "A", "text": "é\u{0}\"\u{85}\u{2028}\u{7f}\u{1f600}", "n": [1.5,
        u64::MAX, null, "yes", "1.0"]})
    .to_string();
    let output = transform(&plugin, &[&text, OBJECT], r#"{"a": "b"}"#, &tight()).unwrap();
    assert_eq!(output.value, [text.as_str(), OBJECT]);
    assert_eq!(output.findings, Some(vec![]), "it has checked them too");
    assert!(output.peak_memory >= 2 << 16, "two pages");
    let none = transform(&plugin, &[], "{}", &tight()).unwrap();
    assert_eq!(none.value, [""; 0], "a generator begins with nothing");
}

const RESULTS: &str = concat!(
    r#"(data (i32.const 1024) "apiVersion: config.kubernetes.io/v1\0akind: ResourceList\0aitems:\0a"#,
    r#"- {apiVersion: v1, kind: Service, metadata: {name: b}}\0aresults:\0a"#,
    r#"- {message: odd, severity: warning, resourceRef: {apiVersion: v1, kind: Service, name: b}}"#,
    r#"\0a- {message: worse, severity: error, field: {path: spec}, resourceRef: "#,
    r#"{apiVersion: v1, kind: Service, name: a}}\0a")"#
);

#[test]
fn results_are_findings_about_what_was_made_or_given() {
    const WRITE: &str = "(drop (call $write (i32.const 1) (i32.const 1024) (i32.const 329)))";
    let program = Program::with(RESULTS, WRITE);
    let plugin = program.load().unwrap();
    let made = transform(&plugin, &[OBJECT], "{}", &tight()).unwrap();
    let seen = |findings: Vec<windlass_plugin_host::Finding>| -> Vec<(String, Option<usize>)> {
        findings
            .into_iter()
            .map(|it| (it.message, it.object))
            .collect()
    };
    assert_eq!(
        seen(made.findings.unwrap()),
        [
            ("odd".to_owned(), Some(0)),
            ("Service a: worse".to_owned(), None)
        ],
        "`a` is not there any more"
    );
    let given = plugin
        .validate(vec![OBJECT.to_owned()], "{}", &mut NoImports, &tight())
        .unwrap();
    assert_eq!(
        seen(given.value),
        [
            ("Service b: odd".to_owned(), None),
            ("worse".to_owned(), Some(0))
        ],
        "`b` was not there yet"
    );
}

#[test]
fn a_failure_is_said_by_the_errors_among_the_results() {
    const WRITE: &str = "(drop (call $write (i32.const 1) (i32.const 1024) (i32.const 329)))
        (drop (call $write (i32.const 2) (i32.const 1024) (i32.const 10)))
        (call $exit (i32.const 1))";
    let plugin = Program::with(RESULTS, WRITE).load().unwrap();
    let error = transform(&plugin, &["{}", OBJECT], "{}", &tight()).unwrap_err();
    let PluginError::Failed {
        message,
        object,
        field,
        stderr,
        ..
    } = &error
    else {
        panic!("a failure, not {error:?}");
    };
    assert_eq!(
        (message.as_str(), *object, field.as_deref(), stderr.as_str()),
        ("worse", Some(1), Some("spec"), "apiVersion")
    );
    assert!(
        error.to_string().contains("it printed:\napiVersion"),
        "{error}"
    );
}

const GARBAGE: &str = r#"(data (i32.const 1024) "panic: no\1b[2J luck\0a")"#;

#[rstest]
#[case::trap("unreachable", "WL0411", "it panicked or aborted")]
#[case::recursion("(call $recurse)", "WL0412", "nested too deep")]
#[case::memory(
    "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
     unreachable",
    "WL0414",
    "raise `limits.memory`"
)]
#[case::memory_and_exit(
    "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
     (call $exit (i32.const 2))",
    "WL0414",
    "raise `limits.memory`"
)]
#[case::output(
    "(loop $again (drop (call $write (i32.const 1) (i32.const 0) (i32.const 65536))) (br $again))",
    "WL0415",
    "raise `limits.outputBytes`"
)]
#[case::host_calls(
    "(loop $again (drop (call $read)) (br $again))",
    "WL0417",
    "raise `limits.hostCalls`"
)]
#[case::print(
    "(loop $again (drop (call $write (i32.const 2) (i32.const 0) (i32.const 65536))) (br $again))",
    "WL0418",
    "raise `limits.logBytes`"
)]
#[case::exit(
    "(drop (call $write (i32.const 2) (i32.const 1024) (i32.const 20))) (call $exit (i32.const 7))",
    "WL0410",
    "it exited with status 7; it printed:\npanic: no\u{fffd}[2J luck"
)]
#[case::large_exit_status("(call $exit (i32.const 256))", "WL0410", "status 255")]
#[case::silence("", "WL0420", "its standard output is empty")]
#[case::garbage(
    "(drop (call $write (i32.const 1) (i32.const 1024) (i32.const 20)))",
    "WL0420",
    "its standard output is no YAML: "
)]
#[case::wild_pointer(
    "(call $exit (call $write (i32.const 1) (i32.const -8) (i32.const 16)))",
    "WL0410",
    "status 21"
)]
#[case::wild_list(
    "(call $exit (call $fd_read (i32.const 0) (i32.const -4) (i32.const 1)
    (i32.const 0)))",
    "WL0410",
    "status 21"
)]
#[case::closed_stream(
    "(call $exit (call $write (i32.const 9) (i32.const 0) (i32.const 0)))",
    "WL0410",
    "status 8"
)]
fn a_misbehaving_command_is_stopped(
    #[case] start: &'static str,
    #[case] code: &str,
    #[case] says: &str,
) {
    let plugin = Program::with(GARBAGE, start).load().unwrap();
    let error = transform(&plugin, &["{}"], "{}", &tight()).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let message = error.to_string();
    let name = format!("plugin `functions/bad.wasm` {} ", plugin.version());
    assert!(message.starts_with(&name), "names the plugin: {message}");
    assert!(message.contains(says), "says `{says}`: {message}");
}

#[test]
fn an_endless_loop_ends_at_the_wall_time() {
    let plugin = Program::doing("(loop $again (br $again))").load().unwrap();
    let limits = Limits {
        wall_time: Duration::from_millis(50),
        ..tight()
    };
    let error = transform(&plugin, &[], "{}", &limits).unwrap_err();
    assert_eq!(error.code(), "WL0413", "{error}");
}

#[test]
fn too_many_objects_do_not_come_out() {
    let plugin = ECHO.load().unwrap();
    let limits = Limits {
        objects: 1,
        ..tight()
    };
    let error = transform(&plugin, &["{}", "{}"], "{}", &limits).unwrap_err();
    assert_eq!(error.code(), "WL0416", "{error}");
}

#[test]
fn an_object_that_is_no_json_does_not_go_in() {
    let error = transform(&ECHO.load().unwrap(), &["{}", "{"], "{}", &tight()).unwrap_err();
    let PluginError::Failed { object, .. } = error else {
        panic!("a failure, not {error:?}");
    };
    assert_eq!(object, Some(1));
}

const SOCKETS: &str = r#"(import "wasi_snapshot_preview1" "sock_accept"
    (func $accept (param i32 i32 i32) (result i32)))"#;

/// Go's standard library imports these whether a program uses them or not.
#[test]
fn functions_of_sockets_are_there_and_refuse() {
    let program = Program {
        imports: SOCKETS,
        ..Program::doing("(call $exit (call $accept (i32.const 3) (i32.const 0) (i32.const 0)))")
    };
    let error = transform(&program.load().unwrap(), &[], "{}", &tight()).unwrap_err();
    assert!(error.to_string().contains("status 57"), "ENOTSOCK: {error}");
}

#[rstest]
#[case::other_module(
    r#"(import "env" "run" (func))"#,
    "`env.run`",
    "WASI preview 1 and nothing else"
)]
#[case::browser(r#"(import "gojs" "x" (func))"#, "`gojs.x`", "GOOS=wasip1")]
#[case::older(
    r#"(import "wasi_unstable" "fd_read" (func))"#,
    "`wasi_unstable.fd_read`",
    "2020"
)]
#[case::part_of_a_component(
    r#"(import "wasi:io/poll@0.2.0" "poll" (func))"#,
    "`wasi:io/poll@0.2.0.poll`",
    "wasm-tools component new"
)]
#[case::memory(
    r#"(import "env" "memory" (memory 1))"#,
    "`env.memory`",
    "nothing else"
)]
#[case::unknown_function(
    r#"(import "wasi_snapshot_preview1" "sock_open" (func (param i32 i32 i32) (result i32)))"#,
    "`wasi_snapshot_preview1`",
    "sock_open"
)]
#[case::other_type(
    r#"(import "wasi_snapshot_preview1" "sched_yield" (func))"#,
    "`wasi_snapshot_preview1`",
    "sched_yield"
)]
fn other_imports_are_refused_by_name(
    #[case] imports: &'static str,
    #[case] name: &str,
    #[case] says: &str,
) {
    let program = Program { imports, ..ECHO };
    // A module has one memory; another one has to leave it out.
    let wasm = match imports.contains("(memory") {
        true => wat::parse_str(format!("(module {imports})")).unwrap(),
        false => program.wasm(),
    };
    let error = host().load("odd", &wasm).unwrap_err();
    assert_eq!(error.code(), "WL0403", "{error}");
    for part in [name, says] {
        assert!(error.to_string().contains(part), "says {part}: {error}");
    }
}

#[rstest]
#[case::empty("(module)", "exports no `_start`")]
#[case::reactor(r#"(module (func (export "_initialize")))"#, "a reactor")]
#[case::no_memory(r#"(module (func (export "_start")))"#, "exports no `memory`")]
#[case::start_of_another_type(
    r#"(module (memory (export "memory") 1) (func (export "_start") (param i32)))"#,
    "without parameters"
)]
fn a_module_that_is_no_command_is_refused(#[case] text: &str, #[case] says: &str) {
    let error = host()
        .load("odd", &wat::parse_str(text).unwrap())
        .unwrap_err();
    assert_eq!(error.code(), "WL0408", "{error}");
    assert!(error.to_string().contains(says), "says {says}: {error}");
}

#[test]
fn a_compiled_command_is_found_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let files = || -> Vec<_> {
        std::fs::read_dir(&cache)
            .unwrap()
            .map(|entry| std::fs::metadata(entry.unwrap().path()).unwrap())
            .map(|file| std::os::unix::fs::MetadataExt::ino(&file))
            .collect()
    };
    let load = || {
        let options = HostOptions {
            cache_dir: Some(cache.clone()),
            ..HostOptions::default()
        };
        let host = windlass_plugin_host::Host::new(options).unwrap();
        let plugin = host.load("echo", &ECHO.wasm()).unwrap();
        let output = transform(&plugin, &[OBJECT], "{}", &tight()).unwrap();
        assert_eq!(output.value, [OBJECT], "it works");
        files()
    };
    let first = load();
    assert_eq!(first.len(), 1, "it is kept");
    assert_eq!(load(), first, "it was read and not written again");
}

#[test]
fn what_a_command_prints_is_in_the_log() {
    const PRINT: &str = "(drop (call $write (i32.const 2) (i32.const 1024) (i32.const 19)))
        (call $echo)";
    let plugin = Program::with(GARBAGE, PRINT).load().unwrap();
    let output = transform(&plugin, &[], "{}", &tight()).unwrap();
    let line = LogLine {
        level: Level::Debug,
        message: "panic: no\u{fffd}[2J luck".to_owned(),
    };
    assert_eq!(output.log, [line]);
}
