//! `windlass plugin bench PLUGIN`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use serde_json::json;
use windlass_manifest::{Json, Limits as ReadLimits, decode, read_objects};
use windlass_plugin_host::{Limits, NoImports, Plugin};

use super::open;
use crate::cli::output::{Table, print_value, put};
use crate::cli::{Failed, Format};

/// A component that gives back what it is given, so that its time is that of the sandbox alone.
const NOTHING: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/nothing.wasm"));

/// Arguments of `windlass plugin bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// A built-in plugin by name, a `.wasm` file, or the folder of a plugin that was built.
    plugin: String,
    /// How many objects it gets.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    objects: u32,
    /// The objects, repeated under other names as often as it takes; default: Deployments.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// The configuration, a YAML file with what stands under `config` in a step.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How many times each call is made; the fastest counts, which others disturb least.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    runs: u32,
    /// How the data is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Where compiled plugins are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

/// What a plugin costs. Times are the fastest of the runs, in microseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    plugin: String,
    objects: u32,
    /// Making it ready: reading what was compiled before, or compiling it.
    load: f64,
    /// A call without objects: an instance is made, and thrown away.
    start: f64,
    /// A call with all objects.
    call: f64,
    /// What each object adds.
    per_object: f64,
    /// The same of a component that gives back what it is given.
    nothing: Nothing,
    /// The most memory that the call had, in bytes.
    peak_memory: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Nothing {
    start: f64,
    call: f64,
    per_object: f64,
}

/// Measures and prints.
pub(crate) fn bench(args: &BenchArgs) -> Result<ExitCode, Failed> {
    let renderer = open::renderer(args.cache_dir.as_deref())?;
    let host = renderer.host();
    let objects = objects(args)?;
    let config = config(args)?;

    let started = Instant::now();
    let plugin = open::open(host, &args.plugin)?.plugin;
    let load = microseconds(started.elapsed());
    let nothing = host.load("nothing", NOTHING)?;

    let (start, _) = fastest(&plugin, &[], &config, args.runs)?;
    let (call, peak_memory) = fastest(&plugin, &objects, &config, args.runs)?;
    let (nothing_start, _) = fastest(&nothing, &[], "{}", args.runs)?;
    let (nothing_call, _) = fastest(&nothing, &objects, "{}", args.runs)?;
    let report = Report {
        plugin: format!("{} {}", plugin.name(), plugin.version()),
        objects: args.objects,
        load,
        start,
        call,
        per_object: per_object(start, call, args.objects),
        nothing: Nothing {
            start: nothing_start,
            call: nothing_call,
            per_object: per_object(nothing_start, nothing_call, args.objects),
        },
        peak_memory,
    };
    match args.output {
        Format::Table => put(&text(&report))?,
        format => print_value(&report, format)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Calls as often as asked and gives the shortest time in microseconds, and the memory of that call.
fn fastest(
    plugin: &Plugin,
    objects: &[String],
    config: &str,
    runs: u32,
) -> Result<(f64, u64), Failed> {
    // What is slow is to be measured, not to be stopped.
    let limits = Limits {
        wall_time: Duration::from_secs(300),
        ..Limits::default()
    };
    let transforms = plugin.exports().transform;
    let mut best: Option<(Duration, u64)> = None;
    for _ in 0..runs {
        let objects = objects.to_vec();
        let (elapsed, memory) = if transforms {
            let output = plugin.transform(objects, config, &mut NoImports, &limits)?;
            (output.elapsed, output.peak_memory)
        } else {
            let output = plugin.validate(objects, config, &mut NoImports, &limits)?;
            (output.elapsed, output.peak_memory)
        };
        if best.is_none_or(|(shortest, _)| elapsed < shortest) {
            best = Some((elapsed, memory));
        }
    }
    let (elapsed, memory) = best.unwrap_or_default();
    Ok((microseconds(elapsed), memory))
}

fn microseconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1_000_000.0
}

/// What an object adds to a call; never less than nothing, which noise would make of it.
fn per_object(start: f64, call: f64, objects: u32) -> f64 {
    ((call - start) / f64::from(objects)).max(0.0)
}

fn objects(args: &BenchArgs) -> Result<Vec<String>, Failed> {
    let patterns: Vec<Json> = match &args.input {
        Some(file) => {
            let text = read(file)?;
            let name = file.display().to_string();
            let objects = read_objects(&name, &text, &ReadLimits::default())
                .map_err(|error| Failed::new(error.code(), error.to_string()))?;
            objects.into_iter().map(|one| one.into_json()).collect()
        }
        None => vec![deployment()],
    };
    if patterns.is_empty() {
        return Err(Failed::new(
            "WL0003",
            "the file with the objects holds none",
        ));
    }
    let objects = patterns.into_iter().cycle().zip(0..args.objects);
    Ok(objects
        .map(|(mut object, number)| {
            let name = object["metadata"]["name"].as_str().unwrap_or("object");
            object["metadata"]["name"] = format!("{name}-{number}").into();
            object.to_string()
        })
        .collect())
}

fn config(args: &BenchArgs) -> Result<String, Failed> {
    let Some(file) = &args.config else {
        return Ok("{}".to_owned());
    };
    let documents = decode(&read(file)?, &ReadLimits::default())
        .map_err(|error| Failed::new(error.code(), format!("{}: {error}", file.display())))?;
    let config = documents.into_iter().next().map(|first| first.value);
    Ok(match config {
        Some(Json::Null) | None => "{}".to_owned(),
        Some(config) => config.to_string(),
    })
}

fn read(file: &std::path::Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(file).map_err(|error| {
        Failed::new(
            "WL0003",
            format!("{} cannot be opened: {error}", file.display()),
        )
    })
}

/// An object as environments have most of: about 600 bytes.
fn deployment() -> Json {
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "server",
            "namespace": "shop",
            "labels": {"app.kubernetes.io/name": "server", "app.kubernetes.io/part-of": "shop"},
        },
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": {"app.kubernetes.io/name": "server"}},
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": "server"}},
                "spec": {
                    "containers": [{
                        "name": "server",
                        "image": "registry.example/shop/server:1.4.2",
                        "ports": [{"name": "http", "containerPort": 8080}],
                        "env": [{"name": "LOG_LEVEL", "value": "info"}],
                        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                    }],
                },
            },
        },
    })
}

fn text(report: &Report) -> String {
    let Report {
        plugin,
        objects,
        load,
        start,
        call,
        per_object,
        nothing,
        peak_memory,
    } = report;
    let mut table = Table::plain();
    table.row([String::new(), plugin.clone(), "doing nothing".to_owned()]);
    let all = format!("call with {objects} objects");
    for (name, plugin, nothing) in [
        ("instance start", *start, nothing.start),
        (all.as_str(), *call, nothing.call),
        ("per object", *per_object, nothing.per_object),
    ] {
        table.row([name.to_owned(), time(plugin), time(nothing)]);
    }
    table.row([
        "peak memory".to_owned(),
        open::size(*peak_memory),
        String::new(),
    ]);
    table.row(["load".to_owned(), time(*load), String::new()]);
    table.text()
}

/// Microseconds as people read them.
fn time(microseconds: f64) -> String {
    match microseconds {
        short if short < 1_000.0 => format!("{short:.2} µs"),
        short if short < 1_000_000.0 => format!("{:.2} ms", short / 1_000.0),
        long => format!("{:.2} s", long / 1_000_000.0),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use windlass_plugin_host::{Host, HostOptions};

    #[rstest]
    #[case(0.5, "0.50 µs")]
    #[case(1_500.0, "1.50 ms")]
    #[case(2_000_000.0, "2.00 s")]
    fn times_are_for_people(#[case] microseconds: f64, #[case] expected: &str) {
        assert_eq!(time(microseconds), expected);
    }

    #[rstest]
    #[case::plain(100.0, 1_100.0, 1_000, 1.0)]
    #[case::noise(100.0, 90.0, 1_000, 0.0)]
    fn what_an_object_adds(
        #[case] start: f64,
        #[case] call: f64,
        #[case] objects: u32,
        #[case] expected: f64,
    ) {
        assert!((per_object(start, call, objects) - expected).abs() < 1e-9);
    }

    #[test]
    fn nothing_gives_back_what_it_is_given() {
        let host = Host::new(HostOptions::default()).unwrap();
        let plugin = host.load("nothing", NOTHING).unwrap();
        let objects = vec![deployment().to_string(), "{}".to_owned()];
        let output = plugin.transform(objects.clone(), "{}", &mut NoImports, &Limits::default());
        assert_eq!(output.unwrap().value, objects);
    }
}
