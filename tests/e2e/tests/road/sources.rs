//! The servers that environments are fetched from.

use anyhow::{Context as _, Result};
use kube::api::{Patch, PatchParams};
use serde_json::json;
use windlass_test_support::{GitHttp, GitHttpOptions, GitRepository, GitSsh, HostileGit};

use crate::rig::{PLAIN, Road, condition, config_map, files_with, is_ready};

#[tokio::test]
async fn https_needs_the_authority_and_the_token() -> Result<()> {
    const TOKEN: &str = "token-3f0a77d1";
    let road = Road::start("https").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
    ])?;
    let options = GitHttpOptions {
        tls: true,
        token: Some(TOKEN.to_owned()),
    };
    let server = GitHttp::start(&road.repositories(), options).await?;
    let url = server.url("main.git");
    let ca = road.file("ca.crt", server.ca_pem().context("a CA")?)?;
    let right = road.file("token", &format!("{TOKEN}\n"))?;
    let wrong = road.file("wrong-token", "a-guess")?;
    let [ca, right, wrong] = [ca, right, wrong].map(|path| path.display().to_string());
    for (name, args, says) in [
        (
            "untrusted",
            &["--token-file", right.as_str()][..],
            "certificate",
        ),
        (
            "refused",
            &["--token-file", &wrong, "--ca-file", &ca],
            "WL02",
        ),
    ] {
        let args = [args, &["--name", name]].concat();
        let daemon = road.daemon_for(&url, &args).await?;
        let status = road
            .until("Repository", name, "an error", |status| {
                status.to_string().contains("WL02")
            })
            .await?;
        assert!(status.to_string().contains(says), "{status}");
        assert!(!status.to_string().contains(TOKEN), "{status}");
        assert!(!daemon.log().contains(TOKEN), "{}", daemon.log());
    }
    let daemon = road
        .daemon_for(&url, &["--token-file", &right, "--ca-file", &ca])
        .await?;
    road.ready("web", &commit).await?;
    assert!(!daemon.log().contains(TOKEN), "{}", daemon.log());
    assert!(files_with(&road.cache(), TOKEN.as_bytes())?.is_empty());
    Ok(())
}

#[tokio::test]
async fn ssh_needs_the_key_and_the_known_host() -> Result<()> {
    if !GitSsh::available() {
        eprintln!("skipped: this machine has no sshd");
        return Ok(());
    }
    let road = Road::start("ssh").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
    ])?;
    let server = GitSsh::start(&road.repositories()).await?;
    let key = road.file("key", server.private_key())?;
    let hosts = road.file("known_hosts", server.known_hosts())?;
    let [key, hosts] = [key, hosts].map(|path| path.display().to_string());
    let args = ["--ssh-key-file", &key, "--known-hosts-file", &hosts];
    let _daemon = road.daemon_for(&server.url("main.git"), &args).await?;
    road.ready("web", &commit).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_cuts_the_pack_is_reported_and_left_behind() -> Result<()> {
    let road = Road::start("hang").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
    ])?;
    let upstream = GitHttp::start(&road.repositories(), GitHttpOptions::default()).await?;
    let broken = HostileGit::cut_pack(&upstream.url("main.git"), 200)?;
    let args = ["--interval", "1s"];
    let mut daemon = road.daemon_for(&broken.url("main.git"), &args).await?;
    road.until("Repository", "main", "a failed fetch", |status| {
        !is_ready(status) && status.to_string().contains("WL02")
    })
    .await?;
    assert_eq!(daemon.get("/healthz").await?.status, 200);
    broken.repair();
    road.ready("web", &commit).await?;
    Ok(())
}

#[tokio::test]
async fn a_server_that_never_answers_holds_up_nobody_and_changes_nothing() -> Result<()> {
    let road = Road::start("silent").await?;
    let file = |name: &str| format!("{name}/map.yaml");
    let environment = |name: &str| format!("{name}/environment.yaml");
    let commit = road.push(&[
        (&environment("slow"), Some(PLAIN)),
        (&file("slow"), Some(&config_map("slow", "1"))),
    ])?;
    let other = GitRepository::init(&road.repositories().join("other.git"))?;
    let beside = other.commit(
        &[
            (&environment("well"), Some(PLAIN)),
            (&file("well"), Some(&config_map("well", "1"))),
        ],
        "first",
    )?;
    let upstream = GitHttp::start(&road.repositories(), GitHttpOptions::default()).await?;
    let server = HostileGit::passing(&upstream.url("main.git"))?;
    let other_url = other.path().display().to_string();
    let _daemon = road
        .daemon_for(&other_url, &["--name", "well", "--interval", "1s"])
        .await?;
    let spec = json!({ "url": server.url("main.git"), "interval": "1s", "timeout": "2s" });
    road.create("Repository", "slow", spec).await?;
    road.ready("slow", &commit).await?;
    road.ready("well", &beside).await?;

    server.stall();
    let next = road.push(&[(&file("slow"), Some(&config_map("slow", "2")))])?;
    let told = road
        .until("Repository", "slow", "a fetch that took too long", |it| {
            !is_ready(it) && it.to_string().contains("WL02")
        })
        .await?;
    let ready = condition(&told, "Ready").context("a condition Ready")?;
    let message = ready["message"].as_str().unwrap_or_default();
    assert!(
        message.contains("2 s"),
        "it says how long it waited: {message}"
    );
    assert_eq!(
        told["revision"], commit,
        "the last revision stays in force: {told}"
    );
    let status = road.ready("slow", &commit).await?;
    assert!(condition(&status, "Stalled").is_none(), "{status}");

    // Drift is corrected without the server, and a repository beside it goes on.
    let edit = Patch::Merge(json!({ "data": { "value": "by hand" } }));
    let maps = road.config_maps();
    maps.patch("slow", &PatchParams::default(), &edit).await?;
    road.value_is("slow", "1").await?;
    let map = config_map("well", "2");
    let beside = other.commit(&[(&file("well"), Some(&map))], "second")?;
    road.value_is("well", "2").await?;
    road.ready("well", &beside).await?;

    server.repair();
    road.value_is("slow", "2").await?;
    road.ready("slow", &next).await?;
    road.until("Repository", "slow", "being Ready again", is_ready)
        .await?;
    Ok(())
}
