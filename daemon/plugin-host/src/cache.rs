//! Compiled plugins on disk, so that a start of the daemon compiles nothing.
//!
//! A compiled plugin is machine code that the process will run, and wasmtime cannot check it. So
//! the folder has to belong to us alone, or it is not used; and every file carries a digest of
//! what follows, so that one which was cut or damaged is compiled anew and never loaded.

use crate::Description;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File};
use std::hash::{Hash, Hasher};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// The most files that are kept; the ones unused for longest go.
const FILES: usize = 256;

/// The ending of our files: nothing else in the folder is touched.
const ENDING: &str = "plugin";

/// A folder of compiled plugins.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    /// What a compiled plugin depends on beside its source: wasmtime's version, the machine, the
    /// settings of the engine, and this crate's idea of the file.
    engine_digest: [u8; 32],
}

/// A plugin that need not be compiled, and need not be asked what it is.
pub(crate) struct Cached {
    pub(crate) compiled: Compiled,
    /// What it says about itself; a command says nothing.
    pub(crate) description: Option<Description>,
}

/// The compiled form of a file.
pub(crate) enum Compiled {
    Component(Component),
    Module(Module),
}

/// What a file holds, in front of the code.
#[derive(Serialize, Deserialize)]
struct Header {
    form: Form,
    description: Option<Description>,
}

/// Which of the two a file is.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Form {
    Component,
    Module,
}

/// The version of the files' layout.
const LAYOUT: u32 = 3;

impl Cache {
    /// Opens the folder, making it if need be.
    ///
    /// The error says why the folder cannot be trusted or used.
    pub(crate) fn open(folder: &Path, engine: &Engine) -> Result<Self, String> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| format!("it cannot be made: {error}"))?;
        let metadata =
            fs::metadata(folder).map_err(|error| format!("it cannot be looked at: {error}"))?;
        let us = rustix::process::geteuid().as_raw();
        if metadata.uid() != us {
            return Err(format!(
                "it belongs to user {} and not to user {us}, who runs this",
                metadata.uid()
            ));
        }
        if metadata.mode() & 0o022 != 0 {
            return Err(format!(
                "others may write to it (mode {:o}); `chmod go-w` makes it usable",
                metadata.mode() & 0o777
            ));
        }
        Ok(Self {
            folder: folder.to_owned(),
            engine_digest: engine_digest(engine),
        })
    }

    /// The folder, for a process that compiles.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Gives the compiled form of the plugin with this digest, if it is there and whole.
    pub(crate) fn get(&self, engine: &Engine, wasm_digest: &[u8; 32]) -> Option<Cached> {
        let path = self.path(wasm_digest);
        let file = File::open(&path).ok()?;
        let Some(header) = check(file) else {
            tracing::warn!(path = %path.display(), "a compiled plugin is damaged; compiling it anew");
            return None;
        };
        let compiled = match load(engine, header.form, &path) {
            Ok(compiled) => compiled,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a compiled plugin cannot be used");
                return None;
            }
        };
        touch(&path);
        Some(Cached {
            compiled,
            description: header.description,
        })
    }

    /// Keeps a compiled plugin. The error is for the log: a full disk costs time, no result.
    pub(crate) fn put(&self, wasm_digest: &[u8; 32], plugin: &Cached) -> Result<(), String> {
        let (form, code) = match &plugin.compiled {
            Compiled::Component(component) => (Form::Component, component.serialize()),
            Compiled::Module(module) => (Form::Module, module.serialize()),
        };
        let code = code.map_err(|error| error.to_string())?;
        self.put_code(wasm_digest, form, plugin.description.clone(), &code)
    }

    /// Keeps code that this process has just compiled, with an engine of the same settings.
    pub(crate) fn put_code(
        &self,
        wasm_digest: &[u8; 32],
        form: Form,
        description: Option<Description>,
        code: &[u8],
    ) -> Result<(), String> {
        let header = serde_json::to_string(&Header { form, description })
            .map_err(|error| error.to_string())?;
        self.write(&self.path(wasm_digest), &header, code)
            .map_err(|error| error.to_string())?;
        self.prune();
        Ok(())
    }

    /// Writes beside and renames: another process sees all of the file or nothing of it.
    fn write(&self, path: &Path, header: &str, code: &[u8]) -> std::io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".new-")
            .tempfile_in(&self.folder)?;
        let mut digest = Sha256::new();
        for part in [code, header.as_bytes()] {
            digest.update(part);
            file.write_all(part)?;
        }
        file.write_all(&digest.finalize())?;
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.flush()?;
        file.persist(path)?;
        Ok(())
    }

    fn path(&self, wasm_digest: &[u8; 32]) -> PathBuf {
        let mut key = Sha256::new();
        key.update(self.engine_digest);
        key.update(wasm_digest);
        self.folder
            .join(format!("{}.{ENDING}", hex::encode(key.finalize())))
    }

    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(Result::ok)
            .filter(|entry| {
                entry
                    .path()
                    .extension()
                    .is_some_and(|ending| ending == ENDING)
            })
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        files.sort_unstable();
        let surplus = files.len().saturating_sub(FILES);
        for (_, path) in files.into_iter().take(surplus) {
            // Another process may have been quicker.
            drop(fs::remove_file(path));
        }
    }
}

/// How much of a file is read at once.
const PIECE: usize = 64 << 10;

/// What stands at the end of a file: a digest of what is before it, and the length of the header.
const TRAILER: u64 = 32 + 8;

/// Reads a file through, without holding it, and gives its header; none when it is not whole.
///
/// The code comes first, so that the file can be mapped as it is, and only those of its pages that are
/// used take memory.
fn check(mut file: File) -> Option<Header> {
    let length = file.metadata().ok()?.len();
    let body = length.checked_sub(TRAILER)?;
    let mut trailer = [0; TRAILER as usize];
    file.seek(SeekFrom::Start(body)).ok()?;
    file.read_exact(&mut trailer).ok()?;
    let (stored, header_length) = trailer.split_at(32);
    let header_length = u64::from_le_bytes(header_length.try_into().ok()?);
    let code = body.checked_sub(header_length)?;
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; PIECE];
    let mut left = code;
    while left > 0 {
        let part = &mut piece[..usize::try_from(left).map_or(PIECE, |left| left.min(PIECE))];
        file.read_exact(part).ok()?;
        digest.update(&*part);
        left -= part.len() as u64;
    }
    let mut header = Vec::new();
    file.take(header_length).read_to_end(&mut header).ok()?;
    digest.update(&header);
    if digest.finalize().as_slice() != stored {
        return None;
    }
    serde_json::from_slice(&header).ok()
}

/// Says when the file was used last. Failure only makes it look older.
fn touch(path: &Path) {
    if let Ok(file) = File::options().append(true).open(path) {
        drop(file.set_modified(SystemTime::now()));
    }
}

#[allow(
    unsafe_code,
    reason = "the file is what `put` wrote: the folder is writable by us alone, the digest was just \
              checked, and a file is never changed in place but replaced by another whole one; \
              wasmtime itself refuses another version's or another configuration's"
)]
fn load(engine: &Engine, form: Form, path: &Path) -> wasmtime::Result<Compiled> {
    // SAFETY: see the reason above.
    unsafe {
        match form {
            Form::Component => Component::deserialize_file(engine, path).map(Compiled::Component),
            Form::Module => Module::deserialize_file(engine, path).map(Compiled::Module),
        }
    }
}

fn engine_digest(engine: &Engine) -> [u8; 32] {
    let mut digest = HashInto(Sha256::new());
    env!("CARGO_PKG_VERSION").hash(&mut digest);
    LAYOUT.hash(&mut digest);
    engine.precompile_compatibility_hash().hash(&mut digest);
    digest.0.finalize().into()
}

/// Lets a `Hash` value flow into SHA-256: the standard library's own hasher may change its
/// results, and its 64 bits are few for a name.
struct HashInto(Sha256);

impl Hasher for HashInto {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: [u8; 32] = self.0.clone().finalize().into();
        digest
            .iter()
            .take(8)
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}
