//! The daemon is killed at every request that changes the cluster; the next one finishes the work.
//!
//! Each test is a table of cut points: the n-th request of a run, on both sides of its execution. How many there are is
//! measured first, by a run that nobody cuts.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod cluster;
mod manifests;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use windlass_faults::{Cut, Moment, Proxy};
use windlass_test_support::{
    ControlPlane, Daemon, DaemonOptions, GitRepository, Options, Scratch, eventually,
};

use cluster::Cluster;
use manifests::{Revision, Site};

const DEADLINE: Duration = Duration::from_secs(60);

/// A control plane, the proxy before it, and what outlives a daemon.
struct Stand {
    proxy: Proxy,
    cluster: Cluster,
    kubeconfig: PathBuf,
    scratch: Scratch,
    _plane: ControlPlane,
}

impl Stand {
    async fn new() -> Result<Self> {
        let plane = ControlPlane::start(Options::default()).await?;
        let proxy = Proxy::start(plane.client().await?).await?;
        let scratch = Scratch::new("faults")?;
        let kubeconfig = scratch.path().join("kubeconfig");
        proxy.write_kubeconfig(&kubeconfig)?;
        Ok(Self {
            cluster: Cluster::new(plane.client().await?),
            proxy,
            kubeconfig,
            scratch,
            _plane: plane,
        })
    }

    /// A repository of one environment, which nothing has applied yet.
    fn repository(&self, site: &Site) -> Result<GitRepository> {
        GitRepository::init(&self.scratch.path().join(site.name()))
    }

    /// A daemon whose requests go through the proxy; its cache survives it, as a volume does.
    async fn daemon(&self, site: &Site, repository: &GitRepository) -> Result<Daemon> {
        let args = [
            "--repository",
            &repository.path().display().to_string(),
            "--branch",
            "main",
            "--name",
            "main",
            "--namespace",
            &site.home(),
            "--cache-dir",
            &self.scratch.path().join("cache").display().to_string(),
        ];
        Daemon::spawn(DaemonOptions {
            kubeconfig: Some(self.kubeconfig.clone()),
            args: args.map(str::to_owned).to_vec(),
            ..DaemonOptions::default()
        })
        .await
    }

    async fn kill(&self, mut daemon: Daemon) -> Result<()> {
        daemon.kill9()?;
        self.proxy.settled().await;
        Ok(())
    }

    /// Waits until this very daemon calls the environment ready at a commit, and the cluster does.
    ///
    /// Both, because the status in the cluster may be what a killed daemon left.
    async fn ready(&self, daemon: &mut Daemon, site: &Site, commit: &str) -> Result<()> {
        eventually(DEADLINE, "the environment to be ready", async || {
            daemon.check_alive()?;
            if self.proxy.ledger().stopped {
                return Ok(Some(()));
            }
            let seen = daemon.get("/api/v1/environments").await?.json()?;
            let one = &seen["environments"][0];
            if one["ready"] != true || one["revision"] != commit {
                bail!("the daemon says {seen}");
            }
            self.cluster.ready(site, commit).await
        })
        .await
        .with_context(|| daemon.log())
    }

    /// Runs a daemon up to its cut, or until `commit` is ready when the run ends before it; says how many requests changed
    /// the cluster.
    async fn run(
        &self,
        site: &Site,
        repository: &GitRepository,
        commit: &str,
        cut: Option<Cut>,
    ) -> Result<usize> {
        self.proxy.arm(cut);
        let mut daemon = self.daemon(site, repository).await?;
        tokio::select! {
            () = self.proxy.stopped() => {}
            ready = self.ready(&mut daemon, site, commit) => ready?,
        }
        let counted = self.proxy.ledger().counted;
        self.kill(daemon).await?;
        Ok(counted)
    }

    /// What has to hold once a daemon that nobody cuts has brought the environment to a revision.
    async fn recover(
        &self,
        site: &Site,
        repository: &GitRepository,
        revision: Revision,
        commit: &str,
    ) -> Result<()> {
        self.run(site, repository, commit, None).await?;
        self.cluster.check(site, revision).await
    }
}

/// One row of the table; says how many requests the cut run made.
async fn cold_start(stand: &Stand, site: &Site, cut: Option<Cut>) -> Result<usize> {
    let repository = stand.repository(site)?;
    let commit = manifests::commit(&repository, site, Revision::A)?;
    let counted = stand.run(site, &repository, &commit, cut).await?;
    stand
        .recover(site, &repository, Revision::A, &commit)
        .await?;
    let deleted: Vec<_> = stand.proxy.ledger().deletions().cloned().collect();
    ensure!(deleted.is_empty(), "deleted in a cold start: {deleted:?}");
    stand.cluster.forget_all().await?;
    Ok(counted)
}

/// One row of the table; says how many requests the cut run made.
async fn change(stand: &Stand, site: &Site, cut: Option<Cut>) -> Result<usize> {
    let repository = stand.repository(site)?;
    let commit = manifests::commit(&repository, site, Revision::A)?;
    stand.run(site, &repository, &commit, None).await?;
    let before = stand.cluster.uids(site).await?;

    let passed = stand.proxy.ledger().deletions().count();
    let commit = manifests::commit(&repository, site, Revision::B)?;
    let counted = stand.run(site, &repository, &commit, cut).await?;
    stand
        .recover(site, &repository, Revision::B, &commit)
        .await?;

    let after = stand.cluster.uids(site).await?;
    for (object, uid) in &before {
        let now = after.get(object);
        ensure!(
            now.is_none_or(|now| now == uid),
            "{object} is another object than before: something deleted it in between"
        );
    }
    let ledger = stand.proxy.ledger();
    let mut deleted: Vec<&str> = ledger
        .deletions()
        .skip(passed)
        .map(|deletion| deletion.uid.as_deref().unwrap_or("an answer without a uid"))
        .collect();
    let mut gone: Vec<&str> = before
        .iter()
        .filter(|(object, _)| !after.contains_key(*object))
        .map(|(_, uid)| uid.as_str())
        .collect();
    deleted.sort_unstable();
    gone.sort_unstable();
    ensure!(
        deleted == gone,
        "deleted: {deleted:?}; to be deleted once each: {gone:?}"
    );
    stand.cluster.forget_all().await?;
    Ok(counted)
}

/// Cuts at every request on both sides, and fails with all the rows that do not hold.
async fn every_cut(
    what: &str,
    least: usize,
    row: impl AsyncFn(&Stand, &Site, Option<Cut>) -> Result<usize>,
) -> Result<()> {
    let stand = Stand::new().await?;
    // The first daemon of a cluster also installs the types, so it does not count for the others.
    let first = row(&stand, &Site::new(what, "first"), None).await?;
    let usual = row(&stand, &Site::new(what, "uncut"), None).await?;
    ensure!(
        usual >= least,
        "{what} has only {usual} requests, which cannot be all of them"
    );
    let begin = Instant::now();
    let mut failed = Vec::new();
    let mut held = 0;
    for moment in [Moment::BeforeExecution, Moment::AfterExecution] {
        for request in 1..=usual {
            let cut = Cut { request, moment };
            let name = format!(
                "{}{request}",
                if moment == Moment::BeforeExecution {
                    "b"
                } else {
                    "a"
                }
            );
            match row(&stand, &Site::new(what, &name), Some(cut)).await {
                // A run may merge two writes of a status into one and end before its cut.
                Ok(counted) => held += usize::from(counted == request),
                Err(error) => failed.push(format!("{cut:?}: {error:#}")),
            }
        }
    }
    let took = begin.elapsed();
    println!("{what}: {usual} requests ({first} at first), {held} cuts in {took:.1?}");
    ensure!(
        failed.is_empty(),
        "{} of {} cuts do not hold:\n{}",
        failed.len(),
        2 * usual,
        failed.join("\n")
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cold_start_is_finished_after_a_kill_at_any_request() -> Result<()> {
    every_cut("cold", 6, cold_start).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_finished_after_a_kill_at_any_request() -> Result<()> {
    every_cut("change", 6, change).await
}
