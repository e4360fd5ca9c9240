//! The languages of plugins, and which one a folder is written in.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::ValueEnum;

use super::open::BUILT;
use crate::cli::Failed;

/// A language that there is a template and a build for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// A component with the SDK, by Cargo.
    Rust,
    /// A KRM function with the standard library, by the Go toolchain.
    Go,
    /// A component with QuickJS in it, by componentize-qjs.
    Js,
    /// A component with CPython in it, by componentize-py.
    Python,
    /// A KRM function, by the C compiler of Zig.
    C,
}

impl Language {
    const ALL: [Self; 5] = [Self::Rust, Self::Go, Self::Js, Self::Python, Self::C];

    /// The file that tells a folder of this language from those of the others.
    fn mark(self) -> &'static str {
        match self {
            Self::Rust => "Cargo.toml",
            Self::Go => "go.mod",
            Self::Js => "package.json",
            Self::Python => "plugin.py",
            Self::C => "plugin.c",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::Go => "Go",
            Self::Js => "JavaScript",
            Self::Python => "Python",
            Self::C => "C",
        })
    }
}

/// Finds out the language of a plugin's folder by the files in it.
///
/// # Errors
/// `WL0421` when it is none, or more than one.
pub(super) fn detect(folder: &Path) -> Result<Language, Failed> {
    let found: Vec<Language> = Language::ALL
        .into_iter()
        .filter(|language| folder.join(language.mark()).is_file())
        .collect();
    let shown = folder.display();
    match found.as_slice() {
        [language] => Ok(*language),
        [] => {
            let marks: Vec<&str> = Language::ALL.into_iter().map(Language::mark).collect();
            Err(Failed::new(
                "WL0421",
                format!(
                    "{shown} has none of {}; name the folder of a plugin, or begin one with \
                     `windlass plugin new`",
                    marks.join(", ")
                ),
            ))
        }
        [first, second, ..] => Err(Failed::new(
            "WL0421",
            format!(
                "{shown} has both {} and {}; say with `--lang` which one makes the plugin",
                first.mark(),
                second.mark()
            ),
        )),
    }
}

/// Folders whose files are no sources of a plugin: what is built, fetched or tested with.
const NO_SOURCES: [&str; 5] = [BUILT, "target", "node_modules", "tests", "__pycache__"];

/// How deep sources are looked for, and how many files are looked at: it is for a remark only.
const DEPTH: usize = 6;
const FILES: usize = 5_000;

/// Finds a source that was changed after the plugin was built.
pub(super) fn newer_source(folder: &Path, built: &Path) -> Option<PathBuf> {
    let than = modified(built)?;
    let mut folders = vec![(folder.to_path_buf(), 0)];
    let mut looked_at = 0;
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            looked_at += 1;
            if looked_at > FILES {
                return None;
            }
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let path = entry.path();
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if name.starts_with('.') || name == "README.md" {
                continue;
            }
            if kind.is_dir() {
                if depth < DEPTH && !NO_SOURCES.contains(&name.as_ref()) {
                    folders.push((path, depth + 1));
                }
            } else if kind.is_file() && !is_lock(&name) && modified(&path)? > than {
                return Some(path);
            }
        }
    }
    None
}

/// Toolchains write these while they build.
fn is_lock(name: &str) -> bool {
    name.ends_with(".lock") || name.ends_with("-lock.json") || name == "go.sum"
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|it| it.modified()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::Duration;
    use tempfile::TempDir;

    #[rstest]
    #[case::rust(&["Cargo.toml", "src/lib.rs"], Ok(Language::Rust))]
    #[case::go(&["go.mod", "main.go"], Ok(Language::Go))]
    #[case::js(&["package.json"], Ok(Language::Js))]
    #[case::python(&["plugin.py", "requirements.txt"], Ok(Language::Python))]
    #[case::c(&["plugin.c", "requirements.txt"], Ok(Language::C))]
    #[case::none(&["main.zig"], Err("has none of Cargo.toml, go.mod"))]
    #[case::two(&["go.mod", "package.json"], Err("both go.mod and package.json"))]
    fn files_tell_the_language(#[case] files: &[&str], #[case] expected: Result<Language, &str>) {
        let folder = TempDir::new().unwrap();
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        match (detect(folder.path()), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected),
            (Err(failed), Err(part)) => assert!(failed.to_string().contains(part), "{failed}"),
            (found, _) => assert_eq!(found.ok(), expected.ok()),
        }
    }

    #[rstest]
    #[case::source("src/lib.rs", true)]
    #[case::lock("Cargo.lock", false)]
    #[case::test("tests/a/input.yaml", false)]
    #[case::hidden(".git/index", false)]
    fn a_plugin_is_older_than_its_sources(#[case] file: &str, #[case] expected: bool) {
        let folder = TempDir::new().unwrap();
        let built = folder.path().join("dist/p.wasm");
        let source = folder.path().join(file);
        for path in [&built, &source] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let later = modified(&built).unwrap() + Duration::from_secs(5);
        let opened = fs::File::options().write(true).open(&source).unwrap();
        opened.set_modified(later).unwrap();
        let found = newer_source(folder.path(), &built);
        assert_eq!(found, expected.then_some(source));
    }
}
