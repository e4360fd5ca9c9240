use crate::{Digest, ReadError};

/// Gives read access to a file tree: a commit's, or a local folder's.
///
/// Paths are relative to the root and separated by `/`; the empty path is the root. `.`, `..` and
/// symbolic links are followed inside the tree and are an error where they lead out of it, so a
/// reader can never reach a file that is not part of the tree. All methods may be called from many
/// threads at once.
pub trait Tree: Send + Sync {
    /// Reads a file's bytes, following symbolic links.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] and [`ReadError::NotAFile`] where there is no file;
    /// [`ReadError::Submodule`] and [`ReadError::LfsPointer`] where Git has only a reference to the
    /// content; [`ReadError::TooLarge`] beyond [`ReadOptions::max_file_bytes`].
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError>;

    /// Lists a folder's entries sorted by name, following symbolic links to the folder.
    ///
    /// Sizes are left out where finding them would cost a look at every file. In a local folder the
    /// digests of the entries are computed by reading everything below: use
    /// [`Tree::children`] when names and kinds are enough.
    ///
    /// # Errors
    /// [`ReadError::NotFound`] and [`ReadError::NotAFolder`] where there is no folder.
    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError>;

    /// Describes what is at a path, without following a symbolic link that is its last component.
    ///
    /// Gives `None` where nothing is.
    ///
    /// # Errors
    /// Only for paths that lead out of the tree or into a submodule, and for a tree that cannot be
    /// read.
    fn entry(&self, path: &str) -> Result<Option<Entry>, ReadError>;

    /// Names the content that [`Tree::read`] or [`Tree::list`] would give at a path.
    ///
    /// It is Git's own object id, also for a local folder; `None` where nothing is, which includes
    /// a symbolic link to nothing.
    ///
    /// # Errors
    /// As [`Tree::entry`].
    fn digest(&self, path: &str) -> Result<Option<Digest>, ReadError>;

    /// Lists a folder with only what costs nothing to know.
    ///
    /// The way to walk a large tree: the digest of a child is there where it is free (a commit's
    /// tree) and left out where it would have to be computed (a local folder).
    ///
    /// # Errors
    /// As [`Tree::list`].
    fn children(&self, path: &str) -> Result<Vec<Child>, ReadError> {
        let entries = self.list(path)?;
        Ok(entries
            .into_iter()
            .map(|entry| Child {
                name: entry.name,
                kind: entry.kind,
                digest: Some(entry.digest),
            })
            .collect())
    }
}

/// Describes one entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name within its folder; empty for the root. Bytes that are not UTF-8 are replaced, and
    /// such an entry can be seen but not opened.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// Git's object id: of the blob, the tree, the link's target text, or the submodule's commit.
    pub digest: Digest,
    /// Its size in bytes, for files and where it is known without reading.
    pub size: Option<u64>,
}

/// Says what an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EntryKind {
    /// A file, executable or not.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Symlink,
    /// Another repository, of which Git keeps only a commit id.
    Submodule,
}

impl EntryKind {
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            EntryKind::File => "a file",
            EntryKind::Folder => "a folder",
            EntryKind::Symlink => "a symbolic link",
            EntryKind::Submodule => "a submodule",
        }
    }
}

/// One entry of a folder, with only what costs nothing to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// The name within its folder.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The digest, where it is known without reading.
    pub digest: Option<Digest>,
}

/// Bounds what a tree gives out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// The largest file that is read, in bytes.
    pub max_file_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> ReadOptions {
        ReadOptions {
            max_file_bytes: 32 << 20,
        }
    }
}

/// The largest size of a Git LFS pointer file, from the specification of Git LFS.
const LFS_POINTER_BYTES: usize = 1024;

/// Tells a Git LFS pointer from content, by the first line that its specification demands.
pub(crate) fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.len() < LFS_POINTER_BYTES
        && [
            &b"version https://git-lfs.github.com/spec/"[..],
            &b"version https://hawser.github.com/spec/"[..],
        ]
        .iter()
        .any(|start| bytes.starts_with(start))
}
