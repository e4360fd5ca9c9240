//! Where the keys and values of ConfigMaps and Secrets come from.

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::files::{Files, Folder};

/// The sources of keys and values (kustomize's `types.KvPairSources`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Sources {
    /// `KEY=VALUE`
    literals: Vec<String>,
    /// `PATH`, whose last part is the key, or `KEY=PATH`.
    files: Vec<String>,
    /// Files with a `KEY=VALUE` on each line.
    envs: Vec<String>,
    /// An older form of `envs`.
    env: String,
}

/// A key with its value.
pub(super) type Pair = (String, Vec<u8>);

impl Sources {
    /// Moves the older form to the present one, as kustomize does for entries of a kustomization.
    pub(super) fn modernise(&mut self) {
        if !self.env.is_empty() {
            self.envs.push(std::mem::take(&mut self.env));
        }
    }

    /// Gives all pairs: those of `envs`, of `literals` and of `files`.
    ///
    /// # Errors
    /// A source that is no pair, and a file that cannot be read.
    pub(super) fn load(&self, files: &mut Files<'_>, folder: &Folder) -> Result<Vec<Pair>> {
        let mut pairs = Vec::new();
        for (index, path) in self.envs.iter().enumerate() {
            let content = files
                .read(folder, path)
                .map_err(|error| error.field(format!("envs[{index}]")))?;
            for (line, text) in content.split(|byte| *byte == b'\n').enumerate() {
                let at = |error: Error| error.file(shown(folder, path)).line(line + 1);
                pairs.extend(env_line(text, line == 0).map_err(at)?);
            }
        }
        for (index, literal) in self.literals.iter().enumerate() {
            pairs.push(parse_literal(literal).ok_or_else(|| {
                Error::new(format_args!("{literal:?} is no pair of a key and a value"))
                    .field(format!("literals[{index}]"))
                    .hint("write `KEY=VALUE`")
            })?);
        }
        for (index, file) in self.files.iter().enumerate() {
            let at = |error: Error| error.field(format!("files[{index}]"));
            let (key, path) = parse_file(file).map_err(at)?;
            pairs.push((key.to_owned(), files.read(folder, path).map_err(at)?));
        }
        Ok(pairs)
    }
}

fn shown(folder: &Folder, path: &str) -> String {
    folder.join(path).unwrap_or_else(|_| path.to_owned())
}

/// A line of an `envs` file; none for an empty one and a comment. A key without `=` has the empty
/// value. Quotes are part of the value.
fn env_line(line: &[u8], first: bool) -> Result<Option<Pair>> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text = std::str::from_utf8(line).map_err(|_| Error::new("the line is not UTF-8"))?;
    let text = match text.strip_prefix('\u{feff}') {
        Some(text) if first => text,
        _ => text,
    };
    let text = text.trim_start();
    if text.is_empty() || text.starts_with('#') {
        return Ok(None);
    }
    let (key, value) = text.split_once('=').unwrap_or((text, ""));
    // kustomize passes over a line without a key.
    Ok((!key.is_empty()).then(|| (key.to_owned(), value.as_bytes().to_vec())))
}

fn parse_literal(literal: &str) -> Option<Pair> {
    let (key, value) = literal.split_once('=')?;
    let quoted = ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote));
    let value = quoted.unwrap_or(value).as_bytes().to_vec();
    (!key.is_empty()).then(|| (key.to_owned(), value))
}

fn parse_file(source: &str) -> Result<(&str, &str)> {
    let wrong = |what: &str| {
        Err(Error::new(format_args!("{source:?} {what}")).hint("write `PATH` or `KEY=PATH`"))
    };
    match source.split_once('=') {
        None => Ok((base_name(source), source)),
        Some(("", _)) => wrong("names no key"),
        Some((_, "")) => wrong("names no file"),
        Some((_, path)) if path.contains('=') => wrong("has more than one `=`"),
        Some(pair) => Ok(pair),
    }
}

fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("A=b=c", Some(("A", "b=c")))]
    #[case::quotes_stay("A=\"b\"", Some(("A", "\"b\"")))]
    #[case::no_value("A", Some(("A", "")))]
    #[case::space_before("  \tA= b ", Some(("A", " b ")))]
    #[case::carriage_return("A=b\r", Some(("A", "b")))]
    #[case::comment("  # A=b", None)]
    #[case::empty("", None)]
    #[case::no_key("=b", None)]
    fn lines_of_env_files(#[case] line: &str, #[case] expected: Option<(&str, &str)>) {
        let pair = env_line(line.as_bytes(), false).unwrap();
        let expected = expected.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(pair, expected);
    }

    #[rstest]
    #[case::plain("a=x", Some(("a", "x")))]
    #[case::double_quotes("a=\"x y\"", Some(("a", "x y")))]
    #[case::single_quotes("a='x'", Some(("a", "x")))]
    #[case::one_quote("a=\"", Some(("a", "\"")))]
    #[case::mixed_quotes("a=\"x'", Some(("a", "\"x'")))]
    #[case::equals_in_the_value("a=b=c", Some(("a", "b=c")))]
    #[case::empty_value("a=", Some(("a", "")))]
    #[case::no_equals("a", None)]
    #[case::no_key("=x", None)]
    fn literals(#[case] literal: &str, #[case] expected: Option<(&str, &str)>) {
        let expected = expected.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
        assert_eq!(parse_literal(literal), expected);
    }

    #[rstest]
    #[case("dir/a.txt", Some(("a.txt", "dir/a.txt")))]
    #[case("k=dir/a.txt", Some(("k", "dir/a.txt")))]
    #[case("=dir/a.txt", None)]
    #[case("k=", None)]
    #[case("k=a=b", None)]
    fn file_sources(#[case] source: &str, #[case] expected: Option<(&str, &str)>) {
        assert_eq!(parse_file(source).ok(), expected);
    }
}
