//! What can be wrong with a set of rendered objects before any of it is sent.

use windlass_manifest::{ObjectId, Origin};

/// A rendered set that cannot be synced as it is; nothing of it is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// Two rendered objects have one identity, so that the second would overwrite the first.
    #[error(
        "{id} is rendered twice: from {first} and from {second}. Remove one of them, or give them \
         different names"
    )]
    Duplicate {
        /// The identity that both have.
        id: Box<ObjectId>,
        /// Where the first comes from.
        first: Box<Origin>,
        /// Where the second comes from.
        second: Box<Origin>,
    },
    /// An object has no `metadata.name`; with a generated name every sync would make another one.
    #[error(
        "a {kind} from {origin} has no metadata.name. Give it a name: a generated name would make \
         a new object at every sync"
    )]
    Unnamed {
        /// The kind of the object.
        kind: String,
        /// Where it comes from.
        origin: Box<Origin>,
    },
    /// An annotation that is addressed to Windlass has a value that Windlass does not know.
    #[error(
        "{id} from {origin} has the annotation {annotation} with the value `{value}`. Write one of \
         {allowed}"
    )]
    Annotation {
        /// The object.
        id: Box<ObjectId>,
        /// Where it comes from.
        origin: Box<Origin>,
        /// The annotation.
        annotation: &'static str,
        /// The value that it has, cut at 64 characters.
        value: String,
        /// The values that it may have.
        allowed: &'static str,
    },
}

impl EngineError {
    /// The code of the page that explains the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "WL0601",
            Self::Unnamed { .. } => "WL0602",
            Self::Annotation { .. } => "WL0603",
        }
    }
}
