//! `windlass diff PATH`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use similar::TextDiff;
use windlass_cluster::{Secrets, Store, Target};
use windlass_engine::applyset::SetId;
use windlass_engine::{Desired, FingerprintKey, desired_set};
use windlass_manifest::{Json, ObjectId, to_yaml};

use super::environments::members;
use super::output::{print_value, put, tell};
use super::{ClusterArgs, Failed, Format, local};
use crate::controller::{DEFAULT_NAMESPACE, secret_stores};

/// Arguments of `windlass diff`.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The environment's folder.
    path: PathBuf,
    /// The namespace of the Environment object that the folder belongs to.
    #[arg(short, long, default_value = "windlass-system")]
    namespace: String,
    /// The root of the tree; default: the repository that holds PATH.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Where compiled plugins and memos are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    /// How the data is printed; `table` is a unified diff.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Change {
    object: String,
    /// `create`, `update`, `delete` or `refused`.
    action: &'static str,
    origin: String,
    diff: String,
}

/// Fields that the API server keeps for itself and that say nothing about what a person wrote.
const SERVER_FIELDS: [&str; 6] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
];

/// Asks the API server what applying would make of each object, by a dry run, and prints the
/// differences; exit code 1 when there are any, as kubectl's.
pub(crate) async fn diff(args: DiffArgs) -> Result<ExitCode, Failed> {
    let environment = local::open(&args.path, args.root.as_deref())?;
    let cache = local::cache_dir(args.cache_dir.as_deref());
    let renderer = local::renderer(&cache, true)?;
    let mut pipeline = environment.pipeline.clone();
    pipeline
        .namespace
        .get_or_insert_with(|| DEFAULT_NAMESPACE.to_owned());
    let cluster = args.cluster.connect().await?;
    cluster.discover().await?;
    let scope = {
        let cluster = cluster.clone();
        move |kind: &windlass_manifest::GroupKind| cluster.is_namespaced(kind)
    };
    let rendered = renderer.render_with_scope(&environment.tree, &pipeline, &scope)?;
    let set = SetId::of_parent(
        &environment.name,
        &args.namespace,
        "Environment",
        "windlass.dev",
    );
    let objects = rendered
        .objects
        .into_iter()
        .map(|one| (one.object, one.origin))
        .collect();
    let wanted = desired_set(objects, &set, &[])?;

    let (changes_of_secrets, _nobody_asks) = tokio::sync::mpsc::unbounded_channel();
    let (seen, _nothing_is_watched) = tokio::sync::mpsc::unbounded_channel();
    let key = FingerprintKey::new(rand::random());
    let target = Target::Kubernetes(cluster.target(key, seen));
    let mut changes = Vec::new();
    let secrets = Secrets::new(
        Some(cluster.clone()),
        stores(&cluster, &args.namespace).await?,
        changes_of_secrets,
    );
    let namespace = pipeline.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
    for desired in &wanted {
        match target.dry_run(desired, &secrets, namespace).await {
            Ok((live, result)) => changes.extend(change(desired, live.as_ref(), &result)),
            Err(failure) => changes.push(Change {
                object: desired.id.to_string(),
                action: "refused",
                origin: desired.origin.to_string(),
                diff: format!("{}: {}", failure.code, failure.message),
            }),
        }
    }
    let ids: BTreeSet<ObjectId> = wanted.iter().map(|desired| desired.id.clone()).collect();
    let parents = cluster.environments(Some(&args.namespace)).await?;
    let parent = parents
        .iter()
        .find(|one| one.metadata.name.as_deref() == Some(&environment.name));
    let members = match parent {
        Some(parent) => members(&cluster, parent).await?,
        None => Vec::new(),
    };
    for member in members {
        if !ids.contains(&member.id()) {
            changes.push(Change {
                object: member.id().to_string(),
                action: "delete",
                origin: "in the cluster, not in Git".to_owned(),
                diff: String::new(),
            });
        }
    }

    if args.output == Format::Table {
        print_changes(&changes)?;
    } else {
        print_value(&changes, args.output)?;
    }
    Ok(if changes.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(1)
    })
}

/// The stores that the repositories of a namespace name; without one, the cluster's own Secrets.
async fn stores(
    cluster: &windlass_cluster::Cluster,
    namespace: &str,
) -> Result<BTreeMap<String, Store>, Failed> {
    let mut stores = BTreeMap::new();
    for repository in cluster.repositories(namespace).await? {
        stores.extend(secret_stores(&repository.spec));
    }
    Ok(stores)
}

fn change(desired: &Desired, live: Option<&Json>, result: &Json) -> Option<Change> {
    let after = shown(result);
    let before = live.map(shown);
    if before.as_ref() == Some(&after) {
        return None;
    }
    let before = before.as_ref().map(to_yaml).unwrap_or_default();
    let diff = TextDiff::from_lines(&before, to_yaml(&after).as_str())
        .unified_diff()
        .context_radius(3)
        .to_string();
    Some(Change {
        object: desired.id.to_string(),
        action: if live.is_some() { "update" } else { "create" },
        origin: desired.origin.to_string(),
        diff,
    })
}

/// The object without what the API server keeps for itself, and without its status.
fn shown(object: &Json) -> Json {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Json::as_object_mut) {
            for field in SERVER_FIELDS {
                metadata.remove(field);
            }
        }
    }
    object
}

fn print_changes(changes: &[Change]) -> Result<(), Failed> {
    let mut text = String::new();
    for change in changes {
        text.push_str(&format!(
            "{} {} ({})\n",
            change.action, change.object, change.origin
        ));
        for line in change.diff.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    put(&text)?;
    let count = |action: &str| {
        changes
            .iter()
            .filter(|change| change.action == action)
            .count()
    };
    tell(format_args!(
        "{} to create, {} to update, {} to delete, {} refused",
        count("create"),
        count("update"),
        count("delete"),
        count("refused")
    ));
    Ok(())
}
