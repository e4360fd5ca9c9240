//! One process that builds again and again.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use windlass_plugin_host::{Host, HostOptions};
use windlass_render::{LimitOverrides, Memo, Pipeline, PluginRef, Renderer, Step};
use windlass_source::Folder;
use windlass_test_support::oracles;

/// Renders the folder as the daemon does, except that nothing is remembered.
pub(super) fn windlass(root: &Path, runs: usize) -> Result<Vec<Duration>> {
    let host = Host::new(HostOptions {
        cache_dir: Some(root.with_file_name("cache").join("plugins")),
        ..HostOptions::default()
    })?;
    let renderer = Renderer::new(host, Memo::none(), windlass_plugins::get);
    let tree = Folder::open(root)?;
    let pipeline = Pipeline {
        folder: "folder".to_owned(),
        steps: vec![Step {
            plugin: PluginRef::Builtin("kustomize".to_owned()),
            config: json!({}),
            limits: LimitOverrides::default(),
        }],
        ..Pipeline::default()
    };
    let mut took = Vec::new();
    for run in 0..=runs {
        let begin = Instant::now();
        renderer.render(&tree, &pipeline)?;
        // The first loads the plugin.
        if run > 0 {
            took.push(begin.elapsed());
        }
    }
    Ok(took)
}

/// Builds the folder in a process of kustomize's own code that stays.
pub(super) fn kustomize(root: &Path, runs: usize) -> Result<Vec<Duration>> {
    let mut process = Command::new(oracles::kustomize_server()?)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting kustomize")?;
    let mut requests = process.stdin.take().context("it has a standard input")?;
    let answers = process.stdout.take().context("it has a standard output")?;
    let mut answers = BufReader::new(answers);
    let request = json!({"args": [root.join("folder")]});
    let mut took = Vec::new();
    for _ in 0..runs {
        let begin = Instant::now();
        writeln!(requests, "{request}").context("asking kustomize")?;
        let mut line = String::new();
        answers.read_line(&mut line).context("reading its answer")?;
        took.push(begin.elapsed());
        let answer: Value = serde_json::from_str(&line).context("reading its answer")?;
        ensure!(answer.get("error").is_none(), "kustomize failed: {answer}");
    }
    drop(requests);
    process.wait().context("waiting for kustomize")?;
    Ok(took)
}
