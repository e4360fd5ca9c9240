//! A plugin that does what its configuration says, good or bad: the host's tests run it.

use serde::Deserialize;
use std::time::{Instant, SystemTime};
use windlass_plugin_sdk::{
    Assess, Description, Failure, Finding, Health, HealthStatus, Host, Json, Plugin, Scope,
    Transform, Validate,
};

struct Probe;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
struct Config {
    /// Read this file and put its text into every object.
    read: Option<String>,
    /// List this folder and put the names into every object.
    list: Option<String>,
    /// Ask whether this path exists.
    exists: Option<String>,
    /// Put a reference to this secret of the store `main` into every object.
    secret: Option<String>,
    /// Put what the clocks, the randomness and the environment say into every object.
    surroundings: bool,
    /// Run this plugin on the objects, and log what it finds.
    run: Option<Inner>,
    /// Log this line.
    log: Option<String>,
    /// Print this line on standard error, and panic with this message.
    panic: Option<String>,
    /// Fail with this message.
    fail: Option<String>,
    /// Recurse without end.
    recurse: bool,
    /// End the program with this status.
    exit: Option<i32>,
    /// Print this many lines.
    print: u64,
    /// Allocate this many bytes.
    allocate: usize,
    /// Put this many copies of every object out.
    copies: Option<usize>,
}

#[derive(Deserialize)]
struct Inner {
    path: String,
    #[serde(default)]
    config: Json,
}

impl Plugin for Probe {
    fn describe() -> Description {
        Description::new("probe", "1.2.3", "Does what its configuration says.")
            .scope(Scope::Object)
            .configuration_schema(r#"{"type": "object"}"#)
    }
}

impl Transform for Probe {
    type Config = Config;

    fn transform(
        mut objects: Vec<Json>,
        config: Config,
        host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure> {
        misbehave(&config)?;
        if let Some(line) = &config.log {
            host.info(line);
        }
        let mut seen = serde_json::Map::new();
        if let Some(path) = &config.read {
            seen.insert("text".into(), host.read_text(path)?.into());
        }
        if let Some(path) = &config.list {
            let names = host.list(path)?.into_iter().map(|entry| entry.name);
            seen.insert("names".into(), names.collect::<Vec<_>>().into());
        }
        if let Some(path) = &config.exists {
            seen.insert("exists".into(), host.exists(path)?.into());
        }
        if let Some(name) = &config.secret {
            let reference = host.secret_reference("main", name, "value")?;
            seen.insert("secret".into(), reference.into());
        }
        if config.surroundings {
            seen.insert("surroundings".into(), surroundings().into());
        }
        if !seen.is_empty() {
            for object in &mut objects {
                object["seen"] = Json::Object(seen.clone());
            }
        }
        if let Some(Inner { path, config }) = &config.run {
            let ran = host.run_plugin(path, objects, config)?;
            for finding in &ran.findings {
                host.warn(finding.message());
            }
            objects = ran.objects;
        }
        if let Some(copies) = config.copies {
            return Ok(objects
                .iter()
                .flat_map(|object| std::iter::repeat_n(object.clone(), copies))
                .collect());
        }
        Ok(objects)
    }
}

impl Validate for Probe {
    type Config = Config;

    fn validate(
        objects: &[Json],
        config: Config,
        _host: &mut dyn Host,
    ) -> Result<Vec<Finding>, Failure> {
        misbehave(&config)?;
        Ok(objects
            .iter()
            .enumerate()
            .filter(|(_, object)| object["metadata"]["name"].is_null())
            .map(|(index, object)| {
                Finding::warning(format!("a {} without a name", object["kind"]))
                    .object(index)
                    .field("metadata.name")
                    .hint("name it")
                    .rule("named")
            })
            .collect())
    }
}

impl Assess for Probe {
    type Config = Config;

    fn assess(object: &Json, config: Config, _host: &mut dyn Host) -> Result<Health, Failure> {
        misbehave(&config)?;
        Ok(match object["status"]["phase"].as_str() {
            Some("Ready") => Health::new(HealthStatus::Healthy),
            Some(phase) => Health::new(HealthStatus::Progressing).message(phase),
            None => Health::new(HealthStatus::Unknown),
        })
    }
}

#[allow(clippy::panic, reason = "the host's tests want to see a panic")]
fn misbehave(config: &Config) -> Result<(), Failure> {
    if let Some(message) = &config.panic {
        panic!("{message}");
    }
    if let Some(message) = &config.fail {
        return Err(Failure::new(message)
            .object(0)
            .field("spec")
            .hint("ask for less"));
    }
    if let Some(status) = config.exit {
        std::process::exit(status);
    }
    for line in 0..config.print {
        println!("line {line}");
    }
    std::hint::black_box(vec![1_u8; config.allocate]);
    if config.recurse {
        return Err(Failure::new(depth(0)));
    }
    Ok(())
}

/// The array keeps the compiler from turning the recursion into a loop.
#[allow(unconditional_recursion, reason = "that is what it is for")]
fn depth(level: u64) -> u64 {
    let here = std::hint::black_box([level; 64]);
    depth(here[0] + 1) + here[63]
}

/// Every source of impurity that the standard library knows.
fn surroundings() -> Vec<String> {
    let started = Instant::now();
    let map: std::collections::HashMap<u32, u32> = (0..16).map(|n| (n, n)).collect();
    let mut seen = vec![
        format!("{:?}", SystemTime::now()),
        format!("{:?}", map.keys().collect::<Vec<_>>()),
        format!("{:?}", std::env::vars().collect::<Vec<_>>()),
        format!("{:?}", std::env::args().collect::<Vec<_>>()),
        format!("{:?}", std::fs::read("/etc/passwd").map_err(|e| e.kind())),
        format!(
            "{:?}",
            std::io::read_to_string(std::io::stdin()).map_err(|e| e.kind())
        ),
    ];
    std::thread::sleep(std::time::Duration::from_secs(3600));
    seen.push(format!("{:?}", started.elapsed()));
    seen
}

windlass_plugin_sdk::export!(Probe: transform, validate, assess);
