//! A tree in memory that counts what it is asked.

use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use windlass_source::{Child, Digest, Entry, EntryKind, ReadError, Tree};

/// Files and symbolic links by path. Everything that a [`Tree`] is asked is counted.
#[derive(Debug, Default)]
pub(crate) struct MemoryTree {
    files: BTreeMap<String, Vec<u8>>,
    links: BTreeMap<String, String>,
    asked: AtomicUsize,
    contents: AtomicUsize,
}

impl Clone for MemoryTree {
    fn clone(&self) -> Self {
        Self {
            files: self.files.clone(),
            links: self.links.clone(),
            ..Self::default()
        }
    }
}

impl MemoryTree {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    pub(crate) fn without(mut self, path: &str) -> Self {
        self.files.remove(path);
        self
    }

    /// A link to another path of the tree, from its root.
    pub(crate) fn link(mut self, path: &str, target: &str) -> Self {
        self.links.insert(path.to_owned(), target.to_owned());
        self
    }

    /// How many questions there were since the last call.
    pub(crate) fn take_asked(&self) -> usize {
        self.asked.swap(0, Ordering::Relaxed)
    }

    /// How many contents were read since the last call.
    pub(crate) fn take_contents(&self) -> usize {
        self.contents.swap(0, Ordering::Relaxed)
    }

    fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }

    /// The path without links.
    fn resolve(&self, path: &str) -> String {
        let mut path = path.to_owned();
        for _ in 0..40 {
            let link = self.links.iter().find_map(|(link, target)| {
                let rest = path.strip_prefix(link.as_str())?;
                let whole = rest.is_empty() || rest.starts_with('/');
                whole.then(|| format!("{target}{rest}"))
            });
            match link {
                Some(next) => path = next,
                None => break,
            }
        }
        path
    }

    fn below(&self, folder: &str) -> impl Iterator<Item = (&str, Leaf<'_>)> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let other = prefix.clone();
        let files = self
            .files
            .iter()
            .filter_map(move |(path, it)| Some((path.strip_prefix(&prefix)?, Leaf::File(it))));
        let links = self
            .links
            .iter()
            .filter_map(move |(path, it)| Some((path.strip_prefix(&other)?, Leaf::Link(it))));
        files.chain(links)
    }

    fn digest_of(&self, path: &str) -> Option<Digest> {
        let mut hash = Sha256::new();
        if let Some(content) = self.files.get(path) {
            hash.update(b"file");
            hash.update(content);
        } else {
            hash.update(b"folder");
            let mut any = path.is_empty();
            for (name, leaf) in self.below(path) {
                any = true;
                hash.update(format!("{name}\0{leaf:?}\0"));
            }
            if !any {
                return None;
            }
        }
        let bytes: [u8; 32] = hash.finalize().into();
        let mut short = [0; 20];
        short.copy_from_slice(&bytes[..20]);
        Some(Digest(short))
    }

    fn not_found(path: &str) -> ReadError {
        ReadError::NotFound {
            path: path.to_owned(),
            link: None,
        }
    }
}

#[derive(Debug)]
#[allow(
    dead_code,
    reason = "the fields are part of a digest by their debug form"
)]
enum Leaf<'a> {
    File(&'a Vec<u8>),
    Link(&'a String),
}

impl Tree for MemoryTree {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.ask();
        self.contents.fetch_add(1, Ordering::Relaxed);
        let real = self.resolve(path);
        match self.files.get(&real) {
            Some(content) => Ok(content.clone()),
            None if self.digest_of(&real).is_some() => Err(ReadError::NotAFile {
                path: path.to_owned(),
                found: "a folder",
            }),
            None => Err(Self::not_found(path)),
        }
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let children = self.children(path)?;
        Ok(children
            .into_iter()
            .map(|child| Entry {
                name: child.name,
                kind: child.kind,
                digest: child.digest.unwrap_or(Digest::EMPTY_TREE),
                size: None,
            })
            .collect())
    }

    fn entry(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        self.ask();
        let Some(digest) = self.digest_of(path) else {
            return Ok(None);
        };
        let kind = if self.links.contains_key(path) {
            EntryKind::Symlink
        } else if self.files.contains_key(path) {
            EntryKind::File
        } else {
            EntryKind::Folder
        };
        Ok(Some(Entry {
            name: String::new(),
            kind,
            digest,
            size: None,
        }))
    }

    fn digest(&self, path: &str) -> Result<Option<Digest>, ReadError> {
        self.ask();
        Ok(self.digest_of(&self.resolve(path)))
    }

    fn children(&self, path: &str) -> Result<Vec<Child>, ReadError> {
        self.ask();
        let real = self.resolve(path);
        if self.files.contains_key(&real) {
            return Err(ReadError::NotAFolder {
                path: path.to_owned(),
                found: "a file",
            });
        }
        let names: BTreeSet<(&str, EntryKind)> = self
            .below(&real)
            .map(|(rest, leaf)| match (rest.split_once('/'), leaf) {
                (Some((name, _)), _) => (name, EntryKind::Folder),
                (None, Leaf::File(_)) => (rest, EntryKind::File),
                (None, Leaf::Link(_)) => (rest, EntryKind::Symlink),
            })
            .collect();
        if names.is_empty() && !real.is_empty() {
            return Err(Self::not_found(path));
        }
        let join = |name: &str| {
            if real.is_empty() {
                name.to_owned()
            } else {
                format!("{real}/{name}")
            }
        };
        Ok(names
            .into_iter()
            .map(|(name, kind)| Child {
                name: name.to_owned(),
                kind,
                digest: self.digest_of(&join(name)),
            })
            .collect())
    }
}
