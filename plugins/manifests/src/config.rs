//! The configuration of `manifests`.

use serde::Deserialize;
use windlass_plugin_common::Variables;
use windlass_plugin_common::files::OneOrMany;

/// Which files are read.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) paths: OneOrMany,
    pub(crate) recursive: bool,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) variables: Variables,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            paths: OneOrMany::One(".".to_owned()),
            recursive: true,
            include: Vec::new(),
            exclude: Vec::new(),
            variables: Variables::default(),
        }
    }
}

pub(crate) const SCHEMA: &str = include_str!("schema.json");
