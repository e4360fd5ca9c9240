//! Which environments a command is about, and what their objects in the cluster say.

use clap::Args;
use windlass_cluster::Cluster;
use windlass_cluster::resources::Environment;
use windlass_engine::applyset::{Inventory, SetId};
use windlass_manifest::Object;

use super::output::tell;
use super::{ClusterArgs, Failed, Format};

/// Arguments of the commands that show environments.
#[derive(Debug, Args)]
pub(crate) struct Shown {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The environment; without it, all are shown.
    pub(crate) name: Option<String>,
    /// The namespace of the Environment objects; default: every one.
    #[arg(short, long)]
    namespace: Option<String>,
    /// How the data is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    pub(crate) output: Format,
}

impl Shown {
    /// Reads them.
    ///
    /// # Errors
    /// The cluster cannot be reached or refuses, or `WL0007` when none has the name that was given.
    pub(crate) async fn read(&self) -> Result<(Cluster, Vec<Environment>), Failed> {
        let cluster = self.cluster.connect().await?;
        let mut environments = cluster.environments(self.namespace.as_deref()).await?;
        if let Some(name) = &self.name {
            environments.retain(|environment| environment.metadata.name.as_deref() == Some(name));
            if environments.is_empty() {
                return Err(no_environment(name));
            }
        }
        Ok((cluster, environments))
    }
}

pub(crate) fn no_environment(name: &str) -> Failed {
    Failed::new(
        "WL0007",
        format!("there is no Environment `{name}` in the cluster; `windlass status` lists them"),
    )
}

/// Whether the environment's object says that it is Ready.
pub(crate) fn is_ready(environment: &Environment) -> bool {
    let conditions = environment.status.iter().flat_map(|it| &it.conditions);
    conditions
        .filter(|condition| condition.type_ == "Ready")
        .any(|condition| condition.status == "True")
}

/// Namespace and name of an object of ours.
pub(crate) fn namespace_and_name(environment: &Environment) -> (&str, &str) {
    let metadata = &environment.metadata;
    (
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

/// Reads the live members of an environment's set, of the kinds that its inventory names.
///
/// # Errors
/// The cluster cannot be reached or refuses.
pub(crate) async fn members(
    cluster: &Cluster,
    environment: &Environment,
) -> Result<Vec<Object>, Failed> {
    let (namespace, name) = namespace_and_name(environment);
    let set = SetId::of_parent(name, namespace, "Environment", "windlass.dev");
    let annotations = environment.metadata.annotations.iter().flatten();
    let pairs = annotations.map(|(key, value)| (key.as_str(), value.as_str()));
    let (inventory, errors) = Inventory::from_annotations(pairs);
    for error in errors {
        tell(format_args!("{namespace}/{name}: {error}"));
    }
    let members = cluster.members(&set, &inventory).await?;
    Ok(members
        .into_iter()
        .filter_map(|value| Object::from_json(value).ok())
        .collect())
}
