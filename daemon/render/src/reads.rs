//! What a render read, and whether it would read the same again.

use crate::path::{join, parent};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use windlass_source::{EntryKind, ReadError, Tree};

/// One question to a tree.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Access {
    /// The content of a file.
    Read(String),
    /// The names and kinds of a folder's entries.
    List(String),
    /// Whether there is anything.
    Exists(String),
    /// Everything in a folder, or a file: stands for many accesses at once.
    Whole(String),
}

impl Access {
    /// The path in the tree.
    pub fn path(&self) -> &str {
        match self {
            Self::Read(path) | Self::List(path) | Self::Exists(path) | Self::Whole(path) => path,
        }
    }

    /// Asks the tree.
    pub(crate) fn ask(&self, tree: &dyn Tree) -> Seen {
        let seen = match self {
            Self::Read(path) | Self::Whole(path) => tree.digest(path).map(|digest| match digest {
                Some(digest) => Seen::Content(digest.to_string()),
                None => Seen::Absent,
            }),
            Self::List(path) => entries(tree, path).map(|entries| names(&entries)),
            Self::Exists(path) => exists(tree, path).map(Seen::Exists),
        };
        seen.unwrap_or_else(|error| Seen::Failed(error.code().to_owned()))
    }
}

/// What a tree answered, in as few bytes as tell it from any other answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// The digest of the content.
    Content(String),
    /// The digest of the names and kinds of a folder's entries.
    Names(String),
    /// Whether there was anything.
    Exists(bool),
    /// There was nothing.
    Absent,
    /// The code of the error.
    Failed(String),
}

/// One entry of a folder, as a plugin sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) is_folder: bool,
    pub(crate) is_link: bool,
    /// A link that leads nowhere, which a plugin does not get to see.
    pub(crate) is_broken: bool,
    pub(crate) digest: Option<windlass_source::Digest>,
}

/// Lists a folder. A link is what it leads to.
pub(crate) fn entries(tree: &dyn Tree, path: &str) -> Result<Vec<Named>, ReadError> {
    let mut named = Vec::new();
    for child in tree.children(path)? {
        let is_link = child.kind == EntryKind::Symlink;
        let (is_folder, is_broken) = match child.kind {
            EntryKind::File => (false, false),
            EntryKind::Folder | EntryKind::Submodule => (true, false),
            EntryKind::Symlink => match tree.children(&join(path, &child.name)) {
                Ok(_) => (true, false),
                Err(ReadError::NotAFolder { .. }) => (false, false),
                Err(_) => (false, true),
            },
        };
        let digest = child.digest.filter(|_| !is_link);
        named.push(Named {
            name: child.name,
            is_folder,
            is_link,
            is_broken,
            digest,
        });
    }
    Ok(named)
}

/// The digest of a folder's names and kinds.
pub(crate) fn names(entries: &[Named]) -> Seen {
    let mut hash = Sha256::new();
    for entry in entries.iter().filter(|entry| !entry.is_broken) {
        // A name in Git holds no NUL, so that no two lists give the same bytes.
        hash.update(entry.name.as_bytes());
        hash.update([0, u8::from(entry.is_folder)]);
    }
    Seen::Names(hex::encode(hash.finalize()))
}

/// Whether there is a file or a folder. The listing of the folder above says so without a digest,
/// which a local folder would have to compute.
pub(crate) fn exists(tree: &dyn Tree, path: &str) -> Result<bool, ReadError> {
    let Some(above) = parent(path) else {
        return Ok(true);
    };
    let siblings = match tree.children(above) {
        Ok(siblings) => siblings,
        Err(ReadError::NotFound { .. } | ReadError::NotAFolder { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    match siblings
        .iter()
        .find(|child| join(above, &child.name) == path)
    {
        None => Ok(false),
        Some(child) if child.kind == EntryKind::Symlink => Ok(tree.digest(path)?.is_some()),
        Some(_) => Ok(true),
    }
}

/// The accesses of a step or of a whole render, each with what was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct ReadSet {
    seen: BTreeMap<Access, Seen>,
    /// Symbolic links that listings showed.
    links: BTreeSet<String>,
}

/// A mapping in JSON has texts as keys, so the accesses are written as pairs.
#[derive(Serialize, Deserialize)]
pub(crate) struct Written {
    seen: Vec<(Access, Seen)>,
    links: BTreeSet<String>,
}

impl From<ReadSet> for Written {
    fn from(reads: ReadSet) -> Self {
        Self {
            seen: reads.seen.into_iter().collect(),
            links: reads.links,
        }
    }
}

impl From<Written> for ReadSet {
    fn from(written: Written) -> Self {
        Self {
            seen: written.seen.into_iter().collect(),
            links: written.links,
        }
    }
}

impl ReadSet {
    /// Records an access. The first answer stays: a tree does not change.
    pub(crate) fn record(&mut self, access: Access, seen: Seen) {
        self.seen.entry(access).or_insert(seen);
    }

    /// Records that a path is a symbolic link.
    pub(crate) fn record_link(&mut self, path: String) {
        self.links.insert(path);
    }

    /// Whether the access is recorded already.
    pub(crate) fn knows(&self, access: &Access) -> bool {
        self.seen.contains_key(access)
    }

    /// Adds the accesses of another set.
    pub(crate) fn extend(&mut self, other: &ReadSet) {
        for (access, seen) in &other.seen {
            self.record(access.clone(), seen.clone());
        }
        self.links.extend(other.links.iter().cloned());
    }

    /// The accesses with what was seen, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (&Access, &Seen)> {
        self.seen.iter()
    }

    /// The files whose content was read.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.seen
            .iter()
            .filter_map(|(access, seen)| match (access, seen) {
                (Access::Read(path), Seen::Content(_)) => Some(path.as_str()),
                _ => None,
            })
    }

    /// Says whether the tree would give the same answers.
    pub fn holds(&self, tree: &dyn Tree) -> bool {
        self.seen
            .iter()
            .all(|(access, seen)| access.ask(tree) == *seen)
    }

    /// Gives the fewest paths whose content decides all accesses.
    ///
    /// The digest of a folder decides what is in it, however much that is. It does not decide what
    /// a link in it leads to; so a path counts as inside a folder only when every folder on the way
    /// was listed, which shows its links, and every link counts by itself.
    pub(crate) fn roots(&self, tree: &dyn Tree) -> ReadSet {
        let listed: BTreeSet<&str> = self
            .seen
            .iter()
            .filter_map(|(access, seen)| match (access, seen) {
                (Access::List(path), Seen::Names(_)) => Some(path.as_str()),
                _ => None,
            })
            .collect();
        let root_of = |path: &str| {
            let mut root = path.to_owned();
            while let Some(above) = parent(&root) {
                if !listed.contains(above) || self.links.contains(&root) {
                    break;
                }
                root = above.to_owned();
            }
            root
        };
        let mut roots = ReadSet::default();
        for link in &self.links {
            let access = Access::Whole(link.clone());
            let seen = access.ask(tree);
            roots.record(access, seen);
        }
        for access in self.seen.keys() {
            let root = root_of(access.path());
            let access = match access {
                // A file that is no part of a listed folder is decided by the access itself.
                access if root == access.path() && !listed.contains(root.as_str()) => {
                    access.clone()
                }
                _ => Access::Whole(root),
            };
            if !roots.knows(&access) {
                let seen = access.ask(tree);
                roots.record(access, seen);
            }
        }
        roots
    }

    /// How many accesses there are.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.seen
            .keys()
            .map(|access| access.path().len() + 128)
            .sum::<usize>()
            + self.links.iter().map(|link| link.len() + 32).sum::<usize>()
    }
}

#[cfg(test)]
#[path = "reads_tests.rs"]
mod tests;
