//! Where in a document something stands, for errors; and how deep documents may be.

use serde_json::Value;

use super::PatchError;
use crate::depth::{MAX_DEPTH, measure};
use crate::{Json, to_canonical_json};

/// How much of a path an error shows; names may be as long as the document.
const MAX_PATH: usize = 240;

/// A place in a document; the path is built only when one is told.
pub(super) struct Place<'a> {
    above: Option<&'a Place<'a>>,
    name: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn root() -> Place<'static> {
        Place {
            above: None,
            name: "",
        }
    }

    pub(super) fn below(&'a self, name: &'a str) -> Place<'a> {
        Place {
            above: Some(self),
            name,
        }
    }

    /// The item of a list that this [`identity`] tells apart.
    pub(super) fn item(&'a self, identity: &'a str) -> Place<'a> {
        self.below(identity.trim_matches('"'))
    }

    pub(super) fn path(&self) -> String {
        let mut names = Vec::new();
        let mut at = self;
        while let Some(above) = at.above {
            names.push(at.name);
            at = above;
        }
        names.reverse();
        shortened(&names.join("."))
    }
}

fn shortened(path: &str) -> String {
    match path.char_indices().nth(MAX_PATH) {
        Some((end, _)) => format!("{}…", path.get(..end).unwrap_or_default()),
        None => path.to_owned(),
    }
}

/// Refuses a document that is too deep to be walked through by recursion.
pub(super) fn bounded(value: &Json) -> Result<(), PatchError> {
    if measure(value).depth <= MAX_DEPTH {
        return Ok(());
    }
    let mut names = Vec::new();
    descend(value, MAX_DEPTH, &mut names);
    names.reverse();
    Err(PatchError::TooDeep {
        path: shortened(&names.join(".")),
        limit: MAX_DEPTH,
    })
}

/// Finds a way down of more than `levels` levels, last name first.
fn descend(value: &Json, levels: usize, names: &mut Vec<String>) -> bool {
    let found = match value {
        Value::Array(items) => {
            if levels == 0 {
                return true;
            }
            let at = items
                .iter()
                .position(|item| descend(item, levels - 1, names));
            at.map(|index| index.to_string())
        }
        Value::Object(map) => {
            if levels == 0 {
                return true;
            }
            let at = map
                .iter()
                .find(|(_, value)| descend(value, levels - 1, names));
            at.map(|(key, _)| key.clone())
        }
        _ => None,
    };
    let is_found = found.is_some();
    names.extend(found);
    is_found
}

/// What tells the scalars of a set, or the values of a merge key, apart.
pub(super) fn identity(value: &Json) -> String {
    to_canonical_json(value)
}

/// A scalar as Kubernetes sorts it: by its text, which for a string has no quotes.
pub(super) fn text(value: &Json) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => to_canonical_json(other),
    }
}
