//! `windlass plugin test [FOLDER]`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use windlass_plugin_host::{Level, LogLine};

use super::golden::{self, Verdict};
use super::language::newer_source;
use super::open;
use crate::cli::output::{print_value, put, tell};
use crate::cli::{Failed, Format};

/// Arguments of `windlass plugin test`.
#[derive(Debug, Args)]
pub(crate) struct TestArgs {
    /// The plugin's folder, with the cases in `tests`.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The plugin to test; default: what `windlass plugin build` has built in FOLDER.
    #[arg(long, value_name = "PLUGIN")]
    plugin: Option<String>,
    /// Runs only the cases whose name contains TEXT.
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// Makes the golden files say what came out.
    #[arg(long)]
    update: bool,
    /// How the data is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Where compiled plugins are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

/// How a case went, for people and programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    case: String,
    /// `ok`, `failed` or `updated`.
    result: &'static str,
    milliseconds: f64,
    /// Unified diffs; empty unless it failed.
    diff: String,
    #[serde(skip)]
    log: Vec<LogLine>,
}

/// Runs the cases; exit code 1 when one differs.
pub(crate) fn test(args: &TestArgs) -> Result<ExitCode, Failed> {
    let mut cases = golden::cases(&args.folder)?;
    if let Some(part) = &args.only {
        cases.retain(|case| case.name.contains(part.as_str()));
        if cases.is_empty() {
            return Err(Failed::new(
                "WL0424",
                format!("no case has `{part}` in its name"),
            ));
        }
    }
    let renderer = open::renderer(args.cache_dir.as_deref())?;
    let started = Instant::now();
    let reference = match &args.plugin {
        Some(plugin) => plugin.clone(),
        None => {
            let file = open::built_in(&args.folder)?;
            if let Some(source) = newer_source(&args.folder, &file) {
                tell(format_args!(
                    "note: {} is newer than {}; `windlass plugin build` makes it anew",
                    source.display(),
                    file.display()
                ));
            }
            file.display().to_string()
        }
    };
    let plugin = open::open(renderer.host(), &reference)?.plugin;
    let loaded = started.elapsed();

    let mut tested = Vec::with_capacity(cases.len());
    for case in &cases {
        let started = Instant::now();
        let (outcome, log) = golden::run(&renderer, &plugin, case)?;
        let elapsed = started.elapsed();
        let (result, diff) = if args.update {
            match golden::update(case, &outcome)?.as_slice() {
                [] => ("ok", String::new()),
                _ => ("updated", String::new()),
            }
        } else {
            match golden::compare(case, &outcome) {
                Verdict::Same => ("ok", String::new()),
                Verdict::Differs(diff) => ("failed", diff),
                Verdict::Nothing => {
                    return Err(Failed::new(
                        "WL0424",
                        format!(
                            "the case `{}` does not say what has to come out; run `windlass plugin \
                             test --update` and look at what it wrote",
                            case.name
                        ),
                    ));
                }
            }
        };
        tested.push(Tested {
            case: case.name.clone(),
            result,
            milliseconds: milliseconds(elapsed),
            diff,
            log,
        });
    }
    match args.output {
        Format::Table => put(&text(&tested))?,
        format => print_value(&tested, format)?,
    }
    let count = |result: &str| tested.iter().filter(|one| one.result == result).count();
    let failed = count("failed");
    tell(format_args!(
        "{} passed, {failed} failed{} ({reference}, loaded in {:.0} ms)",
        count("ok"),
        match count("updated") {
            0 => String::new(),
            updated => format!(", {updated} updated"),
        },
        milliseconds(loaded),
    ));
    Ok(match failed {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::from(1),
    })
}

fn milliseconds(elapsed: Duration) -> f64 {
    elapsed.as_secs_f64() * 1000.0
}

fn text(tested: &[Tested]) -> String {
    let width = tested.iter().map(|one| one.case.chars().count()).max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for one in tested {
        let Tested {
            case,
            result,
            milliseconds,
            diff,
            log,
        } = one;
        text.push_str(&format!(
            "{result:<7}  {case:<width$}  {milliseconds:>6.1} ms\n"
        ));
        for line in diff.lines() {
            text.push_str(&format!("    {line}\n"));
        }
        // The log helps whoever looks for the cause, and is noise when there is none to find.
        for line in log
            .iter()
            .filter(|line| !diff.is_empty() || line.level >= Level::Warning)
        {
            text.push_str(&format!("    log: {}\n", line.message));
        }
    }
    text
}
