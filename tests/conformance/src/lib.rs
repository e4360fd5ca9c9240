//! Conformance suites, run when their folder is present.
//!
//! The cases belong to the projects that they come from and are not kept here. They are looked for
//! in `../shared/conformance` beside the workspace, or where `WINDLASS_CONFORMANCE` says.

use std::path::{Path, PathBuf};

/// The text of a suite's file; `None`, with a word on standard error, when the suites are not here.
///
/// # Panics
/// When the folder is there and the file is not, or cannot be read: a suite that is half there would
/// pass in silence.
#[allow(
    clippy::panic,
    reason = "only tests call this, and a test fails by panicking"
)]
pub fn suite_file(path: &str) -> Option<String> {
    let file = suite_folder(path)?;
    match std::fs::read_to_string(&file) {
        Ok(text) => Some(text),
        Err(error) => panic!("{}: {error}", file.display()),
    }
}

/// The place of a suite's file or folder; `None`, with a word on standard error, when the suites
/// are not here.
pub fn suite_folder(path: &str) -> Option<PathBuf> {
    let root = match std::env::var_os("WINDLASS_CONFORMANCE") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/conformance"),
    };
    if !root.is_dir() {
        eprintln!("skipped: no conformance suites in {}", root.display());
        return None;
    }
    Some(root.join(path))
}
