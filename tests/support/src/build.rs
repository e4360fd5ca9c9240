//! Builds what the tests start: the control plane, which is Go, and the Windlass binary itself.
//!
//! Both are built when they are first asked for, so that `cargo test` is the only command anybody needs to know.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// Kubernetes refuses clients and servers whose version it cannot read, and a plain build carries none.
const LINK_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.36.1 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=36 \
    -X k8s.io/client-go/pkg/version.gitVersion=v1.36.1";

const PROGRESS: Duration = Duration::from_secs(5);

/// Where the programs of the control plane are.
#[derive(Clone, Debug)]
pub struct ControlPlaneBinaries {
    /// etcd, the API server, the controller manager, the scheduler and kubectl; the first argument chooses.
    pub control_plane: PathBuf,
    /// Simulates the kubelets.
    pub kwok: PathBuf,
    /// Serves Git repositories over HTTP.
    pub git_http: PathBuf,
}

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    // This crate is two levels down; should that ever change, the paths built on it fail by name.
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Builds the control plane unless the present sources have been built already.
///
/// The first build takes minutes, so its progress goes to standard error. Processes that ask at the same time wait for
/// the one that builds.
pub fn ensure_control_plane() -> Result<ControlPlaneBinaries> {
    static BUILT: Mutex<Option<ControlPlaneBinaries>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(binaries) = &*built {
        return Ok(binaries.clone());
    }
    let binaries = build_control_plane().context("building the control plane")?;
    *built = Some(binaries.clone());
    Ok(binaries)
}

fn build_control_plane() -> Result<ControlPlaneBinaries> {
    let sources = workspace().join("tests/control-plane");
    // Not under CARGO_TARGET_DIR: the sources do not depend on it, and the build is too slow to repeat for each.
    let folder = workspace().join("target/control-plane");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let bin = folder.join("bin");
    let binaries = ControlPlaneBinaries {
        control_plane: bin.join("control-plane"),
        kwok: bin.join("kwok"),
        git_http: bin.join("git-http"),
    };
    let _lock = lock(&folder.join("lock"))?;
    let stamp = folder.join("sources.sha256");
    let digest = digest(&sources)?;
    let all = [&binaries.control_plane, &binaries.kwok, &binaries.git_http];
    if fs::read_to_string(&stamp).is_ok_and(|built| built == digest)
        && all.iter().all(|binary| binary.exists())
    {
        return Ok(binaries);
    }
    // Running servers keep the file they were started from, so new ones are made beside and moved over.
    let fresh = folder.join("fresh/");
    let mut command = Command::new("go");
    command
        .args([
            "build",
            "-trimpath",
            "-buildvcs=false",
            "-ldflags",
            LINK_FLAGS,
            "-o",
        ])
        .arg(&fresh)
        .arg("./cmd/...")
        .current_dir(&sources);
    if Command::new("go").arg("version").output().is_err() {
        bail!("there is no go on the PATH; install Go 1.26 or later: https://go.dev/doc/install");
    }
    run(
        command,
        "building the control plane (once, about 6 minutes)",
    )?;
    fs::create_dir_all(&bin).with_context(|| format!("making {}", bin.display()))?;
    for binary in all {
        let name = binary.file_name().context("a binary has a name")?;
        fs::rename(fresh.join(name), binary)
            .with_context(|| format!("moving {} into place", binary.display()))?;
    }
    fs::write(&stamp, digest).with_context(|| format!("writing {}", stamp.display()))?;
    Ok(binaries)
}

/// Builds `windlass` once a process and returns its path.
///
/// Chosen from the whole workspace, because cargo gives a dependency the features that the chosen packages ask for: this is the
/// selection of `cargo test --workspace`, so that nothing is compiled twice.
///
/// The profile is the one that the caller was built with, so that a benchmark measures an optimised daemon. The variable
/// `WINDLASS_BIN` names a binary to be used as it is.
pub fn ensure_windlass() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    if let Some(binary) = env::var_os("WINDLASS_BIN") {
        let binary = PathBuf::from(binary);
        if !binary.is_file() {
            bail!("WINDLASS_BIN is {}, which is no file", binary.display());
        }
        return Ok(binary);
    }
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(binary) = &*built {
        return Ok(binary.clone());
    }
    let binary = build_windlass().context("building windlass")?;
    *built = Some(binary.clone());
    Ok(binary)
}

fn build_windlass() -> Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || workspace().join("target"),
        |folder| workspace().join(folder),
    );
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--workspace",
            "--bin",
            "windlass",
            "--quiet",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(workspace());
    let profile = if cfg!(debug_assertions) {
        "debug"
    } else {
        command.arg("--release");
        "release"
    };
    run(command, "building windlass")?;
    let binary = target.join(profile).join("windlass");
    if !binary.is_file() {
        bail!("cargo built no {}", binary.display());
    }
    Ok(binary)
}

/// Runs a build, telling now and then that it still runs; a failure carries what the build wrote.
fn run(mut command: Command, what: &str) -> Result<()> {
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

/// Waits for a lock that the kernel releases when its holder ends, however it ends.
fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("opening {}", path.display()))?;
    let mut progress = Progress::new("waiting for another process that builds the control plane");
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

/// One digest of all that decides what the build makes.
fn digest(sources: &Path) -> Result<String> {
    let mut files = Vec::new();
    collect(sources, &mut files)?;
    files.sort();
    let mut hasher = Sha256::new();
    hasher.update(LINK_FLAGS);
    for file in files {
        let content = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let name = file.strip_prefix(sources).unwrap_or(&file);
        hasher.update(name.as_os_str().as_encoded_bytes());
        hasher.update(content.len().to_le_bytes());
        hasher.update(content);
    }
    Ok(hex::encode(hasher.finalize()))
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
