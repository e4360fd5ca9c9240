//! Guests that misbehave are stopped, each with an error that says why and what to do.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use rstest::rstest;
use std::time::{Duration, Instant};
use support::{Shell, load, load_probe, tight, transform};
use windlass_plugin_host::Limits;

const LOOP: Shell = Shell::doing("(loop $again (br $again)) unreachable");
const TRAP: Shell = Shell::doing("unreachable");
const DIVIDE: Shell = Shell::doing("(i32.div_u (i32.const 1) (local.get $n))");
const WILD_POINTER: Shell = Shell::doing("(call $answer (i32.const -8) (i32.const 1))");
const RECURSE: Shell = Shell::doing(
    "(call $transform (local.get $objects) (local.get $count) (i32.const 0) (i32.const 0))",
);
const ALLOCATE: Shell = Shell::doing(
    "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
     unreachable",
);
const ALLOCATE_AND_GO_ON: Shell = Shell::doing(
    "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
     (call $answer (local.get $objects) (local.get $count))",
);
/// Sixteen strings, each of them the same 64 KiB: sixteen times more than the guest has.
const AMPLIFY: Shell = Shell::doing(
    "(loop $again
       (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $n) (i32.const 8))) (i32.const 0))
       (i32.store (i32.add (i32.const 4100) (i32.mul (local.get $n) (i32.const 8)))
         (i32.const 65536))
       (local.set $n (i32.add (local.get $n) (i32.const 1)))
       (br_if $again (i32.lt_u (local.get $n) (i32.const 17))))
     (call $answer (i32.const 4096) (i32.const 17))",
);
/// A list of 64 million strings, all of them empty: a gigabyte of host memory.
const LONG_LIST: Shell = Shell::doing(
    "(drop (memory.grow (i32.const 400))) (call $answer (i32.const 65536) (i32.const 3000000))",
);
const TOO_MANY: Shell =
    Shell::doing("(call $answer (i32.const 65536) (i32.add (local.get $n) (i32.const 1001)))");
const LOG_FOR_EVER: Shell = Shell::logging(
    "(loop $again (call $log (i32.const 1) (i32.const 29) (i32.const 4)) (br $again)) unreachable",
);
const LOG_AT_ONCE: Shell =
    Shell::logging("(call $log (i32.const 1) (i32.const 0) (i32.const 65536)) unreachable");

#[rstest]
#[case::trap(&TRAP, "WL0411", "it panicked or aborted")]
#[case::division(&DIVIDE, "WL0411", "divide by zero")]
#[case::wild_pointer(&WILD_POINTER, "WL0420", "breaks the contract")]
#[case::recursion(&RECURSE, "WL0412", "nested too deep")]
#[case::memory(&ALLOCATE, "WL0414", "over the memory limit of 32 MiB; if it needs more, raise `limits.memory`")]
#[case::amplified_output(&AMPLIFY, "WL0415", "raise `limits.outputBytes`")]
#[case::long_list(&LONG_LIST, "WL0415", "raise `limits.outputBytes`")]
#[case::objects(&TOO_MANY, "WL0416", "gave back 1001 objects or findings in one call, and 1000 is the limit")]
#[case::a_million_log_lines(&LOG_FOR_EVER, "WL0418", "raise `limits.logBytes`")]
#[case::one_long_log_line(&LOG_AT_ONCE, "WL0418", "raise `limits.logBytes`")]
fn a_misbehaving_guest_is_stopped(#[case] guest: &Shell, #[case] code: &str, #[case] says: &str) {
    let plugin = load("bad", guest).unwrap();
    let error = transform(&plugin, &["{}"], "{}", &tight()).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let message = error.to_string();
    assert!(
        message.starts_with("plugin `bad` 0.9.0 "),
        "names the plugin: {message}"
    );
    assert!(message.contains(says), "says `{says}`: {message}");
}

#[test]
fn an_endless_loop_ends_at_the_wall_time() {
    let plugin = load("bad", &LOOP).unwrap();
    let limits = Limits {
        wall_time: Duration::from_millis(50),
        ..tight()
    };
    let started = Instant::now();
    let error = transform(&plugin, &[], "{}", &limits).unwrap_err();
    let elapsed = started.elapsed();
    assert_eq!(error.code(), "WL0413", "{error}");
    assert!(error.to_string().contains("`limits.wallTime`"), "{error}");
    assert!(
        elapsed >= limits.wall_time,
        "not before its time: {elapsed:?}"
    );
    assert!(
        elapsed < Duration::from_secs(10),
        "soon after it: {elapsed:?}"
    );
}

#[test]
fn host_calls_are_counted() {
    let limits = Limits {
        host_calls: 1000,
        log_bytes: 1 << 30,
        ..tight()
    };
    let error = transform(&load("bad", &LOG_FOR_EVER).unwrap(), &[], "{}", &limits).unwrap_err();
    assert_eq!(error.code(), "WL0417", "{error}");
    assert!(
        error.to_string().contains("more than 1000 times"),
        "{error}"
    );
}

#[test]
fn a_guest_that_is_refused_memory_may_go_on() {
    let plugin = load("modest", &ALLOCATE_AND_GO_ON).unwrap();
    let output = transform(&plugin, &["{}"], "{}", &tight()).unwrap();
    assert_eq!(output.value, ["{}"]);
    assert!(
        (31 << 20..=32 << 20).contains(&output.peak_memory),
        "it had nearly all it may have: {}",
        output.peak_memory
    );
}

#[test]
fn a_guest_larger_than_its_memory_limit_does_not_start() {
    let limits = Limits {
        memory_bytes: 4096,
        ..tight()
    };
    let error = transform(&load("large", &TRAP).unwrap(), &[], "{}", &limits).unwrap_err();
    assert_eq!(error.code(), "WL0414", "{error}");
    assert!(error.to_string().contains("4096 bytes"), "{error}");
}

#[test]
fn too_many_objects_do_not_go_in() {
    let plugin = load("bad", &TRAP).unwrap();
    let error = transform(&plugin, &["{}"; 1001], "{}", &tight()).unwrap_err();
    assert_eq!(error.code(), "WL0416", "{error}");
    assert!(error.to_string().contains("was given 1001"), "{error}");
}

#[rstest]
#[case::panic(r#"{"panic": "the sky fell"}"#, "WL0411", "the sky fell")]
#[case::recursion(r#"{"recurse": true}"#, "WL0411", "calls itself without end")]
#[case::exit(r#"{"exit": 3}"#, "WL0419", "`exit` with status 1")]
#[case::printing(r#"{"print": 1000000}"#, "WL0418", "`limits.logBytes`")]
#[case::memory(r#"{"allocate": 1000000000}"#, "WL0414", "`limits.memory`")]
#[case::output(r#"{"copies": 200}"#, "WL0415", "`limits.outputBytes`")]
fn a_misbehaving_rust_plugin_is_stopped(
    #[case] config: &str,
    #[case] code: &str,
    #[case] says: &str,
) {
    let object = format!(r#"{{"large": "{}"}}"#, "x".repeat(10_000));
    let error = transform(&load_probe(), &[&object], config, &tight()).unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    let message = error.to_string();
    assert!(
        message.starts_with("plugin `probe` 1.2.3 "),
        "names the plugin: {message}"
    );
    assert!(message.contains(says), "says `{says}`: {message}");
    assert!(
        message.len() < 40_000,
        "what is printed is cut: {}",
        message.len()
    );
}
