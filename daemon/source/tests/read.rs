//! Reading trees: a commit's and a folder's must agree, and neither may be left.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rstest::rstest;
use support::{Client, Upstream};
use tempfile::{TempDir, tempdir};
use windlass_source::{
    Child, Digest, Entry, EntryKind, Finder, Folder, ReadError, ReadOptions, Snapshot, Tree,
    find_files,
};

/// One tree as a commit and as the folder that the commit was made from.
struct Both {
    _folder: TempDir,
    upstream: Upstream,
    snapshot: Snapshot,
    local: Folder,
}

fn snapshot(upstream: &Upstream, cache: &Path) -> Snapshot {
    let mut client = Client::branch(cache, &upstream.url());
    let commit = client.fetch().unwrap().commit;
    client.repository.snapshot(&commit).unwrap()
}

fn both() -> Both {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("secret"), "outside").unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.write("base/server.yaml", "kind: Deployment\n");
    upstream.write("base.txt", "sorts between base and base/ in Git");
    upstream.write("base-2/a", "a");
    upstream.write("envs/prod/environment.yaml", "prod");
    upstream.write("run.sh", "#!/bin/sh\n");
    fs::set_permissions(
        upstream.folder.join("run.sh"),
        fs::Permissions::from_mode(0o755),
    )
    .unwrap();
    upstream.write(
        "big.bin",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
    );
    upstream.write("large", vec![b'x'; 5000]);
    let link = |target: &str, at: &str| symlink(target, upstream.folder.join(at)).unwrap();
    link("base/server.yaml", "link");
    link("../base", "envs/base");
    link("../../base/server.yaml", "envs/prod/server.yaml");
    link("/etc/passwd", "absolute");
    link("../secret", "out");
    link("envs/../../secret", "out-later");
    link("loop-b", "loop-a");
    link("loop-a", "loop-b");
    link("nothing", "broken");
    fs::create_dir_all(upstream.folder.join("empty/too")).unwrap();
    let module = Upstream::new(&upstream.folder.join("module"));
    module.change("inside", "not ours");
    upstream.commit("All kinds");
    Both {
        snapshot: snapshot(&upstream, &folder.path().join("cache")),
        local: Folder::open(&upstream.folder).unwrap(),
        upstream,
        _folder: folder,
    }
}

impl Both {
    fn trees(&self) -> [(&'static str, &dyn Tree); 2] {
        [("snapshot", &self.snapshot), ("folder", &self.local)]
    }
}

#[test]
fn a_commit_and_its_folder_are_the_same_tree() {
    let both = both();
    let root = both.upstream.git(&["rev-parse", "HEAD^{tree}"]);
    for (name, tree) in both.trees() {
        assert_eq!(
            tree.digest("").unwrap().unwrap().to_string(),
            root,
            "the root of the {name}"
        );
    }
    for path in ["", "base", "envs", "envs/prod", "envs/base"] {
        let strip = |entries: Vec<Entry>| -> Vec<(String, EntryKind, Digest)> {
            entries
                .into_iter()
                .map(|entry| (entry.name, entry.kind, entry.digest))
                .collect()
        };
        let listed = strip(both.snapshot.list(path).unwrap());
        assert_eq!(
            listed,
            strip(both.local.list(path).unwrap()),
            "the list of `{path}`"
        );
        assert!(
            listed.is_sorted_by(|a, b| a.0 < b.0),
            "`{path}` is sorted by name"
        );
    }
    for path in [
        "",
        "base",
        "base/server.yaml",
        "run.sh",
        "link",
        "envs/base",
        "envs/base/server.yaml",
        "envs/prod/server.yaml",
        "nothing",
        "broken",
        "base.txt/below",
        "empty",
        "module",
        ".git/HEAD",
        "./base/../base//server.yaml",
    ] {
        let of = |tree: &dyn Tree| {
            let entry = tree
                .entry(path)
                .map(|entry| entry.map(|e| (e.name, e.kind, e.digest, e.size)));
            (
                entry,
                tree.digest(path)
                    .map(|digest| digest.filter(|d| *d != Digest::EMPTY_TREE)),
            )
        };
        assert_eq!(of(&both.snapshot), of(&both.local), "what is at `{path}`");
    }
}

#[rstest]
#[case("base/server.yaml", "kind: Deployment\n")]
#[case("link", "kind: Deployment\n")]
#[case("envs/base/server.yaml", "kind: Deployment\n")]
#[case("envs/prod/server.yaml", "kind: Deployment\n")]
#[case("envs/prod/../base/./server.yaml", "kind: Deployment\n")]
fn files_are_read_through_links_inside(#[case] path: &str, #[case] expected: &str) {
    for (name, tree) in both().trees() {
        assert_eq!(
            tree.read(path).unwrap(),
            expected.as_bytes(),
            "{path} of the {name}"
        );
    }
}

#[rstest]
#[case("nothing", "WL0231")]
#[case("base.txt/below", "WL0231")]
#[case("broken", "WL0231")]
#[case(".git/config", "WL0231")]
#[case("base", "WL0232")]
#[case("..", "WL0234")]
#[case("../secret", "WL0234")]
#[case("base/../../secret", "WL0234")]
#[case("/etc/passwd", "WL0234")]
#[case("absolute", "WL0234")]
#[case("out", "WL0234")]
#[case("out-later", "WL0234")]
#[case("loop-a", "WL0235")]
#[case("loop-a/below", "WL0235")]
#[case("module", "WL0236")]
#[case("module/inside", "WL0236")]
#[case("big.bin", "WL0237")]
#[case("nul\0", "WL0239")]
#[case(&"a/".repeat(3000), "WL0239")]
fn what_cannot_be_read_says_why(#[case] path: &str, #[case] code: &str) {
    for (name, tree) in both().trees() {
        let error = tree.read(path).unwrap_err();
        assert_eq!(error.code(), code, "{path:.40} of the {name}: {error}");
        let shown: String = path.chars().take(40).collect();
        assert!(
            error.to_string().contains(&shown),
            "the path is missing in: {error}"
        );
    }
}

#[test]
fn a_file_that_is_no_folder_is_not_listed() {
    for (name, tree) in both().trees() {
        assert_eq!(
            tree.list("base.txt").unwrap_err().code(),
            "WL0233",
            "{name}"
        );
        assert_eq!(tree.list("module").unwrap_err().code(), "WL0236", "{name}");
        assert_eq!(tree.list("nothing").unwrap_err().code(), "WL0231", "{name}");
    }
}

#[test]
fn a_file_beyond_the_bound_is_named() {
    let both = both();
    let options = ReadOptions {
        max_file_bytes: 4999,
    };
    let expected = ReadError::TooLarge {
        path: "large".to_owned(),
        size: 5000,
        limit: 4999,
    };
    let snapshot = both.snapshot.clone().with_options(options.clone());
    assert_eq!(snapshot.read("large").unwrap_err(), expected);
    let local = Folder::open_with(&both.upstream.folder, options).unwrap();
    assert_eq!(local.read("large").unwrap_err(), expected);
    assert_eq!(
        both.local.read("large").unwrap().len(),
        5000,
        "the usual bound is wider"
    );
}

#[test]
fn a_pipe_in_a_folder_does_not_hang() {
    let folder = tempdir().unwrap();
    let made = Command::new("mkfifo")
        .arg(folder.path().join("pipe"))
        .status()
        .unwrap();
    assert!(made.success());
    let local = Folder::open(folder.path()).unwrap();
    assert_eq!(
        local.read("pipe").unwrap_err().code(),
        "WL0231",
        "Git does not store pipes"
    );
    assert_eq!(local.digest("").unwrap(), Some(Digest::EMPTY_TREE));
}

#[test]
fn a_changed_file_changes_the_digest_of_its_folder() {
    let both = both();
    let before = both.local.digest("envs").unwrap();
    both.upstream.write("envs/prod/environment.yaml", "test");
    assert_ne!(
        both.local.digest("envs").unwrap(),
        before,
        "a file of the same size was written"
    );
    both.upstream.commit("Change");
    let expected = both.upstream.git(&["rev-parse", "HEAD:envs"]);
    assert_eq!(
        both.local.digest("envs").unwrap().unwrap().to_string(),
        expected
    );
}

#[test]
fn a_commit_that_was_never_fetched_is_named() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    let client = Client::branch(&folder.path().join("cache"), &upstream.url());
    for commit in ["1".repeat(40), "main".to_owned(), String::new()] {
        let error = client.repository.snapshot(&commit).unwrap_err();
        assert_eq!(error.code(), "WL0242", "{error}");
    }
}

/// Counts how many folders are listed.
struct Counting<'a>(&'a dyn Tree, AtomicUsize);

impl Tree for Counting<'_> {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        self.0.read(path)
    }
    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        self.0.list(path)
    }
    fn entry(&self, path: &str) -> Result<Option<Entry>, ReadError> {
        self.0.entry(path)
    }
    fn digest(&self, path: &str) -> Result<Option<Digest>, ReadError> {
        self.0.digest(path)
    }
    fn children(&self, path: &str) -> Result<Vec<Child>, ReadError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.children(path)
    }
}

#[test]
fn a_new_commit_costs_only_the_folders_that_changed() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    for number in 0..50 {
        upstream.write(
            &format!("envs/e{number:02}/environment.yaml"),
            number.to_string(),
        );
        upstream.write(&format!("envs/e{number:02}/config/values.yaml"), "x");
    }
    upstream.commit("Fifty");
    let cache = folder.path().join("cache");
    let finder = Finder::new("environment.yaml", 1000);
    let search = |expected: usize, listed: usize, what: &str| {
        let snapshot = snapshot(&upstream, &cache);
        let counting = Counting(&snapshot, AtomicUsize::new(0));
        let found = finder.find(&counting).unwrap();
        assert_eq!(found.len(), expected, "{what}");
        assert!(found.is_sorted(), "{what}: sorted");
        assert_eq!(
            found,
            find_files(&snapshot, "environment.yaml", 1000).unwrap(),
            "{what}"
        );
        assert_eq!(
            found,
            find_files(
                &Folder::open(&upstream.folder).unwrap(),
                "environment.yaml",
                1000
            )
            .unwrap(),
            "{what}: the folder has the same"
        );
        assert_eq!(
            counting.1.load(Ordering::Relaxed),
            listed,
            "{what}: folders looked at"
        );
    };
    // All folders named config are one and the same tree, so one of them is looked at.
    search(50, 1 + 1 + 50 + 1, "the first search");
    search(50, 1, "nothing new");
    upstream.change("README.md", "new");
    search(50, 1, "a file at the root");
    upstream.change("envs/e07/config/values.yaml", "y");
    search(50, 4, "one environment changed");
    upstream.change("envs/e50/environment.yaml", "new");
    search(51, 3, "one environment more");
    let error = find_files(&snapshot(&upstream, &cache), "environment.yaml", 50).unwrap_err();
    assert_eq!(error.code(), "WL0240", "{error}");
}

/// Commits many files without writing each to the disk.
fn import(upstream: &Upstream, files: usize, folders: usize) {
    let mut stream = String::from("blob\nmark :1\ndata 2\nx\n\ncommit refs/heads/main\n");
    stream.push_str("committer Ada <ada@example.com> 1714564800 +0000\ndata 4\nMany\n");
    for number in 0..files {
        stream.push_str(&format!(
            "M 100644 :1 d{}/f{number}.yaml\n",
            number % folders
        ));
    }
    stream.push_str("M 100644 :1 d7/environment.yaml\n");
    let mut git = Command::new("git")
        .args(["fast-import", "--quiet"])
        .current_dir(&upstream.folder)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut git.stdin.take().unwrap(), stream.as_bytes()).unwrap();
    assert!(git.wait().unwrap().success());
}

#[rstest]
#[case::many_folders(100_000, 5_000)]
#[case::one_wide_folder(50_000, 8)]
fn very_many_files_do_not_hurt(#[case] files: usize, #[case] folders: usize) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    import(&upstream, files, folders);
    let snapshot = snapshot(&upstream, &folder.path().join("cache"));
    let begun = Instant::now();
    let found = find_files(&snapshot, "environment.yaml", 100).unwrap();
    assert_eq!(found, ["d7/environment.yaml"]);
    for number in 0..2000 {
        let path = format!("d{}/f{number}.yaml", number % folders);
        assert_eq!(snapshot.read(&path).unwrap(), b"x\n", "{path}");
    }
    let took = begun.elapsed();
    assert!(
        took < Duration::from_secs(20),
        "a search and 2000 reads of {files} files took {took:?}"
    );
}

#[test]
fn many_threads_read_one_snapshot() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    for number in 0..200 {
        upstream.write(
            &format!("d{}/f{number}", number % 7),
            format!("content {number}"),
        );
    }
    upstream.commit("Two hundred");
    let snapshot = snapshot(&upstream, &folder.path().join("cache"));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for number in 0..200 {
                    let path = format!("d{}/f{number}", number % 7);
                    let expected = format!("content {number}");
                    assert_eq!(snapshot.read(&path).unwrap(), expected.as_bytes(), "{path}");
                }
            });
        }
    });
}
