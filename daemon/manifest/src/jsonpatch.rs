//! JSON Patch, RFC 6902.

use json_patch::{Patch, PatchErrorKind};

use crate::Json;

/// Why a patch could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is no list of operations.
    #[error("not a JSON patch (RFC 6902): {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// An operation does not fit the document.
    #[error("operation {number} at `{path}`: {reason}")]
    Operation {
        /// The operation, from 1.
        number: usize,
        /// Its path.
        path: String,
        /// Why it cannot be done.
        reason: String,
    },
}

impl PatchError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "WL0320",
            Self::Operation { .. } => "WL0321",
        }
    }
}

/// Applies a patch to a document, whole or not at all.
///
/// # Errors
/// [`PatchError::Malformed`] for what is no patch, [`PatchError::Operation`] for an operation that
/// the document does not allow; the document is then as before.
pub fn apply(document: &mut Json, patch: &Json) -> Result<(), PatchError> {
    let operations: Patch = serde_json::from_value(patch.clone())
        .map_err(|error| PatchError::Malformed { reason: error.to_string() })?;
    json_patch::patch(document, &operations).map_err(|error| PatchError::Operation {
        number: error.operation + 1,
        path: error.path.to_string(),
        reason: match error.kind {
            PatchErrorKind::TestFailed => "the value is not the one that `test` expects".to_owned(),
            PatchErrorKind::InvalidPointer => "there is nothing at this path".to_owned(),
            PatchErrorKind::InvalidFromPointer => "there is nothing at `from`".to_owned(),
            other => other.to_string(),
        },
    })
}
