//! Finding and reading manifest files.

use crate::glob::Glob;
use crate::variables::Variables;
use serde::Deserialize;
use std::collections::BTreeSet;
use windlass_manifest::{Limits, read_objects};
use windlass_plugin_sdk::{Entry, EntryKind, Failure, FileErrorKind, Host, Json};

/// The deepest folder that is looked into. A link to a folder above would have no end otherwise.
const MAX_DEPTH: usize = 32;

/// The most files of one step. An environment with more has a wrong path.
const MAX_FILES: usize = 50_000;

/// What an environment's own folder holds beside manifests.
const NOT_MANIFESTS: [&str; 7] = [
    "environment.yaml",
    "windlass.yaml",
    "kustomization.yaml",
    "kustomization.yml",
    "Kustomization",
    "Chart.yaml",
    "Chart.lock",
];

/// One text or a list of them.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum OneOrMany {
    /// `base: ../base`
    One(String),
    /// `base: [../base, ../more]`
    Many(Vec<String>),
}

impl OneOrMany {
    /// The texts, in their order.
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        }
    }
}

/// Which files of a folder are manifests.
///
/// Files that end in `.yaml`, `.yml` or `.json` are, except for those that configure Windlass,
/// kustomize or Helm and those whose name begins with a dot. A sub-folder with an
/// `environment.yaml` of its own is another environment and is left out.
#[derive(Clone, Debug)]
pub struct Rules {
    recursive: bool,
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    skip: BTreeSet<String>,
}

impl Rules {
    /// Reads the globs of a configuration; `include` and `exclude` are its keys in messages.
    ///
    /// # Errors
    /// Names the pattern that is wrong and its key.
    pub fn new(recursive: bool, include: &[String], exclude: &[String]) -> Result<Self, Failure> {
        let globs = |key: &str, patterns: &[String]| {
            patterns
                .iter()
                .enumerate()
                .map(|(index, pattern)| {
                    Glob::new(pattern)
                        .map_err(|reason| Failure::new(reason).field(format!("{key}[{index}]")))
                })
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            recursive,
            include: globs("include", include)?,
            exclude: globs("exclude", exclude)?,
            skip: BTreeSet::new(),
        })
    }

    /// Leaves out files and folders by path, as [`normalise`] writes it.
    #[must_use]
    pub fn skip<'a>(mut self, paths: impl IntoIterator<Item = &'a String>) -> Self {
        self.skip
            .extend(paths.into_iter().map(|path| normalise(path)));
        self
    }

    /// Whether a file is a manifest; `path` is relative to the folder that is read.
    fn takes(&self, name: &str, path: &str) -> bool {
        let ends = |extension: &str| name.len() > extension.len() && name.ends_with(extension);
        !name.starts_with('.')
            && [".yaml", ".yml", ".json"].into_iter().any(ends)
            && !NOT_MANIFESTS.contains(&name)
            && (self.include.is_empty() || self.include.iter().any(|glob| glob.matches(path)))
            && !self.excludes(path)
    }

    fn excludes(&self, path: &str) -> bool {
        self.exclude.iter().any(|glob| glob.matches(path))
    }
}

/// Finds the manifest files of some paths: each a file, which is taken as it is, or a folder.
///
/// They come in the order of `paths`, within a folder sorted by name, each once.
///
/// # Errors
/// Names the path that is not there, with the key of the configuration that holds it, and a folder
/// without end.
pub fn find(
    host: &mut dyn Host,
    key: &str,
    paths: &[String],
    rules: &Rules,
) -> Result<Vec<String>, Failure> {
    let mut found = Found::default();
    for (index, path) in paths.iter().enumerate() {
        let place = if paths.len() == 1 {
            key.to_owned()
        } else {
            format!("{key}[{index}]")
        };
        let path = normalise(path);
        match host.list(&path) {
            Ok(entries) => found.folder(host, &path, "", entries, rules)?,
            Err(error) if error.kind == FileErrorKind::NotAFolder => found.file(path)?,
            Err(error) => {
                let failure = Failure::from(error.clone()).field(place);
                return Err(match error.kind {
                    FileErrorKind::NotFound => failure.hint(
                        "a path is relative to the environment's folder; one that begins with `/` \
                         is relative to the root of the repository",
                    ),
                    _ => failure,
                });
            }
        }
    }
    Ok(found.files)
}

#[derive(Default)]
struct Found {
    files: Vec<String>,
    known: BTreeSet<String>,
}

impl Found {
    fn file(&mut self, path: String) -> Result<(), Failure> {
        if self.files.len() == MAX_FILES {
            return Err(
                Failure::new(format!("there are more than {MAX_FILES} manifest files"))
                    .hint("name the folders that belong to this environment in `paths`"),
            );
        }
        if self.known.insert(path.clone()) {
            self.files.push(path);
        }
        Ok(())
    }

    /// Takes what is in a folder. `inside` is its path relative to the folder of the configuration.
    fn folder(
        &mut self,
        host: &mut dyn Host,
        folder: &str,
        inside: &str,
        entries: Vec<Entry>,
        rules: &Rules,
    ) -> Result<(), Failure> {
        if inside.split('/').count() > MAX_DEPTH {
            return Err(Failure::new(format!(
                "{folder}: folders are more than {MAX_DEPTH} deep here"
            ))
            .hint("a symbolic link that leads to a folder above itself has no end"));
        }
        for entry in entries {
            let path = join(folder, &entry.name);
            let inside = join(inside, &entry.name);
            if rules.skip.contains(&path) {
                continue;
            }
            match entry.kind {
                EntryKind::File if rules.takes(&entry.name, &inside) => self.file(path)?,
                EntryKind::File => {}
                EntryKind::Folder => {
                    let is_left_out =
                        !rules.recursive || entry.name.starts_with('.') || rules.excludes(&inside);
                    if is_left_out {
                        continue;
                    }
                    let entries = host.list(&path)?;
                    if !entries.iter().any(|entry| entry.name == "environment.yaml") {
                        self.folder(host, &path, &inside, entries, rules)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads manifest files: every object of every document, with its origin as annotations and the
/// variables put in.
///
/// # Errors
/// Names file, line and column of what is no object, and what [`Variables::substitute`] names.
pub fn read(
    host: &mut dyn Host,
    files: &[String],
    variables: &Variables,
) -> Result<Vec<Json>, Failure> {
    let limits = Limits::default();
    let mut objects = Vec::new();
    for file in files {
        let text = host.read(file)?;
        let read = read_objects(file, &text, &limits).map_err(|error| {
            Failure::new(error).hint(format!(
                "if `{file}` is no manifest, name it in `exclude` of this step"
            ))
        })?;
        for object in read {
            let mut object = object.into_json();
            variables.substitute(&mut object, file)?;
            objects.push(object);
        }
    }
    Ok(objects)
}

/// Writes a path without `.` and empty parts: the same file has one name only. A `/` in front stays.
pub fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let root = if path.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/"))
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        "/" => format!("/{name}"),
        folder => format!("{folder}/{name}"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use windlass_plugin_sdk::testing::MemoryHost;

    fn host() -> MemoryHost {
        [
            "base/a.yaml",
            "env/environment.yaml",
            "env/kustomization.yaml",
            "env/.sops.yaml",
            "env/README.md",
            "env/b.yaml",
            "env/a.yml",
            "env/sub/c.json",
            "env/sub/notes.yaml",
            "env/sub/deep/d.yaml",
            "env/other/environment.yaml",
            "env/other/e.yaml",
        ]
        .into_iter()
        .fold(MemoryHost::new().in_folder("env"), |host, path| {
            host.file(path, "")
        })
    }

    #[rstest]
    #[case::all(&["."], true, &[], &[], &["a.yml", "b.yaml", "sub/c.json", "sub/deep/d.yaml", "sub/notes.yaml"])]
    #[case::flat(&["."], false, &[], &[], &["a.yml", "b.yaml"])]
    #[case::included(&["."], true, &["sub/**/*.yaml"], &[], &["sub/deep/d.yaml", "sub/notes.yaml"])]
    #[case::excluded(&["."], true, &[], &["notes.yaml", "deep/"], &["a.yml", "b.yaml", "sub/c.json"])]
    #[case::in_order_and_once(&["sub/deep", "./b.yaml", "b.yaml"], true, &[], &[], &["sub/deep/d.yaml", "b.yaml"])]
    #[case::above(&["../base"], true, &[], &[], &["../base/a.yaml"])]
    #[case::from_the_root(&["/base"], true, &[], &[], &["/base/a.yaml"])]
    #[case::any_named_file(&["README.md"], true, &[], &[], &["README.md"])]
    #[case::named_environment(&["other"], true, &[], &[], &["other/e.yaml"])]
    fn files_are_found(
        #[case] paths: &[&str],
        #[case] recursive: bool,
        #[case] include: &[&str],
        #[case] exclude: &[&str],
        #[case] expected: &[&str],
    ) {
        let own = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let rules = Rules::new(recursive, &own(include), &own(exclude)).unwrap();
        let found = find(&mut host(), "paths", &own(paths), &rules).unwrap();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_path_that_is_not_there_is_named() {
        let rules = Rules::new(true, &[], &[]).unwrap();
        let paths = ["b.yaml".to_owned(), "bse".to_owned()];
        let failure = find(&mut host(), "paths", &paths, &rules).unwrap_err();
        assert_eq!(
            failure.to_string(),
            "bse: there is no such file or folder (at paths[1]); a path is relative to the \
             environment's folder; one that begins with `/` is relative to the root of the \
             repository"
        );
    }

    #[rstest]
    #[case(".", "")]
    #[case("./a//b/", "a/b")]
    #[case("a/../b", "b")]
    #[case("../../a/..", "../..")]
    #[case("/", "/")]
    #[case("/a/./b", "/a/b")]
    fn a_path_has_one_name(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(normalise(path), expected);
    }
}
