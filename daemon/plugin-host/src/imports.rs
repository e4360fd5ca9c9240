//! What a plugin may ask for during a call, as the caller provides it.

use crate::{Level, Run, RunEnd, RunFailure};
use std::collections::BTreeMap;

/// Answers what a plugin asks for during one call.
///
/// It is called on the thread that makes the call, one question at a time. The time it takes counts
/// towards [`Limits::wall_time`](crate::Limits::wall_time), which ends the call as soon as the
/// answer is there; so an answer should not wait for anything that can hang.
pub trait Imports: Send {
    /// Gives the content of a file. The path is as the plugin wrote it, at most 4,096 bytes.
    ///
    /// # Errors
    /// Goes to the plugin, which may go on without the file.
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError>;

    /// Gives the entries of a folder, sorted by the bytes of their names.
    ///
    /// # Errors
    /// Goes to the plugin.
    fn list(&mut self, path: &str) -> Result<Vec<DirEntry>, FileError>;

    /// Says whether there is a file or a folder at the path.
    ///
    /// # Errors
    /// Goes to the plugin. Absence is no error.
    fn exists(&mut self, path: &str) -> Result<bool, FileError>;

    /// Gives the path of the environment's folder from the root, without a slash at either end.
    fn folder(&mut self) -> String;

    /// Gives the opaque text that stands for a secret's value.
    ///
    /// # Errors
    /// A sentence for the plugin: what is not allowed about this reference.
    fn secret_reference(&mut self, store: &str, name: &str, key: &str) -> Result<String, String>;

    /// Gives the files that a KRM function finds in its file system, by path from its root, without
    /// a slash in front. Asked for once, before the function starts; a component is given none, it
    /// reads for itself.
    fn handed_in(&mut self) -> BTreeMap<String, Vec<u8>> {
        BTreeMap::new()
    }

    /// Runs another plugin of the same commit.
    fn run_plugin(&mut self, _run: Run) -> RunEnd {
        RunFailure::from("other plugins cannot be run here".to_owned()).into()
    }

    /// Hears of a log line when it is written. All lines are also in
    /// [`Output::log`](crate::Output::log).
    fn log(&mut self, _level: Level, _message: &str) {}
}

/// Answers that there is nothing: what `describe` gets, and calls that need no file.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImports;

impl Imports for NoImports {
    fn read(&mut self, _path: &str) -> Result<Vec<u8>, FileError> {
        Err(FileError::NotFound)
    }

    fn list(&mut self, _path: &str) -> Result<Vec<DirEntry>, FileError> {
        Err(FileError::NotFound)
    }

    fn exists(&mut self, _path: &str) -> Result<bool, FileError> {
        Ok(false)
    }

    fn folder(&mut self) -> String {
        String::new()
    }

    fn secret_reference(&mut self, _: &str, _: &str, _: &str) -> Result<String, String> {
        Err("there are no secrets here".to_owned())
    }
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
pub struct DirEntry {
    /// Its name, without the path of the folder.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
}

/// Why a path could not be read. The plugin knows the path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// There is nothing at this path in this commit.
    #[error("there is no such file or folder")]
    NotFound,
    /// It is a folder, or something else that has no content.
    #[error("this is a folder, not a file")]
    NotAFile,
    /// It is a file, and has no entries.
    #[error("this is a file, not a folder")]
    NotAFolder,
    /// The path, or a symbolic link on the way, leads out of what the plugin may see.
    #[error("this leads out of what the environment may read")]
    OutsideTree,
    /// The file is too large to be read.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The most that may be read, in bytes.
        limit: u64,
    },
    /// The host will not hand it out, for the reason given.
    #[error("refused: {0}")]
    Refused(String),
    /// Anything else, such as a damaged repository.
    #[error("{0}")]
    Other(String),
}
