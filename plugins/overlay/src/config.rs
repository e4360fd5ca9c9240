//! The configuration of `overlay`.

use serde::Deserialize;
use windlass_plugin_common::Variables;
use windlass_plugin_common::files::OneOrMany;

/// What is laid over what.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) base: Option<OneOrMany>,
    pub(crate) with: OneOrMany,
    pub(crate) add: Option<OneOrMany>,
    pub(crate) recursive: bool,
    pub(crate) exclude: Vec<String>,
    pub(crate) variables: Variables,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            base: None,
            with: OneOrMany::One(".".to_owned()),
            add: None,
            recursive: true,
            exclude: Vec::new(),
            variables: Variables::default(),
        }
    }
}

pub(crate) const SCHEMA: &str = include_str!("schema.json");
