use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use rustix::process::Pid;

/// Left-over folders stay this long, so that the logs of a failed run can still be read after the next one has begun.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// A temporary folder that stays when the test fails.
///
/// Its name carries the id of the test process: folders in statics are never dropped, and those of a killed process
/// neither, so each process removes what long-dead ones left.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Scratch {
    /// Makes a folder whose name contains `purpose`.
    pub fn new(purpose: &str) -> Result<Self> {
        static SWEEP: Once = Once::new();
        SWEEP.call_once(sweep);
        let folder = tempfile::Builder::new()
            .prefix(&format!("windlass-{}-{purpose}-", std::process::id()))
            .tempdir()
            .context("making a temporary folder")?;
        let path = folder.path().to_owned();
        Ok(Self {
            folder: Some(folder),
            path,
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Leaves the folder behind, for a person to look into.
    pub fn keep(&mut self) {
        if let Some(folder) = self.folder.take() {
            // The path is known already; only the removal is to be called off.
            drop(folder.keep());
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep();
            eprintln!("logs are kept in {}", self.path.display());
        }
    }
}

/// A folder that goes away with the process even when it is never dropped, as things in statics are not.
///
/// For what is large and of no use to a reader: the logs beside it stay.
#[derive(Debug)]
pub(crate) struct Disposable {
    remover: Child,
}

impl Disposable {
    pub(crate) fn new(path: &Path) -> Result<Self> {
        // The helper waits on a pipe that nobody writes to; the kernel closes it when this process ends, however it ends.
        // It tries again because a server may still be dying while its folder is removed.
        let remover = Command::new("sh")
            .args([
                "-c",
                "read -r _; until rm -rf \"$1\"; do sleep 1; done",
                "sh",
            ])
            .arg(path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .context("starting the helper that cleans up")?;
        Ok(Self { remover })
    }
}

impl Drop for Disposable {
    fn drop(&mut self) {
        // Waiting closes the pipe first. If it fails, the sweep of a later process cleans up.
        drop(self.remover.wait());
    }
}

fn sweep() {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name
            .to_str()
            .and_then(|name| name.strip_prefix("windlass-"))
            .and_then(|rest| rest.split('-').next())
            .and_then(|id| id.parse().ok())
            .and_then(Pid::from_raw);
        let Some(owner) = owner else { continue };
        let old = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|at| {
                SystemTime::now()
                    .duration_since(at)
                    .is_ok_and(|age| age > KEPT_FOR)
            });
        if old && rustix::process::test_kill_process(owner).is_err() {
            // Another test process may be sweeping the same folder; whoever is second finds nothing to do.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}
