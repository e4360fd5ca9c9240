//! Path resolution inside a tree, the same for a commit and for a local folder.
//!
//! Links are resolved here, component by component, and never by the operating system: that is
//! what makes it impossible for a path to end outside the tree.

use crate::{EntryKind, ReadError};

/// The longest path and the longest link target, in bytes; as Linux has it (PATH_MAX).
pub(crate) const MAX_PATH: usize = 4096;
/// How many symbolic links one path may follow; as Linux has it (MAXSYMLINKS).
const MAX_LINKS: usize = 40;

/// A tree as the resolver sees it.
pub(crate) trait Nodes {
    type Node: Clone;
    fn root(&self) -> Self::Node;
    fn kind(&self, node: &Self::Node) -> EntryKind;
    fn child(
        &self,
        folder: &Self::Node,
        name: &str,
        path: &str,
    ) -> Result<Option<Self::Node>, ReadError>;
    fn target(&self, link: &Self::Node, path: &str) -> Result<Vec<u8>, ReadError>;
}

/// Whether a symbolic link at the end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    Follow,
    Keep,
}

pub(crate) enum Resolved<N> {
    /// What is there, and its name in its folder (empty for the root).
    Found { node: N, name: String },
    /// Nothing is there; the last link followed and its target.
    Absent { link: Option<(String, String)> },
}

impl<N> Resolved<N> {
    pub(crate) fn found(self, path: &str) -> Result<N, ReadError> {
        match self {
            Resolved::Found { node, .. } => Ok(node),
            Resolved::Absent { link } => Err(ReadError::NotFound {
                path: path.to_owned(),
                link,
            }),
        }
    }

    pub(crate) fn optional(self) -> Option<(N, String)> {
        match self {
            Resolved::Found { node, name } => Some((node, name)),
            Resolved::Absent { .. } => None,
        }
    }
}

/// Finds the file that a path leads to.
pub(crate) fn file<S: Nodes>(tree: &S, path: &str) -> Result<S::Node, ReadError> {
    let node = resolve(tree, path, Last::Follow)?.found(path)?;
    match tree.kind(&node) {
        EntryKind::File => Ok(node),
        EntryKind::Submodule => Err(submodule(path)),
        kind @ (EntryKind::Folder | EntryKind::Symlink) => Err(ReadError::NotAFile {
            path: path.to_owned(),
            found: kind.with_article(),
        }),
    }
}

/// Finds the folder that a path leads to.
pub(crate) fn folder<S: Nodes>(tree: &S, path: &str) -> Result<S::Node, ReadError> {
    let node = resolve(tree, path, Last::Follow)?.found(path)?;
    match tree.kind(&node) {
        EntryKind::Folder => Ok(node),
        EntryKind::Submodule => Err(submodule(path)),
        kind @ (EntryKind::File | EntryKind::Symlink) => Err(ReadError::NotAFolder {
            path: path.to_owned(),
            found: kind.with_article(),
        }),
    }
}

fn submodule(path: &str) -> ReadError {
    ReadError::Submodule {
        path: path.to_owned(),
        submodule: path.to_owned(),
    }
}

pub(crate) fn resolve<S: Nodes>(
    tree: &S,
    path: &str,
    last: Last,
) -> Result<Resolved<S::Node>, ReadError> {
    check(path)?;
    let root = tree.root();
    let mut above: Vec<(String, S::Node)> = Vec::new();
    let mut todo: Vec<String> = path.rsplit('/').map(str::to_owned).collect();
    let mut followed = 0;
    let mut link: Option<(String, String)> = None;
    while let Some(name) = todo.pop() {
        if name.is_empty() || name == "." {
            continue;
        }
        let here = above.last().map_or(&root, |(_, node)| node);
        match tree.kind(here) {
            EntryKind::Folder => {}
            EntryKind::Submodule => {
                return Err(ReadError::Submodule {
                    path: path.to_owned(),
                    submodule: joined(&above),
                });
            }
            EntryKind::File | EntryKind::Symlink => return Ok(Resolved::Absent { link }),
        }
        if name == ".." {
            if above.pop().is_none() {
                return Err(ReadError::OutsideTree {
                    path: path.to_owned(),
                    link,
                });
            }
            continue;
        }
        let Some(node) = tree.child(here, &name, path)? else {
            return Ok(Resolved::Absent { link });
        };
        if tree.kind(&node) == EntryKind::Symlink && (last == Last::Follow || !todo.is_empty()) {
            let mut at = joined(&above);
            if !at.is_empty() {
                at.push('/');
            }
            at.push_str(&name);
            followed += 1;
            if followed > MAX_LINKS {
                return Err(ReadError::SymlinkLoop {
                    path: path.to_owned(),
                    link: at,
                    limit: MAX_LINKS,
                });
            }
            let target = tree.target(&node, path)?;
            let target = String::from_utf8_lossy(&target).into_owned();
            link = Some((at, target.clone()));
            if target.starts_with('/') {
                return Err(ReadError::OutsideTree {
                    path: path.to_owned(),
                    link,
                });
            }
            todo.extend(target.rsplit('/').map(str::to_owned));
            continue;
        }
        above.push((name, node));
    }
    Ok(match above.pop() {
        Some((name, node)) => Resolved::Found { node, name },
        None => Resolved::Found {
            node: root,
            name: String::new(),
        },
    })
}

fn joined<N>(above: &[(String, N)]) -> String {
    above
        .iter()
        .map(|(name, _)| name.as_str())
        .collect::<Vec<_>>()
        .join("/")
}

fn check(path: &str) -> Result<(), ReadError> {
    let bad = |reason| {
        Err(ReadError::BadPath {
            path: path.chars().take(120).collect(),
            reason,
        })
    };
    if path.len() > MAX_PATH {
        return bad("it is longer than 4096 bytes");
    }
    if path.contains('\0') {
        return bad("it contains a NUL byte");
    }
    if path.starts_with('/') {
        return Err(ReadError::OutsideTree {
            path: path.to_owned(),
            link: None,
        });
    }
    Ok(())
}
