//! `windlass build` beside the real `kustomize build`, on the same folders in the same run.
//!
//! As processes, from start to end, which is what a person waits for; and warm, one process that builds again and again,
//! which is what a daemon does. Nothing is remembered between builds on either side.

mod folder;
mod measure;
mod warm;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use windlass_manifest::{Json, Limits, decode};
use windlass_test_support::build::ensure_windlass;
use windlass_test_support::{Scratch, oracles};

use crate::conditions::Conditions;
use crate::report::{Report, Table, mebibytes, median};
use folder::Case;
use measure::{Process, measure};

/// What is built: the three that are compared, and two that only show how the time grows.
const CASES: [Case; 5] = [
    Case::One,
    Case::Deployments(1000),
    Case::Mixed(4000),
    Case::Mixed(2000),
    Case::Mixed(8000),
];

/// What one case gave.
struct Measured {
    case: Case,
    objects: usize,
    ours: Vec<Process>,
    theirs: Vec<Process>,
    ours_warm: Vec<Duration>,
    theirs_warm: Vec<Duration>,
}

/// Builds every case `runs` times with Windlass; with kustomize as often when that is quick, and once when it is not.
pub(crate) async fn run(runs: usize, own_only: bool) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let windlass = tokio::task::spawn_blocking(ensure_windlass).await??;
    let kustomize = tokio::task::spawn_blocking(oracles::kustomize).await??;
    let scratch = Scratch::new("bench-kustomize")?;
    let runs = runs.max(1);
    let mut found = Vec::new();
    // All processes come first: a child's peak counts what its parent held when it was forked, so that this process must
    // stay small until the last of them has ended.
    for case in CASES {
        let root = scratch.path().join(case.name());
        case.write(&root)?;
        found.push(processes(
            case, &root, &windlass, &kustomize, runs, own_only,
        )?);
    }
    for measured in &mut found {
        let root = scratch.path().join(measured.case.name());
        measured.objects = same_output(&root)?;
        let times = if measured.case == Case::One { 50 } else { runs };
        measured.ours_warm = warm::windlass(&root, times)?;
        if !measured.theirs.is_empty() {
            measured.theirs_warm = warm::kustomize(&root, measured.theirs.len())?;
        }
    }
    Ok(Report {
        benchmark: "kustomize",
        conditions: conditions.finish(),
        tables: vec![as_processes(&found), warm_table(&found), growth(&found)],
        values: found.iter().map(Measured::json).collect(),
    })
}

fn processes(
    case: Case,
    root: &Path,
    windlass: &Path,
    kustomize: &Path,
    runs: usize,
    own_only: bool,
) -> Result<Measured> {
    let folder = root.join("folder");
    let cache = root.with_file_name("cache");
    let ours = |output: &Path| {
        measure(
            windlass,
            &[
                "build".as_ref(),
                folder.as_os_str(),
                "--cache-dir".as_ref(),
                cache.as_os_str(),
            ],
            output,
        )
    };
    let theirs =
        |output: &Path| measure(kustomize, &["build".as_ref(), folder.as_os_str()], output);
    let (our_output, their_output) = outputs(root);
    // The first build compiles the plugin for this machine, once for all that follow.
    ours(&our_output)?;
    let mut measured = Measured {
        case,
        objects: 0,
        ours: Vec::new(),
        theirs: Vec::new(),
        ours_warm: Vec::new(),
        theirs_warm: Vec::new(),
    };
    let quick = case == Case::One;
    let times = if quick { 10 * runs } else { runs };
    for run in 0..times {
        measured.ours.push(ours(&our_output)?);
        // They take turns, so that a busy minute meets both.
        if case.compared() && !own_only && (quick || run == 0) {
            measured.theirs.push(theirs(&their_output)?);
        }
    }
    eprintln!(
        "{}: {:.1} ms, kustomize {:.1} ms",
        case.name(),
        median(&times_of(&measured.ours)),
        median(&times_of(&measured.theirs)),
    );
    Ok(measured)
}

fn outputs(root: &Path) -> (PathBuf, PathBuf) {
    (root.join("windlass.yaml"), root.join("kustomize.yaml"))
}

/// A figure counts only when both have built the same; gives how many objects that were.
fn same_output(root: &Path) -> Result<usize> {
    let (ours, theirs) = outputs(root);
    let ours = objects(&ours)?;
    if theirs.exists() {
        let theirs = objects(&theirs)?;
        ensure!(
            ours == theirs,
            "{}: Windlass and kustomize built different objects ({} and {})",
            root.display(),
            ours.len(),
            theirs.len()
        );
    }
    Ok(ours.len())
}

fn objects(path: &Path) -> Result<Vec<Json>> {
    let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    let limits = Limits::default();
    let documents =
        decode(&text, &limits).with_context(|| format!("reading {}", path.display()))?;
    Ok(documents
        .into_iter()
        .map(|document| document.value)
        .collect())
}

impl Measured {
    fn json(&self) -> Value {
        let processes = |runs: &[Process]| -> Vec<Value> {
            runs.iter()
                .map(|run| json!({"milliseconds": milliseconds(run.took), "peak": run.peak}))
                .collect()
        };
        let warm =
            |runs: &[Duration]| -> Vec<f64> { runs.iter().copied().map(milliseconds).collect() };
        json!({
            "case": self.case.name(),
            "objects": self.objects,
            "windlass": processes(&self.ours),
            "kustomize": processes(&self.theirs),
            "windlassWarm": warm(&self.ours_warm),
            "kustomizeWarm": warm(&self.theirs_warm),
        })
    }
}

fn as_processes(found: &[Measured]) -> Table {
    let mut table = Table::new(
        "As processes, start to end: median time and the most memory of any run",
        &[
            "",
            "objects",
            "windlass",
            "kustomize",
            "times as fast",
            "windlass",
            "kustomize",
        ],
    );
    for measured in found.iter().filter(|measured| measured.case.compared()) {
        let (ours, theirs) = (
            median(&times_of(&measured.ours)),
            median(&times_of(&measured.theirs)),
        );
        table.row([
            measured.case.describe(),
            measured.objects.to_string(),
            format!("{ours:.1} ms"),
            format!("{theirs:.1} ms"),
            format!("{:.1}", theirs / ours),
            mebibytes(peak(&measured.ours)),
            mebibytes(peak(&measured.theirs)),
        ]);
    }
    table
}

fn warm_table(found: &[Measured]) -> Table {
    let mut table = Table::new(
        "Warm, one process that builds again and again: median time",
        &["", "objects", "windlass", "kustomize", "times as fast"],
    );
    for measured in found.iter().filter(|measured| measured.case.compared()) {
        let times =
            |runs: &[Duration]| -> Vec<f64> { runs.iter().copied().map(milliseconds).collect() };
        let (ours, theirs) = (
            median(&times(&measured.ours_warm)),
            median(&times(&measured.theirs_warm)),
        );
        table.row([
            measured.case.describe(),
            measured.objects.to_string(),
            format!("{ours:.1} ms"),
            format!("{theirs:.1} ms"),
            format!("{:.1}", theirs / ours),
        ]);
    }
    table
}

fn growth(found: &[Measured]) -> Table {
    let mut table = Table::new(
        "How Windlass grows with the objects: median time and the most memory of any run",
        &[
            "",
            "objects",
            "process",
            "warm",
            "warm, each object",
            "memory",
        ],
    );
    let mut mixed: Vec<&Measured> = found
        .iter()
        .filter(|measured| matches!(measured.case, Case::Mixed(_)))
        .collect();
    mixed.sort_by_key(|measured| measured.objects);
    for measured in mixed {
        let warm: Vec<f64> = measured
            .ours_warm
            .iter()
            .copied()
            .map(milliseconds)
            .collect();
        table.row([
            measured.case.describe(),
            measured.objects.to_string(),
            format!("{:.1} ms", median(&times_of(&measured.ours))),
            format!("{:.1} ms", median(&warm)),
            format!(
                "{:.1} µs",
                1000.0 * median(&warm) / measured.objects.max(1) as f64
            ),
            mebibytes(peak(&measured.ours)),
        ]);
    }
    table
}

fn times_of(runs: &[Process]) -> Vec<f64> {
    runs.iter().map(|run| milliseconds(run.took)).collect()
}

fn peak(runs: &[Process]) -> u64 {
    runs.iter().map(|run| run.peak).max().unwrap_or(0)
}

fn milliseconds(duration: Duration) -> f64 {
    1000.0 * duration.as_secs_f64()
}
