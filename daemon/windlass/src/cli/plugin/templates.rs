//! The files of a new plugin, one set for each language, from `plugins/templates`.
//!
//! A template is a plugin that builds and passes its tests where it lies; its name is replaced when it
//! is written out.

use super::language::Language;

/// The name of every template, and of its crate or module.
const NAME: &str = "team-labels";

/// Where a plugin in Rust finds the SDK: in itself, so that it builds wherever it is checked out.
const SDK: &str = "vendor/sdk";

/// A file: its path in the new folder, and its text.
type File = (&'static str, &'static str);

macro_rules! files {
    ($folder:literal: $($path:literal $(from $other:literal)?),+ $(,)?) => {
        &[$((
            $path,
            files!(@text $folder, $path $(, $other)?),
        )),+]
    };
    (@text $folder:literal, $path:literal) => {
        include_str!(concat!("../../../../../", $folder, "/", $path))
    };
    (@text $folder:literal, $path:literal, $other:literal) => {
        include_str!(concat!("../../../../../", $folder, "/", $other))
    };
}

// Named otherwise where they lie: there they would hide files of the template itself.
const RUST: &[File] = files!("plugins/templates/rust":
    ".gitignore" from ".gitignore.template",
    "Cargo.lock",
    "Cargo.toml",
    "README.md",
    "rust-toolchain.toml",
    "src/lib.rs",
);

/// The SDK's manifest in a plugin: its own leans on the workspace here.
const SDK_MANIFEST: &[File] = files!("plugins/templates/rust": "vendor/sdk/Cargo.toml");

const SDK_SOURCES: &[File] = files!("plugins/sdk":
    "src/config.rs",
    "src/describe.rs",
    "src/failure.rs",
    "src/finding.rs",
    "src/health.rs",
    "src/host.rs",
    "src/lib.rs",
    "src/located.rs",
    "src/macros.rs",
    "src/plugin.rs",
    "src/run.rs",
    "src/testing.rs",
    "src/wasm.rs",
);

const GO: &[File] = files!("plugins/templates/go":
    "README.md",
    "go.mod",
    "krm/krm.go",
    "main.go",
);

const JS: &[File] = files!("plugins/templates/js":
    ".gitignore" from ".gitignore.template",
    "README.md",
    "package.json",
    "plugin.js",
);

const PYTHON: &[File] = files!("plugins/templates/python":
    ".gitignore" from ".gitignore.template",
    "README.md",
    "plugin.py",
    "requirements.txt",
);

const C: &[File] = files!("plugins/templates/c":
    ".gitignore" from ".gitignore.template",
    "README.md",
    "json.h",
    "plugin.c",
    "requirements.txt",
);

/// The golden files: all templates do the same.
const TESTS: &[File] = files!("plugins/templates":
    "tests/labels/config.yaml",
    "tests/labels/expected.yaml",
    "tests/labels/input.yaml",
    "tests/wrong-team/config.yaml",
    "tests/wrong-team/error.txt",
    "tests/wrong-team/input.yaml",
);

/// The contract, for the languages that make their bindings from it.
const WIT: &[File] = files!(".":
    "wit/exports.wit",
    "wit/imports.wit",
    "wit/package.wit",
    "wit/types.wit",
    "wit/worlds.wit",
);

/// Gives the files of a new plugin, by their paths in its folder. `sdk` is the path of the SDK for a
/// plugin in Rust that shall not have one of its own.
pub(super) fn files(language: Language, name: &str, sdk: Option<&str>) -> Vec<(String, String)> {
    let own = match language {
        Language::Rust => RUST,
        Language::Go => GO,
        Language::Js => JS,
        Language::Python => PYTHON,
        Language::C => C,
    };
    let mut files: Vec<(String, String)> = own
        .iter()
        .chain(TESTS)
        .map(|(path, text)| {
            let text = text.replace(NAME, name);
            let text = text.replace(&type_name(NAME), &type_name(name));
            ((*path).to_owned(), text.replace(SDK, sdk.unwrap_or(SDK)))
        })
        .collect();
    let as_they_are = |files: &'static [File], below: &'static str| {
        files
            .iter()
            .map(move |(path, text)| (format!("{below}{path}"), (*text).to_owned()))
    };
    let vendored = language == Language::Rust && sdk.is_none();
    if vendored {
        files.extend(as_they_are(SDK_MANIFEST, ""));
        files.extend(as_they_are(SDK_SOURCES, "vendor/sdk/"));
    }
    // The SDK looks for the contract two folders above its own.
    if vendored || matches!(language, Language::Js | Language::Python) {
        files.extend(as_they_are(WIT, ""));
    }
    files
}

/// `TeamLabels` of `team-labels`.
fn type_name(name: &str) -> String {
    name.split('-')
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + rest
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(Language::Rust)]
    #[case(Language::Go)]
    #[case(Language::Js)]
    #[case(Language::Python)]
    #[case(Language::C)]
    fn nothing_of_the_template_is_left(#[case] language: Language) {
        let files = files(language, "quota", None);
        for (path, text) in &files {
            for left in [NAME, "TeamLabels", "team_labels"] {
                assert!(!text.contains(left), "{path} has `{left}`");
            }
        }
        let has = |wanted: &str| files.iter().any(|(path, _)| path == wanted);
        assert!(has("README.md") && has("tests/labels/expected.yaml"));
    }

    #[test]
    fn a_plugin_in_rust_has_the_sdk_in_it_unless_told_where_it_is() {
        let has = |sdk: Option<&str>, wanted: &str| {
            let files = files(Language::Rust, "quota", sdk);
            files.iter().any(|(path, _)| path == wanted)
        };
        for file in [
            "vendor/sdk/Cargo.toml",
            "vendor/sdk/src/lib.rs",
            "wit/worlds.wit",
        ] {
            assert!(has(None, file), "{file}");
            assert!(!has(Some("/somewhere/sdk"), file), "{file}");
        }
        let elsewhere = files(Language::Rust, "quota", Some("/somewhere/sdk"));
        let manifest = elsewhere.iter().find(|(path, _)| path == "Cargo.toml");
        assert!(manifest.is_some_and(|(_, text)| text.contains("path = \"/somewhere/sdk\"")));
    }

    #[rstest]
    #[case("quota", "Quota")]
    #[case("a-b2-c", "AB2C")]
    fn a_type_is_called_as_the_plugin(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(type_name(name), expected);
    }
}
