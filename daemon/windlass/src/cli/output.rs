//! What the commands print: data on standard output, everything else on standard error.

use std::fmt::Display;
use std::io::{ErrorKind, Write as _, stderr, stdout};

use clap::ValueEnum;
use serde::Serialize;

use super::Failed;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Columns for people.
    Table,
    Yaml,
    Json,
}

/// Writes data to standard output.
///
/// # Errors
/// [`Failed::unread`] when the reader has gone, as `| head` does, and `WL0002` when the text cannot be
/// written for another reason, such as a full disk.
pub(crate) fn put(text: &str) -> Result<(), Failed> {
    let mut out = stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failed::unread(),
        _ => Failed::new("WL0002", format!("the output cannot be written: {error}")),
    })
}

/// Says something on standard error. When nobody reads it, there is nobody to be told so.
pub(crate) fn tell(text: impl Display) {
    let _nobody_reads = writeln!(stderr(), "{text}");
}

/// Prints a value as JSON or YAML.
pub(crate) fn print_value(value: &impl Serialize, format: Format) -> Result<(), Failed> {
    let value = serde_json::to_value(value)
        .map_err(|error| Failed::new("WL0002", format!("the output cannot be written: {error}")))?;
    match format {
        Format::Json => put(&format!("{value:#}\n")),
        Format::Yaml | Format::Table => put(&windlass_manifest::to_yaml(&value)),
    }
}

/// A table without lines, as kubectl prints.
///
/// The columns are as wide as what is in them, but for the last one: it is folded between words to fit 100 columns.
/// A word that is longer than that stays whole, because it is a path or a digest that somebody copies.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    const WIDTH: usize = 100;

    /// What the last column gets at least, however wide the others are.
    const LAST: usize = 40;

    const GAP: usize = 2;

    pub(crate) fn new(header: [&str; COLUMNS]) -> Self {
        Self {
            rows: vec![header.map(str::to_uppercase)],
        }
    }

    /// A table whose rows say themselves what they are.
    pub(crate) fn plain() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// The table, with a line break at the end of every line.
    pub(crate) fn text(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..COLUMNS.saturating_sub(1)).map(width).collect();
        let taken: usize = widths.iter().map(|width| width + Self::GAP).sum();
        let room = Self::WIDTH.saturating_sub(taken).max(Self::LAST);
        let mut text = String::new();
        for row in &self.rows {
            let Some((last, cells)) = row.split_last() else {
                continue;
            };
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                line.push_str(&format!("{cell:width$}{:1$}", "", Self::GAP));
            }
            for part in fold(last, room) {
                text.push_str((line + &part).trim_end());
                text.push('\n');
                line = " ".repeat(taken);
            }
        }
        text
    }
}

/// Breaks a text between words into lines of at most `width` characters; at least one line.
fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        lines.push(line);
    }
    lines
}

/// The first characters of a commit id, as people know it; `-` for none.
pub(crate) fn short(revision: Option<&str>) -> String {
    revision.map_or_else(
        || "-".to_owned(),
        |revision| revision.chars().take(8).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", 10, &[""])]
    #[case("one two three", 7, &["one two", "three"])]
    #[case("at shop/environment.yaml:4:3: wrong", 8, &["at", "shop/environment.yaml:4:3:", "wrong"])]
    #[case("one\n  two three", 80, &["one", "two three"])]
    #[case("größe größe", 5, &["größe", "größe"])]
    fn a_text_is_folded_between_words(
        #[case] text: &str,
        #[case] width: usize,
        #[case] expected: &[&str],
    ) {
        assert_eq!(fold(text, width), expected, "{text:?} in {width}");
    }

    #[test]
    fn only_the_last_column_is_folded() {
        let mut table = Table::new(["name", "message"]);
        let name = "n".repeat(55);
        table.row([name.clone(), "word ".repeat(10)]);
        table.row(["b".to_owned(), String::new()]);
        let gap = " ".repeat(51);
        assert_eq!(
            table.text(),
            format!(
                "NAME{gap}  MESSAGE\n{name}  word word word word word word word word\n{:57}word word\nb\n",
                ""
            )
        );
    }
}
