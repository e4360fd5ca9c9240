//! `windlass status`.

use std::process::ExitCode;

use clap::Args;
use windlass_cluster::resources::Environment;

use super::environments::{Shown, is_ready, namespace_and_name};
use super::output::{Table, print_value, put, short, tell};
use super::{Failed, Format};

/// Arguments of `windlass status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    shown: Shown,
}

/// Prints the environments; exit code 1 when one of them is not Ready.
pub(crate) async fn status(args: StatusArgs) -> Result<ExitCode, Failed> {
    let (_, environments) = args.shown.read().await?;
    match args.shown.output {
        Format::Table if args.shown.name.is_some() => {
            put(&environments.iter().map(describe).collect::<String>())?;
        }
        Format::Table if environments.is_empty() => {
            tell("no environments; does a Repository exist, and is the daemon running?");
        }
        Format::Table => put(&list(&environments))?,
        format => print_value(&environments, format)?,
    }
    let all_ready = environments.iter().all(is_ready);
    Ok(if all_ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

fn list(environments: &[Environment]) -> String {
    let mut rows = Table::new([
        "namespace",
        "name",
        "ready",
        "revision",
        "objects",
        "message",
    ]);
    for environment in environments {
        let status = environment.status.clone().unwrap_or_default();
        let (namespace, name) = namespace_and_name(environment);
        let ready = if is_ready(environment) {
            "True"
        } else {
            "False"
        };
        rows.row([
            namespace.to_owned(),
            name.to_owned(),
            ready.to_owned(),
            short(status.revision.as_deref()),
            format!(
                "{}/{}",
                status.ready_objects.unwrap_or(0),
                status.objects.unwrap_or(0)
            ),
            status.message.unwrap_or_default(),
        ]);
    }
    rows.text()
}

/// Everything about one environment, a fact a line.
fn describe(environment: &Environment) -> String {
    let status = environment.status.clone().unwrap_or_default();
    let (namespace, name) = namespace_and_name(environment);
    let or_dash = |text: &Option<String>| text.as_deref().unwrap_or("-").to_owned();
    let mut lines = vec![format!("{namespace}/{name}")];
    let mut fact = |what: &str, text: &str| lines.push(format!("  {what:<11} {text}"));
    fact("folder", &or_dash(&status.path));
    let revision = status.revision.as_deref().unwrap_or("none applied yet");
    fact("revision", revision);
    if status.attempted_revision != status.revision {
        fact("attempted", &or_dash(&status.attempted_revision));
    }
    let (ready, all) = (
        status.ready_objects.unwrap_or(0),
        status.objects.unwrap_or(0),
    );
    fact("objects", &format!("{ready} of {all} ready"));
    fact("message", &or_dash(&status.message));
    for condition in &status.conditions {
        let text = format!("{:<6} {}", condition.status, condition.message);
        fact(&condition.type_, text.trim_end());
    }
    for failure in &status.failures {
        let origin = failure.origin.as_deref().unwrap_or("unknown origin");
        let text = format!(
            "{} ({origin}): {} {}",
            failure.object, failure.code, failure.message
        );
        fact("failed", &text);
    }
    for finding in &status.findings {
        fact(&finding.severity, &finding.message);
        if let Some(hint) = &finding.hint {
            fact("", &format!("hint: {hint}"));
        }
    }
    if let Some(refusal) = &status.prune_refusal {
        let text = format!(
            "refused: {} of {} objects would go",
            refusal.objects, refusal.of
        );
        fact("prune", &text);
        let text = format!(
            "to allow it: windlass sync {name} --confirm-prune {}",
            refusal.digest
        );
        fact("", &text);
    }
    lines.join("\n") + "\n"
}
