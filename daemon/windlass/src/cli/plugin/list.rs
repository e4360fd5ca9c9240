//! `windlass plugin list`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::inspect::does;
use super::open;
use crate::cli::output::{Table, print_value, put};
use crate::cli::{Failed, Format};

/// Arguments of `windlass plugin list`.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// How the data is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Where compiled plugins are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    version: String,
    does: Vec<&'static str>,
    summary: String,
}

/// Prints the built-in plugins, sorted by name.
pub(crate) fn list(args: &ListArgs) -> Result<ExitCode, Failed> {
    let renderer = open::renderer(args.cache_dir.as_deref())?;
    let mut rows = Vec::new();
    for name in windlass_plugins::names() {
        let plugin = open::open(renderer.host(), name)?.plugin;
        rows.push(Row {
            name: name.to_owned(),
            version: plugin.version().to_owned(),
            does: does(plugin.exports()),
            summary: plugin.description().summary.clone(),
        });
    }
    match args.output {
        Format::Table => {
            let mut table = Table::new(["name", "version", "does", "summary"]);
            for row in rows {
                table.row([row.name, row.version, row.does.join(", "), row.summary]);
            }
            put(&table.text())?;
        }
        format => print_value(&rows, format)?,
    }
    Ok(ExitCode::SUCCESS)
}
