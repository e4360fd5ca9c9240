//! What a plugin's file shows without being run: by which door it comes in, what it imports and exports.

use crate::Plugin;
use crate::plugin::Code;
use serde::{Deserialize, Serialize};

/// By which door a plugin comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A component of the contract `windlass:plugin`.
    Component,
    /// A KRM function: a program that reads and writes a `ResourceList`.
    Function,
}

impl Plugin {
    /// By which door it comes in.
    pub fn kind(&self) -> Kind {
        match &self.loaded().code {
            Code::Component { .. } => Kind::Component,
            Code::Command(_) => Kind::Function,
        }
    }

    /// What its file imports, by the names in it, sorted: interfaces of a component
    /// (`windlass:plugin/files@0.1.0`), functions of a KRM function
    /// (`wasi_snapshot_preview1.fd_read`).
    pub fn imported(&self) -> Vec<String> {
        let engine = self.engine();
        let mut names: Vec<String> = match &self.loaded().code {
            Code::Component { callable, .. } => {
                let component = callable.instance.component().component_type();
                let imports = component.imports(engine);
                imports.map(|(name, _)| name.to_owned()).collect()
            }
            Code::Command(command) => {
                let imports = command.module().imports();
                imports
                    .map(|import| format!("{}.{}", import.module(), import.name()))
                    .collect()
            }
        };
        names.sort();
        names.dedup();
        names
    }

    /// What its file exports, by the names in it, sorted.
    pub fn exported(&self) -> Vec<String> {
        let engine = self.engine();
        let mut names: Vec<String> = match &self.loaded().code {
            Code::Component { callable, .. } => {
                let component = callable.instance.component().component_type();
                let exports = component.exports(engine);
                exports.map(|(name, _)| name.to_owned()).collect()
            }
            Code::Command(command) => {
                let exports = command.module().exports();
                exports.map(|export| export.name().to_owned()).collect()
            }
        };
        names.sort();
        names
    }
}
