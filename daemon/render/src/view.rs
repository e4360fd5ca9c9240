//! The files of a commit as a plugin sees them, with every look recorded.

use crate::nested::Nest;
use crate::path::{join, resolve};
use crate::reads::{Access, Named, ReadSet, Seen, entries, exists, names};
use std::collections::HashMap;
use std::time::Duration;
use windlass_manifest::secret_ref::SecretRef;
use windlass_plugin_host::{DirEntry, EntryKind, FileError, Imports, Run, RunEnd, RunFailure};
use windlass_source::{Digest, ReadError, Tree};

/// Answers the questions of one step out of a tree and records them.
///
/// What a question depends on is recorded before it is answered: when a local folder changes in
/// between, the record is older than the answer, and the step runs again the next time.
pub(crate) struct View<'a> {
    tree: &'a dyn Tree,
    folder: &'a str,
    reads: ReadSet,
    /// Digests that listings gave for free.
    digests: HashMap<String, Digest>,
    may_change: bool,
    /// What it takes to run other plugins; none where there are none.
    nest: Option<Nest<'a>>,
    /// How long it took to make the plugins ready that were run.
    loading: Duration,
}

impl<'a> View<'a> {
    pub(crate) fn new(tree: &'a dyn Tree, folder: &'a str) -> Self {
        Self {
            tree,
            folder,
            reads: ReadSet::default(),
            digests: HashMap::new(),
            may_change: false,
            nest: None,
            loading: Duration::ZERO,
        }
    }

    /// Lets the plugin run others.
    pub(crate) fn with_plugins(self, nest: Nest<'a>) -> Self {
        Self {
            nest: Some(nest),
            ..self
        }
    }

    /// What a plugin sees that is run by the one that sees this.
    pub(crate) fn inner(&self, nest: Nest<'a>) -> Self {
        Self::new(self.tree, self.folder).with_plugins(nest)
    }

    /// Takes over what an inner one has read.
    pub(crate) fn absorb(&mut self, inner: Self) {
        self.reads.extend(&inner.reads);
        self.may_change |= inner.may_change;
    }

    /// The tree, and what was read of it.
    pub(crate) fn parts(&mut self) -> (&'a dyn Tree, &mut ReadSet) {
        (self.tree, &mut self.reads)
    }

    /// How long it took to make plugins ready, in this call.
    pub(crate) fn loading(&self) -> Duration {
        self.loading
    }

    /// Whether the tree is one that may change while it is read. Those do not know the digests of
    /// their files.
    pub(crate) fn may_change(&self) -> bool {
        self.may_change
    }

    /// What was read.
    pub(crate) fn into_reads(self) -> ReadSet {
        self.reads
    }

    fn listed(&mut self, path: &str) -> Result<Vec<Named>, ReadError> {
        let access = Access::List(path.to_owned());
        match entries(self.tree, path) {
            Ok(found) => {
                if !self.reads.knows(&access) {
                    self.reads.record(access, names(&found));
                    for entry in &found {
                        let child = join(path, &entry.name);
                        if let Some(digest) = entry.digest {
                            self.digests.insert(child, digest);
                        } else if entry.is_link {
                            self.reads.record_link(child);
                        } else {
                            self.may_change = true;
                        }
                    }
                }
                Ok(found)
            }
            Err(error) => {
                self.reads
                    .record(access, Seen::Failed(error.code().to_owned()));
                Err(error)
            }
        }
    }
}

impl Imports for View<'_> {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        let path = resolve(self.folder, path)?;
        let access = Access::Read(path.clone());
        if !self.reads.knows(&access) {
            let seen = match self.digests.get(&path) {
                Some(digest) => Seen::Content(digest.to_string()),
                None => access.ask(self.tree),
            };
            self.reads.record(access, seen);
        }
        self.tree.read(&path).map_err(file_error)
    }

    fn list(&mut self, path: &str) -> Result<Vec<DirEntry>, FileError> {
        let path = resolve(self.folder, path)?;
        let found = self.listed(&path).map_err(file_error)?;
        Ok(found
            .into_iter()
            .filter(|entry| !entry.is_broken)
            .map(|entry| DirEntry {
                name: entry.name,
                kind: if entry.is_folder {
                    EntryKind::Folder
                } else {
                    EntryKind::File
                },
            })
            .collect())
    }

    fn exists(&mut self, path: &str) -> Result<bool, FileError> {
        let path = resolve(self.folder, path)?;
        let found = exists(self.tree, &path);
        let seen = match &found {
            Ok(found) => Seen::Exists(*found),
            Err(error) => Seen::Failed(error.code().to_owned()),
        };
        self.reads.record(Access::Exists(path), seen);
        found.map_err(file_error)
    }

    // The folder is part of what a step is remembered by.
    fn folder(&mut self) -> String {
        self.folder.to_owned()
    }

    fn run_plugin(&mut self, run: Run) -> RunEnd {
        let Some(nest) = self.nest else {
            return RunFailure::from("other plugins cannot be run here".to_owned()).into();
        };
        let end = nest.run(self, run);
        self.loading += end.loading;
        end
    }

    fn secret_reference(&mut self, store: &str, name: &str, key: &str) -> Result<String, String> {
        SecretRef::new(store, name, key)
            .map(|reference| reference.token())
            .map_err(|error| error.to_string())
    }
}

fn file_error(error: ReadError) -> FileError {
    match error {
        ReadError::NotFound { link: None, .. } => FileError::NotFound,
        ReadError::NotAFile { .. } => FileError::NotAFile,
        ReadError::NotAFolder { .. } => FileError::NotAFolder,
        ReadError::OutsideTree { .. } => FileError::OutsideTree,
        ReadError::TooLarge { limit, .. } => FileError::TooLarge { limit },
        refused @ (ReadError::Submodule { .. }
        | ReadError::LfsPointer { .. }
        | ReadError::SymlinkLoop { .. }
        | ReadError::BadPath { .. }) => FileError::Refused(refused.to_string()),
        other => FileError::Other(other.to_string()),
    }
}
