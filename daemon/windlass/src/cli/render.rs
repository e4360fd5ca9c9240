//! `windlass render PATH`.

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use windlass_manifest::to_yaml_stream;
use windlass_render::{Objects, Rendered, Renderer};

use super::output::{Table, print_value, put, tell};
use super::watch::{self, Looked};
use super::{Failed, Format, local};
use crate::controller::FindingView;

/// Arguments of `windlass render`.
#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    /// The environment's folder.
    path: PathBuf,
    /// What is printed.
    #[arg(short, long, value_enum, default_value_t = Output::Yaml)]
    output: Output,
    /// Renders again when a manifest, a plugin or anything else that was read is saved, and prints
    /// what that does to the objects.
    #[arg(long, conflicts_with_all = ["output", "explain"])]
    watch: bool,
    /// Says on standard error which steps ran, which were remembered and what they read.
    #[arg(long)]
    explain: bool,
    /// The root of the tree; default: the repository that holds PATH.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Where compiled plugins and memos are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// Runs every step, whatever is remembered.
    #[arg(long)]
    no_memo: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Documents separated by `---`.
    Yaml,
    /// A JSON array.
    Json,
}

/// Renders and prints; exit code 1 when a validator found an error.
pub(crate) fn render(args: &RenderArgs) -> Result<ExitCode, Failed> {
    let environment = local::open(&args.path, args.root.as_deref())?;
    let cache = local::cache_dir(args.cache_dir.as_deref());
    let renderer = local::renderer(&cache, !args.no_memo)?;
    if args.watch {
        let Err(ended) = watch(args, &renderer);
        return Err(ended);
    }
    let rendered = environment.render(&renderer)?;
    if args.explain {
        explain(&rendered);
    }
    findings(&rendered);
    let objects = rendered.objects.iter().map(|one| one.object.json());
    match args.output {
        Output::Yaml => put(&to_yaml_stream(objects))?,
        Output::Json => print_value(&objects.collect::<Vec<_>>(), Format::Json)?,
    }
    Ok(if rendered.blocked() {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    })
}

/// Renders until somebody ends it.
fn watch(args: &RenderArgs, renderer: &Renderer) -> Result<Infallible, Failed> {
    let look = || {
        let environment = local::open(&args.path, args.root.as_deref())?;
        let rendered = environment.render(renderer)?;
        let root = environment.tree.path().to_path_buf();
        Ok(Looked { rendered, root })
    };
    let show =
        |objects: &Objects| put(&to_yaml_stream(objects.iter().map(|one| one.object.json())));
    watch::watch(&args.path, &look, &show, &findings)
}

fn findings(rendered: &Rendered) {
    for finding in rendered.findings.iter().map(FindingView::new) {
        tell(format_args!("{}: {}", finding.severity, finding.sentence()));
        if let Some(hint) = &finding.hint {
            tell(format_args!("  hint: {hint}"));
        }
    }
}

fn explain(rendered: &Rendered) {
    let mut steps = Table::new(["step", "plugin", "version", "", "time", "in", "out", "read"]);
    for (index, step) in rendered.steps.iter().enumerate() {
        steps.row([
            (index + 1).to_string(),
            step.plugin.clone(),
            step.version.clone(),
            if step.remembered {
                "remembered".to_owned()
            } else {
                "ran".to_owned()
            },
            format!("{:.1} ms", step.elapsed.as_secs_f64() * 1000.0),
            step.objects_in.to_string(),
            step.objects_out.to_string(),
            format!("{} files", step.files_read),
        ]);
    }
    tell(steps.text().trim_end());
    for step in &rendered.steps {
        for line in &step.log {
            tell(format_args!(
                "{} {:?}: {}",
                step.plugin, line.level, line.message
            ));
        }
    }
}
