//! What can go wrong with a folder.

use std::path::PathBuf;
use windlass_engine::FailureClass;

/// Why a folder could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// The system refused.
    #[error("{} could not be {what}: {error}. Check that the folder exists, is writable and has space", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was tried, as a participle.
        what: &'static str,
        /// The system's words.
        error: std::io::Error,
    },
    /// An object's name cannot be the name of a file.
    #[error("the object's {part} `{name}` is too long for a file's name; 255 bytes are possible")]
    Name {
        /// Which part.
        part: &'static str,
        /// The part, cut.
        name: String,
    },
    /// A file that is not ours is where the object's file would be.
    #[error("{} exists and is not Windlass's: it lacks the label applyset.kubernetes.io/part-of. Move it away, or choose another folder", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A link leads out of the folder.
    #[error("{} leads out of the folder {} through a link, and is not written", path.display(), root.display())]
    Outside {
        /// The place.
        path: PathBuf,
        /// The folder.
        root: PathBuf,
    },
    /// A file is damaged.
    #[error("{} could not be read: {why}. Correct or remove it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

impl DirectoryError {
    /// The code of the page that explains this error.
    pub fn code(&self) -> &'static str {
        match self {
            DirectoryError::Io { .. } => "WL0720",
            DirectoryError::Name { .. } => "WL0721",
            DirectoryError::NotOurs { .. } => "WL0722",
            DirectoryError::Outside { .. } => "WL0723",
            DirectoryError::Unreadable { .. } => "WL0724",
        }
    }

    pub(super) fn class(&self) -> FailureClass {
        match self {
            DirectoryError::Io { .. } => FailureClass::Transient { retry_after: None },
            _ => FailureClass::Rejected,
        }
    }
}
