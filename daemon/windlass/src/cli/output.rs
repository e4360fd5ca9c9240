//! Formats and tables of the commands that print.

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets};
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

/// Prints a value as JSON or YAML.
pub(crate) fn print_value(value: &impl Serialize, format: Format) -> Result<(), Failed> {
    let value = serde_json::to_value(value)
        .map_err(|error| Failed::new("WL0002", format!("the output cannot be written: {error}")))?;
    match format {
        Format::Json => println!("{value:#}"),
        Format::Yaml | Format::Table => print!("{}", windlass_manifest::to_yaml(&value)),
    }
    Ok(())
}

/// A table without lines, as kubectl prints; it fits 100 columns by folding the last one.
pub(crate) fn table(header: &[&str]) -> Table {
    const WIDTH: u16 = 100;
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(header.iter().map(|name| name.to_uppercase()));
    table
}

/// The lines of a table without the spaces that pad them.
pub(crate) fn lines(table: &Table) -> Vec<String> {
    let text = table.to_string();
    text.lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end().to_owned())
        .collect()
}

/// Prints a table.
pub(crate) fn print_table(table: &Table) {
    for line in lines(table) {
        println!("{line}");
    }
}

/// The first characters of a commit id, as people know it; `-` for none.
pub(crate) fn short(revision: Option<&str>) -> String {
    revision.map_or_else(
        || "-".to_owned(),
        |revision| revision.chars().take(8).collect(),
    )
}
