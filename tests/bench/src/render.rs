//! `windlass render`: the plugins alone, without a cluster.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use windlass_test_support::build::ensure_windlass;
use windlass_test_support::{Scratch, workload};

use crate::conditions::Conditions;
use crate::report::{Report, Table, timing};

const ENVIRONMENT: &str = "\
apiVersion: windlass.dev/v1alpha1
kind: Environment
spec:
  pipeline:
    - plugin: manifests
    - plugin: patch
      config:
        patches:
          - target:
              kind: Deployment
            patch:
              spec:
                replicas: 3
                template:
                  spec:
                    containers:
                      - name: app
                        image: registry.example/app:2.0.0
";

/// One run of `windlass render`.
struct Run {
    process: Duration,
    /// Plugin and time of each step, as `--explain` tells them.
    steps: Vec<(String, Duration)>,
}

/// Renders `objects` Deployments `runs` times without the memo and as often with it.
pub(crate) async fn run(objects: usize, runs: usize) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let binary = tokio::task::spawn_blocking(ensure_windlass).await??;
    let (objects, runs) = (objects.max(1), runs.max(1));
    let folder = Scratch::new("bench-render")?;
    write_files(folder.path(), objects)?;
    let mut tables = Vec::new();
    let mut values = Vec::new();
    for (title, memo) in [("without the memo", false), ("with the memo", true)] {
        // The first run of each way compiles the plugins or fills the memo, and is not measured.
        let mut measured = Vec::new();
        for number in 0..=runs {
            let run = render(&binary, folder.path(), memo, objects)?;
            if number > 0 {
                eprintln!("{title}: {:.0} ms", milliseconds(run.process));
                measured.push(run);
            }
        }
        let (table, value) = summary(title, objects, &measured);
        tables.push(table);
        values.push(value);
    }
    Ok(Report {
        benchmark: "render",
        conditions: conditions.finish(),
        tables,
        values: Value::Array(values),
    })
}

fn write_files(folder: &Path, objects: usize) -> Result<()> {
    let environment = folder.join("root/environment");
    fs::create_dir_all(&environment).context("making the environment's folder")?;
    let write = |name: &str, text: &str| {
        let path = environment.join(name);
        fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
    };
    write("environment.yaml", ENVIRONMENT)?;
    for number in 0..objects {
        let name = format!("app-{number:05}");
        let manifest = workload::manifest(&name, "bench");
        let deployment = manifest
            .split("---\n")
            .find(|document| document.contains("kind: \"Deployment\""))
            .context("the workload has a Deployment")?;
        write(&format!("{name}.yaml"), deployment)?;
    }
    Ok(())
}

fn render(binary: &Path, folder: &Path, memo: bool, objects: usize) -> Result<Run> {
    let mut command = Command::new(binary);
    command
        .args(["render", "--explain", "--root"])
        .arg(folder.join("root"))
        .arg("--cache-dir")
        .arg(folder.join("cache"));
    if !memo {
        command.arg("--no-memo");
    }
    command.arg(folder.join("root/environment"));
    let begin = Instant::now();
    let output = command.output().context("running windlass render")?;
    let process = begin.elapsed();
    let explained = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.success(),
        "windlass render failed ({}): {explained}",
        output.status
    );
    let patched = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter(|line| line.trim() == "replicas: 3")
        .count();
    ensure!(
        patched == objects,
        "{objects} patched Deployments expected, {patched} found"
    );
    let steps: Vec<_> = explained.lines().filter_map(step).collect();
    if steps.len() != 2 {
        bail!("two steps expected in: {explained}");
    }
    Ok(Run { process, steps })
}

/// Reads a line such as ` 1  manifests  0.1.0  ran  0.4 ms  0  1  1 files`.
fn step(line: &str) -> Option<(String, Duration)> {
    let words: Vec<&str> = line.split_whitespace().collect();
    words.first()?.parse::<usize>().ok()?;
    let plugin = (*words.get(1)?).to_owned();
    let unit = words.iter().position(|word| *word == "ms")?;
    let time: f64 = words.get(unit.checked_sub(1)?)?.parse().ok()?;
    let time = Duration::try_from_secs_f64(time / 1000.0).ok()?;
    Some((plugin, time))
}

fn summary(title: &str, objects: usize, runs: &[Run]) -> (Table, Value) {
    let heading =
        format!("Render: {objects} Deployments in as many files, manifests and patch, {title}");
    let mut values = json!({ "memo": title, "objects": objects, "runs": runs.len() });
    let names = runs
        .first()
        .map(|run| run.steps.as_slice())
        .unwrap_or_default();
    let mut rows: Vec<(String, Vec<f64>)> = Vec::new();
    for (at, (plugin, _)) in names.iter().enumerate() {
        let times = runs.iter().filter_map(|run| run.steps.get(at));
        let times = times.map(|(_, time)| milliseconds(*time)).collect();
        rows.push((format!("step {plugin}"), times));
    }
    let process = runs.iter().map(|run| milliseconds(run.process)).collect();
    rows.push(("process, start to end".to_owned(), process));
    for (name, times) in &rows {
        values[name] = json!(times);
    }
    let rows: Vec<(&str, &[f64])> = rows
        .iter()
        .map(|(name, times)| (name.as_str(), times.as_slice()))
        .collect();
    (timing(heading, &rows), values)
}

fn milliseconds(duration: Duration) -> f64 {
    1000.0 * duration.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::step;
    use std::time::Duration;

    #[test]
    fn the_times_of_the_steps_are_read() {
        let line = " 2     patch      0.1.0    ran  12.5 ms    1   1    0 files";
        let expected = ("patch".to_owned(), Duration::from_micros(12_500));
        assert_eq!(step(line), Some(expected), "a step");
        let header = " STEP  PLUGIN     VERSION       TIME    IN  OUT  READ";
        assert_eq!(step(header), None, "the header is no step");
    }
}
