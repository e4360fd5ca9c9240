//! One repository: its fetch loop, and what the controller holds of it.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::AbortHandle;
use windlass_cluster::Secrets;
use windlass_cluster::resources::{Repository, RepositorySpec, RepositoryStatus, Span};
use windlass_manifest::SecretRef;
use windlass_source::{
    Auth, ChildCommand, FetchError, FetchRequest, Finder, LocalWatch, MirrorError, ReadError,
    Reference, Repository as Mirror, Snapshot, fetch,
};

use super::handle::Door;
use super::message::Revision;
use super::{Controller, Handle, Key, Message};
use crate::config::{FILE_NAME, MAX_ENVIRONMENTS, discover};

/// How often a repository is asked when its `spec.interval` says nothing.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// How long a fetch may take when `spec.timeout` says nothing.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);

/// How far apart the tries are when a repository cannot be reached, at most.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// Why a repository could not be brought up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RepositoryError {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl From<FetchError> for RepositoryError {
    fn from(error: FetchError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<ReadError> for RepositoryError {
    fn from(error: ReadError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

impl From<MirrorError> for RepositoryError {
    fn from(error: MirrorError) -> Self {
        Self {
            code: error.code(),
            message: error.to_string(),
        }
    }
}

/// What the controller holds of a repository.
pub(crate) struct RepositoryState {
    pub(crate) spec: Arc<RepositorySpec>,
    pub(crate) generation: Option<i64>,
    /// Its secret stores.
    pub(crate) secrets: Secrets,
    pub(crate) mirror: Option<Mirror>,
    pub(crate) snapshot: Option<Snapshot>,
    /// Why the last fetch failed, if it did.
    pub(crate) error: Option<RepositoryError>,
    /// The branch's history was rewritten at the last fetch.
    pub(crate) forced: bool,
    /// Environments found at the snapshot.
    pub(crate) environments: usize,
    /// Those whose render at this snapshot is awaited.
    pub(crate) rendering: HashSet<Key>,
    pub(crate) written: Option<RepositoryStatus>,
    bell: Arc<Notify>,
    task: Option<AbortHandle>,
}

impl RepositoryState {
    pub(crate) fn new(object: &Repository, secrets: Secrets) -> Self {
        Self {
            secrets,
            spec: Arc::new(object.spec.clone()),
            generation: object.metadata.generation,
            mirror: None,
            snapshot: None,
            error: None,
            forced: false,
            environments: 0,
            rendering: HashSet::new(),
            written: object.status.clone(),
            bell: Arc::new(Notify::new()),
            task: None,
        }
    }

    /// The snapshot to render: the newest, or the pinned commit where the mirror holds it.
    ///
    /// # Errors
    /// `WL0112` when the pinned commit is not in the mirror; nothing is rendered then, because the
    /// newest commit is exactly what the pin is meant to keep away.
    pub(crate) fn snapshot_for(
        &self,
        pin: Option<&str>,
    ) -> Result<Option<Snapshot>, RepositoryError> {
        let (Some(newest), Some(mirror)) = (&self.snapshot, &self.mirror) else {
            return Ok(None);
        };
        match pin {
            Some(commit) if commit != newest.commit().id => mirror
                .snapshot(commit)
                .map(Some)
                .map_err(|error| RepositoryError {
                    code: "WL0112",
                    message: format!("spec.revision pins {commit}, which is not at hand: {error}"),
                }),
            _ => Ok(Some(newest.clone())),
        }
    }

    /// Wakes the fetch loop.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }

    /// Ends the fetch loop. A fetch that is under way ends at its deadline and is not heard.
    pub(crate) fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

impl Controller {
    pub(super) fn start_repository(&mut self, key: &Key) {
        let Some(repository) = self.repositories.get_mut(key) else {
            return;
        };
        let secrets = repository.secrets.clone();
        if repository.task.is_some() || repository.spec.suspend.unwrap_or(false) {
            return;
        }
        let spec = repository.spec.clone();
        let reference = reference(&spec);
        let branch = match &reference {
            Reference::Branch(branch) => Some(branch.clone()),
            _ => None,
        };
        let bell = repository.bell.clone();
        let door = Door {
            url: spec.url.clone(),
            branch,
            bell,
            webhook_secret: None,
        };
        self.handle.set_door(key, door.clone());
        let fetcher = Fetcher {
            key: key.clone(),
            spec,
            reference,
            door,
            handle: self.handle.clone(),
            secrets,
            credentials: self.parts.settings.credentials.get(key).cloned(),
            mirrors: self.parts.settings.cache_dir.join("git"),
            known: None,
            finder: Arc::new(Finder::new(FILE_NAME, MAX_ENVIRONMENTS)),
        };
        repository.task = Some(tokio::spawn(fetcher.run()).abort_handle());
    }
}

fn reference(spec: &RepositorySpec) -> Reference {
    let Some(wanted) = &spec.reference else {
        return Reference::Head;
    };
    if let Some(commit) = &wanted.commit {
        Reference::Commit(commit.clone())
    } else if let Some(semver) = &wanted.semver {
        Reference::Semver(semver.clone())
    } else if let Some(tag) = &wanted.tag {
        Reference::Tag(tag.clone())
    } else if let Some(branch) = &wanted.branch {
        Reference::Branch(branch.clone())
    } else {
        Reference::Head
    }
}

/// The fetch loop of one repository.
struct Fetcher {
    key: Key,
    spec: Arc<RepositorySpec>,
    reference: Reference,
    door: Door,
    handle: Handle,
    secrets: Secrets,
    credentials: Option<Auth>,
    mirrors: PathBuf,
    /// The commit that the controller was told last.
    known: Option<String>,
    finder: Arc<Finder>,
}

impl Fetcher {
    async fn run(mut self) {
        let interval = span(self.spec.interval, DEFAULT_INTERVAL);
        let bell = self.door.bell.clone();
        let _watch = self.watch_locally();
        let mut failures = 0_u32;
        loop {
            let pause = match self.fetch_once().await {
                Ok(()) => {
                    failures = 0;
                    // Jitter, so that a thousand daemons do not ask one server in the same second.
                    interval.mul_f64(0.95 + 0.1 * rand::random::<f64>())
                }
                Err(error) => {
                    tracing::warn!(repository = %self.key, code = error.code, "{}", error.message);
                    let repository = self.key.clone();
                    self.handle.send(Message::Fetched {
                        repository,
                        result: Err(error),
                    });
                    failures += 1;
                    backoff(failures, interval)
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = bell.notified() => {}
            }
        }
    }

    /// A repository on this machine is watched, so that a commit there is seen at once.
    fn watch_locally(&self) -> Option<LocalWatch> {
        let url = &self.spec.url;
        let path = url.strip_prefix("file://").unwrap_or(url);
        if !path.starts_with('/') {
            return None;
        }
        let bell = self.door.bell.clone();
        let key = self.key.clone();
        let watch = LocalWatch::new(Path::new(path), move |change| match change {
            Ok(()) => bell.notify_one(),
            Err(error) => tracing::warn!(repository = %key, "not watched any more: {error}"),
        });
        watch
            .inspect_err(|error| tracing::warn!(repository = %self.key, "only polled: {error}"))
            .ok()
    }

    async fn fetch_once(&mut self) -> Result<(), RepositoryError> {
        let auth = self.auth().await?;
        let (url, mirrors) = (self.spec.url.clone(), self.mirrors.clone());
        let mirror = blocking(move || Mirror::open(&mirrors, &url)).await??;
        let request = FetchRequest {
            url: self.spec.url.clone(),
            reference: self.reference.clone(),
            auth,
            known: self.known.clone(),
            shallow: true,
            mirror: mirror.path().to_owned(),
        };
        let deadline = span(self.spec.timeout, DEFAULT_TIMEOUT);
        let child =
            ChildCommand::current_program(["git-fetch"]).map_err(|error| RepositoryError {
                code: "WL0001",
                message: format!("no program to fetch with: {error}"),
            })?;
        let outcome = blocking(move || fetch(&child, &request, deadline)).await??;
        let repository = self.key.clone();
        if self.known.as_deref() == Some(&outcome.commit) {
            self.handle.send(Message::Fetched {
                repository,
                result: Ok(outcome.commit),
            });
            return Ok(());
        }
        let commit = outcome.commit.clone();
        let finder = self.finder.clone();
        let (mirror, snapshot, found) = blocking(move || {
            let snapshot = mirror.snapshot(&commit)?;
            let found = discover(&snapshot, &finder.find(&snapshot)?);
            Ok::<_, RepositoryError>((mirror, snapshot, found))
        })
        .await??;
        self.known = Some(outcome.commit);
        let forced = outcome.forced.unwrap_or(false);
        let revision = Revision {
            repository,
            mirror,
            snapshot,
            forced,
            found,
        };
        self.handle.send(Message::Revision(Box::new(revision)));
        Ok(())
    }

    /// The credentials: those of the command line, or the keys of `spec.secretRef`'s Secret.
    async fn auth(&mut self) -> Result<Auth, RepositoryError> {
        self.refresh_webhook_secret().await;
        let ca = self.spec.ca.clone();
        if let Some(credentials) = &self.credentials {
            return Ok(credentials.clone());
        }
        let Some(secret) = self
            .spec
            .secret_ref
            .as_ref()
            .map(|reference| reference.name.clone())
        else {
            return Ok(Auth {
                ca_pem: ca,
                ..Auth::default()
            });
        };
        const KEYS: [&str; 7] = [
            "username",
            "password",
            "token",
            "identity",
            "passphrase",
            "known_hosts",
            "ca.crt",
        ];
        let mut found = BTreeMap::new();
        for key in KEYS {
            if let Some(value) = self.secret(&secret, key).await {
                found.insert(key, value);
            }
        }
        if found.is_empty() {
            return Err(RepositoryError {
                code: "WL0113",
                message: format!(
                    "spec.secretRef names the Secret {}/{secret}, which is missing or holds none of {}",
                    self.key.namespace,
                    KEYS.join(", ")
                ),
            });
        }
        let mut take = |key: &str| found.remove(key);
        Ok(Auth {
            username: take("username"),
            password: take("token").or_else(|| take("password")),
            ssh_private_key: take("identity"),
            ssh_passphrase: take("passphrase"),
            known_hosts: take("known_hosts"),
            ca_pem: take("ca.crt").or(ca),
        })
    }

    async fn refresh_webhook_secret(&mut self) {
        let Some(webhook) = &self.spec.webhook else {
            return;
        };
        let name = webhook.secret_ref.name.clone();
        let secret: Option<Arc<[u8]>> = self
            .secret(&name, "token")
            .await
            .map(|text| text.into_bytes().into());
        if secret != self.door.webhook_secret {
            self.door.webhook_secret = secret;
            self.handle.set_door(&self.key, self.door.clone());
        }
    }

    async fn secret(&self, name: &str, key: &str) -> Option<String> {
        let reference = SecretRef::new("kubernetes", name, key).ok()?;
        let value = self
            .secrets
            .get(&reference, &self.key.namespace)
            .await
            .ok()?;
        String::from_utf8(value.reveal().to_vec()).ok()
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RepositoryError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_panic| RepositoryError {
            code: "WL0109",
            message: "fetching ended in a defect of Windlass; see its log".to_owned(),
        })
}

fn span(given: Option<Span>, default: Duration) -> Duration {
    given
        .map_or(default, |span| span.0)
        .max(Duration::from_secs(1))
}

fn backoff(failures: u32, interval: Duration) -> Duration {
    let base = Duration::from_secs(2)
        .saturating_mul(1 << failures.min(10))
        .min(MAX_BACKOFF);
    base.min(interval.max(Duration::from_secs(5)))
        .mul_f64(0.8 + 0.4 * rand::random::<f64>())
}
