//! What a plugin may ask of the host.

use crate::{Failure, Finding, Json};
use std::fmt;

/// The host's side of a call: files of the commit, references to secrets, the log.
///
/// In the component it is the imports of the contract; in a native test it is a
/// [`MemoryHost`](crate::testing::MemoryHost).
pub trait Host {
    /// Gives the content of a file.
    ///
    /// A path is relative to the environment's folder; one that begins with `/` is relative to the
    /// root of the repository.
    ///
    /// # Errors
    /// [`FileError`] names the path and the reason; `?` makes it a [`Failure`](crate::Failure).
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError>;

    /// Gives the entries of a folder, sorted by name.
    ///
    /// # Errors
    /// As for [`Host::read`].
    fn list(&mut self, path: &str) -> Result<Vec<Entry>, FileError>;

    /// Says whether there is a file or a folder at the path.
    ///
    /// # Errors
    /// As for [`Host::read`], except that an absent path is no error.
    fn exists(&mut self, path: &str) -> Result<bool, FileError>;

    /// Gives the path of the environment's folder from the root of the repository, without a slash at
    /// either end; empty when it is the root itself.
    fn folder(&mut self) -> String;

    /// Gives the opaque text that stands for a secret's value, to be put where the value belongs.
    ///
    /// # Errors
    /// Says what is not allowed about the reference.
    fn secret_reference(&mut self, store: &str, name: &str, key: &str) -> Result<String, String>;

    /// Runs another plugin of the commit on objects: a `.wasm` file, component or KRM function.
    ///
    /// The path is as for [`Host::read`]. An error among the findings is not an error here: the
    /// caller hands it on or fails.
    ///
    /// # Errors
    /// What the plugin says, a crash, or a limit; its object counts the objects given here. It is
    /// an error as well where there are no other plugins.
    fn run_plugin(
        &mut self,
        path: &str,
        objects: Vec<Json>,
        config: &Json,
    ) -> Result<Ran, Failure> {
        drop(objects);
        let _: &Json = config;
        Err(Failure::new(format!(
            "{path} cannot be run: there are no other plugins here"
        )))
    }

    /// Records one line for people.
    fn log(&mut self, level: Level, message: &str);

    /// Gives the content of a file that has to be text.
    ///
    /// # Errors
    /// As for [`Host::read`], and when the file is not UTF-8.
    fn read_text(&mut self, path: &str) -> Result<String, FileError> {
        String::from_utf8(self.read(path)?).map_err(|error| {
            FileError::new(
                path,
                FileErrorKind::Other(format!(
                    "it is not UTF-8 text (the first {} bytes are)",
                    error.utf8_error().valid_up_to()
                )),
            )
        })
    }

    /// Records what happened.
    fn info(&mut self, message: &str) {
        self.log(Level::Info, message);
    }

    /// Records what may surprise.
    fn warn(&mut self, message: &str) {
        self.log(Level::Warning, message);
    }
}

/// What came of a plugin that another one has run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ran {
    /// The objects after it: those that it was given, for one that only checks.
    pub objects: Vec<Json>,
    /// What it found, about the objects after it.
    pub findings: Vec<Finding>,
}

impl From<Vec<Json>> for Ran {
    fn from(objects: Vec<Json>) -> Self {
        Self {
            objects,
            findings: Vec::new(),
        }
    }
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// What happened.
    Info,
    /// What may surprise.
    Warning,
    /// What went wrong, without stopping the call.
    Error,
}

/// What an entry of a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file, or a link to one.
    File,
    /// A folder, or a link to one.
    Folder,
}

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Its name, without the path of the folder.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// A path that could not be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// The path as the plugin gave it.
    pub path: String,
    /// The reason.
    pub kind: FileErrorKind,
}

/// Why a path could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileErrorKind {
    /// There is nothing at this path in this commit.
    NotFound,
    /// It is a folder, or something else that has no content.
    NotAFile,
    /// It is a file, and has no entries.
    NotAFolder,
    /// The path, or a link on the way, leads out of what the plugin may see.
    OutsideTree,
    /// The file is larger than this many bytes, the most that may be read.
    TooLarge(u64),
    /// The host will not hand it out, for the reason given.
    Refused(String),
    /// Anything else.
    Other(String),
}

impl FileError {
    /// Says that `path` could not be read.
    pub fn new(path: impl Into<String>, kind: FileErrorKind) -> Self {
        Self {
            path: path.into(),
            kind,
        }
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = if self.path.is_empty() {
            "."
        } else {
            &self.path
        };
        match &self.kind {
            FileErrorKind::NotFound => write!(f, "{path}: there is no such file or folder"),
            FileErrorKind::NotAFile => write!(f, "{path}: this is a folder, not a file"),
            FileErrorKind::NotAFolder => write!(f, "{path}: this is a file, not a folder"),
            FileErrorKind::OutsideTree => {
                write!(f, "{path}: this leads out of what the environment may read")
            }
            FileErrorKind::TooLarge(limit) => {
                write!(f, "{path}: the file is larger than {limit} bytes")
            }
            FileErrorKind::Refused(reason) => write!(f, "{path}: refused: {reason}"),
            FileErrorKind::Other(reason) => write!(f, "{path}: {reason}"),
        }
    }
}

impl std::error::Error for FileError {}
