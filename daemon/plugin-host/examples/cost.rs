//! Prints what a plugin costs on this machine: to load, to start, and for 1,000 objects.
//!
//! `cargo run --release -p windlass-plugin-host --example cost -- [PLUGIN.wasm [CONFIG]]`, with the
//! configuration of a step as JSON text. Without a plugin it takes one that gives back what it was
//! given and looks at nothing: what remains is the cost of the border.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement has nothing to do when it cannot be made"
)]

use serde_json::json;
use std::time::{Duration, Instant};
use windlass_plugin_host::{Host, HostOptions, Limits, NoImports, Plugin};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next();
    let config = arguments.next().unwrap_or_else(|| "{}".to_owned());
    let wasm = match &path {
        Some(path) => std::fs::read(path).expect("the component can be read"),
        None => echo(),
    };
    println!(
        "{}: {} KiB",
        path.as_deref().unwrap_or("an echo"),
        wasm.len() >> 10
    );

    let folder = tempfile::tempdir().expect("there is a folder for temporary files");
    let options = HostOptions {
        cache_dir: Some(folder.path().join("cache")),
        ..HostOptions::default()
    };
    for what in ["compile and describe", "load from the disk"] {
        let host = Host::new(options.clone()).expect("the host starts");
        let started = Instant::now();
        host.load("plugin", &wasm).expect("the plugin loads");
        println!("{what:<34}{:>10.1?}", started.elapsed());
    }

    let host = Host::new(options).expect("the host starts");
    let plugin = host.load("plugin", &wasm).expect("the plugin loads");
    let none = measure(&plugin, &config, &[]);
    println!("{:<34}{:>10.1?}", "a call without objects", none.median);
    println!("{:<34}{:>10.1?}", "    its slowest of a hundred", none.slow);
    for count in [1, 100, 1000] {
        let objects = objects(count);
        let bytes: usize = objects.iter().map(String::len).sum();
        let cost = measure(&plugin, &config, &objects);
        println!(
            "{:<34}{:>10.1?}{:>10.1?} an object",
            format!("{count} objects of together {} KiB", bytes >> 10),
            cost.median,
            cost.median / count,
        );
    }
}

/// A plugin without a language behind it: no allocator, no start-up, nothing parsed.
fn echo() -> Vec<u8> {
    let text = include_str!("../tests/guests/shell.wat")
        .replace("{imports}", "")
        .replace("{lowered}", "")
        .replace("{core-imports}", "")
        .replace("{with}", "")
        .replace(
            "{transform}",
            "(call $answer (local.get $objects) (local.get $count))",
        )
        .replace("{version}", "0.1.0");
    wat::parse_str(text).expect("the text is a component")
}

struct Cost {
    median: Duration,
    slow: Duration,
}

fn measure(plugin: &Plugin, config: &str, objects: &[String]) -> Cost {
    let limits = Limits::default();
    let mut times: Vec<Duration> = (0..100)
        .map(|_| {
            let objects = objects.to_vec();
            let started = Instant::now();
            if plugin.exports().transform {
                drop(
                    plugin
                        .transform(objects, config, &mut NoImports, &limits)
                        .expect("the call succeeds"),
                );
            } else {
                drop(
                    plugin
                        .validate(objects, config, &mut NoImports, &limits)
                        .expect("the call succeeds"),
                );
            }
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    Cost {
        median: times[times.len() / 2],
        slow: times[times.len() - 1],
    }
}

/// Deployments as people write them, each with a name of its own.
fn objects(count: u32) -> Vec<String> {
    (0..count)
        .map(|number| {
            let name = format!("server-{number}");
            let labels = json!({ "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "shop" });
            json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": { "name": name, "namespace": "shop", "labels": labels },
                "spec": {
                    "replicas": 3,
                    "selector": { "matchLabels": { "app.kubernetes.io/name": name } },
                    "template": {
                        "metadata": { "labels": labels },
                        "spec": {
                            "containers": [{
                                "name": "server",
                                "image": "registry.example.com/shop/server:1.27.3",
                                "ports": [{ "name": "http", "containerPort": 8080 }],
                                "env": [
                                    { "name": "LOG_LEVEL", "value": "info" },
                                    { "name": "DATABASE_HOST", "value": "database.shop.svc" },
                                ],
                                "resources": {
                                    "requests": { "cpu": "100m", "memory": "128Mi" },
                                    "limits": { "memory": "256Mi" },
                                },
                                "readinessProbe": { "httpGet": { "path": "/ready", "port": "http" } },
                            }],
                        },
                    },
                },
            })
            .to_string()
        })
        .collect()
}
