//! A host in memory, for native tests of a plugin.

use crate::{Entry, EntryKind, Failure, FileError, FileErrorKind, Host, Json, Level, Ran};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A [`Host`] whose files are in memory and whose log can be looked at.
///
/// ```
/// use windlass_plugin_sdk::{Host, testing::MemoryHost};
///
/// let mut host = MemoryHost::new().in_folder("environments/test").file("base/a.yaml", "a: 1");
/// assert_eq!(host.read_text("../../base/a.yaml").unwrap(), "a: 1");
/// assert_eq!(host.read_text("/base/a.yaml").unwrap(), "a: 1");
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryHost {
    files: BTreeMap<String, Vec<u8>>,
    plugins: BTreeMap<String, StandIn>,
    folder: Vec<String>,
    log: Vec<(Level, String)>,
}

/// What takes the place of another plugin.
#[derive(Clone)]
struct StandIn(Arc<Answer>);

type Answer = dyn Fn(Vec<Json>, &Json) -> Result<Ran, Failure> + Send + Sync;

impl fmt::Debug for StandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StandIn")
    }
}

impl MemoryHost {
    /// A repository without files, whose root is the environment's folder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file. The path is relative to the root of the repository.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(path.to_owned(), content.into());
        self
    }

    /// Adds a plugin that can be run, as a function of objects and configuration. The path is
    /// relative to the root of the repository.
    #[must_use]
    pub fn plugin(
        mut self,
        path: &str,
        run: impl Fn(Vec<Json>, &Json) -> Result<Ran, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.plugins.insert(path.to_owned(), StandIn(Arc::new(run)));
        self
    }

    /// Sets the environment's folder, which the plugin's paths are relative to.
    #[must_use]
    pub fn in_folder(mut self, path: &str) -> Self {
        self.folder = split(path).map(str::to_owned).collect();
        self
    }

    /// What the plugin has logged.
    pub fn logged(&self) -> &[(Level, String)] {
        &self.log
    }

    fn resolve(&self, path: &str) -> Result<String, FileError> {
        let mut parts: Vec<&str> = if path.starts_with('/') {
            Vec::new()
        } else {
            self.folder.iter().map(String::as_str).collect()
        };
        for part in split(path) {
            if part != ".." {
                parts.push(part);
            } else if parts.pop().is_none() {
                return Err(FileError::new(path, FileErrorKind::OutsideTree));
            }
        }
        Ok(parts.join("/"))
    }

    /// The entries below a folder; none when it is no folder.
    fn entries(&self, folder: &str) -> BTreeSet<Entry> {
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        self.files
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix))
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => (name, EntryKind::Folder),
                None => (rest, EntryKind::File),
            })
            .map(|(name, kind)| Entry {
                name: name.to_owned(),
                kind,
            })
            .collect()
    }
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

impl Host for MemoryHost {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        let full = self.resolve(path)?;
        match self.files.get(&full) {
            Some(content) => Ok(content.clone()),
            None if self.entries(&full).is_empty() => {
                Err(FileError::new(path, FileErrorKind::NotFound))
            }
            None => Err(FileError::new(path, FileErrorKind::NotAFile)),
        }
    }

    fn list(&mut self, path: &str) -> Result<Vec<Entry>, FileError> {
        let full = self.resolve(path)?;
        let entries = self.entries(&full);
        if self.files.contains_key(&full) {
            Err(FileError::new(path, FileErrorKind::NotAFolder))
        } else if entries.is_empty() && !full.is_empty() {
            Err(FileError::new(path, FileErrorKind::NotFound))
        } else {
            Ok(entries.into_iter().collect())
        }
    }

    fn exists(&mut self, path: &str) -> Result<bool, FileError> {
        let full = self.resolve(path)?;
        Ok(full.is_empty() || self.files.contains_key(&full) || !self.entries(&full).is_empty())
    }

    fn folder(&mut self) -> String {
        self.folder.join("/")
    }

    /// Gives a text of the form that the real host gives.
    fn secret_reference(&mut self, store: &str, name: &str, key: &str) -> Result<String, String> {
        Ok(format!("windlass~{store}~{name}~{key}~end"))
    }

    fn run_plugin(
        &mut self,
        path: &str,
        objects: Vec<Json>,
        config: &Json,
    ) -> Result<Ran, Failure> {
        let full = self.resolve(path)?;
        match self.plugins.get(&full) {
            Some(StandIn(run)) => run(objects, config),
            None => Err(Failure::new(format!(
                "the plugin's file cannot be read: {full} is not in the tree"
            ))),
        }
    }

    fn log(&mut self, level: Level, message: &str) {
        self.log.push((level, message.to_owned()));
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;

    fn host() -> MemoryHost {
        MemoryHost::new()
            .file("base/a.yaml", "a")
            .file("base/deep/b.yaml", "b")
            .file("env/c.yaml", "c")
            .in_folder("env")
    }

    #[rstest]
    #[case::beside("c.yaml", Ok("c"))]
    #[case::up("../base/./a.yaml", Ok("a"))]
    #[case::from_the_root("/base/deep/b.yaml", Ok("b"))]
    #[case::absent("d.yaml", Err(FileErrorKind::NotFound))]
    #[case::folder("../base", Err(FileErrorKind::NotAFile))]
    #[case::too_far_up("../../etc/passwd", Err(FileErrorKind::OutsideTree))]
    fn paths_are_resolved_as_by_the_host(
        #[case] path: &str,
        #[case] expected: Result<&str, FileErrorKind>,
    ) {
        let read = host().read_text(path).map_err(|error| error.kind);
        assert_eq!(read, expected.map(str::to_owned));
    }

    #[test]
    fn a_plugin_that_is_run_is_a_function() {
        let mut host = host().plugin("base/count.wasm", |objects, config| {
            let count = objects.len().into();
            Ok(Ran::from(vec![config.clone(), count]))
        });
        let config = Json::from("c");
        let ran = host.run_plugin("../base/count.wasm", vec![Json::Null], &config);
        assert_eq!(ran.unwrap().objects, [Json::from("c"), Json::from(1)]);
        let error = host.run_plugin("none.wasm", Vec::new(), &config);
        assert!(error.unwrap_err().message().contains("env/none.wasm"));
    }

    #[test]
    fn a_folder_lists_files_and_folders_by_name() {
        let names: Vec<_> = host()
            .list("/base")
            .unwrap()
            .into_iter()
            .map(|entry| (entry.name, entry.kind))
            .collect();
        assert_eq!(
            names,
            [
                ("a.yaml".to_owned(), EntryKind::File),
                ("deep".to_owned(), EntryKind::Folder)
            ]
        );
    }
}
