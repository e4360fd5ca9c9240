//! The built-in plugin `kustomize`: builds a folder as `kustomize build` does.
//!
//! A build walks the kustomizations from the leaves to the root ([`target`]); each collects
//! resources, lets generators add to them, and runs transformers over them. At the root the hashes
//! of generated content are put behind names, references to changed names are put right, and
//! variables are replaced. The reference for every decision is kustomize 5.8.

mod config;
mod error;
mod field;
mod files;
mod generate;
mod id;
mod kustomization;
mod merge;
mod origin;
mod read;
mod resource;
mod resources;
mod schema;
mod selector;
mod target;
mod transform;

use serde::Deserialize;
use windlass_plugin_sdk::{Description, Failure, Generate, Host, Json, Plugin};

use crate::files::{Files, Folder, Restriction};
use crate::target::Reorder;

/// Builds a folder with a kustomization and adds its objects.
#[derive(Debug)]
pub struct Kustomize;

/// The configuration of the step.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Config {
    /// The folder that is built, relative to the environment's folder.
    path: String,
    /// In which order the objects come.
    reorder: Order,
    /// From where files may be loaded.
    load_restrictor: LoadRestrictor,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: ".".to_owned(),
            reorder: Order::default(),
            load_restrictor: LoadRestrictor::default(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Legacy,
    None,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
enum LoadRestrictor {
    #[default]
    #[serde(rename = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[serde(rename = "LoadRestrictionsNone")]
    None,
}

const SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "path": {
      "type": "string",
      "default": ".",
      "description": "The folder with the kustomization, relative to the environment's folder."
    },
    "reorder": {
      "enum": ["legacy", "none"],
      "default": "legacy",
      "description": "The order of the objects: by kind, or as they were read. sortOptions of the kustomization go before it."
    },
    "loadRestrictor": {
      "enum": ["LoadRestrictionsRootOnly", "LoadRestrictionsNone"],
      "default": "LoadRestrictionsRootOnly",
      "description": "Whether a kustomization may load files from outside of its folder."
    }
  }
}"#;

impl Plugin for Kustomize {
    fn describe() -> Description {
        Description::new(
            "kustomize",
            env!("CARGO_PKG_VERSION"),
            "Builds a folder with a kustomization as `kustomize build` does.",
        )
        .configuration_schema(SCHEMA)
    }
}

impl Generate for Kustomize {
    type Config = Config;

    fn generate(config: Config, host: &mut dyn Host) -> Result<Vec<Json>, Failure> {
        let restriction = match config.load_restrictor {
            LoadRestrictor::RootOnly => Restriction::RootOnly,
            LoadRestrictor::None => Restriction::None,
        };
        let reorder = match config.reorder {
            Order::Legacy => Reorder::Legacy,
            Order::None => Reorder::None,
        };
        let folder = Folder::from_environment(host, &config.path)?;
        Ok(target::build(
            Files::new(host, restriction),
            &folder,
            reorder,
        )?)
    }
}

windlass_plugin_sdk::export_generator!(Kustomize);
