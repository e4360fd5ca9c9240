//! What a plugin call costs, beside the same crate compiled natively and called on the same texts.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use windlass_plugin_host::{Host, HostOptions, Limits, NoImports, Plugin};
use windlass_plugin_patch::Patches;
use windlass_plugin_require::Require;
use windlass_plugin_sdk::run;
use windlass_plugin_sdk::testing::MemoryHost;
use windlass_test_support::workload;

use crate::conditions::Conditions;
use crate::report::{Report, Table, median};

/// Sizes of the set of objects: one shows what an instance of its own costs, many show the border.
const SIZES: [usize; 4] = [1, 10, 100, 1000];

/// A plugin twice: as it ships, and compiled for this machine.
struct Pair {
    name: &'static str,
    config: Value,
    /// Gives the length of the answer, so that both ways are known to have answered.
    native: fn(Vec<String>, &str) -> Result<usize>,
    component: fn(&Plugin, Vec<String>, &str) -> Result<usize>,
}

fn pairs() -> [Pair; 2] {
    [
        Pair {
            name: "patch",
            config: json!({ "patches": [{
                "target": { "kind": "Deployment" },
                "patch": { "spec": {
                    "replicas": 3,
                    "template": { "spec": { "containers": [
                        { "name": "app", "image": "registry.example/app:2.0.0" },
                    ] } },
                } },
            }] }),
            native: |objects, config| {
                let answer = run::transform::<Patches>(objects, config, &mut MemoryHost::new());
                Ok(answer.map_err(|failure| anyhow!("{failure}"))?.len())
            },
            component: |plugin, objects, config| {
                let answer =
                    plugin.transform(objects, config, &mut NoImports, &Limits::default())?;
                Ok(answer.value.len())
            },
        },
        Pair {
            name: "require",
            config: json!({ "rules": { "resource-limits": "warning", "probes": "off" } }),
            native: |objects, config| {
                let answer = run::validate::<Require>(objects, config, &mut MemoryHost::new());
                Ok(answer.map_err(|failure| anyhow!("{failure}"))?.len())
            },
            component: |plugin, objects, config| {
                let answer =
                    plugin.validate(objects, config, &mut NoImports, &Limits::default())?;
                Ok(answer.value.len())
            },
        },
    ]
}

/// Calls each plugin both ways, in turns, so that what else the machine does meets both.
pub(crate) async fn run(runs: usize) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let (table, values) = tokio::task::spawn_blocking(move || measure(runs.max(1))).await??;
    Ok(Report {
        benchmark: "call",
        conditions: conditions.finish(),
        tables: vec![table],
        values: Value::Array(values),
    })
}

fn measure(runs: usize) -> Result<(Table, Vec<Value>)> {
    let host = Host::new(HostOptions::default())?;
    let title = "A plugin call, warm, an object; native is the same crate on the same texts";
    let mut table = Table::new(title, &["", "objects", "native", "component", "times"]);
    let mut values = Vec::new();
    for pair in pairs() {
        let wasm = windlass_plugins::get(pair.name).context("it is a built-in plugin")?;
        let plugin = host.load(pair.name, wasm)?;
        let config = pair.config.to_string();
        for size in SIZES {
            let objects: Vec<String> = (0..size).map(deployment).collect::<Result<_>>()?;
            let (mut native, mut component) = (Vec::new(), Vec::new());
            // The first call of each way meets cold caches, and is not measured.
            for number in 0..=runs {
                let (own, found) = timed(|given| (pair.native)(given, &config), &objects)?;
                let (other, same) =
                    timed(|given| (pair.component)(&plugin, given, &config), &objects)?;
                ensure!(
                    found == same,
                    "{}: {found} and {same} in the answers",
                    pair.name
                );
                if number > 0 {
                    native.push(microseconds(own) / size as f64);
                    component.push(microseconds(other) / size as f64);
                }
            }
            let (own, other) = (median(&native), median(&component));
            table.row([
                pair.name.to_owned(),
                size.to_string(),
                format!("{own:.1} µs"),
                format!("{other:.1} µs"),
                format!("{:.2}", other / own),
            ]);
            values.push(json!({
                "plugin": pair.name,
                "objects": size,
                "runs": runs,
                "nativeMicroseconds": own,
                "componentMicroseconds": other,
                "times": other / own,
            }));
        }
    }
    Ok((table, values))
}

fn timed(
    call: impl FnOnce(Vec<String>) -> Result<usize>,
    objects: &[String],
) -> Result<(Duration, usize)> {
    let given = objects.to_vec();
    let begin = Instant::now();
    let found = black_box(call(black_box(given)))?;
    Ok((begin.elapsed(), found))
}

fn deployment(number: usize) -> Result<String> {
    let objects = workload::objects(&format!("app-{number:05}"), "bench");
    let found = objects.iter().find(|one| one["kind"] == "Deployment");
    Ok(found.context("the workload has a Deployment")?.to_string())
}

fn microseconds(duration: Duration) -> f64 {
    1e6 * duration.as_secs_f64()
}
