//! Environments found in a tree: every `environment.yaml`, no registration.

use std::collections::{BTreeMap, HashSet};

use windlass_cluster::resources::{EnvironmentSpec, StepLimits};
use windlass_render::{LimitOverrides, Pipeline, PluginRef, Step};
use windlass_source::Tree;

use super::ConfigError;
use super::document::{is_dns_label, parse};

/// The name of the file that makes a folder an environment.
pub(crate) const FILE_NAME: &str = "environment.yaml";

/// The most environments that one repository may hold; more is a runaway generator.
pub(crate) const MAX_ENVIRONMENTS: usize = 20_000;

/// An environment found in a tree. A broken one is found too, with what is wrong with it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The folder, relative to the tree's root; empty for the root itself.
    pub(crate) folder: String,
    /// The name of its object in the cluster.
    pub(crate) name: String,
    /// What its file says, or why it cannot be read.
    pub(crate) spec: Result<EnvironmentSpec, ConfigError>,
}

/// Reads every environment of a tree, sorted by folder.
///
/// `files` are the paths of the `environment.yaml` files. Two environments of one name are both
/// broken, with both places named: taking either would be a guess about which objects to prune.
///
/// # Errors
/// Only when there are more than a repository may hold; what is wrong with one environment is in
/// its [`Found::spec`].
pub(crate) fn discover(tree: &dyn Tree, files: &[String]) -> Result<Vec<Found>, ConfigError> {
    if files.len() > MAX_ENVIRONMENTS {
        return Err(ConfigError::new(
            "WL0107",
            FILE_NAME,
            format!("the repository holds more than {MAX_ENVIRONMENTS} environments"),
        ));
    }
    let mut found: Vec<Found> = files.iter().map(|file| read_file(tree, file)).collect();
    found.sort_by(|a, b| a.folder.cmp(&b.folder));
    let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for one in &found {
        folders
            .entry(one.name.clone())
            .or_default()
            .push(file_in(&one.folder));
    }
    for one in &mut found {
        let places = folders.get(&one.name).map_or(&[][..], Vec::as_slice);
        if places.len() > 1 {
            let file = file_in(&one.folder);
            one.spec = Err(ConfigError::new(
                "WL0106",
                &file,
                format!(
                    "the name `{}` is used by {}",
                    one.name,
                    places.join(" and ")
                ),
            )
            .remedy("give one of them another `metadata.name`"));
        }
    }
    // Each name stands once in the cluster, so of a clash only the first is kept, as broken.
    let mut names = HashSet::new();
    found.retain(|one| names.insert(one.name.clone()));
    Ok(found)
}

fn read_file(tree: &dyn Tree, file: &str) -> Found {
    let folder = file
        .strip_suffix(FILE_NAME)
        .unwrap_or(file)
        .trim_end_matches('/')
        .to_owned();
    let default_name = slug(&folder);
    let parsed = tree
        .read(file)
        .map_err(|error| ConfigError::new(error.code(), file, error.to_string()))
        .and_then(|text| parse::<EnvironmentSpec>(file, &text, "Environment"));
    match parsed {
        Ok(parsed) => {
            let spec = check(file, parsed.spec);
            Found {
                folder,
                name: parsed.name.unwrap_or(default_name),
                spec,
            }
        }
        Err(error) => Found {
            folder,
            name: default_name,
            spec: Err(error),
        },
    }
}

/// Reads the environment of one folder, or `None` when the folder has no `environment.yaml`.
pub(crate) fn read(tree: &dyn Tree, folder: &str) -> Option<Found> {
    let file = file_in(folder);
    matches!(tree.entry(&file), Ok(Some(_))).then(|| read_file(tree, &file))
}

fn file_in(folder: &str) -> String {
    if folder.is_empty() {
        FILE_NAME.to_owned()
    } else {
        format!("{folder}/{FILE_NAME}")
    }
}

/// The name of an environment without `metadata.name`: its folder as a DNS label.
pub(crate) fn slug(folder: &str) -> String {
    let text: String = folder
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect();
    let text = text.trim_matches('-');
    if text.is_empty() {
        return "root".to_owned();
    }
    // A long path keeps its end, where siblings differ.
    let start = text.len().saturating_sub(63);
    text[start..].trim_matches('-').to_owned()
}

/// What the schema cannot say: durations, names and paths.
fn check(file: &str, spec: EnvironmentSpec) -> Result<EnvironmentSpec, ConfigError> {
    let wrong = |field: &str, message: String| {
        Err(ConfigError::new(
            "WL0104",
            file,
            format!("`spec.{field}`: {message}"),
        ))
    };
    if let Some(namespace) = &spec.namespace
        && !is_dns_label(namespace)
    {
        return wrong(
            "namespace",
            format!("`{namespace}` is not a name that Kubernetes takes"),
        );
    }
    for key in spec.variables.keys() {
        let mut letters = key.chars();
        let first = letters
            .next()
            .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return wrong(
                "variables",
                format!("`{key}` is not a variable's name; use letters, digits and `_`"),
            );
        }
    }
    for (set, field) in [
        (spec.suspend.is_some(), "suspend"),
        (spec.revision.is_some(), "revision"),
        (spec.source.is_some(), "source"),
        (spec.confirm_prune.is_some(), "confirmPrune"),
    ] {
        if set {
            return wrong(
                field,
                "belongs to the Environment in the cluster, where a person sets it, not to Git"
                    .into(),
            );
        }
    }
    Ok(spec)
}

fn limits(given: &StepLimits) -> LimitOverrides {
    let StepLimits {
        wall_time,
        memory,
        output_bytes,
        log_bytes,
        host_calls,
        objects,
        module_bytes,
        compile_time,
        compile_memory,
    } = given;
    LimitOverrides {
        wall_time: wall_time.map(|span| span.0),
        memory_bytes: memory.map(|size| size.0),
        output_bytes: output_bytes.map(|size| size.0),
        log_bytes: log_bytes.map(|size| size.0),
        host_calls: host_calls.map(u64::from),
        objects: objects.and_then(|count| usize::try_from(count).ok()),
        module_bytes: module_bytes.map(|size| size.0),
        compile_time: compile_time.map(|span| span.0),
        compile_memory: compile_memory.map(|size| size.0),
    }
}

/// The names that a kustomization may have.
const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Turns an environment's pipeline into what the render room runs.
///
/// Without a pipeline the folder decides: kustomize for one with a kustomization, otherwise plain
/// manifests, unless it holds what needs a plugin that this release does not have.
///
/// # Errors
/// `WL0105` for a folder that asks for Helm.
pub(crate) fn resolve_pipeline(
    tree: &dyn Tree,
    folder: &str,
    spec: &EnvironmentSpec,
) -> Result<Pipeline, ConfigError> {
    let mut steps = Vec::new();
    for step in spec.pipeline.iter().flatten() {
        let plugin = if step.plugin.ends_with(".wasm") {
            PluginRef::Path(step.plugin.clone())
        } else {
            PluginRef::Builtin(step.plugin.clone())
        };
        let limits = step.limits.as_ref().map(limits).unwrap_or_default();
        steps.push(Step {
            plugin,
            config: step.config.clone().into(),
            limits,
        });
    }
    if steps.is_empty() {
        steps.push(Step {
            plugin: PluginRef::Builtin(default_plugin(tree, folder)?.to_owned()),
            config: serde_json::json!({}),
            limits: LimitOverrides::default(),
        });
    }
    Ok(Pipeline {
        steps,
        namespace: spec.namespace.clone(),
        variables: spec.variables.clone(),
        folder: folder.to_owned(),
    })
}

/// The plugin for a folder that names none.
fn default_plugin(tree: &dyn Tree, folder: &str) -> Result<&'static str, ConfigError> {
    let holds = |name: &str| {
        let path = if folder.is_empty() {
            name.to_owned()
        } else {
            format!("{folder}/{name}")
        };
        matches!(tree.entry(&path), Ok(Some(_))).then_some(path)
    };
    if KUSTOMIZATIONS.into_iter().find_map(holds).is_some() {
        return Ok("kustomize");
    }
    if let Some(path) = holds("Chart.yaml") {
        return Err(ConfigError::new(
            "WL0105",
            &path,
            "this folder needs the plugin `helm`, which this release does not have",
        )
        .remedy(format!(
            "name the steps in `spec.pipeline` of {}",
            file_in(folder)
        )));
    }
    Ok("manifests")
}
