//! The author's loop as an author goes through it: a new plugin is built, tested, changed and looked at.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use rstest::rstest;
use tempfile::TempDir;

/// What Cargo sets for this test and what would make of the plugin another program.
const FOREIGN: [&str; 5] = [
    "RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
];

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_windlass"));
    for name in FOREIGN {
        command.env_remove(name);
    }
    // One for all plugins in Rust, so that what they have in common is compiled once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authors");
    command
        .args(arguments)
        .env("CARGO_TARGET_DIR", target)
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

/// Runs a command that has to end with an exit code, and gives what it printed.
#[track_caller]
fn ends(folder: &Path, code: i32, arguments: &[&str]) -> String {
    let output = windlass(folder, arguments);
    assert_eq!(
        output.status.code(),
        Some(code),
        "{arguments:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn has(program: &str, arguments: &[&str]) -> bool {
    let found = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    found.is_ok_and(|status| status.success())
}

/// The toolchains that need more than themselves install packages, which takes minutes and the network;
/// their tests run when `WINDLASS_TEST_TOOLCHAINS` is set.
fn skipped(lang: &str) -> Option<&'static str> {
    let asked = std::env::var_os("WINDLASS_TEST_TOOLCHAINS").is_some();
    match lang {
        "rust" if !has("cargo", &["--version"]) => Some("there is no cargo"),
        "go" if !has("go", &["version"]) => Some("there is no go"),
        "js" | "python" | "c" if !asked => Some("WINDLASS_TEST_TOOLCHAINS is not set"),
        _ => None,
    }
}

#[rstest]
#[case("rust", "component")]
#[case("go", "function")]
#[case("js", "component")]
#[case("python", "component")]
#[case("c", "function")]
fn a_new_plugin_builds_and_passes_its_tests(#[case] lang: &str, #[case] kind: &str) {
    if let Some(reason) = skipped(lang) {
        eprintln!("skipped: {reason}");
        return;
    }
    let folder = TempDir::new().unwrap();
    let here = folder.path();
    ends(here, 0, &["plugin", "new", "owner", "--lang", lang]);
    assert!(
        ends(here, 2, &["plugin", "test", "owner"]).is_empty(),
        "what is not built cannot be tested"
    );
    let built = ends(here, 0, &["plugin", "build", "owner"]);
    assert!(built.starts_with("owner/dist/owner.wasm  "), "{built}");
    let tested = ends(here, 0, &["plugin", "test", "owner"]);
    assert_eq!(
        tested
            .lines()
            .filter(|line| line.starts_with("ok "))
            .count(),
        2,
        "{tested}"
    );

    let report = ends(here, 0, &["plugin", "inspect", "owner", "-o", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["kind"], kind);

    fs::write(here.join("owner/tests/labels/config.yaml"), "team: shop\n").unwrap();
    let differs = ends(here, 1, &["plugin", "test", "owner"]);
    assert!(
        differs.contains("-    team: payments\n") && differs.contains("+    team: shop\n"),
        "{differs}"
    );
    ends(here, 0, &["plugin", "test", "owner", "--update"]);
    ends(here, 0, &["plugin", "test", "owner"]);

    // A misspelt key is refused by every template.
    fs::write(here.join("owner/tests/labels/config.yaml"), "teams: shop\n").unwrap();
    let refused = ends(here, 1, &["plugin", "test", "owner"]);
    assert!(refused.contains("+++ what came out"), "{refused}");
}

/// Copies a folder without what is built in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if !path.is_dir() {
            fs::copy(&path, &target).unwrap();
        } else if entry.file_name() != "target" && entry.file_name() != "dist" {
            copy(&path, &target);
        }
    }
}

#[rstest]
#[case("go-resource-defaults", "go")]
#[case("rust-ingress-hosts", "rust")]
fn an_example_passes_its_tests(#[case] example: &str, #[case] lang: &str) {
    if let Some(reason) = skipped(lang) {
        eprintln!("skipped: {reason}");
        return;
    }
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let plugins = plugins.canonicalize().unwrap();
    let folder = TempDir::new().unwrap();
    let copied = folder.path().join(example);
    copy(&plugins.join("examples").join(example), &copied);
    let manifest = copied.join("Cargo.toml");
    if let Ok(text) = fs::read_to_string(&manifest) {
        let sdk = plugins.join("sdk");
        fs::write(manifest, text.replace("../../sdk", sdk.to_str().unwrap())).unwrap();
    }
    ends(folder.path(), 0, &["plugin", "build", example]);
    ends(folder.path(), 0, &["plugin", "test", example]);
}

/// What goes wrong says which page explains it, and exits with 2.
#[rstest]
#[case::language(&["plugin", "build", "."], "WL0421")]
#[case::no_tests(&["plugin", "test", "."], "WL0424")]
#[case::not_there(&["plugin", "inspect", "requires"], "WL0425")]
#[case::no_file(&["plugin", "inspect", "a/b.wasm"], "WL0003")]
#[case::name(&["plugin", "new", "Team", "--lang", "go"], "WL0426")]
#[case::folder(&["plugin", "new", "team", "--lang", "go", "--dir", "."], "WL0426")]
fn what_cannot_be_done_is_explained(#[case] arguments: &[&str], #[case] code: &str) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("notes.txt"), "").unwrap();
    let output = windlass(folder.path(), arguments);
    let stderr = text(&output.stderr);
    assert!(stderr.contains(&format!("error[{code}]")), "{stderr}");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
}

#[rstest]
fn help_fits_100_columns(
    #[values("new", "build", "test", "inspect", "list", "bench")] command: &str,
) {
    let folder = TempDir::new().unwrap();
    for line in ends(folder.path(), 0, &["plugin", command, "--help"]).lines() {
        assert!(line.chars().count() <= 100, "{command}: {line}");
    }
}

#[test]
fn the_built_in_plugins_are_listed() {
    let folder = TempDir::new().unwrap();
    let list = ends(folder.path(), 0, &["plugin", "list", "-o", "json"]);
    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let require = list.as_array().unwrap().iter();
    let require = require.filter(|row| row["name"] == "require");
    assert_eq!(
        require.map(|row| &row["does"]).collect::<Vec<_>>(),
        [&serde_json::json!(["validate"])],
        "{list}"
    );
}

/// The built-in plugins are tested as any other: here a policy, whose findings are golden.
#[test]
fn a_policy_is_tested_by_its_findings() {
    let folder = TempDir::new().unwrap();
    let case = folder.path().join("tests/plain");
    fs::create_dir_all(&case).unwrap();
    fs::write(
        case.join("input.yaml"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: hunter2}\n",
    )
    .unwrap();
    let test = ["plugin", "test", ".", "--plugin", "require"];
    ends(folder.path(), 2, &test);
    ends(folder.path(), 0, &[&test[..], &["--update"]].concat());
    let findings = fs::read_to_string(case.join("findings.yaml")).unwrap();
    assert!(findings.contains("object: Secret s"), "{findings}");
    assert!(
        !case.join("expected.yaml").exists(),
        "a policy leaves the objects as they are"
    );
    ends(folder.path(), 0, &test);
}

#[test]
fn a_plugin_is_measured_against_doing_nothing() {
    let folder = TempDir::new().unwrap();
    let bench = [
        "plugin",
        "bench",
        "require",
        "--objects",
        "50",
        "--runs",
        "1",
    ];
    let report = ends(folder.path(), 0, &[&bench[..], &["-o", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    for key in ["start", "call", "perObject"] {
        assert!(report[key].as_f64().unwrap() >= 0.0, "{key} of {report}");
        assert!(report["nothing"][key].is_f64(), "{key} of {report}");
    }
}

/// Longer than anything takes that ends at all.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lines that a command prints, as they come.
fn lines(output: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Waits for a line, and fails with those that came instead.
#[track_caller]
fn wait_for(lines: &Receiver<String>, wanted: &str) {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(wanted) => return,
            Ok(line) => seen.push(line),
            Err(error) => panic!("`{wanted}` did not come ({error}); but {seen:#?}"),
        }
    }
}

#[test]
fn a_watched_environment_is_rendered_again_when_a_file_is_saved() {
    let folder = TempDir::new().unwrap();
    let shop = folder.path().join("shop");
    fs::create_dir(&shop).unwrap();
    let map = |colour: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: sky}}\ndata: {{colour: {colour}}}\n"
        )
    };
    fs::write(shop.join("sky.yaml"), map("blue")).unwrap();
    let mut child = command(folder.path(), &["render", "shop", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = lines(child.stdout.take().unwrap());
    let messages = lines(child.stderr.take().unwrap());
    wait_for(&output, "colour: blue");
    // As editors save: another file takes the place of the first.
    fs::write(shop.join("sky.new"), map("grey")).unwrap();
    fs::rename(shop.join("sky.new"), shop.join("sky.yaml")).unwrap();
    wait_for(&output, "+  colour: grey");
    fs::write(shop.join("sky.yaml"), "kind: [").unwrap();
    wait_for(&messages, "error[WL0");
    fs::write(shop.join("sky.yaml"), map("red")).unwrap();
    wait_for(&output, "+  colour: red");
    fs::write(shop.join("sea.yaml"), map("green").replace("sky", "sea")).unwrap();
    wait_for(&output, "create ConfigMap sea");
    child.kill().unwrap();
    child.wait().unwrap();
}
