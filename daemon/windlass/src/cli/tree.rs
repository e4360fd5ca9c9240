//! `windlass tree`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::health::assess;
use windlass_manifest::{Object, rank_of};

use super::output::print_value;
use super::status::{is_ready, no_environment};
use super::{ClusterArgs, Failed, Format};

/// Arguments of `windlass tree`.
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
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

#[derive(Debug, Serialize)]
struct Root {
    namespace: String,
    name: String,
    ready: bool,
    objects: Vec<Leaf>,
}

#[derive(Debug, Serialize)]
struct Leaf {
    object: String,
    health: String,
    message: String,
}

/// Prints the members of each environment's set as the cluster holds them.
pub(crate) async fn tree(args: TreeArgs) -> Result<ExitCode, Failed> {
    let cluster = args.cluster.connect().await?;
    let mut environments = cluster.environments(args.namespace.as_deref()).await?;
    if let Some(name) = &args.name {
        environments.retain(|environment| environment.metadata.name.as_deref() == Some(name));
        if environments.is_empty() {
            return Err(no_environment(name));
        }
    }
    let mut roots = Vec::new();
    for environment in &environments {
        let name = environment.metadata.name.clone().unwrap_or_default();
        let namespace = environment.metadata.namespace.clone().unwrap_or_default();
        let set = SetId::of_parent(&name, &namespace, "Environment", "windlass.dev");
        let annotations = environment.metadata.annotations.clone().unwrap_or_default();
        let pairs = annotations
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        let (inventory, errors) = Inventory::from_annotations(pairs);
        for error in errors {
            eprintln!("{namespace}/{name}: {error}");
        }
        let mut members: Vec<Object> = cluster
            .members(&set, &inventory)
            .await?
            .into_iter()
            .filter_map(|value| Object::from_json(value).ok())
            .collect();
        members.sort_by_key(|object| (rank_of(&object.id().group_kind()), object.id()));
        let objects = members
            .iter()
            .map(|object| {
                let assessment = assess(object.json(), None);
                Leaf {
                    object: object.id().to_string(),
                    health: assessment.health.to_string(),
                    message: assessment.message,
                }
            })
            .collect();
        roots.push(Root {
            namespace,
            name,
            ready: is_ready(environment),
            objects,
        });
    }
    if args.output != Format::Table {
        print_value(&roots, args.output)?;
        return Ok(ExitCode::SUCCESS);
    }
    for root in &roots {
        let state = if root.ready { "Ready" } else { "not Ready" };
        println!("{}/{}  {state}", root.namespace, root.name);
        let last = root.objects.len().saturating_sub(1);
        for (index, leaf) in root.objects.iter().enumerate() {
            let branch = if index == last { "└─" } else { "├─" };
            let line = format!(
                "{branch} {:<56} {:<12} {}",
                leaf.object, leaf.health, leaf.message
            );
            let fitting: String = line.trim_end().chars().take(100).collect();
            println!("{fitting}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
