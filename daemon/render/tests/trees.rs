//! The same environment as a local folder and as a commit.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{config_map, ids, pipeline, with_memo};
use serde_json::json;
use std::fs;
use std::path::Path;
use std::process::Command;
use windlass_render::Pipeline;
use windlass_source::{Folder, Repository, Snapshot};

fn write(root: &Path) {
    for folder in ["base", "prod/sub"] {
        fs::create_dir_all(root.join(folder)).unwrap();
    }
    fs::write(root.join("base/a.yaml"), config_map("a", "1")).unwrap();
    fs::write(root.join("prod/b.yaml"), config_map("b", "1")).unwrap();
    fs::write(root.join("prod/sub/c.yaml"), config_map("c", "1")).unwrap();
    std::os::unix::fs::symlink("../base/a.yaml", root.join("prod/linked.yaml")).unwrap();
}

fn git(root: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .current_dir(root)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "commit.gpgSign=false",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn commit(root: &Path, mirror: &Path) -> Snapshot {
    git(root, &["init", "--quiet"]);
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message", "state"]);
    let url = format!("file://{}", root.display());
    let repository = Repository::open(mirror, &url).unwrap();
    git(
        root,
        &[
            "push",
            "--quiet",
            repository.path().to_str().unwrap(),
            "HEAD:refs/heads/main",
        ],
    );
    repository
        .snapshot(&git(root, &["rev-parse", "HEAD"]))
        .unwrap()
}

fn prod() -> Pipeline {
    pipeline("prod", &[("manifests", json!({}))])
}

#[test]
fn a_folder_and_its_commit_are_the_same_to_a_render() {
    let (root, mirror) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path());
    let renderer = with_memo();
    let folder = Folder::open(root.path()).unwrap();
    let local = renderer.render(&folder, &prod()).unwrap();
    assert_eq!(ids(&local), ["ConfigMap b", "ConfigMap a", "ConfigMap c"]);

    let snapshot = commit(root.path(), mirror.path());
    let committed = renderer.render(&snapshot, &prod()).unwrap();
    assert_eq!(committed.digest, local.digest);
    assert!(
        committed.remembered,
        "a local folder has the digests that its commit has"
    );
    let origins: Vec<String> = committed
        .objects
        .iter()
        .map(|it| it.origin.to_string())
        .collect();
    assert_eq!(
        origins,
        ["prod/b.yaml", "prod/linked.yaml", "prod/sub/c.yaml"]
    );
}

#[test]
fn an_edit_in_a_folder_is_seen_by_the_next_render() {
    let root = tempfile::tempdir().unwrap();
    write(root.path());
    let renderer = with_memo();
    let folder = Folder::open(root.path()).unwrap();
    let first = renderer.render(&folder, &prod()).unwrap();
    assert!(renderer.render(&folder, &prod()).unwrap().remembered);
    for (file, name) in [("base/a.yaml", "a"), ("prod/sub/c.yaml", "c")] {
        fs::write(root.path().join(file), config_map(name, "another value")).unwrap();
        let second = renderer.render(&folder, &prod()).unwrap();
        assert_ne!(second.digest, first.digest, "{file} was edited");
    }
}

#[test]
fn a_path_never_leaves_the_tree() {
    let root = tempfile::tempdir().unwrap();
    write(root.path());
    std::os::unix::fs::symlink("/etc", root.path().join("prod/etc")).unwrap();
    let folder = Folder::open(root.path()).unwrap();
    for path in ["../../etc", "etc/passwd", "/../etc"] {
        let pipeline = pipeline("prod", &[("manifests", json!({"paths": path}))]);
        let error = with_memo()
            .render(&folder, &pipeline)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("leads out of what the environment may read"),
            "{path}: {error}"
        );
    }
}
