//! Fetching, from a local path and over the network, from servers that behave and servers that do not.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use rstest::rstest;
use support::{Client, Manner, PATIENCE, Upstream, child, processes_with, serve, silent};
use tempfile::tempdir;
use windlass_source::{FetchError, Reference, Repository, Tree, fetch};

/// How a repository is reached in a test.
#[derive(Clone, Copy, Debug)]
enum Via {
    Path,
    Server,
}

impl Via {
    fn url(self, upstream: &Upstream) -> String {
        match self {
            Via::Path => upstream.url(),
            Via::Server => {
                let server = serve(upstream.folder.parent().unwrap(), Manner::Honest);
                let name = upstream.folder.file_name().unwrap().to_string_lossy();
                format!("{server}/{name}")
            }
        }
    }
}

#[rstest]
#[case::path(Via::Path)]
#[case::server(Via::Server)]
fn a_branch_is_followed(#[case] via: Via) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.write("a/b.txt", "one");
    let first = upstream.commit("First");
    let mut client = Client::branch(&folder.path().join("cache"), &via.url(&upstream));

    let outcome = client.fetch().unwrap();
    assert_eq!(outcome.commit, first);
    assert!(outcome.changed, "the first commit is a change");
    assert_eq!(outcome.resolved_ref, "refs/heads/main");
    assert!(outcome.bytes > 0, "objects came over");
    let snapshot = client.repository.snapshot(&first).unwrap();
    assert_eq!(snapshot.read("a/b.txt").unwrap(), b"one");
    assert_eq!(snapshot.commit().summary, "First");
    assert_eq!(snapshot.commit().author, "Ada");
    assert_eq!(snapshot.commit().time, 1_714_564_800);

    let same = client.fetch().unwrap();
    assert!(
        !same.changed && same.bytes == 0,
        "nothing is fetched twice: {same:?}"
    );

    let second = upstream.change("a/b.txt", "two");
    let outcome = client.fetch().unwrap();
    assert_eq!(
        (outcome.commit.as_str(), outcome.changed),
        (second.as_str(), true)
    );
    assert_eq!(outcome.forced, Some(false), "the branch was moved on");
    let newer = client.repository.snapshot(&second).unwrap();
    assert_eq!(newer.read("a/b.txt").unwrap(), b"two");
    assert_eq!(
        snapshot.read("a/b.txt").unwrap(),
        b"one",
        "an older snapshot stays as it is"
    );
}

#[rstest]
#[case::path_amended(Via::Path, &["commit", "-q", "--amend", "-m", "Amended"], Some(true))]
#[case::server_amended(Via::Server, &["commit", "-q", "--amend", "-m", "Amended"], Some(true))]
#[case::path_reset(Via::Path, &["reset", "-q", "--hard", "HEAD~2"], Some(true))]
#[case::server_reset(Via::Server, &["reset", "-q", "--hard", "HEAD~2"], Some(true))]
#[case::path_moved_on(Via::Path, &["commit", "-q", "--allow-empty", "-m", "Next"], Some(false))]
#[case::server_moved_on(Via::Server, &["commit", "-q", "--allow-empty", "-m", "Next"], Some(false))]
fn a_forced_branch_is_followed_and_told(
    #[case] via: Via,
    #[case] change: &[&str],
    #[case] forced: Option<bool>,
) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    for number in 0..6 {
        upstream.change("file", &number.to_string());
    }
    let mut client = Client::branch(&folder.path().join("cache"), &via.url(&upstream));
    client.fetch().unwrap();
    upstream.git(change);
    let outcome = client.fetch().unwrap();
    assert_eq!(outcome.commit, upstream.head(), "the branch is followed");
    assert_eq!(outcome.forced, forced, "after git {change:?}");
}

#[test]
fn a_history_that_ends_too_early_is_not_judged() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("file", "0");
    let mut client = Client::branch(&folder.path().join("cache"), &Via::Server.url(&upstream));
    client.fetch().unwrap();
    for number in 1..=70 {
        upstream.git(&["commit", "-q", "--allow-empty", "-m", &number.to_string()]);
    }
    let outcome = client.fetch().unwrap();
    assert_eq!(
        outcome.forced, None,
        "70 commits are more than are looked at"
    );
    client.request.shallow = false;
    client.request.known = Some(upstream.git(&["rev-parse", "HEAD~70"]));
    upstream.git(&["commit", "-q", "--allow-empty", "-m", "last"]);
    assert_eq!(
        client.fetch().unwrap().forced,
        Some(false),
        "with all history the answer is known"
    );
}

#[rstest]
#[case::tag(Reference::Tag("v1.0.0".into()), "refs/tags/v1.0.0", 0)]
#[case::annotated_tag(Reference::Tag("v1.1.0".into()), "refs/tags/v1.1.0", 1)]
#[case::range(Reference::Semver("1.x".into()), "refs/tags/v1.1.0", 1)]
#[case::head(Reference::Head, "refs/heads/main", 3)]
#[case::branch(Reference::Branch("refs/heads/side".into()), "refs/heads/side", 2)]
fn every_reference_is_resolved(
    #[values(Via::Path, Via::Server)] via: Via,
    #[case] reference: Reference,
    #[case] name: &str,
    #[case] number: usize,
) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    let mut commits = Vec::new();
    commits.push(upstream.change("file", "0"));
    upstream.git(&["tag", "v1.0.0"]);
    commits.push(upstream.change("file", "1"));
    upstream.git(&["tag", "-a", "-m", "Release", "v1.1.0"]);
    commits.push(upstream.change("file", "2"));
    upstream.git(&["branch", "side"]);
    commits.push(upstream.change("file", "3"));
    let mut client = Client::new(&folder.path().join("cache"), &via.url(&upstream), reference);
    let outcome = client.fetch().unwrap();
    assert_eq!(outcome.resolved_ref, name);
    assert_eq!(outcome.commit, commits[number], "{name} is commit {number}");
    let snapshot = client.repository.snapshot(&outcome.commit).unwrap();
    assert_eq!(
        snapshot.read("file").unwrap(),
        number.to_string().as_bytes()
    );
}

#[rstest]
#[case::any_commit("true")]
#[case::only_refs("false")]
fn a_commit_that_is_no_tip_is_fetched(
    #[values(Via::Path, Via::Server)] via: Via,
    #[case] allowed: &str,
) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.git(&["config", "uploadpack.allowReachableSHA1InWant", allowed]);
    upstream.change("file", "0");
    let wanted = upstream.change("file", "1");
    upstream.change("file", "2");
    let reference = Reference::Commit(wanted.clone());
    let mut client = Client::new(&folder.path().join("cache"), &via.url(&upstream), reference);
    assert_eq!(client.fetch().unwrap().commit, wanted);
    let snapshot = client.repository.snapshot(&wanted).unwrap();
    assert_eq!(snapshot.read("file").unwrap(), b"1");
    assert!(
        !client.fetch().unwrap().changed,
        "it is there the second time"
    );
}

#[rstest]
#[case(Reference::Branch("mian".into()), "WL0211", "main")]
#[case(Reference::Tag("v2".into()), "WL0211", "v1.0.0")]
#[case(Reference::Semver(">=2".into()), "WL0211", "v1.0.0")]
#[case(Reference::Commit("1234".into()), "WL0212", "40 hexadecimal")]
#[case(Reference::Commit("1".repeat(40)), "WL02", "1111")]
fn a_missing_reference_is_told(
    #[values(Via::Path, Via::Server)] via: Via,
    #[case] reference: Reference,
    #[case] code: &str,
    #[case] says: &str,
) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("file", "0");
    upstream.git(&["tag", "v1.0.0"]);
    let mut client = Client::new(&folder.path().join("cache"), &via.url(&upstream), reference);
    let error = client.fetch().unwrap_err();
    assert!(error.code().starts_with(code), "{} {error}", error.code());
    assert!(
        error.to_string().contains(says),
        "`{says}` is not in: {error}"
    );
}

#[rstest]
#[case::path("/nowhere/at/all", "WL0219")]
#[case::refused("git://127.0.0.1:1/r", "WL0202")]
#[case::no_host("git://no-such-host.invalid/r", "WL0201")]
#[case::ssh_without_hosts("ssh://git@127.0.0.1:1/r", "WL0206")]
#[case::scheme("ftp://127.0.0.1/r", "WL0214")]
fn what_cannot_be_reached_says_why(#[case] url: &str, #[case] code: &str) {
    let folder = tempdir().unwrap();
    let repository = match Repository::open(folder.path(), url) {
        Ok(repository) => repository,
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            return;
        }
    };
    let mut client = Client::branch(folder.path(), url);
    let error = client.fetch().unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(
        error.to_string().contains(repository.url()),
        "the address is missing in: {error}"
    );
}

#[test]
fn a_server_without_the_repository_says_so() {
    let folder = tempdir().unwrap();
    let server = serve(folder.path(), Manner::Honest);
    let mut client = Client::branch(&folder.path().join("cache"), &format!("{server}/nothing"));
    let error = client.fetch().unwrap_err();
    assert_eq!(error.code(), "WL0219", "{error}");
}

#[rstest]
#[case::git("git://{}/r")]
#[case::http("http://{}/r")]
#[case::https("https://{}/r")]
fn a_server_that_hangs_is_left_at_the_deadline(#[case] url: &str) {
    let folder = tempdir().unwrap();
    let cache = folder.path().join("cache");
    let url = url.replace("{}", &silent().to_string());
    let client = Client::branch(&cache, &url);
    let begun = Instant::now();
    let error = fetch(&child(), &client.request, Duration::from_millis(700)).unwrap_err();
    assert_eq!(error.code(), "WL0213", "{error}");
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "it took {:?}",
        begun.elapsed()
    );
    assert_eq!(
        processes_with(&cache),
        Vec::<String>::new(),
        "a child was left behind"
    );
}

#[rstest]
#[case::in_the_refs(Manner::CutsAfter(60), "WL0215")]
#[case::in_the_pack(Manner::CutsAfter(30_000), "WL0215")]
#[case::garbled_pack(Manner::GarblesAfter(30_000), "WL02")]
fn half_a_pack_does_no_harm(#[case] manner: Manner, #[case] code: &str) {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    let noise: Vec<u8> = (0..200_000u64)
        .map(|n| (n.wrapping_mul(n ^ 0x9e37) >> 7) as u8)
        .collect();
    upstream.write("noise", &noise);
    let commit = upstream.commit("Noise");
    let bad = serve(folder.path(), manner);
    let mut client = Client::branch(&folder.path().join("cache"), &format!("{bad}/upstream"));
    let error = client.fetch().unwrap_err();
    assert!(error.code().starts_with(code), "{} {error}", error.code());
    assert!(
        client.repository.commits().unwrap().is_empty(),
        "nothing is kept"
    );

    client.request.url = format!("{}/upstream", serve(folder.path(), Manner::Honest));
    assert_eq!(
        client.fetch().unwrap().commit,
        commit,
        "the mirror is as good as before"
    );
    let snapshot = client.repository.snapshot(&commit).unwrap();
    assert_eq!(snapshot.read("noise").unwrap(), noise);
    let leftovers: Vec<_> = fs::read_dir(client.repository.path().join("objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("pack-"))
        .collect();
    assert!(leftovers.is_empty(), "left behind: {leftovers:?}");
}

#[test]
fn what_a_killed_fetch_left_is_cleared() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    let first = upstream.change("file", "0");
    let cache = folder.path().join("cache");
    let mut client = Client::branch(&cache, &upstream.url());
    client.fetch().unwrap();
    let mirror = client.repository.path().to_owned();
    let left = [
        "config.lock",
        "shallow.lock",
        "packed-refs.lock",
        "refs/windlass/commits/x.lock",
        "objects/pack/pack_git2_a1b2c3",
        "objects/pack/pack-0000000000000000000000000000000000000000.idx",
    ];
    for file in left {
        fs::write(mirror.join(file), "half").unwrap();
    }
    let second = upstream.change("file", "1");
    assert_eq!(client.fetch().unwrap().commit, second);
    for file in left {
        assert!(!mirror.join(file).exists(), "{file} is still there");
    }
    assert!(
        client.repository.snapshot(&first).is_ok(),
        "what was there stays"
    );
}

#[test]
fn a_ruined_mirror_is_made_anew() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    let commit = upstream.change("file", "0");
    let cache = folder.path().join("cache");
    let mut client = Client::branch(&cache, &upstream.url());
    client.fetch().unwrap();
    fs::remove_file(client.repository.path().join("HEAD")).unwrap();
    let mut client = Client::branch(&cache, &upstream.url());
    assert_eq!(client.fetch().unwrap().commit, commit);
    assert!(client.repository.snapshot(&commit).is_ok());
}

#[test]
fn only_retained_commits_stay_and_packs_stay_few() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    upstream.change("steady", "always the same");
    let mut client = Client::branch(&folder.path().join("cache"), &upstream.url());
    let mut commits = Vec::new();
    for number in 0..45 {
        commits.push(upstream.change("folder/file", &number.to_string()));
        client.fetch().unwrap();
        if number == 20 {
            client.repository.retain(&commits[18..]).unwrap();
            assert_eq!(client.repository.commits().unwrap().len(), 3);
        }
    }
    let reading = client.repository.snapshot(&commits[44]).unwrap();
    let packs = || {
        fs::read_dir(client.repository.path().join("objects/pack"))
            .unwrap()
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|e| e == "pack")
            })
            .count()
    };
    let patient = Instant::now();
    while packs() > 41 && patient.elapsed() < PATIENCE {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(packs() <= 41, "the mirror has {} packs", packs());
    for (number, commit) in commits.iter().enumerate().skip(18) {
        let snapshot = client.repository.snapshot(commit).unwrap();
        assert_eq!(
            snapshot.read("folder/file").unwrap(),
            number.to_string().as_bytes()
        );
        assert_eq!(snapshot.read("steady").unwrap(), b"always the same");
    }
    assert_eq!(reading.read("steady").unwrap(), b"always the same");
    assert_eq!(
        client.repository.snapshot(&commits[0]).unwrap_err().code(),
        "WL0242",
        "a commit that was let go of is gone after the repack"
    );
}

#[test]
fn fetches_of_one_mirror_wait_for_each_other() {
    let folder = tempdir().unwrap();
    let upstream = Upstream::new(&folder.path().join("upstream"));
    let commit = upstream.change("file", "0");
    let url = Via::Server.url(&upstream);
    let client = Client::branch(&folder.path().join("cache"), &url);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| fetch(&child(), &client.request, PATIENCE)))
            .collect();
        for run in runs {
            assert_eq!(run.join().unwrap().unwrap().commit, commit);
        }
    });
}

#[test]
fn a_child_that_fails_is_told_apart_from_a_server() {
    let folder = tempdir().unwrap();
    let client = Client::branch(folder.path(), "git://127.0.0.1:1/r");
    for (program, says) in [
        ("/no/such/program", "cannot be started"),
        ("/bin/false", "without an answer"),
    ] {
        let mut command = child();
        command.program = program.into();
        let error = fetch(&command, &client.request, PATIENCE).unwrap_err();
        assert!(matches!(error, FetchError::Child { .. }), "{error:?}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn a_child_whose_parent_goes_away_ends() {
    let folder = tempdir().unwrap();
    let client = Client::branch(folder.path(), &format!("git://{}/r", silent()));
    let mut process = std::process::Command::new(child().program)
        .env("HOME", folder.path())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let request = serde_json::to_string(&client.request).unwrap();
    std::io::Write::write_all(&mut stdin, format!("{request}\n").as_bytes()).unwrap();
    assert!(
        process.try_wait().unwrap().is_none(),
        "it runs while its input is open"
    );
    drop(stdin);
    assert!(
        !process.wait().unwrap().success(),
        "it ends when its input is closed"
    );
}
