//! What a hostile plugin costs: its own call, and nothing that stays.
//!
//! Each guest ends within its limit with an error of its own, the next plugin runs as if nothing had
//! been, and the memory comes back. That the messages are right is tested beside the limits.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use rstest::rstest;
use std::time::{Duration, Instant};
use support::{Answers, IDENTITY, Shell, bounded_host, heavy, host, load, probe, transform};
use windlass_plugin_host::{
    DirEntry, FileError, Host, Imports, Limits, NoImports, PluginError, RunEnd, RunFailure,
};

const LOOP: Shell = Shell::doing("(loop $again (br $again)) unreachable");
const RECURSE: Shell = Shell::doing(
    "(call $transform (local.get $objects) (local.get $count) (i32.const 0) (i32.const 0))",
);
/// Takes memory and writes into all of it, until it gets no more.
const FILL: Shell = Shell::doing(
    "(loop $again
       (local.set $n (memory.grow (i32.const 256)))
       (if (i32.eq (local.get $n) (i32.const -1)) (then unreachable))
       (memory.fill (i32.mul (local.get $n) (i32.const 65536)) (i32.const 1)
         (i32.const 16777216))
       (br $again))
     unreachable",
);
/// Answers with 4,000 strings that are the same 64 KiB: 250 MiB out of one page.
const ANSWER: Shell = Shell::doing(
    "(drop (memory.grow (i32.const 4)))
     (loop $again
       (i32.store (i32.add (i32.const 4096) (i32.mul (local.get $n) (i32.const 8)))
         (i32.const 131072))
       (i32.store (i32.add (i32.const 4100) (i32.mul (local.get $n) (i32.const 8)))
         (i32.const 65536))
       (local.set $n (i32.add (local.get $n) (i32.const 1)))
       (br_if $again (i32.lt_u (local.get $n) (i32.const 4000))))
     (call $answer (i32.const 4096) (i32.const 4000))",
);
const LOG: Shell = Shell::logging(
    "(loop $again
       (call $log (i32.const 1) (i32.const 29) (i32.const 4))
       (local.set $n (i32.add (local.get $n) (i32.const 1)))
       (br_if $again (i32.lt_u (local.get $n) (i32.const 1000000))))
     (call $answer (local.get $objects) (local.get $count))",
);
const ASK: Shell = Shell::logging(
    "(loop $again (call $log (i32.const 1) (i32.const 0) (i32.const 0)) (br $again)) unreachable",
);
/// An answer, and a log line, that are no UTF-8.
const ANSWER_BYTES: Shell = Shell::doing(
    "(i32.store8 (i32.const 3000) (i32.const 0xff))
     (i32.store (i32.const 4096) (i32.const 3000)) (i32.store (i32.const 4100) (i32.const 1))
     (call $answer (i32.const 4096) (i32.const 1))",
);
const LOG_BYTES: Shell = Shell::logging(
    "(i32.store8 (i32.const 3000) (i32.const 0xff))
     (call $log (i32.const 1) (i32.const 3000) (i32.const 1)) unreachable",
);
const SOCKETS: Shell = Shell {
    imports: r#"(import "wasi:sockets/tcp@0.2.0" (instance (export "tcp" (type (sub resource)))))"#,
    ..IDENTITY
};
const NEXT_CONTRACT: Shell = Shell {
    version: "0.2.0",
    ..IDENTITY
};

/// Large enough to be seen in the memory of the process, and reached within a second or two.
fn roomy() -> Limits {
    Limits {
        wall_time: Duration::from_secs(2),
        memory_bytes: 512 << 20,
        output_bytes: 128 << 20,
        ..Limits::default()
    }
}

fn run(host: &Host, guest: &Shell) -> Result<(), PluginError> {
    let plugin = host.load("bad", &guest.wasm())?;
    plugin
        .transform(vec!["{}".to_owned()], "{}", &mut NoImports, &roomy())
        .map(drop)
}

const GUESTS: [(&str, &Shell, &str); 11] = [
    ("endless loop", &LOOP, "WL0413"),
    ("endless recursion", &RECURSE, "WL0412"),
    ("memory", &FILL, "WL0414"),
    ("output", &ANSWER, "WL0415"),
    ("a million log lines", &LOG, "WL0418"),
    ("host calls", &ASK, "WL0418"),
    ("an answer of bytes", &ANSWER_BYTES, "WL0420"),
    ("a log line of bytes", &LOG_BYTES, "WL0420"),
    ("sockets", &SOCKETS, "WL0403"),
    ("the next contract", &NEXT_CONTRACT, "WL0404"),
    ("endless loop again", &LOOP, "WL0413"),
];

#[test]
fn the_host_goes_on_and_the_memory_comes_back() {
    let host = bounded_host(Limits {
        compile_time: Duration::from_secs(2),
        ..Limits::default()
    });
    let good = host.load("good", &IDENTITY.wasm()).unwrap();
    let works = |after: &str| {
        let objects = vec![r#"{"kind":"A"}"#.to_owned()];
        let output = good
            .transform(objects.clone(), "{}", &mut NoImports, &roomy())
            .unwrap();
        assert_eq!(output.value, objects, "after {after}");
    };
    works("nothing");
    let before = memory("VmRSS");
    let slow = heavy::module(400, 4000, 500);
    let large = vec![0; 200 << 20];
    // Twice: what stays of a call would be seen the second time.
    for _ in 0..2 {
        for (what, guest, code) in GUESTS {
            let started = Instant::now();
            let error = run(&host, guest).unwrap_err();
            let elapsed = started.elapsed();
            assert_eq!(error.code(), code, "{what}: {error}");
            assert!(elapsed < Duration::from_secs(30), "{what} took {elapsed:?}");
            works(what);
        }
        for (what, wasm, code) in [
            ("minutes of compiling", &slow, "WL0430"),
            ("a module of 200 MB", &large, "WL0402"),
        ] {
            let error = host.load("bad", wasm).unwrap_err();
            assert_eq!(error.code(), code, "{what}: {error}");
            works(what);
        }
    }
    drop((slow, large));
    let (after, peak) = (memory("VmRSS"), memory("VmHWM"));
    if let (Some(before), Some(after), Some(peak)) = (before, after, peak) {
        println!("{before} kB before, {after} kB after, {peak} kB at most");
        assert!(
            peak > before + (400 << 10),
            "a guest had its 512 MiB: {before} kB before, {peak} kB at most"
        );
        assert!(
            after < before + (128 << 10),
            "the memory came back: {before} kB before, {after} kB after"
        );
    }
}

/// A line of what Linux says about this process, in kB; none on other systems.
fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let rest = status.lines().find_map(|it| it.strip_prefix(line))?;
    let number = rest.trim_start_matches(':').trim().strip_suffix(" kB")?;
    number.parse().ok()
}

/// Takes its time for every answer.
struct Slow(usize);

impl Imports for Slow {
    fn read(&mut self, _: &str) -> Result<Vec<u8>, FileError> {
        self.0 += 1;
        std::thread::sleep(Duration::from_millis(20));
        Ok(Vec::new())
    }

    fn list(&mut self, _: &str) -> Result<Vec<DirEntry>, FileError> {
        Ok(Vec::new())
    }

    fn exists(&mut self, _: &str) -> Result<bool, FileError> {
        Ok(false)
    }

    fn folder(&mut self) -> String {
        String::new()
    }

    fn secret_reference(&mut self, _: &str, _: &str, _: &str) -> Result<String, String> {
        Ok(String::new())
    }

    fn run_plugin(&mut self, _: windlass_plugin_host::Run) -> RunEnd {
        RunFailure::default().into()
    }

    fn log(&mut self, _: windlass_plugin_host::Level, _: &str) {
        self.0 += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn the_time_that_the_host_takes_counts() {
    let plugin = load("patient", &ASK).unwrap();
    let limits = Limits {
        wall_time: Duration::from_millis(200),
        ..Limits::default()
    };
    let mut slow = Slow(0);
    let started = Instant::now();
    let error = plugin
        .transform(Vec::new(), "{}", &mut slow, &limits)
        .unwrap_err();
    assert_eq!(error.code(), "WL0413", "{error}");
    assert!(
        started.elapsed() >= limits.wall_time && slow.0 <= 11,
        "it ended with the call in which its time was over: {} calls",
        slow.0
    );
}

#[rstest]
#[case::no_json("no JSON")]
#[case::cut(r#"{"kind": "#)]
#[case::empty("")]
#[case::deep(&"[".repeat(100_000))]
fn what_is_no_json_reaches_neither_a_function_nor_its_host(#[case] object: &str) {
    let text = include_str!("guests/command.wat")
        .replace("{imports}", "")
        .replace("{data}", "")
        .replace("{start}", "(call $echo)");
    let plugin = host().load("echo", &wat::parse_str(text).unwrap()).unwrap();
    let error = transform(&plugin, &[object], "{}", &roomy()).unwrap_err();
    assert_eq!(error.code(), "WL0410", "{error}");
}

/// A thousand runs give the same bytes, of a guest too that looks at clocks and rolls dice.
#[test]
fn the_same_input_gives_the_same_bytes() {
    let plugin = host().load("probe", probe()).unwrap();
    let objects = [
        r#"{"b":1.5e300,"a":[1,2,3],"kind":"A","metadata":{"name":"x"}}"#,
        r#"{"kind":"B","text":"é\u0000"}"#,
    ];
    let config = r#"{"surroundings": true, "log": "line", "read": "a.txt", "list": "sub"}"#;
    let call = || {
        let objects = objects.iter().map(|it| (*it).to_owned()).collect();
        let output = plugin
            .transform(objects, config, &mut Answers::default(), &Limits::default())
            .unwrap();
        (output.value, output.log, output.peak_memory)
    };
    let first = call();
    assert!(first.0[0].contains("surroundings"), "it looked: {first:?}");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for run in 0..250 {
                    assert_eq!(call(), first, "run {run}");
                }
            });
        }
    });
    let other = Host::new(windlass_plugin_host::HostOptions::default()).unwrap();
    let other = other.load("probe", probe()).unwrap();
    let objects = objects.iter().map(|it| (*it).to_owned()).collect();
    let again = other
        .transform(objects, config, &mut Answers::default(), &Limits::default())
        .unwrap();
    assert_eq!(again.value, first.0, "in another host, compiled anew");
}
