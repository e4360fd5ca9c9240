use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::Read;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};

use crate::digest::{ObjectHasher, hash_object};
use crate::resolve::{self, Last, Nodes, resolve};
use crate::tree::is_lfs_pointer;
use crate::{Child, Digest, Entry, EntryKind, ReadError, ReadOptions, Tree};

/// How deep folders may be nested: more than Git's own tools check out.
const MAX_DEPTH: usize = 256;

/// The tree of a local folder, as Git would store it.
///
/// For rendering what is not committed yet. `.git` is left out, an empty folder does not count, a
/// folder with a `.git` of its own is a submodule, and digests equal those that `git add` and
/// `git write-tree` give without filters: a render of a folder and of the commit made from it
/// remember the same things. Links are resolved as in a commit and never leave the folder.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    options: ReadOptions,
    hashed: Mutex<HashMap<PathBuf, (Stamp, Digest)>>,
}

/// What tells that a file has not changed since it was hashed: device, inode, size, and the times
/// of its last change of content and of attributes, in nanoseconds.
type Stamp = (u64, u64, u64, i128, i128);

impl Folder {
    /// Opens a folder.
    ///
    /// # Errors
    /// [`ReadError::Io`] when it cannot be read, [`ReadError::NotAFolder`] when it is not a folder.
    pub fn open(path: &Path) -> Result<Folder, ReadError> {
        Folder::open_with(path, ReadOptions::default())
    }

    /// Opens a folder with bounds other than the usual ones.
    ///
    /// # Errors
    /// As [`Folder::open`].
    pub fn open_with(path: &Path, options: ReadOptions) -> Result<Folder, ReadError> {
        let root = fs::canonicalize(path).map_err(|error| io(path, &error))?;
        if !root.is_dir() {
            return Err(ReadError::NotAFolder {
                path: root.display().to_string(),
                found: "a file",
            });
        }
        Ok(Folder {
            root,
            options,
            hashed: Mutex::default(),
        })
    }

    /// The folder's absolute path.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Lists what Git would see in a folder, sorted by name: no `.git`, no devices or sockets.
    fn nodes(&self, folder: &Path) -> Result<Vec<(Vec<u8>, Node)>, ReadError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).map_err(|error| io(folder, &error))? {
            let entry = entry.map_err(|error| io(folder, &error))?;
            let name = entry.file_name();
            if name == ".git" {
                continue;
            }
            if let Some(node) = node(&entry.path())? {
                found.push((name.into_vec(), node));
            }
        }
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(found)
    }

    fn digest_of(&self, node: &Node, depth: usize) -> Result<Digest, ReadError> {
        match node.kind {
            EntryKind::File => self.file_digest(node),
            EntryKind::Symlink => Ok(hash_object("blob", &link_target(&node.path)?)),
            EntryKind::Submodule => Ok(submodule_commit(&node.path)),
            EntryKind::Folder => Ok(hash_object("tree", &self.tree_object(&node.path, depth)?)),
        }
    }

    /// Builds the tree object that Git would store for a folder (gitformat-pack describes it).
    fn tree_object(&self, folder: &Path, depth: usize) -> Result<Vec<u8>, ReadError> {
        if depth > MAX_DEPTH {
            return Err(ReadError::TooDeep {
                path: folder.display().to_string(),
                limit: MAX_DEPTH,
            });
        }
        let mut nodes = self.nodes(folder)?;
        // Git sorts a folder as if its name ended in a slash.
        nodes.sort_by_cached_key(|(name, node)| {
            let mut key = name.clone();
            if node.kind == EntryKind::Folder {
                key.push(b'/');
            }
            key
        });
        let mut object = Vec::new();
        for (name, node) in nodes {
            let digest = self.digest_of(&node, depth + 1)?;
            if node.kind == EntryKind::Folder && digest == Digest::EMPTY_TREE {
                continue;
            }
            object.extend_from_slice(match node.kind {
                EntryKind::Folder => b"40000 ",
                EntryKind::Symlink => b"120000 ",
                EntryKind::Submodule => b"160000 ",
                EntryKind::File if node.executable => b"100755 ",
                EntryKind::File => b"100644 ",
            });
            object.extend_from_slice(&name);
            object.push(0);
            object.extend_from_slice(&digest.0);
        }
        Ok(object)
    }

    fn file_digest(&self, node: &Node) -> Result<Digest, ReadError> {
        let path = &node.path;
        let (mut file, metadata) = open_file(path)?;
        let stamp = stamp(&metadata);
        {
            let hashed = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((known, digest)) = hashed.get(path)
                && *known == stamp
            {
                return Ok(*digest);
            }
        }
        let mut hasher = ObjectHasher::new("blob", metadata.len());
        let mut buffer = vec![0; 64 << 10];
        loop {
            match file.read(&mut buffer).map_err(|error| io(path, &error))? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        let digest = hasher.finish();
        let mut hashed = self.hashed.lock().unwrap_or_else(PoisonError::into_inner);
        hashed.insert(path.clone(), (stamp, digest));
        Ok(digest)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Node {
    kind: EntryKind,
    path: PathBuf,
    executable: bool,
    size: u64,
}

impl Nodes for Folder {
    type Node = Node;

    fn root(&self) -> Node {
        Node {
            kind: EntryKind::Folder,
            path: self.root.clone(),
            executable: false,
            size: 0,
        }
    }

    fn kind(&self, node: &Node) -> EntryKind {
        node.kind
    }

    fn child(&self, folder: &Node, name: &str, _: &str) -> Result<Option<Node>, ReadError> {
        if name == ".git" {
            return Ok(None);
        }
        node(&folder.path.join(name))
    }

    fn target(&self, link: &Node, _: &str) -> Result<Vec<u8>, ReadError> {
        link_target(&link.path)
    }
}

impl Tree for Folder {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        let node = resolve::file(self, path)?;
        let limit = self.options.max_file_bytes;
        let (file, metadata) = open_file(&node.path)?;
        let mut bytes = Vec::new();
        let read = file
            .take(limit.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| io(&node.path, &error))?;
        if read as u64 > limit {
            return Err(ReadError::TooLarge {
                path: path.to_owned(),
                size: metadata.len().max(read as u64),
                limit,
            });
        }
        if is_lfs_pointer(&bytes) {
            return Err(ReadError::LfsPointer {
                path: path.to_owned(),
            });
        }
        Ok(bytes)
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        let folder = resolve::folder(self, path)?;
        let mut entries = Vec::new();
        for (name, node) in self.nodes(&folder.path)? {
            let digest = self.digest_of(&node, 0)?;
            if node.kind == EntryKind::Folder && digest == Digest::EMPTY_TREE {
                continue;
            }
            entries.push(Entry {
                name: String::from_utf8_lossy(&name).into_owned(),
                kind: node.kind,
                digest,
                size: (node.kind == EntryKind::File).then_some(node.size),
            });
        }
        Ok(entries)
    }

    fn entry(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        let Some((node, name)) = resolve(self, path, Last::Keep)?.optional() else {
            return Ok(None);
        };
        let digest = self.digest_of(&node, 0)?;
        if digest == Digest::EMPTY_TREE && !name.is_empty() {
            return Ok(None);
        }
        Ok(Some(Entry {
            name,
            kind: node.kind,
            digest,
            size: (node.kind == EntryKind::File).then_some(node.size),
        }))
    }

    fn digest(&self, path: &str) -> Result<Option<Digest>, ReadError> {
        match resolve(self, path, Last::Follow)?.optional() {
            Some((node, _)) => self.digest_of(&node, 0).map(Some),
            None => Ok(None),
        }
    }

    fn children(&self, path: &str) -> Result<Vec<Child>, ReadError> {
        let nodes = self.nodes(&resolve::folder(self, path)?.path)?;
        Ok(nodes
            .into_iter()
            .map(|(name, node)| Child {
                name: String::from_utf8_lossy(&name).into_owned(),
                kind: node.kind,
                digest: None,
            })
            .collect())
    }
}

/// Describes what is at a path; `None` for nothing and for what Git does not store.
fn node(path: &Path) -> Result<Option<Node>, ReadError> {
    use std::io::ErrorKind::{InvalidFilename, NotADirectory, NotFound};
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if matches!(error.kind(), NotFound | NotADirectory | InvalidFilename) => {
            return Ok(None);
        }
        Err(error) => return Err(io(path, &error)),
    };
    let kind = if metadata.is_symlink() {
        EntryKind::Symlink
    } else if metadata.is_file() {
        EntryKind::File
    } else if !metadata.is_dir() {
        return Ok(None);
    } else if fs::symlink_metadata(path.join(".git")).is_ok() {
        EntryKind::Submodule
    } else {
        EntryKind::Folder
    };
    Ok(Some(Node {
        kind,
        path: path.to_owned(),
        executable: metadata.mode() & 0o100 != 0,
        size: metadata.len(),
    }))
}

/// Opens a file that was found to be one, without following a link or waiting for a pipe that took
/// its place since.
fn open_file(path: &Path) -> Result<(File, Metadata), ReadError> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file =
        rustix::fs::open(path, flags, Mode::empty()).map_err(|error| io(path, &error.into()))?;
    let file = File::from(file);
    let metadata = file.metadata().map_err(|error| io(path, &error))?;
    if !metadata.is_file() {
        return Err(ReadError::NotAFile {
            path: path.display().to_string(),
            found: "a device, pipe or socket",
        });
    }
    Ok((file, metadata))
}

fn link_target(path: &Path) -> Result<Vec<u8>, ReadError> {
    let target = fs::read_link(path).map_err(|error| io(path, &error))?;
    Ok(OsStr::as_bytes(target.as_os_str()).to_vec())
}

/// The commit that Git would record for a nested repository; all zeros when it has none.
fn submodule_commit(path: &Path) -> Digest {
    git2::Repository::open(path)
        .and_then(|repository| {
            repository
                .head()?
                .peel_to_commit()
                .map(|commit| commit.id())
        })
        .ok()
        .and_then(Digest::from_oid)
        .unwrap_or(Digest([0; 20]))
}

fn stamp(metadata: &Metadata) -> Stamp {
    let nanoseconds =
        |seconds: i64, nanos: i64| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    (
        metadata.dev(),
        metadata.ino(),
        metadata.len(),
        nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
    )
}

fn io(path: &Path, error: &std::io::Error) -> ReadError {
    ReadError::Io {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}
