//! A control plane with nothing but its API server, a repository of environments, and the daemon between them.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use kube::api::{DynamicObject, ListParams};
use kube::{Api, Client};
use serde_json::Value;
use tokio::time::sleep;
use windlass_test_support::control_plane::RequestCounts;
use windlass_test_support::{
    ControlPlane, Daemon, DaemonOptions, GitRepository, Options, Scratch, workload,
};

use crate::raw;

/// The namespace of all the environments' objects, made before the daemon starts.
pub(crate) const NAMESPACE: &str = "bench";

/// How often the daemon is asked how far it is: also the resolution of what is timed.
const POLL: Duration = Duration::from_millis(100);

const PROGRESS: Duration = Duration::from_secs(5);

/// Nothing new for so long means that the daemon has stopped, not that it is slow.
const STALLED: Duration = Duration::from_secs(120);

/// No write for so long means that what follows a sync has been written too; longer than the daemon holds progress back.
const QUIET: Duration = Duration::from_secs(12);

/// Objects of one environment.
pub(crate) const OBJECTS: usize = workload::KINDS.len();

/// What a benchmark runs against.
pub(crate) struct Bed {
    // Fields are dropped in order: the repository's folder last.
    pub(crate) plane: ControlPlane,
    pub(crate) client: Client,
    environments: usize,
    repository: GitRepository,
    _folder: Scratch,
}

/// How long a cold sync took.
pub(crate) struct Synced {
    /// From the start of the process until all was applied.
    pub(crate) total: Duration,
    /// From the start of the process until the first apply was seen.
    pub(crate) first: Duration,
    /// The most memory seen in between, in bytes.
    pub(crate) rss: u64,
}

impl Bed {
    /// Starts the API server and commits `environments` environments of the workload.
    pub(crate) async fn start(environments: usize, audit: bool) -> Result<Self> {
        eprintln!("starting a control plane for {environments} environments");
        let options = Options {
            audit,
            ..Options::default()
        };
        let plane = ControlPlane::start(options).await?;
        let client = plane.client().await?;
        raw::create_namespace(&client, NAMESPACE).await?;
        let folder = Scratch::new("bench")?;
        let repository = GitRepository::init(&folder.path().join("repository"))?;
        let mut files = Vec::new();
        for number in 0..environments {
            let name = format!("app-{number:04}");
            let environment = format!(
                "apiVersion: windlass.dev/v1alpha1\nkind: Environment\nspec:\n  namespace: {NAMESPACE}\n"
            );
            files.push((format!("{name}/environment.yaml"), environment));
            let objects = workload::manifest(&name, NAMESPACE);
            files.push((format!("{name}/objects.yaml"), objects));
        }
        let changes: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), Some(text.as_str())))
            .collect();
        repository.commit(&changes, "The environments")?;
        Ok(Self {
            plane,
            client,
            environments,
            repository,
            _folder: folder,
        })
    }

    /// Commits files on top of the environments.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> Result<()> {
        let changes: Vec<(&str, Option<&str>)> = files
            .iter()
            .map(|(path, text)| (*path, Some(*text)))
            .collect();
        self.repository.commit(&changes, "A change")?;
        Ok(())
    }

    /// The folder that a Git server has to serve; the repository is `repository` in it.
    pub(crate) fn repositories(&self) -> Result<&Path> {
        let path = self.repository.path();
        path.parent().context("a repository is in a folder")
    }

    /// A daemon that follows the repository by its path.
    pub(crate) fn options(&self, kubeconfig: PathBuf) -> DaemonOptions {
        let path = self.repository.path().to_string_lossy().into_owned();
        let args = ["--repository", &path, "--name", "bench"];
        DaemonOptions {
            kubeconfig: Some(kubeconfig),
            args: args.map(str::to_owned).into(),
            ..DaemonOptions::default()
        }
    }

    /// Starts the daemon with an empty cache and follows it until every environment is applied.
    pub(crate) async fn sync(&self, kubeconfig: PathBuf) -> Result<(Daemon, Synced)> {
        self.sync_with(self.options(kubeconfig)).await
    }

    /// The same for a daemon with options of its own.
    pub(crate) async fn sync_with(&self, options: DaemonOptions) -> Result<(Daemon, Synced)> {
        let begin = Instant::now();
        let mut daemon = Daemon::spawn(options).await?;
        let (mut first, mut rss) = (None, 0);
        let (mut best, mut changed, mut told) = (0, begin, begin);
        loop {
            daemon.check_alive()?;
            rss = rss.max(daemon.rss_bytes()?);
            let applied = count(
                &mut daemon,
                "windlass_applies_total",
                &[("result", "applied")],
            );
            let applied = applied.await?;
            if applied > 0 {
                first.get_or_insert_with(|| begin.elapsed());
            }
            let synced = count(&mut daemon, "windlass_sync_duration_seconds_count", &[]).await?;
            if synced >= self.environments {
                break;
            }
            if applied > best {
                (best, changed) = (applied, Instant::now());
            }
            if changed.elapsed() > STALLED {
                bail!(
                    "nothing was applied for {STALLED:?}, with {synced} of {} environments done; the daemon's log:\n{}",
                    self.environments,
                    daemon.log()
                );
            }
            if told.elapsed() > PROGRESS {
                eprintln!(
                    "{synced} of {} environments, {applied} objects",
                    self.environments
                );
                told = Instant::now();
            }
            sleep(POLL).await;
        }
        let total = begin.elapsed();
        eprintln!(
            "{} environments applied in {:.1} s",
            self.environments,
            total.as_secs_f64()
        );
        self.check_objects().await?;
        let first = first.unwrap_or(total);
        Ok((daemon, Synced { total, first, rss }))
    }

    /// Waits until nothing is written any more, and returns what was counted by then.
    pub(crate) async fn quiet(&self) -> Result<RequestCounts> {
        let writes = |counts: &RequestCounts| {
            counts.total(|count| {
                let verbs = ["APPLY", "PATCH", "PUT", "POST", "DELETE"];
                count.resource != "leases" && verbs.contains(&count.verb.as_str())
            })
        };
        let mut counts = self.plane.request_counts().await?;
        let begin = Instant::now();
        let mut since = begin;
        while since.elapsed() < QUIET && begin.elapsed() < STALLED {
            sleep(POLL * 5).await;
            let now = self.plane.request_counts().await?;
            if writes(&now) != writes(&counts) {
                since = Instant::now();
            }
            counts = now;
        }
        Ok(counts)
    }

    /// A figure counts only when the objects are there.
    async fn check_objects(&self) -> Result<()> {
        for object in workload::objects("any", NAMESPACE) {
            let text = |key: &str| object.get(key).and_then(Value::as_str).unwrap_or_default();
            let resource = raw::resource(text("apiVersion"), text("kind"));
            let api =
                Api::<DynamicObject>::namespaced_with(self.client.clone(), NAMESPACE, &resource);
            let listed = api.list_metadata(&ListParams::default()).await?;
            let found = listed.items.len();
            ensure!(
                found == self.environments,
                "{} {} expected in the namespace {NAMESPACE}, {found} found",
                self.environments,
                resource.plural
            );
        }
        Ok(())
    }
}

async fn count(daemon: &mut Daemon, name: &str, labels: &[(&str, &str)]) -> Result<usize> {
    let value = daemon.metric(name, labels).await?;
    Ok(value.unwrap_or(0.0) as usize)
}
