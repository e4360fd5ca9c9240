//! The files of a folder: where an object is, and how it is written so that nobody sees half of it.

use super::DirectoryError;
use crate::transport::encode;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use windlass_engine::applyset::{Inventory, SetId};
use windlass_manifest::{Limits, ObjectId, decode, to_yaml};

/// Longest file, in bytes; an object that is larger fits into no cluster either.
const FILE_LIMIT: u64 = 16 << 20;
/// Folder of objects without a namespace.
const CLUSTER: &str = "_cluster";
/// Group of the core kinds in the names of folders.
const CORE: &str = "core";
/// Folder of what we keep for ourselves.
const OURS: &str = ".windlass";

/// A file's content.
pub(super) struct Content {
    pub(super) object: Json,
    /// Hash of the bytes: the file's version.
    pub(super) version: String,
}

pub(super) struct Files {
    root: PathBuf,
}

fn io<'a>(
    path: &'a Path,
    what: &'static str,
) -> impl FnOnce(std::io::Error) -> DirectoryError + 'a {
    move |error| DirectoryError::Io {
        path: path.to_owned(),
        what,
        error,
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A name as a file's name: nothing that a file system or a shell could take for something else.
fn safe(part: &'static str, name: &str) -> Result<String, DirectoryError> {
    let mut encoded = encode(name);
    if encoded.starts_with('.') {
        encoded.replace_range(..1, "%2E");
    }
    if encoded.is_empty() || encoded.len() > 250 {
        return Err(DirectoryError::Name {
            part,
            name: name.chars().take(64).collect(),
        });
    }
    Ok(encoded)
}

/// Undoes [`safe`].
fn plain(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let (code, after) = after.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(code).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

impl Files {
    pub(super) fn open(root: &Path) -> Result<Self, DirectoryError> {
        fs::create_dir_all(root).map_err(io(root, "made"))?;
        let root = root.canonicalize().map_err(io(root, "read"))?;
        Ok(Files { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// A stable identity of an object's place.
    pub(super) fn uid(&self, id: &ObjectId) -> String {
        digest(format!("{}\n{id}", self.root.display()).as_bytes())
    }

    /// The file of an object: `NAMESPACE/GROUP_KIND/NAME.yaml`.
    pub(super) fn path(&self, id: &ObjectId) -> Result<PathBuf, DirectoryError> {
        let namespace = match &id.namespace {
            Some(namespace) => safe("namespace", namespace)?,
            None => CLUSTER.to_owned(),
        };
        let group = if id.group.is_empty() { CORE } else { &id.group };
        let kind = format!("{}_{}", safe("group", group)?, safe("kind", &id.kind)?);
        let name = format!("{}.yaml", safe("name", &id.name)?);
        Ok(self.root.join(namespace).join(kind).join(name))
    }

    /// The object whose file a path is; `None` for anything else.
    pub(super) fn id_of(&self, path: &Path) -> Option<ObjectId> {
        let parts: Vec<&str> = path
            .strip_prefix(&self.root)
            .ok()?
            .components()
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect::<Option<_>>()?;
        let [namespace, kind, file] = parts.as_slice() else {
            return None;
        };
        let (group, kind) = kind.split_once('_')?;
        let group = plain(group)?;
        let id = ObjectId {
            group: if group == CORE { String::new() } else { group },
            kind: plain(kind)?,
            namespace: (*namespace != CLUSTER).then(|| plain(namespace)).flatten(),
            name: plain(file.strip_suffix(".yaml")?)?,
        };
        (self.path(&id).ok()? == path).then_some(id)
    }

    /// Reads an object's file; `None` when there is none.
    pub(super) fn read(&self, id: &ObjectId) -> Result<Option<Content>, DirectoryError> {
        let path = self.path(id)?;
        self.read_path(&path)
    }

    fn read_path(&self, path: &Path) -> Result<Option<Content>, DirectoryError> {
        let absent =
            |kind: ErrorKind| matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory);
        match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_file() => {}
            Ok(_) => {
                return Err(DirectoryError::NotOurs {
                    path: path.to_owned(),
                });
            }
            Err(error) if absent(error.kind()) => return Ok(None),
            Err(error) => return Err(io(path, "read")(error)),
        }
        let mut bytes = Vec::new();
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if absent(error.kind()) => return Ok(None),
            Err(error) => return Err(io(path, "read")(error)),
        };
        file.take(FILE_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(io(path, "read"))?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(DirectoryError::Unreadable {
                path: path.to_owned(),
                why: format!("it is longer than {FILE_LIMIT} bytes"),
            });
        }
        let version = digest(&bytes);
        // A person's file may be anything; what is no object has no label, and so is not ours.
        let object = decode(&bytes, &Limits::default())
            .ok()
            .and_then(|documents| documents.into_iter().next())
            .map_or(Json::Null, |document| document.value);
        Ok(Some(Content { object, version }))
    }

    /// Writes an object's file as a whole: a reader sees the old one or the new one.
    pub(super) fn write(&self, id: &ObjectId, object: &Json) -> Result<Content, DirectoryError> {
        let path = self.path(id)?;
        let text = to_yaml(object);
        self.write_whole(&path, text.as_bytes())?;
        Ok(Content {
            object: object.clone(),
            version: digest(text.as_bytes()),
        })
    }

    fn write_whole(&self, path: &Path, bytes: &[u8]) -> Result<(), DirectoryError> {
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(io(folder, "made"))?;
        let real = folder.canonicalize().map_err(io(folder, "read"))?;
        if !real.starts_with(&self.root) {
            return Err(DirectoryError::Outside {
                path: path.to_owned(),
                root: self.root.clone(),
            });
        }
        // Hidden, and not `.yaml`, so that nothing takes the half for the whole.
        let mut file = tempfile::Builder::new()
            .prefix(".windlass-")
            .tempfile_in(&real)
            .map_err(io(folder, "written"))?;
        file.write_all(bytes)
            .and_then(|()| file.as_file().sync_all())
            .map_err(io(path, "written"))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let readable = fs::Permissions::from_mode(0o644);
            file.as_file()
                .set_permissions(readable)
                .map_err(io(path, "written"))?;
        }
        file.persist(path)
            .map_err(|error| io(path, "written")(error.error))?;
        // The name is safe only once the folder is.
        let folder_file = fs::File::open(&real).map_err(io(folder, "read"))?;
        folder_file.sync_all().map_err(io(folder, "written"))
    }

    /// Removes an object's file, and the folders that become empty by it.
    pub(super) fn remove(&self, id: &ObjectId) -> Result<(), DirectoryError> {
        let path = self.path(id)?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(io(&path, "removed")(error));
            }
            _ => {}
        }
        for folder in path.ancestors().skip(1).take(2) {
            if folder == self.root || fs::remove_dir(folder).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// All objects of the folder. Files that are no object's are passed over.
    pub(super) fn read_all(&self) -> Result<Vec<(ObjectId, Content)>, DirectoryError> {
        let mut found = Vec::new();
        for namespace in folders(&self.root)? {
            if namespace.file_name() == Some(OsStr::new(OURS)) {
                continue;
            }
            for kind in folders(&namespace)? {
                for path in entries(&kind)? {
                    let Some(id) = self.id_of(&path) else {
                        continue;
                    };
                    match self.read_path(&path) {
                        Ok(Some(content)) => found.push((id, content)),
                        Ok(None) | Err(DirectoryError::NotOurs { .. }) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
        }
        Ok(found)
    }

    fn inventory_path(&self, set: &SetId) -> Result<PathBuf, DirectoryError> {
        let name = format!("{}.json", safe("set", set.as_str())?);
        Ok(self.root.join(OURS).join(name))
    }

    pub(super) fn write_inventory(
        &self,
        set: &SetId,
        inventory: &Inventory,
    ) -> Result<(), DirectoryError> {
        let path = self.inventory_path(set)?;
        let text = serde_json::to_string_pretty(inventory).map_err(|error| {
            DirectoryError::Unreadable {
                path: path.clone(),
                why: error.to_string(),
            }
        })?;
        self.write_whole(&path, text.as_bytes())
    }

    pub(super) fn read_inventory(&self, set: &SetId) -> Result<Inventory, DirectoryError> {
        let path = self.inventory_path(set)?;
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Inventory::default()),
            Err(error) => return Err(io(&path, "read")(error)),
        };
        serde_json::from_slice(&bytes).map_err(|error| DirectoryError::Unreadable {
            path,
            why: error.to_string(),
        })
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, DirectoryError> {
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(io(folder, "read")(error)),
    };
    listing
        .map(|entry| entry.map(|entry| entry.path()).map_err(io(folder, "read")))
        .collect()
}

/// The folders in a folder; links are not followed.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, DirectoryError> {
    let mut found = entries(folder)?;
    found.retain(|path| fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_dir()));
    Ok(found)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    fn id(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
        ObjectId {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.map(str::to_owned),
            name: name.into(),
        }
    }

    #[rstest]
    #[case(
        id("apps", "Deployment", Some("shop"), "server"),
        "shop/apps_Deployment/server.yaml"
    )]
    #[case(id("", "Namespace", None, "shop"), "_cluster/core_Namespace/shop.yaml")]
    #[case(
        id("rbac.authorization.k8s.io", "ClusterRole", None, "system:node"),
        "_cluster/rbac.authorization.k8s.io_ClusterRole/system%3Anode.yaml"
    )]
    #[case(
        id("", "ConfigMap", Some(".."), "../../etc/passwd"),
        "%2E./core_ConfigMap/%2E.%2F..%2Fetc%2Fpasswd.yaml"
    )]
    fn an_object_has_one_place_and_a_place_one_object(#[case] id: ObjectId, #[case] place: &str) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        let path = files.path(&id).unwrap();
        assert_eq!(path.strip_prefix(files.root()).unwrap(), Path::new(place));
        assert_eq!(files.id_of(&path), Some(id));
    }

    #[rstest]
    #[case("shop/apps_Deployment/server.yml")]
    #[case("shop/server.yaml")]
    #[case(".windlass/x.json")]
    #[case("shop/Deployment/server.yaml")]
    fn other_files_are_no_objects(#[case] place: &str) {
        let folder = tempfile::tempdir().unwrap();
        let files = Files::open(folder.path()).unwrap();
        assert_eq!(files.id_of(&files.root().join(place)), None, "{place}");
    }
}
