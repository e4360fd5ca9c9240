//! `windlass build` as a person meets it, and what it does with a kustomization that means harm.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use rstest::{fixture, rstest};
use serde_json::Value;
use tempfile::TempDir;

const OBJECT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

/// An empty folder; the compiled plugin is kept between the tests.
#[fixture]
fn folder() -> TempDir {
    TempDir::new().unwrap()
}

fn put(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn build(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_windlass"))
        .args(["build", "--root", "."])
        .args(arguments)
        .current_dir(root)
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What a build that fails says, and that it says nothing else.
fn refusal(root: &Path, arguments: &[&str]) -> String {
    let output = build(root, arguments);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "the build fails: {error}");
    assert_eq!(
        text(&output.stdout),
        "",
        "nothing is printed that could be taken for a result"
    );
    assert!(
        error.contains("plugin `kustomize`"),
        "the plugin is named: {error}"
    );
    error
}

#[rstest]
fn it_prints_what_kustomize_prints(folder: TempDir) {
    let root = folder.path();
    put(
        root,
        "base/kustomization.yaml",
        "resources: [a.yaml]\nnamePrefix: x-\n",
    );
    put(root, "base/a.yaml", OBJECT);
    put(
        root,
        "prod/kustomization.yaml",
        "resources: [../base]\nnamespace: shop\n",
    );
    let output = build(root, &["prod"]);
    assert_eq!(
        text(&output.stdout),
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x-a\n  namespace: shop\n",
        "{}",
        text(&output.stderr)
    );
    let json: Value = serde_json::from_slice(&build(root, &["prod", "-o", "json"]).stdout).unwrap();
    assert_eq!(json[0]["metadata"]["name"], "x-a", "{json}");
}

#[rstest]
fn the_flags_are_those_of_kustomize(folder: TempDir) {
    let root = folder.path();
    put(root, "shared.txt", "hello");
    put(
        root,
        "app/kustomization.yaml",
        "resources: [service.yaml, namespace.yaml]\n\
         configMapGenerator: [{name: c, files: [../shared.txt]}]\n",
    );
    put(
        root,
        "app/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\n",
    );
    put(
        root,
        "app/namespace.yaml",
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: n}\n",
    );
    let error = refusal(root, &["app"]);
    assert!(
        error.contains("LoadRestrictionsNone"),
        "the flag is named: {error}"
    );
    let kinds = |order: &str| {
        let flags = [
            "app",
            "--reorder",
            order,
            "--load-restrictor",
            "LoadRestrictionsNone",
        ];
        let output = build(root, &flags);
        text(&output.stdout)
            .lines()
            .filter_map(|line| line.strip_prefix("kind: ").map(str::to_owned))
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds("none"), ["Service", "Namespace", "ConfigMap"]);
    assert_eq!(kinds("legacy"), ["Namespace", "ConfigMap", "Service"]);
}

#[rstest]
fn an_alias_bomb_is_bounded(folder: TempDir) {
    let mut bomb = format!("{OBJECT}a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..10 {
        let inner = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{inner}]").unwrap();
    }
    put(
        folder.path(),
        "app/kustomization.yaml",
        "resources: [bomb.yaml]\n",
    );
    put(folder.path(), "app/bomb.yaml", bomb);
    let error = refusal(folder.path(), &["app"]);
    assert!(
        error.contains("app/bomb.yaml:") && error.contains("aliases"),
        "file and cause are named: {error}"
    );
}

#[rstest]
fn a_thousand_nested_bases_are_bounded(folder: TempDir) {
    for depth in 0..1000 {
        let next = format!("resources: [../b{}]\n", depth + 1);
        put(folder.path(), &format!("b{depth}/kustomization.yaml"), next);
    }
    put(folder.path(), "b1000/kustomization.yaml", "namePrefix: x\n");
    let error = refusal(folder.path(), &["b0"]);
    assert!(
        error.contains("b99/kustomization.yaml:1") && error.contains("nested"),
        "file and cause are named: {error}"
    );
}

/// Bases that double: 2^40 kustomizations from forty folders.
#[rstest]
fn bases_that_double_are_bounded(folder: TempDir) {
    for depth in 0..40 {
        let twice = format!("resources: [../l{next}, ../r{next}]\n", next = depth + 1);
        put(
            folder.path(),
            &format!("l{depth}/kustomization.yaml"),
            &twice,
        );
        put(
            folder.path(),
            &format!("r{depth}/kustomization.yaml"),
            &twice,
        );
    }
    for side in ["l40", "r40"] {
        put(
            folder.path(),
            &format!("{side}/kustomization.yaml"),
            "resources: []\n",
        );
    }
    let error = refusal(folder.path(), &["l0"]);
    assert!(
        error.contains("kustomizations"),
        "the cause is named: {error}"
    );
}

#[rstest]
#[case::that_backtracks("(a+)+$", None)]
#[case::that_backtracks_twice("(a|a)*(a|aa)+$", None)]
#[case::that_is_large("((a{1,1000}){1,1000}){1,1000}", Some("size limit"))]
#[case::that_is_nested(&"(".repeat(2000), Some("regular expression"))]
fn a_regular_expression_is_bounded(
    folder: TempDir,
    #[case] expression: &str,
    #[case] refused: Option<&str>,
) {
    let name = format!("{}b", "a".repeat(50_000));
    let patch = format!(
        "resources: [a.yaml]\npatches:\n- target: {{name: '{expression}'}}\n  patch: |-\n    \
         - {{op: add, path: /data, value: {{}}}}\n"
    );
    put(folder.path(), "app/kustomization.yaml", patch);
    put(
        folder.path(),
        "app/a.yaml",
        OBJECT.replace("name: a", &format!("name: {name}")),
    );
    match refused {
        None => {
            let output = build(folder.path(), &["app"]);
            let printed = text(&output.stdout);
            assert!(
                printed.contains(&name),
                "it is built: {}",
                text(&output.stderr)
            );
        }
        Some(cause) => {
            let error = refusal(folder.path(), &["app"]);
            assert!(
                error.contains("app/kustomization.yaml") && error.contains(cause),
                "file and cause are named: {error}"
            );
        }
    }
}

#[rstest]
fn a_resource_of_100_mb_is_refused(folder: TempDir) {
    put(
        folder.path(),
        "app/kustomization.yaml",
        "resources: [large.yaml]\n",
    );
    let mut large = format!("{OBJECT}data:\n  x: ").into_bytes();
    large.resize(100_000_000, b'y');
    put(folder.path(), "app/large.yaml", large);
    let error = refusal(folder.path(), &["app"]);
    assert!(
        error.contains("app/large.yaml: the file is larger than"),
        "file and cause are named: {error}"
    );
}

/// Every replacement doubles the value that the next one copies.
#[rstest]
fn replacements_that_double_are_bounded(folder: TempDir) {
    let mut text = String::from("resources: [a.yaml]\nreplacements:\n");
    for _ in 0..60 {
        text.push_str(
            "- source: {kind: ConfigMap, fieldPath: data}\n  targets:\n  - select: {kind: ConfigMap}\n    \
             fieldPaths: [data.l, data.r]\n    options: {create: true}\n",
        );
    }
    put(folder.path(), "app/kustomization.yaml", text);
    put(
        folder.path(),
        "app/a.yaml",
        format!("{OBJECT}data: {{x: y}}\n"),
    );
    let error = refusal(folder.path(), &["app"]);
    assert!(error.contains("app/"), "the file is named: {error}");
}

#[rstest]
#[case::a_cycle("resources: [../app]\n", "in which it is already")]
#[case::out_of_the_root("resources: [../../etc]\n", "there is no file or folder etc")]
#[case::a_file_out_of_the_root(
    "configMapGenerator: [{name: a, files: [../../etc/passwd]}]\n",
    "leads out of the tree"
)]
#[case::an_absolute_path("resources: [/etc/passwd]\n", "is an absolute path")]
#[case::the_network(
    "resources: ['https://example.com/a.yaml']\n",
    "https://example.com/a.yaml"
)]
#[case::helm("helmCharts: [{name: x}]\n", "kustomize would run Helm")]
#[case::a_misspelt_field("resource: []\n", "did you mean `resources`")]
fn what_is_refused_names_the_file_and_the_field(
    folder: TempDir,
    #[case] kustomization: &str,
    #[case] message: &str,
) {
    put(folder.path(), "app/kustomization.yaml", kustomization);
    let error = refusal(folder.path(), &["app"]);
    assert!(
        error.contains("app/kustomization.yaml:1") && error.contains(message),
        "{error}\ndoes not say\n{message}"
    );
}
