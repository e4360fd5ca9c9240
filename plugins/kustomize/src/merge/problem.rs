//! Why two values cannot be merged, and where.

use std::fmt;

use windlass_plugin_sdk::Json;

use crate::error::Error;

/// Why a patch does not fit; its place is put together on the way out.
#[derive(Debug)]
pub(super) struct Problem {
    message: String,
    hint: Option<&'static str>,
    /// The steps from the field to the root.
    path: Vec<String>,
}

/// The result of a step of a merge.
pub(super) type Step<T> = std::result::Result<T, Problem>;

impl Problem {
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            hint: None,
            path: Vec::new(),
        }
    }

    /// The two values are not of the same kind.
    pub(super) fn kinds(object: &Json, patch: &Json) -> Self {
        Self {
            hint: Some("write the patch in the shape of the object, or remove the field first"),
            ..Self::new(format_args!(
                "the patch has {} where the object has {}",
                kind_of(patch),
                kind_of(object)
            ))
        }
    }

    /// An item of a merging list is no mapping.
    pub(super) fn item(item: &Json) -> Self {
        Self::new(format_args!(
            "an item of the list is {}, and items that merge have to be mappings",
            kind_of(item)
        ))
    }

    /// A directive that kustomize does not know.
    pub(super) fn directive(value: &str) -> Self {
        Self {
            hint: Some("expected one of `delete`, `merge`, `replace`"),
            ..Self::new(format_args!("`$patch: {value}` is unknown"))
        }
    }

    /// Adds the step that leads here.
    pub(super) fn at(mut self, step: &str) -> Self {
        self.path.push(step.to_owned());
        self
    }

    pub(super) fn into_error(self) -> Error {
        let mut error = Error::new(self.message);
        if !self.path.is_empty() {
            let path: Vec<&str> = self.path.iter().rev().map(String::as_str).collect();
            error = error.field(path.join("."));
        }
        match self.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) | Json::Number(_) | Json::String(_) => "a scalar",
        Json::Array(_) => "a list",
        Json::Object(_) => "a mapping",
    }
}
