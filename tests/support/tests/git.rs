//! Git servers: the friendly ones are cloned from with git itself, the hostile ones do their worst.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result};
use windlass_test_support::git::{Entry, git_command};
use windlass_test_support::{GitHttp, GitHttpOptions, GitRepository, GitSsh, HostileGit, Scratch};

fn repository(root: &Path) -> Result<(GitRepository, String)> {
    let repository = GitRepository::init(&root.join("shop.git"))?;
    repository.commit(
        &[("a.yaml", Some("a: 1\n")), ("b/c.yaml", Some("c: 1\n"))],
        "Add two files",
    )?;
    let head = repository.commit(
        &[("a.yaml", Some("a: 2\n")), ("b", None)],
        "Change and remove",
    )?;
    Ok((repository, head))
}

async fn run(mut command: Command) -> Result<Output> {
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

async fn clone(url: &str, to: &Path, prepare: impl FnOnce(&mut Command)) -> Result<Output> {
    let mut command = git_command();
    prepare(&mut command);
    command.args(["clone", "--quiet", "--bare", url]).arg(to);
    run(command).await
}

async fn assert_cloned(output: Output, clone: &Path, head: &str) -> Result<()> {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut command = git_command();
    command
        .arg("--git-dir")
        .arg(clone)
        .args(["rev-parse", "HEAD"]);
    let output = run(command).await?;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), head);
    Ok(())
}

#[test]
fn commits_hold_what_they_were_given() -> Result<()> {
    let scratch = Scratch::new("repository")?;
    let (repository, head) = repository(scratch.path())?;
    assert_eq!(
        repository.git(&["ls-tree", "-r", "--name-only", &head])?,
        "a.yaml"
    );
    assert_eq!(repository.git(&["show", "main:a.yaml"])?, "a: 2");
    let odd = "with \"quotes\" and \\";
    let entries = [
        (odd, Entry::Executable(b"#!/bin/sh\n")),
        ("link", Entry::Symlink("../../etc/passwd")),
        ("module", Entry::Submodule(&head)),
    ];
    repository.commit_entries(&entries, "Add odd things")?;
    let tree = repository.git(&["ls-tree", "-z", "main"])?;
    for expected in ["100755 blob", odd, "120000 blob", "160000 commit"] {
        assert!(tree.contains(expected), "{tree}");
    }
    Ok(())
}

#[test]
fn history_can_be_rewritten() -> Result<()> {
    let scratch = Scratch::new("history")?;
    let (repository, head) = repository(scratch.path())?;
    let first = repository.git(&["rev-parse", "main~1"])?;
    repository.tag("v1", &head)?;
    repository.reset_to(&first)?;
    let other = repository.commit(&[("a.yaml", Some("a: 3\n"))], "Another second commit")?;
    assert_ne!(other, head);
    assert_eq!(repository.head()?, other);
    assert_eq!(repository.git(&["rev-parse", "main~1"])?, first);
    assert_eq!(repository.resolve("v1^{commit}")?, Some(head));
    assert_eq!(repository.resolve("v2")?, None);
    Ok(())
}

#[tokio::test]
async fn https_needs_the_token_and_the_authority() -> Result<()> {
    let scratch = Scratch::new("https")?;
    let (_repository, head) = repository(scratch.path())?;
    let options = GitHttpOptions {
        tls: true,
        token: Some("secret".to_owned()),
    };
    let server = GitHttp::start(scratch.path(), options).await?;
    let authority = scratch.path().join("ca.crt");
    std::fs::write(
        &authority,
        server.ca_pem().context("the server speaks https")?,
    )?;
    let url = server.url("shop.git");
    let bearer = |token: &str| format!("http.extraHeader=Authorization: Bearer {token}");

    let to = scratch.path().join("stranger");
    let output = clone(&url, &to, |git| {
        git.args(["-c", &bearer("secret")]);
    })
    .await?;
    assert!(
        !output.status.success(),
        "an unknown authority is not to be trusted"
    );

    for (name, token, welcome) in [("wrong", "guess", false), ("right", "secret", true)] {
        let to = scratch.path().join(name);
        let output = clone(&url, &to, |git| {
            git.env("GIT_SSL_CAINFO", &authority)
                .args(["-c", &bearer(token)]);
        })
        .await?;
        assert_eq!(
            output.status.success(),
            welcome,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        if welcome {
            assert_cloned(output, &to, &head).await?;
        }
    }

    let to = scratch.path().join("basic");
    let with_password = url.replace("https://", "https://anyone:secret@");
    let output = clone(&with_password, &to, |git| {
        git.env("GIT_SSL_CAINFO", &authority);
    })
    .await?;
    assert_cloned(output, &to, &head).await
}

#[tokio::test]
async fn http_comes_back_at_the_same_address() -> Result<()> {
    let scratch = Scratch::new("http")?;
    let (_repository, head) = repository(scratch.path())?;
    let server = GitHttp::start(scratch.path(), GitHttpOptions::default()).await?;
    let (url, port) = (server.url("shop.git"), server.port()?);
    drop(server);
    let to = scratch.path().join("clone");
    assert!(!clone(&url, &to, |_| ()).await?.status.success());
    let _server = GitHttp::start_on(scratch.path(), GitHttpOptions::default(), port).await?;
    assert_cloned(clone(&url, &to, |_| ()).await?, &to, &head).await
}

#[tokio::test]
async fn ssh_lets_its_one_key_in() -> Result<()> {
    if !GitSsh::available() {
        eprintln!("skipped: there is no sshd on this machine (apt-get install openssh-server)");
        return Ok(());
    }
    let scratch = Scratch::new("ssh")?;
    let (_repository, head) = repository(scratch.path())?;
    let server = GitSsh::start(scratch.path()).await?;
    let to = scratch.path().join("clone");
    let output = clone(&server.url("shop.git"), &to, |git| {
        git.env("GIT_SSH_COMMAND", server.ssh_command());
    })
    .await?;
    assert_cloned(output, &to, &head).await?;

    let strange = server
        .ssh_command()
        .replace("known_hosts", "known_hosts_of_nobody");
    let output = clone(
        &server.url("shop.git"),
        &scratch.path().join("other"),
        |git| {
            git.env("GIT_SSH_COMMAND", strange);
        },
    )
    .await?;
    assert!(
        !output.status.success(),
        "an unknown host is not to be trusted"
    );
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_never_answers() -> Result<()> {
    let scratch = Scratch::new("hang")?;
    let server = HostileGit::hang()?;
    let url = server.url("shop.git");
    let mut command = git_command();
    command.args([
        "-c",
        "http.lowSpeedLimit=1",
        "-c",
        "http.lowSpeedTime=1",
        "clone",
        &url,
    ]);
    command.arg(scratch.path().join("clone"));
    let output = tokio::time::timeout(Duration::from_secs(30), run(command)).await??;
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && complaint.contains("too slow"),
        "{complaint}"
    );
    assert_eq!(server.connections(), 1);
    Ok(())
}

#[tokio::test]
async fn a_cut_pack_is_whole_after_repair() -> Result<()> {
    let scratch = Scratch::new("cut")?;
    let (repository, _) = repository(scratch.path())?;
    // Text without repetition, or the pack would be smaller than the cut.
    let noise: String = (0_u64..40_000)
        .map(|n| format!("{:x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect();
    let head = repository.commit(&[("noise", Some(&noise))], "Add noise")?;
    let upstream = GitHttp::start(scratch.path(), GitHttpOptions::default()).await?;
    let server = HostileGit::cut_pack(&upstream.url(""), 50_000)?;
    let to = scratch.path().join("clone");
    let output = clone(&server.url("shop.git"), &to, |_| ()).await?;
    assert!(!output.status.success());
    server.repair();
    assert_cloned(
        clone(&server.url("shop.git"), &to, |_| ()).await?,
        &to,
        &head,
    )
    .await
}
