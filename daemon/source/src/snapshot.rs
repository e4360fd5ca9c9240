use std::sync::Arc;

use git2::ObjectType;

use crate::objects::Objects;
use crate::resolve::{self, Last, MAX_PATH, Nodes, resolve};
use crate::tree::is_lfs_pointer;
use crate::{Child, Digest, Entry, EntryKind, ReadError, ReadOptions, Tree};

/// The longest first line of a commit message that is kept, in characters.
const SUMMARY_CHARS: usize = 200;

/// The tree of one commit, read straight from a mirror's object database.
///
/// Nothing is ever checked out: no hook runs, no filter, no submodule, and no link is followed by
/// the operating system. A snapshot is cheap to clone and to make, stays readable while the mirror
/// is fetched into, and can be read from as many threads as there are cores.
#[derive(Clone)]
pub struct Snapshot {
    objects: Arc<Objects>,
    commit: Arc<Commit>,
    root: Digest,
    options: ReadOptions,
}

/// Describes the commit that a snapshot was taken at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// The full id, forty hexadecimal digits.
    pub id: String,
    /// The author's name.
    pub author: String,
    /// The author's address.
    pub email: String,
    /// The first line of the message, at most 200 characters.
    pub summary: String,
    /// When it was committed, in seconds since 1970-01-01 UTC.
    pub time: i64,
}

impl Snapshot {
    pub(crate) fn open(
        objects: Arc<Objects>,
        commit: &str,
        options: ReadOptions,
    ) -> Result<Snapshot, ReadError> {
        let missing = || ReadError::NoCommit {
            commit: commit.chars().take(64).collect(),
            mirror: objects.mirror(),
        };
        let id = Digest::from_hex(commit).ok_or_else(missing)?;
        let oid = id.oid().ok_or_else(missing)?;
        let (described, root) = objects
            .with(|repository| {
                let commit = repository.find_commit(oid)?;
                let author = commit.author();
                let summary = commit.message_bytes().split(|&byte| byte == b'\n').next();
                let summary = String::from_utf8_lossy(summary.unwrap_or_default());
                let described = Commit {
                    id: id.to_string(),
                    author: String::from_utf8_lossy(author.name_bytes()).into_owned(),
                    email: String::from_utf8_lossy(author.email_bytes()).into_owned(),
                    summary: summary.trim().chars().take(SUMMARY_CHARS).collect(),
                    time: commit.time().seconds(),
                };
                Ok((described, commit.tree_id()))
            })
            .map_err(|error| match error.code() {
                git2::ErrorCode::NotFound => missing(),
                _ => objects.damaged(commit, error.message().to_owned()),
            })?;
        let root = Digest::from_oid(root).ok_or_else(missing)?;
        Ok(Snapshot {
            objects,
            commit: Arc::new(described),
            root,
            options,
        })
    }

    /// The commit that the snapshot was taken at.
    pub fn commit(&self) -> &Commit {
        &self.commit
    }

    /// Gives the same snapshot with other bounds.
    #[must_use]
    pub fn with_options(mut self, options: ReadOptions) -> Snapshot {
        self.options = options;
        self
    }
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot")
            .field("commit", &self.commit)
            .field("mirror", &self.objects.mirror())
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Node {
    kind: EntryKind,
    id: Digest,
}

impl Nodes for Snapshot {
    type Node = Node;

    fn root(&self) -> Node {
        Node {
            kind: EntryKind::Folder,
            id: self.root,
        }
    }

    fn kind(&self, node: &Node) -> EntryKind {
        node.kind
    }

    fn child(&self, folder: &Node, name: &str, path: &str) -> Result<Option<Node>, ReadError> {
        let tree = self.objects.tree(folder.id, path)?;
        Ok(tree.find(name).map(|entry| Node {
            kind: entry.kind,
            id: entry.id,
        }))
    }

    fn target(&self, link: &Node, path: &str) -> Result<Vec<u8>, ReadError> {
        self.objects
            .object(link.id, ObjectType::Blob, MAX_PATH as u64, path)
    }
}

impl Tree for Snapshot {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let node = resolve::file(self, path)?;
        let limit = self.options.max_file_bytes;
        let bytes = self
            .objects
            .object(node.id, ObjectType::Blob, limit, path)?;
        if is_lfs_pointer(&bytes) {
            return Err(ReadError::LfsPointer {
                path: path.to_owned(),
            });
        }
        Ok(bytes)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let tree = self.objects.tree(resolve::folder(self, path)?.id, path)?;
        Ok(tree
            .iter()
            .map(|entry| Entry {
                name: String::from_utf8_lossy(entry.name).into_owned(),
                kind: entry.kind,
                digest: entry.id,
                size: None,
            })
            .collect())
    }

    fn entry(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        let Some((node, name)) = resolve(self, path, Last::Keep)?.optional() else {
            return Ok(None);
        };
        let size = match node.kind {
            EntryKind::File => Some(self.objects.size(node.id, path)?),
            EntryKind::Folder | EntryKind::Symlink | EntryKind::Submodule => None,
        };
        Ok(Some(Entry {
            name,
            kind: node.kind,
            digest: node.id,
            size,
        }))
    }

    fn digest(&self, path: &str) -> Result<Option<Digest>, ReadError> {
        let found = resolve(self, path, Last::Follow)?.optional();
        Ok(found.map(|(node, _)| node.id))
    }

    fn children(&self, path: &str) -> Result<Vec<Child>, ReadError> {
        let tree = self.objects.tree(resolve::folder(self, path)?.id, path)?;
        Ok(tree
            .iter()
            .map(|entry| Child {
                name: String::from_utf8_lossy(entry.name).into_owned(),
                kind: entry.kind,
                digest: Some(entry.id),
            })
            .collect())
    }
}
