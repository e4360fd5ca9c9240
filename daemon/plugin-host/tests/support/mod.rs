//! Guests for the tests, and a caller who answers them.
#![allow(dead_code, reason = "each test binary uses its part")]

pub(crate) mod heavy;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
use windlass_plugin_host::{
    CompileCommand, Compiler, DirEntry, EntryKind, FileError, Finding, Host, HostOptions, Imports,
    Level, Limits, LogLine, Output, Plugin, PluginError, Ran, Run, RunEnd, RunFailure, Severity,
};

/// A guest in text form: what is filled into `guests/shell.wat`.
pub(crate) struct Shell {
    pub(crate) imports: &'static str,
    pub(crate) lowered: &'static str,
    pub(crate) core_imports: &'static str,
    pub(crate) with: &'static str,
    pub(crate) transform: &'static str,
    pub(crate) version: &'static str,
}

/// Gives back the objects it was given.
pub(crate) const IDENTITY: Shell = Shell {
    imports: "",
    lowered: "",
    core_imports: "",
    with: "",
    transform: "(call $answer (local.get $objects) (local.get $count))",
    version: "0.1.0",
};

impl Shell {
    pub(crate) const fn doing(transform: &'static str) -> Self {
        Self {
            transform,
            ..IDENTITY
        }
    }

    /// A guest that may call `$log`, with a level and a text.
    pub(crate) const fn logging(transform: &'static str) -> Self {
        Self {
            imports: r#"(import "windlass:plugin/log@0.1.0" (instance $log
                (type $level' (enum "debug" "info" "warning" "error"))
                (export "level" (type $level (eq $level')))
                (export "write" (func (param "level" $level) (param "message" string)))))"#,
            lowered: r#"(core func $log (canon lower (func $log "write")
                (memory (core memory $memory "memory"))))"#,
            core_imports: r#"(import "log" "write" (func $log (param i32 i32 i32)))"#,
            with: r#"(with "log" (instance (export "write" (func $log))))"#,
            transform,
            ..IDENTITY
        }
    }

    pub(crate) fn wasm(&self) -> Vec<u8> {
        let text = include_str!("../guests/shell.wat")
            .replace("{imports}", self.imports)
            .replace("{lowered}", self.lowered)
            .replace("{core-imports}", self.core_imports)
            .replace("{with}", self.with)
            .replace("{transform}", self.transform)
            .replace("{version}", self.version);
        wat::parse_str(text).unwrap()
    }
}

/// The component of `plugins/sdk/examples/probe.rs`, built once.
pub(crate) fn probe() -> &'static [u8] {
    static PROBE: OnceLock<Vec<u8>> = OnceLock::new();
    PROBE.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .parent()
            .unwrap()
            .join("plugins");
        let mut cargo = Command::new(env!("CARGO"));
        // Named one by one: rustup's own variables choose the toolchain and forbid installing one,
        // and have to reach the nested build as they are.
        for foreign in [
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
            "RUSTC_WORKSPACE_WRAPPER",
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET",
        ] {
            cargo.env_remove(foreign);
        }
        let status = cargo
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--locked", "--profile", "plugin"])
            .args(["--target", "wasm32-wasip2", "--target-dir"])
            .arg(&target)
            .args(["--package", "windlass-plugin-sdk", "--example", "probe"])
            .status()
            .unwrap();
        assert!(status.success(), "the probe has to compile");
        std::fs::read(target.join("wasm32-wasip2/plugin/examples/probe.wasm")).unwrap()
    })
}

/// One host for all tests of a binary, as in the daemon.
pub(crate) fn host() -> &'static Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    HOST.get_or_init(|| Host::new(HostOptions::default()).unwrap())
}

/// The program that compiles, built beside the tests.
pub(crate) fn compiler() -> Compiler {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/compile_child");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --examples`",
        program.display()
    );
    Compiler::Child(CompileCommand {
        program,
        args: Vec::new(),
    })
}

/// A host that compiles in child processes, as the daemon's does.
pub(crate) fn bounded_host(limits: Limits) -> Host {
    Host::new(HostOptions {
        limits,
        compiler: compiler(),
        ..HostOptions::default()
    })
    .unwrap()
}

pub(crate) fn load(name: &str, guest: &Shell) -> Result<Plugin, PluginError> {
    host().load(name, &guest.wasm())
}

pub(crate) fn load_probe() -> Plugin {
    host().load("probe", probe()).unwrap()
}

/// Bounds that a misbehaving guest reaches quickly and a slow machine does not reach otherwise.
pub(crate) fn tight() -> Limits {
    Limits {
        wall_time: Duration::from_secs(20),
        memory_bytes: 32 << 20,
        output_bytes: 1 << 20,
        log_bytes: 64 << 10,
        host_calls: 100_000,
        objects: 1000,
        ..Limits::default()
    }
}

pub(crate) fn transform(
    plugin: &Plugin,
    objects: &[&str],
    config: &str,
    limits: &Limits,
) -> Result<Output<Vec<String>>, PluginError> {
    let objects = objects.iter().map(|object| (*object).to_owned()).collect();
    plugin.transform(objects, config, &mut Answers::default(), limits)
}

/// A caller with a few files, who writes down what he is asked and told.
#[derive(Default)]
pub(crate) struct Answers {
    pub(crate) asked: Vec<String>,
    /// How long it takes to make another plugin ready.
    pub(crate) slow_to_load: Duration,
}

impl Answers {
    fn files() -> BTreeMap<&'static str, &'static str> {
        BTreeMap::from([("a.txt", "the text of a"), ("sub/b.txt", "the text of b")])
    }
}

impl Imports for Answers {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        self.asked.push(format!("read {path}"));
        match Self::files().get(path) {
            Some(text) => Ok(text.as_bytes().to_vec()),
            None if path == "sub" => Err(FileError::NotAFile),
            None if path == "large" => Err(FileError::TooLarge { limit: 7 }),
            None => Err(FileError::NotFound),
        }
    }

    fn list(&mut self, path: &str) -> Result<Vec<DirEntry>, FileError> {
        self.asked.push(format!("list {path}"));
        Ok(vec![
            DirEntry {
                name: "a.txt".to_owned(),
                kind: EntryKind::File,
            },
            DirEntry {
                name: "sub".to_owned(),
                kind: EntryKind::Folder,
            },
        ])
    }

    fn exists(&mut self, path: &str) -> Result<bool, FileError> {
        self.asked.push(format!("exists {path}"));
        Ok(Self::files().contains_key(path))
    }

    fn folder(&mut self) -> String {
        "environments/test".to_owned()
    }

    fn run_plugin(&mut self, run: Run) -> RunEnd {
        let Run {
            path,
            mut objects,
            config,
            within,
        } = run;
        self.asked.push(format!("run {path} {config}"));
        if path == "bad.wasm" {
            return RunFailure {
                message: "bad luck".to_owned(),
                object: Some(0),
                field: Some("spec".to_owned()),
                hint: Some("try again".to_owned()),
            }
            .into();
        }
        // As long as a large plugin takes to be compiled, when the caller has that little time.
        let loading = self.slow_to_load;
        if loading > within {
            std::thread::sleep(loading);
        }
        objects.push(r#"{"made":true}"#.to_owned());
        let finding = Finding {
            severity: Severity::Warning,
            object: Some(0),
            field: None,
            message: "odd".to_owned(),
            hint: None,
            rule: None,
        };
        let line = LogLine {
            level: Level::Info,
            message: "at work".to_owned(),
        };
        RunEnd {
            result: Ok(Ran {
                objects,
                findings: vec![finding],
                log: vec![line],
            }),
            loading,
        }
    }

    fn secret_reference(&mut self, store: &str, name: &str, key: &str) -> Result<String, String> {
        self.asked.push(format!("secret {store} {name} {key}"));
        if name == "forbidden" {
            return Err("this store is not allowed here".to_owned());
        }
        Ok(format!("reference-to-{name}"))
    }

    fn log(&mut self, level: Level, message: &str) {
        self.asked.push(format!("log {level:?} {message}"));
    }
}
