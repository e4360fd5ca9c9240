//! What the integration tests share.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part of it, and fails by panicking"
)]

pub(crate) mod tree;

use serde_json::Value;
use std::path::Path;
use std::sync::OnceLock;
use windlass_plugin_host::{Host, HostOptions};
use windlass_render::{LimitOverrides, Memo, Pipeline, PluginRef, Rendered, Renderer, Step};

/// One host for all tests of a program; the plugins are compiled once for all programs.
pub(crate) fn host() -> Host {
    static HOST: OnceLock<Host> = OnceLock::new();
    let new = || {
        let cache_dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugins");
        Host::new(HostOptions {
            cache_dir: Some(cache_dir),
            ..HostOptions::default()
        })
        .unwrap()
    };
    HOST.get_or_init(new).clone()
}

pub(crate) fn renderer(memo: Memo) -> Renderer {
    Renderer::new(host(), memo, windlass_plugins::get).with_builtin_names(windlass_plugins::names())
}

pub(crate) fn with_memo() -> Renderer {
    renderer(Memo::in_memory(64 << 20))
}

pub(crate) fn without_memo() -> Renderer {
    renderer(Memo::none())
}

/// A pipeline of built-in plugins, or of files when the name ends in `.wasm`.
pub(crate) fn pipeline(folder: &str, steps: &[(&str, Value)]) -> Pipeline {
    Pipeline {
        steps: steps
            .iter()
            .map(|(plugin, config)| Step {
                plugin: match plugin.ends_with(".wasm") {
                    true => PluginRef::Path((*plugin).to_owned()),
                    false => PluginRef::Builtin((*plugin).to_owned()),
                },
                config: config.clone(),
                limits: LimitOverrides::default(),
            })
            .collect(),
        folder: folder.to_owned(),
        ..Pipeline::default()
    }
}

pub(crate) fn ids(rendered: &Rendered) -> Vec<String> {
    rendered
        .objects
        .iter()
        .map(|it| it.object.id().to_string())
        .collect()
}

/// A ConfigMap as YAML.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  key: '{value}'\n")
}

pub(crate) fn deployment(name: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
    spec:
      containers:
      - name: server
        image: registry.example.com/{name}:1
        env:
        - name: DATABASE_URL
          value: postgres://u:${{secret:vault/{name}/password}}@db
"
    )
}
