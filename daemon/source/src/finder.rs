use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::{Digest, EntryKind, ReadError, Tree};

/// How deep folders may be nested before the search is given up.
const MAX_DEPTH: usize = 256;
/// How many folders one generation remembers; some tens of megabytes at most.
const REMEMBERED: usize = 300_000;

/// Finds every file of one name in a tree, and remembers the answer for each folder by its digest.
///
/// A second search in a tree that changed in one folder looks only at that folder and those above
/// it, however large the tree is. What is remembered is bounded; what was not asked for lately goes
/// first. Symbolic links are not followed and submodules are not entered. May be shared by threads
/// and used for many repositories.
#[derive(Debug)]
pub struct Finder {
    name: String,
    limit: usize,
    memo: Mutex<Memo>,
}

/// The paths below one folder, relative to it and sorted.
type Found = Arc<[String]>;

/// Two generations: when the young one is full it becomes the old one.
#[derive(Debug, Default)]
struct Memo {
    young: HashMap<Digest, Found>,
    old: HashMap<Digest, Found>,
}

impl Finder {
    /// Prepares a search for files named `name`; more than `limit` of them are an error.
    pub fn new(name: &str, limit: usize) -> Finder {
        Finder {
            name: name.to_owned(),
            limit,
            memo: Mutex::default(),
        }
    }

    /// Gives the paths of the files, sorted.
    ///
    /// # Errors
    /// [`ReadError::TooMany`] beyond the limit, [`ReadError::TooDeep`] for folders nested beyond
    /// reason, and what reading the tree may answer.
    pub fn find(&self, tree: &dyn Tree) -> Result<Vec<String>, ReadError> {
        let none: Found = Arc::from([]);
        self.below(tree, "", 0, &none).map(|found| found.to_vec())
    }

    fn below(
        &self,
        tree: &dyn Tree,
        folder: &str,
        depth: usize,
        none: &Found,
    ) -> Result<Found, ReadError> {
        if depth > MAX_DEPTH {
            return Err(ReadError::TooDeep {
                path: folder.to_owned(),
                limit: MAX_DEPTH,
            });
        }
        let mut found = Vec::new();
        for child in tree.children(folder)? {
            match child.kind {
                EntryKind::File if child.name == self.name => found.push(child.name),
                EntryKind::Folder => {
                    let below = match child.digest.and_then(|digest| self.remembered(digest)) {
                        Some(known) => known,
                        None => {
                            let path = join(folder, &child.name);
                            let below = self.below(tree, &path, depth + 1, none)?;
                            if let Some(digest) = child.digest {
                                self.remember(digest, &below);
                            }
                            below
                        }
                    };
                    found.extend(below.iter().map(|path| join(&child.name, path)));
                }
                EntryKind::File | EntryKind::Symlink | EntryKind::Submodule => {}
            }
            if found.len() > self.limit {
                return Err(ReadError::TooMany {
                    name: self.name.clone(),
                    limit: self.limit,
                });
            }
        }
        if found.is_empty() {
            return Ok(Arc::clone(none));
        }
        found.sort();
        Ok(Arc::from(found))
    }

    fn remembered(&self, digest: Digest) -> Option<Found> {
        let mut memo = self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = memo.young.get(&digest) {
            return Some(Arc::clone(found));
        }
        let found = memo.old.remove(&digest)?;
        memo.young.insert(digest, Arc::clone(&found));
        Some(found)
    }

    fn remember(&self, digest: Digest, found: &Found) {
        let mut memo = self.memo.lock().unwrap_or_else(PoisonError::into_inner);
        if memo.young.len() >= REMEMBERED {
            memo.old = std::mem::take(&mut memo.young);
        }
        memo.young.insert(digest, Arc::clone(found));
    }
}

/// Finds every file of one name in a tree, remembering nothing.
///
/// # Errors
/// As [`Finder::find`].
pub fn find_files(tree: &dyn Tree, name: &str, limit: usize) -> Result<Vec<String>, ReadError> {
    Finder::new(name, limit).find(tree)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
