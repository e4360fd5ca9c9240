//! The files of a new plugin, one set for each language, from `plugins/templates`.
//!
//! A template is a plugin that builds and passes its tests where it lies; its name is replaced when it
//! is written out.

use super::language::Language;

/// The name of every template, and of its crate or module.
const NAME: &str = "team-labels";

/// Where the template in Rust finds the SDK.
const SDK: &str = "../../sdk";

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

/// Gives the files of a new plugin. `sdk` is the path of the SDK, for Rust only.
pub(super) fn files(language: Language, name: &str, sdk: Option<&str>) -> Vec<(String, String)> {
    let (own, contract) = match language {
        Language::Rust => (RUST, &[][..]),
        Language::Go => (GO, &[][..]),
        Language::Js => (JS, WIT),
        Language::Python => (PYTHON, WIT),
        Language::C => (C, &[][..]),
    };
    let named = own.iter().chain(TESTS).map(|(path, text)| {
        let text = text
            .replace(NAME, name)
            .replace(&type_name(NAME), &type_name(name));
        let text = match sdk {
            Some(sdk) => text.replace(SDK, sdk),
            None => text,
        };
        ((*path).to_owned(), text)
    });
    let contract = contract
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    named.chain(contract).collect()
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
        let files = files(language, "quota", Some("/somewhere/sdk"));
        for (path, text) in &files {
            for left in [NAME, "TeamLabels", "team_labels", SDK] {
                assert!(!text.contains(left), "{path} has `{left}`");
            }
        }
        let has = |wanted: &str| files.iter().any(|(path, _)| path == wanted);
        assert!(has("README.md") && has("tests/labels/expected.yaml"));
    }

    #[rstest]
    #[case("quota", "Quota")]
    #[case("a-b2-c", "AB2C")]
    fn a_type_is_called_as_the_plugin(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(type_name(name), expected);
    }
}
