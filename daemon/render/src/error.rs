//! Why an environment cannot be rendered.

use std::fmt;
use windlass_manifest::{ObjectId, Origin};
use windlass_plugin_host::PluginError;
use windlass_source::ReadError;

/// Why an environment cannot be rendered. Nothing of a render that failed is used.
///
/// Every message begins with the environment's folder and, where a step is to blame, its number and
/// plugin.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenderError {
    /// No plugin of this name ships with Windlass.
    #[error(
        "{at}: there is no built-in plugin of this name{}; a plugin of your own is named by the path of \
             its file, which ends in `.wasm`",
        known(suggestion)
    )]
    UnknownPlugin {
        /// The step.
        at: StepContext,
        /// The name that was probably meant.
        suggestion: Option<String>,
    },
    /// The plugin's file cannot be read.
    #[error("{at}: the plugin's file cannot be read: {reason}")]
    PluginFile {
        /// The step.
        at: StepContext,
        /// What is wrong with the path.
        reason: String,
    },
    /// The plugin neither makes objects nor checks them.
    #[error(
        "{at}: the plugin exports neither `transform` nor `validate`; it cannot be a step of a pipeline"
    )]
    NoRole {
        /// The step.
        at: StepContext,
    },
    /// The configuration is no mapping.
    #[error("{at}: `config` is {found}, not a mapping")]
    Config {
        /// The step.
        at: StepContext,
        /// What it is.
        found: &'static str,
    },
    /// The configuration is not as the plugin's schema has it.
    #[error("{at}: {}{wrong}", file(place))]
    Schema {
        /// The step.
        at: StepContext,
        /// File, line and column, where they are known: `prod/environment.yaml:7:11`.
        place: Option<String>,
        /// Which key, and what is wrong with it.
        wrong: String,
    },
    /// A limit asks for more than the operator allows.
    #[error("{at}: `limits.{key}` asks for {asked}, and the operator allows {ceiling} at most")]
    Limit {
        /// The step.
        at: StepContext,
        /// The key under `limits`.
        key: &'static str,
        /// What the environment asks for.
        asked: String,
        /// What the operator allows.
        ceiling: String,
    },
    /// The plugin could not be loaded, or failed.
    #[error("{at}: {source}{}", about(object))]
    Plugin {
        /// The step.
        at: StepContext,
        /// The object that the plugin's message is about, with its origin.
        object: Option<String>,
        /// What the plugin host says: the plugin, its version and its message.
        #[source]
        source: Box<PluginError>,
    },
    /// A step gave something that is no Kubernetes object.
    #[error("{at}: object {} of {count} that the plugin gave is none: {reason}", index + 1)]
    Object {
        /// The step.
        at: StepContext,
        /// Its index among what the step gave.
        index: usize,
        /// How many the step gave.
        count: usize,
        /// What is wrong.
        reason: String,
    },
    /// Two objects are the same.
    #[error("{}: {}", environment(folder), duplicates(objects))]
    Duplicate {
        /// The environment's folder.
        folder: String,
        /// Each object that is there more than once, with where two of them come from.
        objects: Vec<Duplicate>,
    },
    /// The environment's folder is not in the tree.
    #[error(
        "{}: the environment's folder cannot be read: {source}",
        environment(folder)
    )]
    Folder {
        /// The environment's folder.
        folder: String,
        /// What the tree says.
        #[source]
        source: ReadError,
    },
}

impl RenderError {
    /// The code whose page explains the error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownPlugin { .. } => "WL0501",
            Self::PluginFile { .. } => "WL0502",
            Self::NoRole { .. } => "WL0503",
            Self::Config { .. } => "WL0504",
            Self::Schema { .. } => "WL0433",
            Self::Limit { .. } => "WL0505",
            Self::Object { .. } => "WL0506",
            Self::Duplicate { .. } => "WL0507",
            Self::Folder { .. } => "WL0508",
            Self::Plugin { source, .. } => source.code(),
        }
    }
}

/// A step of an environment: `environments/prod, step 2 (patch)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepContext {
    /// The environment's folder.
    pub folder: String,
    /// The number of the step, from 1.
    pub step: usize,
    /// The plugin as the pipeline names it.
    pub plugin: String,
}

impl fmt::Display for StepContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, step {} ({})",
            environment(&self.folder),
            self.step,
            self.plugin
        )
    }
}

/// An object that is there more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicate {
    /// The object.
    pub id: ObjectId,
    /// Where the first comes from.
    pub first: Origin,
    /// Where the second comes from.
    pub second: Origin,
}

fn environment(folder: &str) -> &str {
    if folder.is_empty() {
        "the root folder"
    } else {
        folder
    }
}

fn file(place: &Option<String>) -> String {
    place
        .as_ref()
        .map_or(String::new(), |place| format!("{place}: "))
}

fn known(suggestion: &Option<String>) -> String {
    suggestion
        .as_ref()
        .map_or(String::new(), |name| format!(" (did you mean `{name}`?)"))
}

fn about(object: &Option<String>) -> String {
    object
        .as_ref()
        .map_or(String::new(), |object| format!(" (about {object})"))
}

fn duplicates(objects: &[Duplicate]) -> String {
    /// Enough to see what they have in common.
    const SHOWN: usize = 5;
    let mut lines: Vec<String> = objects
        .iter()
        .take(SHOWN)
        .map(|Duplicate { id, first, second }| {
            format!("{id} is there twice: from {first} and from {second}")
        })
        .collect();
    if objects.len() > SHOWN {
        lines.push(format!("and {} more", objects.len() - SHOWN));
    }
    format!(
        "{}; remove one, or change its name or namespace",
        lines.join("; ")
    )
}
