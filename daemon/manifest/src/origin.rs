//! Where an object came from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The annotation in which KRM functions keep the file of an object (KRM Functions Specification).
pub const PATH_ANNOTATION: &str = "internal.config.kubernetes.io/path";

/// The annotation in which KRM functions keep an object's place in its file, from 0.
pub const INDEX_ANNOTATION: &str = "internal.config.kubernetes.io/index";

/// Where an object came from, so that every message about it can say so.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Origin {
    /// The file, as a path inside the repository.
    pub file: Option<String>,
    /// The document in the file, from 0.
    pub index: Option<usize>,
    /// The pipeline step that made the object, when no file did.
    pub step: Option<String>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.index, &self.step) {
            (Some(file), None | Some(0), _) => f.write_str(file),
            (Some(file), Some(index), _) => write!(f, "{file} (document {})", index + 1),
            (None, _, Some(step)) => f.write_str(step),
            (None, _, None) => f.write_str("unknown origin"),
        }
    }
}
