//! `windlass plugin inspect PLUGIN`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use windlass_manifest::{Json, to_yaml};
use windlass_plugin_host::{CONTRACT_VERSION, Exports, Kind, Scope};

use super::open::{self, Opened, size};
use crate::cli::output::{Table, print_value, put};
use crate::cli::{Failed, Format};

/// Arguments of `windlass plugin inspect`.
#[derive(Debug, Args)]
pub(crate) struct InspectArgs {
    /// A built-in plugin by name, a `.wasm` file, or the folder of a plugin that was built.
    plugin: String,
    /// How the data is printed.
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    /// Where compiled plugins are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

/// What there is to know about a plugin without running it on objects.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    name: String,
    version: String,
    summary: String,
    kind: Kind,
    /// The contract that its file names; none for a KRM function.
    contract: Option<String>,
    scope: Scope,
    /// `transform`, `validate`, `assess`.
    does: Vec<&'static str>,
    /// What of Windlass it asks for: `files`, `secrets`, `log`, `plugins`.
    capabilities: Vec<String>,
    imports: Vec<String>,
    exports: Vec<String>,
    digest: String,
    bytes: u64,
    /// The JSON Schema of its configuration; null when it accepts anything.
    config_schema: Option<Json>,
}

/// The interfaces of the contract begin so.
const CONTRACT: &str = "windlass:plugin/";

/// Prints what a plugin is.
pub(crate) fn inspect(args: &InspectArgs) -> Result<ExitCode, Failed> {
    let renderer = open::renderer(args.cache_dir.as_deref())?;
    let report = report(&open::open(renderer.host(), &args.plugin)?);
    match args.output {
        Format::Table => put(&text(&report))?,
        format => print_value(&report, format)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn report(opened: &Opened) -> Report {
    let Opened { plugin, bytes } = opened;
    let description = plugin.description();
    let imports = plugin.imported();
    let exports = plugin.exported();
    Report {
        name: description.name.clone(),
        version: description.version.clone(),
        summary: description.summary.clone(),
        kind: plugin.kind(),
        contract: contract(&exports),
        scope: description.scope,
        does: does(plugin.exports()),
        capabilities: capabilities(&imports),
        imports,
        exports,
        digest: format!("sha256:{}", plugin.digest()),
        bytes: *bytes,
        config_schema: description.config_schema.clone(),
    }
}

/// What a plugin can be asked for.
pub(super) fn does(exports: Exports) -> Vec<&'static str> {
    let Exports {
        transform,
        validate,
        assess,
    } = exports;
    [
        (transform, "transform"),
        (validate, "validate"),
        (assess, "assess"),
    ]
    .into_iter()
    .filter_map(|(has, name)| has.then_some(name))
    .collect()
}

/// The version of the contract that an export names.
fn contract(exports: &[String]) -> Option<String> {
    exports
        .iter()
        .find_map(|name| name.strip_prefix(CONTRACT)?.split_once('@'))
        .map(|(_, version)| format!("windlass:plugin@{version}"))
}

/// What a plugin asks Windlass for. Of WASI nothing is named: there is nothing behind it.
fn capabilities(imports: &[String]) -> Vec<String> {
    imports
        .iter()
        .filter_map(|name| name.strip_prefix(CONTRACT)?.split_once('@'))
        .map(|(interface, _)| interface.to_owned())
        // Types carry nothing.
        .filter(|interface| interface != "types")
        .collect()
}

fn text(report: &Report) -> String {
    let list = |items: &[String]| match items {
        [] => "none".to_owned(),
        items => items.join("\n"),
    };
    let kind = match report.kind {
        Kind::Component => "component",
        Kind::Function => "KRM function",
    };
    let contract = report.contract.as_deref().map_or_else(
        || "config.kubernetes.io/v1 ResourceList".to_owned(),
        |contract| format!("{contract} (this Windlass: {CONTRACT_VERSION})"),
    );
    let scope = match report.scope {
        Scope::Object => "object: each is handled as if it were alone",
        Scope::Set => "set: all objects are seen together",
    };
    let mut table = Table::plain();
    for (name, value) in [
        ("name", report.name.clone()),
        ("version", report.version.clone()),
        ("summary", report.summary.clone()),
        ("kind", kind.to_owned()),
        ("contract", contract),
        ("does", report.does.join(", ")),
        ("scope", scope.to_owned()),
        ("capabilities", list(&report.capabilities)),
        ("imports", list(&report.imports)),
        ("exports", list(&report.exports)),
        ("digest", report.digest.clone()),
        ("size", size(report.bytes)),
    ] {
        table.row([name.to_owned(), value]);
    }
    let schema = match &report.config_schema {
        Some(schema) => {
            let schema = to_yaml(schema);
            let lines = schema.lines().map(|line| format!("  {line}\n"));
            format!("configuration:\n{}", lines.collect::<String>())
        }
        None => "configuration: any, there is no schema\n".to_owned(),
    };
    table.text() + &schema
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[rstest]
    #[case::wasi_only(&["wasi:cli/environment@0.2.0"], &[])]
    #[case::types_carry_nothing(&["windlass:plugin/types@0.1.0"], &[])]
    #[case::files_and_log(
        &["wasi:io/poll@0.2.0", "windlass:plugin/files@0.1.0", "windlass:plugin/log@0.1.0"],
        &["files", "log"]
    )]
    fn capabilities_are_the_imports_of_the_contract(
        #[case] imports: &[&str],
        #[case] expected: &[&str],
    ) {
        assert_eq!(capabilities(&names(imports)), names(expected));
    }

    #[test]
    fn a_built_in_plugin_is_reported() {
        let cache = tempfile::TempDir::new().unwrap();
        let renderer = open::renderer(Some(cache.path())).unwrap();
        let report = report(&open::open(renderer.host(), "require").unwrap());
        assert_eq!(report.does, ["validate"]);
        assert_eq!(report.kind, Kind::Component);
        assert_eq!(
            report.contract.as_deref(),
            Some("windlass:plugin@0.1.0"),
            "{:?}",
            report.exports
        );
        assert!(report.config_schema.is_some(), "it has a schema");
    }
}
