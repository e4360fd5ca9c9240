//! A case as it stands on disk.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use windlass_manifest::{Json, Limits, Object, decode, read_objects, to_yaml, to_yaml_stream};

use super::{CONFIG, ERROR, EXPECTED, FILES, FINDINGS, GOLDEN, HEALTH, INPUT, Outcome};
use crate::cli::Failed;

/// One case of a plugin's tests.
#[derive(Debug)]
pub(in crate::cli::plugin) struct Case {
    /// The name of its folder.
    pub(in crate::cli::plugin) name: String,
    pub(super) folder: PathBuf,
    /// The objects that go in, with the annotations that say where they come from.
    pub(super) input: Vec<Object>,
    /// A mapping, or null without a file.
    pub(super) config: Json,
    /// The golden files that there are, each written as a run would write it.
    pub(super) wanted: Outcome,
}

fn broken(message: String) -> Failed {
    Failed::new("WL0424", message)
}

/// Reads the cases of a plugin, sorted by name.
///
/// # Errors
/// `WL0424` when there is none: a plugin without tests has not passed them.
pub(in crate::cli::plugin) fn cases(folder: &Path) -> Result<Vec<Case>, Failed> {
    let tests = folder.join("tests");
    let shown = tests.display();
    let none = |what: &str| {
        broken(format!(
            "{shown} {what}; make a folder in it for each case, such as {shown}/first/{INPUT}, and \
             run `windlass plugin test --update`"
        ))
    };
    let entries = fs::read_dir(&tests).map_err(|error| match error.kind() {
        ErrorKind::NotFound => none("is not there"),
        _ => broken(format!("{shown} cannot be read: {error}")),
    })?;
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| broken(format!("{shown} cannot be read: {error}")))?;
        if entry.path().is_dir() {
            folders.push(entry.path());
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(none("holds no case"));
    }
    folders.into_iter().map(read).collect()
}

fn read(folder: PathBuf) -> Result<Case, Failed> {
    check_names(&folder)?;
    let limits = Limits::default();
    let input = match file(&folder, INPUT)? {
        Some(text) => {
            read_objects(INPUT, text.as_bytes(), &limits).map_err(|error| wrong(&folder, error))?
        }
        None => Vec::new(),
    };
    let config = match file(&folder, CONFIG)? {
        Some(text) => one(&folder, CONFIG, &text)?,
        None => Json::Null,
    };
    let mut wanted = Outcome::new();
    for name in GOLDEN {
        if let Some(text) = file(&folder, name)? {
            wanted.insert(name, normal(&folder, name, &text)?);
        }
    }
    Ok(Case {
        name: folder
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
        folder,
        input,
        config,
        wanted,
    })
}

/// A misspelt file would be one that is not looked at, and a test that cannot fail.
fn check_names(folder: &Path) -> Result<(), Failed> {
    let known = [INPUT, CONFIG, FILES, EXPECTED, FINDINGS, HEALTH, ERROR];
    let entries = fs::read_dir(folder)
        .map_err(|error| broken(format!("{} cannot be read: {error}", folder.display())))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !known.iter().any(|known| name == *known) {
            return Err(broken(format!(
                "{} is no file of a case; there are {}",
                entry.path().display(),
                known.join(", ")
            )));
        }
    }
    Ok(())
}

fn file(folder: &Path, name: &str) -> Result<Option<String>, Failed> {
    let path = folder.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(broken(format!(
            "{} cannot be read: {error}",
            path.display()
        ))),
    }
}

/// The text as a run would write it, so that order of keys, comments and style make no difference.
fn normal(folder: &Path, name: &str, text: &str) -> Result<String, Failed> {
    if name == ERROR {
        return Ok(format!("{}\n", text.trim_end()));
    }
    let values = documents(folder, name, text)?;
    Ok(if name == EXPECTED {
        to_yaml_stream(&values)
    } else {
        values.iter().map(to_yaml).collect()
    })
}

fn documents(folder: &Path, name: &str, text: &str) -> Result<Vec<Json>, Failed> {
    let documents = decode(text.as_bytes(), &Limits::default()).map_err(|error| {
        broken(format!(
            "{}:{}:{}: {}",
            folder.join(name).display(),
            error.position.line,
            error.position.column,
            error.problem
        ))
    })?;
    let values = documents.into_iter().map(|document| document.value);
    Ok(values.filter(|value| !value.is_null()).collect())
}

fn one(folder: &Path, name: &str, text: &str) -> Result<Json, Failed> {
    let mut values = documents(folder, name, text)?;
    match values.len() {
        0 => Ok(Json::Null),
        1 => Ok(values.remove(0)),
        count => Err(broken(format!(
            "{} holds {count} documents, and a configuration is one",
            folder.join(name).display()
        ))),
    }
}

fn wrong(folder: &Path, error: windlass_manifest::ReadError) -> Failed {
    // The name of the file stands in front of the message.
    broken(format!("{}/{error}", folder.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use tempfile::TempDir;

    fn plugin(files: &[(&str, &str)]) -> TempDir {
        let folder = TempDir::new().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[rstest]
    #[case::no_folder(&[("go.mod", "")], "tests is not there")]
    #[case::no_case(&[("tests/readme.md", "")], "holds no case")]
    #[case::misspelt(&[("tests/a/imput.yaml", "")], "imput.yaml is no file of a case")]
    #[case::no_yaml(&[("tests/a/expected.yaml", "a: [")], "tests/a/expected.yaml:")]
    #[case::no_object(&[("tests/a/input.yaml", "a: 1\n")], "tests/a/input.yaml:1: ")]
    #[case::configurations(&[("tests/a/config.yaml", "a: 1\n---\nb: 1\n")], "2 documents")]
    fn what_cannot_be_a_test_is_an_error(#[case] files: &[(&str, &str)], #[case] expected: &str) {
        let folder = plugin(files);
        let failed = cases(folder.path()).unwrap_err().to_string();
        assert!(
            failed.contains("WL0424") && failed.contains(expected),
            "{failed}"
        );
    }

    #[test]
    fn style_and_comments_make_no_difference() {
        let folder = plugin(&[
            ("tests/b/expected.yaml", "# said\n{b: 1, a: \"x\"}\n"),
            ("tests/a/error.txt", "no\n\n"),
        ]);
        let cases = cases(folder.path()).unwrap();
        let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names, ["a", "b"]);
        assert_eq!(cases[0].wanted[ERROR], "no\n");
        assert_eq!(cases[1].wanted[EXPECTED], "a: x\nb: 1\n");
    }
}
