//! Plugins are compiled in a process of their own, within bounds.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{IDENTITY, bounded_host, compiler, heavy, probe, transform};
use windlass_plugin_host::{CompileCommand, Compiler, Host, HostOptions, Limits};

fn host(folder: &Path, compiler: Compiler) -> Host {
    Host::new(HostOptions {
        cache_dir: Some(folder.to_owned()),
        compiler,
        ..HostOptions::default()
    })
    .unwrap()
}

fn broken(program: &str, args: &[&str]) -> Compiler {
    Compiler::Child(CompileCommand {
        program: program.into(),
        args: args.iter().map(Into::into).collect(),
    })
}

#[test]
fn what_a_child_compiled_runs_and_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let first = host(&cache, compiler()).load("probe", probe()).unwrap();
    let output = transform(&first, &["{}"], "{}", &Limits::default()).unwrap();
    assert_eq!(output.value, ["{}"]);

    // A program that does not exist cannot have been started.
    let next = host(&cache, broken("/no/such/program", &[]));
    let started = Instant::now();
    let second = next.load("probe", probe()).unwrap();
    let elapsed = started.elapsed();
    assert_eq!(second.description(), first.description());
    assert!(
        elapsed < Duration::from_millis(500),
        "it was loaded and not compiled: {elapsed:?}"
    );
    let here = host(&cache, Compiler::InProcess);
    assert_eq!(
        here.load("probe", probe()).unwrap().description(),
        first.description(),
        "whoever compiles, the code is the same"
    );
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1, "one file");
}

#[test]
fn without_a_folder_a_child_can_compile_still() {
    let host = bounded_host(Limits::default());
    let plugin = host.load("shell", &IDENTITY.wasm()).unwrap();
    let output = transform(&plugin, &["{}"], "{}", &Limits::default()).unwrap();
    assert_eq!(output.value, ["{}"]);
}

#[test]
fn a_module_that_takes_minutes_is_stopped_and_left_alone() {
    let limits = Limits {
        compile_time: Duration::from_millis(300),
        ..Limits::default()
    };
    let host = bounded_host(limits.clone());
    let wasm = heavy::module(400, 4000, 500);
    let started = Instant::now();
    let error = host.load("slow", &wasm).unwrap_err();
    let elapsed = started.elapsed();
    assert_eq!(error.code(), "WL0430", "{error}");
    for part in ["plugin `slow` ", "300ms", "`limits.compileTime`"] {
        assert!(error.to_string().contains(part), "says {part}: {error}");
    }
    assert!(
        elapsed < Duration::from_secs(20),
        "soon after its time: {elapsed:?}"
    );

    let started = Instant::now();
    let again = host.load("slow", &wasm).unwrap_err();
    assert_eq!(again, error);
    assert!(
        started.elapsed() < limits.compile_time,
        "it is not tried again"
    );
    let other = host.load("other", &wasm).unwrap_err();
    assert!(other.to_string().contains("`other`"), "{other}");
    let more = Limits {
        compile_time: Duration::from_millis(400),
        ..limits
    };
    let more = host.load_within("slow", &wasm, &more).unwrap_err();
    assert!(
        more.to_string().contains("400ms"),
        "within more time it is tried again: {more}"
    );
    host.load("shell", &IDENTITY.wasm()).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_module_that_takes_much_memory_is_stopped() {
    let host = bounded_host(Limits {
        compile_memory: 64 << 20,
        ..Limits::default()
    });
    let error = host
        .load("large", &heavy::module(8, 100_000, 500))
        .unwrap_err();
    assert_eq!(error.code(), "WL0431", "{error}");
    for part in ["plugin `large` ", "64 MiB", "`limits.compileMemory`"] {
        assert!(error.to_string().contains(part), "says {part}: {error}");
    }
    host.load("shell", &IDENTITY.wasm()).unwrap();
}

#[test]
fn a_damaged_plugin_is_an_error_of_the_plugin() {
    let host = bounded_host(Limits::default());
    let wasm = IDENTITY.wasm();
    let error = host.load("cut", &wasm[..wasm.len() - 1]).unwrap_err();
    assert_eq!(error.code(), "WL0401", "{error}");
}

#[test]
fn a_child_that_fails_says_how() {
    let folder = tempfile::tempdir().unwrap();
    for (program, args, says) in [
        ("/no/such/program", &[][..], "cannot be started"),
        ("/bin/sh", &["-c", "echo oh dear >&2; exit 3"], "oh dear"),
        ("/bin/sh", &["-c", "echo well"], "its answer cannot be read"),
        ("/bin/sh", &["-c", "echo '\"Compiled\"'"], "left nothing"),
    ] {
        let cache = folder.path().join("cache");
        let host = host(&cache, broken(program, args));
        let error = host.load("shell", &IDENTITY.wasm()).unwrap_err();
        assert_eq!(error.code(), "WL0432", "{error}");
        assert!(error.to_string().contains(says), "says {says}: {error}");
    }
}

#[test]
fn a_child_ends_with_its_parent() {
    let folder = tempfile::tempdir().unwrap();
    let Compiler::Child(command) = compiler() else {
        unreachable!("it is a child");
    };
    let wasm = heavy::module(400, 4000, 500);
    let mut child = Command::new(&command.program)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let request = serde_json::json!({
        "folder": folder.path(),
        "memory": 2_u64 << 30,
        "bytes": wasm.len(),
    });
    writeln!(stdin, "{request}").unwrap();
    stdin.write_all(&wasm).unwrap();
    let started = Instant::now();
    // What happens when a daemon is killed.
    drop(stdin);
    let status = child.wait().unwrap();
    assert!(!status.success(), "it did not get to the end: {status}");
    assert!(
        started.elapsed() < Duration::from_secs(20),
        "nobody waits for it: {:?}",
        started.elapsed()
    );
    let left = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "no litter");
}
