//! Builds the Go programs that tests start: once under `target/`, for all test processes together.

use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

use crate::build::workspace;

const PROGRESS: Duration = Duration::from_secs(5);

/// A Go module under `tests/` and the programs that are built of it.
pub(crate) struct GoModule {
    /// The module's folder under `tests/`, and that of the programs under `target/`.
    pub(crate) name: &'static str,
    /// What is built, for people.
    pub(crate) what: &'static str,
    /// How long the first build takes, for people.
    pub(crate) takes: &'static str,
    /// What the linker is told.
    pub(crate) link_flags: &'static str,
    /// The packages to build.
    pub(crate) packages: &'static [&'static str],
    /// The files that the build makes.
    pub(crate) programs: &'static [&'static str],
}

impl GoModule {
    /// Builds the programs unless the present sources have been built already; gives the folder that they are in.
    ///
    /// The first build may take minutes, so its progress goes to standard error. Processes that ask at the same time wait
    /// for the one that builds.
    pub(crate) fn ensure(&self) -> Result<PathBuf> {
        let sources = workspace().join("tests").join(self.name);
        // Not under CARGO_TARGET_DIR: the sources do not depend on it, and the build is too slow to repeat for each.
        let folder = workspace().join("target").join(self.name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let bin = folder.join("bin");
        let _lock = self.lock(&folder.join("lock"))?;
        let stamp = folder.join("sources.sha256");
        let digest = self.digest(&sources)?;
        if fs::read_to_string(&stamp).is_ok_and(|built| built == digest)
            && self.programs.iter().all(|name| bin.join(name).exists())
        {
            return Ok(bin);
        }
        // What runs keeps the file it was started from, so new ones are made beside and moved over.
        let fresh = folder.join("fresh/");
        fs::create_dir_all(&fresh).with_context(|| format!("making {}", fresh.display()))?;
        if Command::new("go").arg("version").output().is_err() {
            bail!(
                "there is no go on the PATH; install Go 1.26 or later: https://go.dev/doc/install"
            );
        }
        let mut command = Command::new("go");
        command
            .args(["build", "-trimpath", "-buildvcs=false", "-ldflags"])
            .arg(self.link_flags)
            .arg("-o")
            .arg(&fresh)
            .args(self.packages)
            .current_dir(&sources)
            // Modules come through the module proxy and never from a repository.
            .env("GOVCS", "*:off");
        run(
            command,
            &format!("building {} (once, {})", self.what, self.takes),
        )?;
        fs::create_dir_all(&bin).with_context(|| format!("making {}", bin.display()))?;
        for name in self.programs {
            fs::rename(fresh.join(name), bin.join(name))
                .with_context(|| format!("moving {name} into {}", bin.display()))?;
        }
        fs::write(&stamp, digest).with_context(|| format!("writing {}", stamp.display()))?;
        Ok(bin)
    }

    /// Waits for a lock that the kernel releases when its holder ends, however it ends.
    fn lock(&self, path: &Path) -> Result<File> {
        let file = File::create(path).with_context(|| format!("opening {}", path.display()))?;
        let waiting = format!("waiting for another process that builds {}", self.what);
        let mut progress = Progress::new(&waiting);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => progress.tell(),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("locking {}", path.display()));
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// One digest of all that decides what the build makes.
    fn digest(&self, sources: &Path) -> Result<String> {
        let mut files = Vec::new();
        collect(sources, &mut files)?;
        files.sort();
        let mut hasher = Sha256::new();
        hasher.update(self.link_flags);
        for file in files {
            let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
            let name = file.strip_prefix(sources).unwrap_or(&file);
            hasher.update(name.as_os_str().as_encoded_bytes());
            hasher.update(content.len().to_le_bytes());
            hasher.update(content);
        }
        Ok(hex::encode(hasher.finalize()))
    }
}

/// Runs a build, telling now and then that it still runs; a failure carries what the build wrote.
pub(crate) fn run(mut command: Command, what: &str) -> Result<()> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {program}"))?;
    let mut output = child.stderr.take().context("standard error is a pipe")?;
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        drop(output.read_to_end(&mut text));
        String::from_utf8_lossy(&text).into_owned()
    });
    let mut progress = Progress::new(what);
    let status = loop {
        if let Some(status) = child
            .try_wait()
            .with_context(|| format!("waiting for {program}"))?
        {
            break status;
        }
        progress.tell();
        thread::sleep(Duration::from_millis(20));
    };
    if !status.success() {
        let text = reader.join().unwrap_or_default();
        bail!("{program} failed ({status}):\n{text}");
    }
    Ok(())
}

struct Progress<'a> {
    what: &'a str,
    since: Instant,
    told: Duration,
}

impl<'a> Progress<'a> {
    fn new(what: &'a str) -> Self {
        Self {
            what,
            since: Instant::now(),
            told: Duration::ZERO,
        }
    }

    fn tell(&mut self) {
        let elapsed = self.since.elapsed();
        if elapsed >= self.told + PROGRESS {
            self.told = elapsed;
            eprintln!("{}: {} s", self.what, elapsed.as_secs());
        }
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("reading {}", folder.display()))?
            .path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
