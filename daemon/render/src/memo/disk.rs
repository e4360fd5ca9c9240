//! Results of steps in a folder.
//!
//! One file for each key, named by it: a line with the SHA-256 of the rest, then JSON. Files are
//! written beside and moved into place, so that a reader sees a whole one or none, and several
//! processes may share the folder.

use super::StepResult;
use crate::reads::ReadSet;
use crate::set::{Hash, ObjectSet};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use windlass_plugin_host::{Finding, LogLine};

/// The version of the format, which is a folder of its own: a newer one never reads an older one's
/// files, and changes with the meaning of a key too.
const VERSION: &str = "steps-v1";

/// How many results of one key a file holds.
const CANDIDATES: usize = 4;

/// A folder with a bound on the bytes of all its files.
pub(super) struct Disk {
    folder: PathBuf,
    capacity: u64,
    index: Mutex<Index>,
}

#[derive(Default)]
struct Index {
    files: HashMap<String, Known>,
    total: u64,
}

#[derive(Clone, Copy)]
struct Known {
    bytes: u64,
    used: SystemTime,
}

/// A result as it is written. What can be computed from it is not.
#[derive(Serialize, Deserialize)]
struct Stored {
    objects: Option<Vec<String>>,
    findings: Vec<Finding>,
    log: Vec<LogLine>,
    reads: ReadSet,
}

impl Disk {
    /// Opens a folder; `None`, with a warning, when it cannot be used.
    pub(super) fn open(path: &Path, capacity: u64) -> Option<Self> {
        let folder = path.join(VERSION);
        let index = fs::create_dir_all(&folder).and_then(|()| Index::read(&folder));
        match index {
            Ok(index) => Some(Self {
                folder,
                capacity,
                index: Mutex::new(index),
            }),
            Err(error) => {
                tracing::warn!(
                    folder = %folder.display(),
                    %error,
                    "the folder for remembered renders is not used; the next start renders anew"
                );
                None
            }
        }
    }

    /// Gives the results of a key. A file that is damaged is removed.
    pub(super) fn get(&self, key: &Hash) -> Vec<StepResult> {
        let name = hex::encode(key);
        let path = self.folder.join(&name);
        let Ok(content) = fs::read(&path) else {
            return Vec::new();
        };
        let Some(results) = parse(&content) else {
            tracing::debug!(file = %path.display(), "a remembered step is damaged and is run again");
            self.remove(&name);
            return Vec::new();
        };
        let now = SystemTime::now();
        if let Some(known) = self.lock().files.get_mut(&name) {
            known.used = now;
        }
        // The next process reads the time of the last use from the file; without it, the file only
        // goes too early.
        let _unimportant = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(now))
            .is_ok();
        results
    }

    /// Writes a result in front of the others of its key.
    pub(super) fn put(&self, key: &Hash, result: &StepResult) {
        let mut results = self.get(key);
        results.retain(|known| known.reads != result.reads);
        results.truncate(CANDIDATES - 1);
        let all: Vec<Stored> = std::iter::once(result)
            .chain(&results)
            .map(Stored::from)
            .collect();
        let Ok(body) = serde_json::to_vec(&all) else {
            return;
        };
        let bytes = body.len() as u64 + 65;
        if bytes > self.capacity {
            return;
        }
        let name = hex::encode(key);
        let written = tempfile::NamedTempFile::new_in(&self.folder).and_then(|mut file| {
            writeln!(file, "{}", hex::encode(Sha256::digest(&body)))?;
            file.write_all(&body)?;
            file.persist(self.folder.join(&name))
                .map_err(|error| error.error)
        });
        match written {
            Ok(_) => self.account(name, bytes),
            Err(error) => {
                tracing::debug!(folder = %self.folder.display(), %error, "a step is not remembered");
            }
        }
    }

    /// Notes a new file and removes the oldest when there are too many bytes.
    fn account(&self, name: String, bytes: u64) {
        let mut index = self.lock();
        let known = Known {
            bytes,
            used: SystemTime::now(),
        };
        let before = index
            .files
            .insert(name, known)
            .map_or(0, |known| known.bytes);
        index.total = index.total.saturating_sub(before).saturating_add(bytes);
        if index.total <= self.capacity {
            return;
        }
        let mut oldest: Vec<(SystemTime, String)> = index
            .files
            .iter()
            .map(|(name, known)| (known.used, name.clone()))
            .collect();
        oldest.sort_unstable();
        // A tenth more than needed, so that this does not happen with every file.
        let goal = self.capacity - self.capacity / 10;
        for (_, name) in oldest {
            if index.total <= goal {
                break;
            }
            index.forget(&name);
            remove(&self.folder.join(name));
        }
    }

    fn remove(&self, name: &str) {
        self.lock().forget(name);
        remove(&self.folder.join(name));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file that cannot be removed is not used either; another process may have been faster.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(file = %path.display(), %error, "a remembered step cannot be removed");
    }
}

impl Index {
    fn read(folder: &Path) -> std::io::Result<Self> {
        let mut index = Self::default();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let is_result = name.len() == 64 && name.bytes().all(|it| it.is_ascii_hexdigit());
            if !metadata.is_file() || !is_result {
                continue;
            }
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            index.files.insert(
                name,
                Known {
                    bytes: metadata.len(),
                    used,
                },
            );
            index.total += metadata.len();
        }
        Ok(index)
    }

    fn forget(&mut self, name: &str) {
        if let Some(known) = self.files.remove(name) {
            self.total = self.total.saturating_sub(known.bytes);
        }
    }
}

fn parse(content: &[u8]) -> Option<Vec<StepResult>> {
    let (head, body) = content.split_at_checked(64)?;
    let body = body.strip_prefix(b"\n")?;
    if hex::encode(Sha256::digest(body)).as_bytes() != head {
        return None;
    }
    let stored: Vec<Stored> = serde_json::from_slice(body).ok()?;
    stored.into_iter().map(Stored::result).collect()
}

impl From<&StepResult> for Stored {
    fn from(result: &StepResult) -> Self {
        let StepResult {
            objects,
            findings,
            log,
            reads,
        } = result;
        Self {
            objects: objects.as_ref().map(|objects| objects.texts()),
            findings: findings.clone(),
            log: log.clone(),
            reads: reads.clone(),
        }
    }
}

impl Stored {
    fn result(self) -> Option<StepResult> {
        let Self {
            objects,
            findings,
            log,
            reads,
        } = self;
        let objects = match objects {
            Some(texts) => Some(Arc::new(ObjectSet::new(texts).ok()?)),
            None => None,
        };
        Some(StepResult {
            objects,
            findings,
            log,
            reads,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::reads::{Access, Seen};

    fn result(name: &str) -> StepResult {
        let text =
            format!(r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"{name}"}}}}"#);
        let mut reads = ReadSet::default();
        reads.record(
            Access::Read(format!("{name}.yaml")),
            Seen::Content("0".repeat(40)),
        );
        StepResult {
            objects: Some(Arc::new(ObjectSet::new(vec![text]).unwrap())),
            findings: Vec::new(),
            log: Vec::new(),
            reads,
        }
    }

    #[test]
    fn a_result_is_found_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let key = [1; 32];
        Disk::open(folder.path(), 1 << 20)
            .unwrap()
            .put(&key, &result("a"));
        let disk = Disk::open(folder.path(), 1 << 20).unwrap();
        assert_eq!(disk.get(&key), [result("a")]);
        disk.put(&key, &result("b"));
        assert_eq!(
            disk.get(&key),
            [result("b"), result("a")],
            "the latest is in front"
        );
        disk.put(&key, &result("a"));
        assert_eq!(
            disk.get(&key),
            [result("a"), result("b")],
            "no result is there twice"
        );
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), 1 << 20).unwrap();
        let key = [1; 32];
        disk.put(&key, &result("a"));
        let path = folder.path().join(VERSION).join(hex::encode(key));
        let mut content = fs::read(&path).unwrap();
        let last = content.len() - 2;
        content[last] ^= 1;
        fs::write(&path, &content).unwrap();
        assert_eq!(disk.get(&key), []);
        assert!(!path.exists(), "it is removed");
        fs::write(&path, "short").unwrap();
        assert_eq!(disk.get(&key), []);
    }

    #[test]
    fn the_folder_stays_within_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::open(folder.path(), 4000).unwrap();
        for number in 0..50_u8 {
            disk.put(&[number; 32], &result("a"));
        }
        let bytes: u64 = fs::read_dir(folder.path().join(VERSION))
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().len())
            .sum();
        assert!(bytes <= 4000, "{bytes}");
        assert_eq!(disk.get(&[49; 32]).len(), 1, "the latest is kept");
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        assert!(Disk::open(&file, 1000).is_none());
    }
}
