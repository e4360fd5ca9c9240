//! Builds what the tests start: the control plane, which is Go, and the Windlass binary itself.
//!
//! Both are built when they are first asked for, so that `cargo test` is the only command anybody needs to know.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result, bail};

use crate::go::{GoModule, run};

/// Kubernetes refuses clients and servers whose version it cannot read, and a plain build carries none.
const LINK_FLAGS: &str = "-s -w \
    -X k8s.io/component-base/version.gitVersion=v1.36.1 \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=36 \
    -X k8s.io/client-go/pkg/version.gitVersion=v1.36.1";

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
    let module = GoModule {
        name: "control-plane",
        what: "the control plane",
        takes: "about 6 minutes",
        link_flags: LINK_FLAGS,
        packages: &["./cmd/..."],
        programs: &["control-plane", "kwok", "git-http"],
    };
    let bin = module.ensure()?;
    Ok(ControlPlaneBinaries {
        control_plane: bin.join("control-plane"),
        kwok: bin.join("kwok"),
        git_http: bin.join("git-http"),
    })
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
