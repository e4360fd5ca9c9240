//! What a plugin says about itself, and what its type says.

use serde::{Deserialize, Serialize};

/// What a call needs to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Each object is handled as if it were alone: objects may be handed in in any portions, and
    /// the answer for each of them may be remembered.
    Object,
    /// The objects have to be seen together, in their order.
    Set,
}

/// What people and the host should know about a plugin, in its own words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Description {
    /// What it calls itself.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What a call needs to see.
    pub scope: Scope,
    /// The JSON Schema of the configuration; none when anything is accepted.
    pub config_schema: Option<serde_json::Value>,
    /// What it does, in one sentence.
    pub summary: String,
}

/// Which parts of the contract a plugin exports, beside `describe`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exports {
    /// It makes objects out of objects.
    pub transform: bool,
    /// It checks objects.
    pub validate: bool,
    /// It knows the health of live objects.
    pub assess: bool,
}
