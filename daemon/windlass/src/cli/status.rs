//! `windlass status`.

use std::process::ExitCode;

use clap::Args;
use windlass_cluster::resources::Environment;

use super::output::{print_table, print_value, short, table};
use super::{ClusterArgs, Failed, Format};

/// Arguments of `windlass status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The environment; without it, all are shown.
    name: Option<String>,
    /// The namespace of the Environment objects; default: every one.
    #[arg(short, long)]
    namespace: Option<String>,
    /// How the data is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

/// Prints the environments; exit code 1 when one of them is not Ready.
pub(crate) async fn status(args: StatusArgs) -> Result<ExitCode, Failed> {
    let cluster = args.cluster.connect().await?;
    let mut environments = cluster.environments(args.namespace.as_deref()).await?;
    if let Some(name) = &args.name {
        environments.retain(|environment| environment.metadata.name.as_deref() == Some(name));
        if environments.is_empty() {
            return Err(no_environment(name));
        }
    }
    match args.output {
        Format::Table if args.name.is_some() => environments.iter().for_each(describe),
        Format::Table => list(&environments),
        format => print_value(&environments, format)?,
    }
    let all_ready = environments.iter().all(is_ready);
    Ok(if all_ready {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

pub(super) fn no_environment(name: &str) -> Failed {
    Failed::new(
        "WL0007",
        format!("there is no Environment `{name}` in the cluster; `windlass status` lists them"),
    )
}

pub(super) fn is_ready(environment: &Environment) -> bool {
    condition(environment, "Ready") == Some(true)
}

fn condition(environment: &Environment, kind: &str) -> Option<bool> {
    let conditions = &environment.status.as_ref()?.conditions;
    Some(
        conditions
            .iter()
            .find(|condition| condition.type_ == kind)?
            .status
            == "True",
    )
}

fn list(environments: &[Environment]) {
    if environments.is_empty() {
        eprintln!("no environments; does a Repository exist, and is the daemon running?");
        return;
    }
    let mut rows = table(&[
        "namespace",
        "name",
        "ready",
        "revision",
        "objects",
        "message",
    ]);
    for environment in environments {
        let status = environment.status.clone().unwrap_or_default();
        rows.add_row([
            environment.metadata.namespace.clone().unwrap_or_default(),
            environment.metadata.name.clone().unwrap_or_default(),
            if is_ready(environment) {
                "True"
            } else {
                "False"
            }
            .to_owned(),
            short(status.revision.as_deref()),
            format!(
                "{}/{}",
                status.ready_objects.unwrap_or(0),
                status.objects.unwrap_or(0)
            ),
            status.message.unwrap_or_default(),
        ]);
    }
    print_table(&rows);
}

fn describe(environment: &Environment) {
    let status = environment.status.clone().unwrap_or_default();
    let metadata = &environment.metadata;
    println!(
        "{}/{}",
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default()
    );
    println!("  folder     {}", status.path.as_deref().unwrap_or("-"));
    println!(
        "  revision   {}",
        status.revision.as_deref().unwrap_or("none applied yet")
    );
    if status.attempted_revision != status.revision {
        println!(
            "  attempted  {}",
            status.attempted_revision.as_deref().unwrap_or("-")
        );
    }
    let (ready, all) = (
        status.ready_objects.unwrap_or(0),
        status.objects.unwrap_or(0),
    );
    println!("  objects    {ready} of {all} ready");
    println!("  message    {}", status.message.as_deref().unwrap_or("-"));
    for condition in &status.conditions {
        println!(
            "  {:<11}{:<6} {}",
            condition.type_, condition.status, condition.message
        );
    }
    for failure in &status.failures {
        let origin = failure.origin.as_deref().unwrap_or("unknown origin");
        println!(
            "  failed     {} ({origin}): {} {}",
            failure.object, failure.code, failure.message
        );
    }
    for finding in &status.findings {
        println!("  {:<10} {}", finding.severity, finding.message);
        if let Some(hint) = &finding.hint {
            println!("             hint: {hint}");
        }
    }
    if let Some(refusal) = &status.prune_refusal {
        let name = metadata.name.as_deref().unwrap_or_default();
        println!(
            "  prune      refused: {} of {} objects would go",
            refusal.objects, refusal.of
        );
        println!(
            "             to allow it: windlass sync {name} --confirm-prune {}",
            refusal.digest
        );
    }
}
