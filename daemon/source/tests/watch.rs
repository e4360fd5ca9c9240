//! Watching a repository on this machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use support::{PATIENCE, Upstream};
use tempfile::tempdir;
use windlass_source::{LocalWatch, WatchError};

fn watch(path: &std::path::Path) -> (LocalWatch, Receiver<Result<(), WatchError>>) {
    let (send, receive) = mpsc::channel();
    let watch = LocalWatch::new(path, move |told| drop(send.send(told))).unwrap();
    (watch, receive)
}

/// Takes what is told until nothing more comes.
fn settle(told: &Receiver<Result<(), WatchError>>) {
    while told.recv_timeout(Duration::from_millis(300)).is_ok() {}
}

#[test]
fn every_way_to_a_new_commit_is_told() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("file", "0");
    upstream.git(&["clone", "-q", "--bare", ".", "../bare"]);
    upstream.git(&["remote", "add", "bare", "../bare"]);
    let (_work, work) = watch(&upstream.folder);
    let (_bare, bare) = watch(&folder.path().join("bare"));
    let steps: [(&str, &[&str], &Receiver<_>); 6] = [
        (
            "a commit",
            &["commit", "-q", "--allow-empty", "-m", "Next"],
            &work,
        ),
        (
            "another commit",
            &["commit", "-q", "--allow-empty", "-m", "Next"],
            &work,
        ),
        ("a tag", &["tag", "v1"], &work),
        ("a branch in a folder", &["branch", "team/a/b"], &work),
        ("packed refs", &["pack-refs", "--all"], &work),
        ("a push", &["push", "-q", "bare", "main"], &bare),
    ];
    for (what, args, told) in steps {
        settle(told);
        upstream.git(args);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(Ok(())), "{what} is told");
    }
}

#[test]
fn a_linked_work_tree_is_watched() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("file", "0");
    upstream.git(&["worktree", "add", "-q", "-b", "side", "../linked"]);
    let (_watch, told) = watch(&folder.path().join("linked"));
    upstream.git(&[
        "-C",
        "../linked",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "Next",
    ]);
    assert_eq!(told.recv_timeout(PATIENCE), Ok(Ok(())));
}

#[test]
fn work_that_is_not_committed_is_not_told() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("file", "0");
    let (_watch, told) = watch(&upstream.folder);
    settle(&told);
    upstream.write("file", "1");
    upstream.git(&["add", "-A"]);
    upstream.git(&["status"]);
    assert!(
        told.recv_timeout(Duration::from_millis(300)).is_err(),
        "nothing is committed yet"
    );
}

#[test]
fn a_missing_repository_is_an_error() {
    let folder = tempdir().unwrap();
    for path in [folder.path().join("nothing"), folder.path().to_owned()] {
        let error = LocalWatch::new(&path, |_| {}).unwrap_err();
        assert_eq!(error.code(), "WL0251", "{error}");
        assert!(
            error.to_string().contains(&path.display().to_string()),
            "{error}"
        );
    }
}

#[test]
fn a_repository_that_goes_away_and_comes_back_is_told() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("file", "0");
    let (_watch, told) = watch(&upstream.folder);
    settle(&told);
    fs::remove_dir_all(&upstream.folder).unwrap();
    loop {
        match told.recv_timeout(PATIENCE).expect("the loss is told") {
            Ok(()) => {}
            Err(error) => {
                assert_eq!(error.code(), "WL0251", "{error}");
                break;
            }
        }
    }
    let again = Upstream::new(&upstream.folder);
    assert_eq!(
        told.recv_timeout(PATIENCE),
        Ok(Ok(())),
        "the return is told"
    );
    settle(&told);
    again.change("file", "1");
    assert_eq!(
        told.recv_timeout(PATIENCE),
        Ok(Ok(())),
        "a commit in the new one is told"
    );
}
