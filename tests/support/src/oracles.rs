//! The programs that Windlass is held against, built from their published modules.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context as _, Result};

use crate::go::GoModule;

const MODULE: GoModule = GoModule {
    name: "oracles",
    what: "the oracles",
    takes: "about a minute",
    link_flags: "-s -w",
    packages: &["./cmd/...", "sigs.k8s.io/kustomize/kustomize/v5"],
    programs: &["kustomize", "kustomize-server"],
};

/// The real `kustomize`.
///
/// # Errors
/// The build failed.
pub fn kustomize() -> Result<PathBuf> {
    Ok(bin()?.join("kustomize"))
}

/// The real `kustomize build`, many times in one process; `tests/oracles/cmd/kustomize-server` says how it is asked.
///
/// # Errors
/// The build failed.
pub fn kustomize_server() -> Result<PathBuf> {
    Ok(bin()?.join("kustomize-server"))
}

fn bin() -> Result<PathBuf> {
    static BUILT: Mutex<Option<PathBuf>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bin) = &*built {
        return Ok(bin.clone());
    }
    let bin = MODULE.ensure().context("building the oracles")?;
    *built = Some(bin.clone());
    Ok(bin)
}
