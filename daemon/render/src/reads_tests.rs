#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::tree::MemoryTree;
use crate::view::View;
use rstest::rstest;
use windlass_plugin_host::{FileError, Imports};

fn tree() -> MemoryTree {
    MemoryTree::new()
        .file("envs/prod/a.yaml", "a")
        .file("envs/prod/sub/b.yaml", "b")
        .file("envs/test/c.yaml", "c")
        .file("base/d.yaml", "d")
        .file("elsewhere/e.yaml", "e")
        .link("envs/prod/linked.yaml", "base/d.yaml")
        .link("envs/prod/broken.yaml", "base/none.yaml")
}

/// Reads as a plugin would that reads everything in its folder, and a file beside it.
fn reads(tree: &MemoryTree) -> ReadSet {
    let mut view = View::new(tree, "envs/prod");
    let names: Vec<String> = view
        .list(".")
        .unwrap()
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(
        names,
        ["a.yaml", "linked.yaml", "sub"],
        "a link to nothing is left out"
    );
    assert_eq!(view.read("a.yaml").unwrap(), b"a");
    assert_eq!(view.read("linked.yaml").unwrap(), b"d");
    view.list("sub").unwrap();
    view.read("sub/b.yaml").unwrap();
    assert_eq!(view.read("/base/d.yaml").unwrap(), b"d");
    assert!(!view.exists("../values.yaml").unwrap(), "it is not there");
    assert_eq!(view.read("none.yaml"), Err(FileError::NotFound));
    assert_eq!(view.list("a.yaml"), Err(FileError::NotAFolder));
    assert_eq!(view.read("../../../x"), Err(FileError::OutsideTree));
    view.into_reads()
}

#[rstest]
#[case::same(tree(), true)]
#[case::elsewhere(tree().file("elsewhere/e.yaml", "other").file("envs/test/new.yaml", ""), true)]
#[case::content(tree().file("envs/prod/a.yaml", "other"), false)]
#[case::content_deeper(tree().file("envs/prod/sub/b.yaml", "other"), false)]
#[case::new_file(tree().file("envs/prod/sub/new.yaml", ""), false)]
#[case::removed(tree().without("envs/prod/sub/b.yaml"), false)]
#[case::content_behind_a_link(tree().file("base/d.yaml", "other"), false)]
#[case::what_was_absent(tree().file("envs/values.yaml", ""), false)]
#[case::a_broken_link_is_mended(tree().file("base/none.yaml", ""), false)]
fn what_was_read_tells_whether_anything_changed(
    #[case] changed: MemoryTree,
    #[case] expected: bool,
) {
    let before = tree();
    let reads = reads(&before);
    assert!(reads.holds(&before), "nothing changed yet");
    assert_eq!(reads.holds(&changed), expected, "by every read");
    let roots = reads.roots(&before);
    let decided = roots.holds(&changed);
    assert!(
        !decided || expected,
        "the roots never miss a change: {roots:?}"
    );
}

#[test]
fn a_folder_stands_for_all_that_is_in_it() {
    let before = tree();
    let roots = reads(&before).roots(&before);
    let paths: Vec<_> = roots.iter().map(|(access, _)| access.clone()).collect();
    assert_eq!(
        paths,
        [
            Access::Read("base/d.yaml".into()),
            Access::Read("envs/prod/linked.yaml".into()),
            Access::Exists("envs/values.yaml".into()),
            Access::Whole("envs/prod".into()),
            Access::Whole("envs/prod/broken.yaml".into()),
            Access::Whole("envs/prod/linked.yaml".into()),
        ]
    );
    let other = tree().file("elsewhere/e.yaml", "other");
    other.take_asked();
    assert!(roots.holds(&other));
    assert!(
        other.take_asked() <= roots.len() + 1,
        "one look for each root"
    );
}

#[test]
fn what_a_plugin_reads_is_written_and_read_back() {
    let reads = reads(&tree());
    let text = serde_json::to_string(&reads).unwrap();
    assert_eq!(serde_json::from_str::<ReadSet>(&text).unwrap(), reads);
}

#[test]
fn a_secret_is_only_referred_to() {
    let tree = tree();
    let mut view = View::new(&tree, "");
    let token = view.secret_reference("vault", "db", "password").unwrap();
    assert_eq!(token, "windlass~vault~db~password~end");
    let refused = view
        .secret_reference("Vault!", "db", "password")
        .unwrap_err();
    assert!(refused.contains("store"), "{refused}");
}
