//! The command line as a person meets it: what is printed, where, and with which exit code.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rstest::rstest;
use tempfile::TempDir;

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    command
        .args(arguments)
        .current_dir(folder)
        .env("XDG_CACHE_HOME", folder.join(".cache"));
    command
}

fn windlass(folder: &Path, arguments: &[&str]) -> Output {
    command(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A folder `shop` with an environment, whose text is `environment`, and a Deployment.
fn shop(environment: &str) -> TempDir {
    let folder = TempDir::new().unwrap();
    let shop = folder.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let head = "apiVersion: windlass.dev/v1alpha1\nkind: Environment\n";
    fs::write(
        shop.join("environment.yaml"),
        format!("{head}{environment}"),
    )
    .unwrap();
    fs::write(
        shop.join("config.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: colours}\ndata: {sky: \"${SKY}\"}\n",
    )
    .unwrap();
    folder
}

#[test]
fn render_prints_yaml_and_remembers() {
    let folder = shop("spec:\n  namespace: shop\n  variables: {SKY: blue}\n");
    let first = windlass(folder.path(), &["render", "shop", "--explain"]);
    assert!(first.status.success(), "{}", text(&first.stderr));
    assert_eq!(
        text(&first.stdout),
        "apiVersion: v1\ndata:\n  sky: blue\nkind: ConfigMap\nmetadata:\n  name: colours\n  namespace: shop\n"
    );
    assert!(
        text(&first.stderr).contains(" ran "),
        "{}",
        text(&first.stderr)
    );
    let second = windlass(folder.path(), &["render", "shop", "--explain"]);
    assert_eq!(
        first.stdout, second.stdout,
        "the same inputs give the same bytes"
    );
    assert!(
        text(&second.stderr).contains("remembered"),
        "{}",
        text(&second.stderr)
    );
}

#[test]
fn render_prints_json() {
    let folder = shop("spec: {variables: {SKY: blue}}\n");
    let output = windlass(folder.path(), &["render", "shop", "-o", "json"]);
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(value[0]["data"]["sky"], "blue");
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_right_name() {
    let folder = shop("spec:\n  namspace: shop\n");
    let output = windlass(folder.path(), &["render", "shop"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty(), "data and errors do not mix");
    assert_eq!(
        text(&output.stderr),
        "error[WL0103]: shop/environment.yaml:4:3: unknown key `spec.namspace`; did you mean \
         `namespace`?\n  `windlass explain WL0103` says more\n"
    );
}

#[test]
fn a_finding_of_a_validator_makes_exit_code_1() {
    let folder = shop(
        "spec:\n  variables: {SKY: blue}\n  pipeline:\n  - plugin: manifests\n  - plugin: require\n",
    );
    fs::write(
        folder.path().join("shop/secret.yaml"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n",
    )
    .unwrap();
    let output = windlass(folder.path(), &["render", "shop"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("no-plain-secrets"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_misspelt_plugin_gets_a_suggestion() {
    let folder = shop("spec:\n  pipeline:\n  - plugin: manifest\n");
    let output = windlass(folder.path(), &["render", "shop"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("manifests"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn a_folder_for_a_plugin_that_is_not_there_is_refused() {
    let folder = shop("");
    fs::write(folder.path().join("shop/Chart.yaml"), "name: shop\n").unwrap();
    let output = windlass(folder.path(), &["render", "shop"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("error[WL0105]"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn every_code_is_explained() {
    let folder = TempDir::new().unwrap();
    let list = windlass(folder.path(), &["explain"]);
    let codes = text(&list.stdout);
    assert!(codes.lines().count() > 50, "{codes}");
    let page = windlass(folder.path(), &["explain", "wl0103"]);
    assert!(text(&page.stdout).starts_with("# WL0103: an unknown key"));
    let unknown = windlass(folder.path(), &["explain", "WL9999"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn the_definitions_can_be_printed_without_a_cluster() {
    let folder = TempDir::new().unwrap();
    let output = windlass(folder.path(), &["install", "--print"]);
    assert!(output.status.success());
    assert!(text(&output.stdout).contains("name: environments.windlass.dev"));
}

#[test]
fn help_fits_100_columns() {
    let folder = TempDir::new().unwrap();
    for command in [
        "run", "render", "diff", "status", "sync", "tree", "install", "explain",
    ] {
        let output = windlass(folder.path(), &[command, "--help"]);
        for line in text(&output.stdout).lines() {
            assert!(line.chars().count() <= 100, "{command}: {line}");
        }
    }
}

/// The writing end of a pipe that nobody reads.
fn unread() -> std::io::PipeWriter {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer
}

#[rstest]
#[case::explain(&["explain"])]
#[case::one_page(&["explain", "WL0103"])]
#[case::version(&["version"])]
#[case::install(&["install", "--print"])]
#[case::render(&["render", "shop"])]
#[case::render_json(&["render", "shop", "-o", "json"])]
fn output_that_nobody_reads_ends_the_command_quietly(#[case] arguments: &[&str]) {
    let folder = shop("spec: {variables: {SKY: blue}}\n");
    let mut command = command(folder.path(), arguments);
    let output = command.stdout(unread()).output().unwrap();
    assert_eq!(text(&output.stderr), "", "{arguments:?}");
    assert_eq!(output.status.code(), Some(141), "{arguments:?}");
}

#[rstest]
#[case::error(&["render", "not-there"], 2)]
#[case::unknown(&["explain", "WL9999"], 2)]
#[case::explained(&["render", "shop", "--explain"], 0)]
#[case::daemon(&["run", "--listen", "256.0.0.1:0"], 2)]
fn messages_that_nobody_reads_change_no_exit_code(
    #[case] arguments: &[&str],
    #[case] expected: i32,
) {
    let folder = shop("spec: {variables: {SKY: blue}}\n");
    let mut command = command(folder.path(), arguments);
    let output = command.stderr(unread()).output().unwrap();
    assert_eq!(output.status.code(), Some(expected), "{arguments:?}");
}
