//! The object database of one mirror, readable from many threads at once.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use git2::ObjectType;

use crate::{Digest, EntryKind, ReadError};

/// How many bytes of decoded trees one generation of the cache holds.
const CACHED_BYTES: usize = 32 << 20;
/// The largest tree object that is decoded: about a million entries.
const MAX_TREE_BYTES: usize = 64 << 20;

/// A pool of handles to one object database, and the trees that were read last.
///
/// A `git2::Repository` may move between threads but not be shared, so every reader borrows a
/// handle of its own. Trees are kept decoded, because each path read walks them from the root and
/// a folder with a hundred thousand files would be inflated for each of its files again.
pub(crate) struct Objects {
    path: PathBuf,
    idle: Mutex<Vec<git2::Repository>>,
    most_idle: usize,
    trees: RwLock<Generations>,
}

/// Two generations of decoded trees: when the young one is full it becomes the old one, and what
/// is not asked for again goes with the next change.
#[derive(Default)]
struct Generations {
    young: HashMap<Digest, Arc<TreeData>>,
    young_bytes: usize,
    old: HashMap<Digest, Arc<TreeData>>,
}

impl Objects {
    pub(crate) fn new(path: &Path) -> Objects {
        let cores = std::thread::available_parallelism().map_or(4, usize::from);
        Objects {
            path: path.to_owned(),
            idle: Mutex::new(Vec::new()),
            most_idle: cores * 2,
            trees: RwLock::default(),
        }
    }

    pub(crate) fn mirror(&self) -> String {
        self.path.display().to_string()
    }

    /// Runs `work` with a handle. What fails is tried once more with a new handle: the mirror may
    /// have been repacked since the old one looked at its packs.
    pub(crate) fn with<T>(
        &self,
        work: impl Fn(&git2::Repository) -> Result<T, git2::Error>,
    ) -> Result<T, git2::Error> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        if let Some(handle) = idle
            && let Ok(value) = work(&handle)
        {
            self.give_back(handle);
            return Ok(value);
        }
        let handle = git2::Repository::open_bare(&self.path)?;
        let value = work(&handle)?;
        self.give_back(handle);
        Ok(value)
    }

    /// Forgets every handle, so that the space of removed packs is given back.
    pub(crate) fn close(&self) {
        let handles =
            std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        drop(handles);
    }

    fn give_back(&self, handle: git2::Repository) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < self.most_idle {
            idle.push(handle);
        }
    }

    /// Gives a decoded tree.
    pub(crate) fn tree(&self, id: Digest, path: &str) -> Result<Arc<TreeData>, ReadError> {
        if let Some(tree) = self.cached(id) {
            return Ok(tree);
        }
        let bytes = self.object(id, ObjectType::Tree, MAX_TREE_BYTES as u64, path)?;
        let tree = TreeData::decode(bytes).map_err(|cause| self.damaged(path, cause))?;
        let tree = Arc::new(tree);
        self.keep(id, &tree);
        Ok(tree)
    }

    /// Reads an object of the kind that is expected, if it is no larger than `limit` bytes.
    pub(crate) fn object(
        &self,
        id: Digest,
        kind: ObjectType,
        limit: u64,
        path: &str,
    ) -> Result<Vec<u8>, ReadError> {
        let oid = id
            .oid()
            .ok_or_else(|| self.damaged(path, "the object id is not valid".to_owned()))?;
        let read = self
            .with(|repository| {
                let odb = repository.odb()?;
                let (size, found) = odb.read_header(oid)?;
                if found != kind || size as u64 > limit {
                    return Ok(Err((size as u64, found)));
                }
                Ok(Ok(odb.read(oid)?.data().to_vec()))
            })
            .map_err(|error| self.damaged(path, error.message().to_owned()))?;
        match read {
            Ok(bytes) => Ok(bytes),
            Err((_, found)) if found != kind => {
                Err(self.damaged(path, format!("object {id} is a {found}, not a {kind}")))
            }
            Err((size, _)) => Err(ReadError::TooLarge {
                path: path.to_owned(),
                size,
                limit,
            }),
        }
    }

    /// The size of a blob, without reading it.
    pub(crate) fn size(&self, id: Digest, path: &str) -> Result<u64, ReadError> {
        let oid = id
            .oid()
            .ok_or_else(|| self.damaged(path, "the object id is not valid".to_owned()))?;
        self.with(|repository| Ok(repository.odb()?.read_header(oid)?.0 as u64))
            .map_err(|error| self.damaged(path, error.message().to_owned()))
    }

    pub(crate) fn damaged(&self, path: &str, cause: String) -> ReadError {
        ReadError::Damaged {
            path: if path.is_empty() {
                "the root".to_owned()
            } else {
                path.to_owned()
            },
            mirror: self.mirror(),
            cause,
        }
    }

    fn cached(&self, id: Digest) -> Option<Arc<TreeData>> {
        let aged = {
            let trees = self.trees.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(tree) = trees.young.get(&id) {
                return Some(Arc::clone(tree));
            }
            Arc::clone(trees.old.get(&id)?)
        };
        self.keep(id, &aged);
        Some(aged)
    }

    fn keep(&self, id: Digest, tree: &Arc<TreeData>) {
        let mut trees = self.trees.write().unwrap_or_else(PoisonError::into_inner);
        if trees.young_bytes > CACHED_BYTES {
            trees.old = std::mem::take(&mut trees.young);
            trees.young_bytes = 0;
        }
        if trees.young.insert(id, Arc::clone(tree)).is_none() {
            trees.young_bytes += tree.cost();
        }
    }
}

/// A decoded tree object: Git's own bytes, and where each entry is in them, sorted by name.
pub(crate) struct TreeData {
    bytes: Vec<u8>,
    entries: Vec<Place>,
}

#[derive(Clone, Copy)]
struct Place {
    mode: u32,
    name: u32,
    end: u32,
}

/// One entry of a tree object, borrowed from it.
#[derive(Clone, Copy)]
pub(crate) struct TreeEntry<'a> {
    pub(crate) name: &'a [u8],
    pub(crate) kind: EntryKind,
    pub(crate) id: Digest,
}

impl TreeData {
    /// Decodes a tree object: mode in octal, space, name, NUL, twenty bytes of id, repeated
    /// (gitformat-pack and git-mktree describe it).
    pub(crate) fn decode(bytes: Vec<u8>) -> Result<TreeData, String> {
        let mut entries = Vec::new();
        let mut at = 0;
        while at < bytes.len() {
            let rest = &bytes[at..];
            let space = rest.iter().position(|&byte| byte == b' ');
            let nul = rest.iter().position(|&byte| byte == 0);
            let (Some(space), Some(nul)) = (space, nul) else {
                return Err("the tree object ends inside an entry".to_owned());
            };
            if space > 6 || nul <= space + 1 || rest.len() < nul + 21 {
                return Err("the tree object has a malformed entry".to_owned());
            }
            let mode = std::str::from_utf8(&rest[..space])
                .ok()
                .and_then(|text| u32::from_str_radix(text, 8).ok())
                .ok_or("the tree object has a malformed mode")?;
            let name = &rest[space + 1..nul];
            if name == b"." || name == b".." || name.contains(&b'/') {
                let name = String::from_utf8_lossy(name);
                return Err(format!("the tree object has an entry named `{name}`"));
            }
            entries.push(Place {
                mode,
                name: u32::try_from(at + space + 1).map_err(|_| "the tree object is too large")?,
                end: u32::try_from(at + nul).map_err(|_| "the tree object is too large")?,
            });
            at += nul + 21;
        }
        let name = |place: &Place| &bytes[place.name as usize..place.end as usize];
        entries.sort_by(|a, b| name(a).cmp(name(b)));
        entries.dedup_by(|a, b| name(a) == name(b));
        Ok(TreeData { bytes, entries })
    }

    pub(crate) fn find(&self, name: &str) -> Option<TreeEntry<'_>> {
        let found = self
            .entries
            .binary_search_by(|place| self.name(place).cmp(name.as_bytes()))
            .ok()?;
        Some(self.entry(&self.entries[found]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = TreeEntry<'_>> {
        self.entries.iter().map(|place| self.entry(place))
    }

    fn cost(&self) -> usize {
        self.bytes.len() + self.entries.len() * size_of::<Place>() + 128
    }

    fn name(&self, place: &Place) -> &[u8] {
        &self.bytes[place.name as usize..place.end as usize]
    }

    fn entry(&self, place: &Place) -> TreeEntry<'_> {
        let mut id = [0; 20];
        let start = place.end as usize + 1;
        id.copy_from_slice(&self.bytes[start..start + 20]);
        TreeEntry {
            name: self.name(place),
            kind: match place.mode & 0o170_000 {
                0o040_000 => EntryKind::Folder,
                0o120_000 => EntryKind::Symlink,
                0o160_000 => EntryKind::Submodule,
                _ => EntryKind::File,
            },
            id: Digest(id),
        }
    }
}
