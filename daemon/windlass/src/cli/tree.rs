//! `windlass tree`.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use windlass_engine::health::assess;
use windlass_manifest::rank_of;

use super::environments::{Shown, is_ready, members, namespace_and_name};
use super::output::{print_value, put};
use super::{Failed, Format};

/// Arguments of `windlass tree`.
#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    #[command(flatten)]
    shown: Shown,
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
    let (cluster, environments) = args.shown.read().await?;
    let mut roots = Vec::new();
    for environment in &environments {
        let mut members = members(&cluster, environment).await?;
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
        let (namespace, name) = namespace_and_name(environment);
        roots.push(Root {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            ready: is_ready(environment),
            objects,
        });
    }
    match args.shown.output {
        Format::Table => put(&roots.iter().map(draw).collect::<String>())?,
        format => print_value(&roots, format)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn draw(root: &Root) -> String {
    let state = if root.ready { "Ready" } else { "not Ready" };
    let mut text = format!("{}/{}  {state}\n", root.namespace, root.name);
    let last = root.objects.len().saturating_sub(1);
    for (index, leaf) in root.objects.iter().enumerate() {
        let branch = if index == last { "└─" } else { "├─" };
        let line = format!(
            "{branch} {:<56} {:<12} {}",
            leaf.object, leaf.health, leaf.message
        );
        text.extend(line.trim_end().chars().take(100));
        text.push('\n');
    }
    text
}
