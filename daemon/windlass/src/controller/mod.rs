//! The controller: one loop that drives the road from a commit to the cluster.
//!
//! Everything that happens is a [`Message`]; the loop hands it to the environment that it concerns,
//! whose state machine (`windlass_engine::Environment`) answers with commands; commands run as tasks
//! whose end is a message again. The loop itself never waits for Git, a plugin or the cluster, so a
//! slow environment slows nobody.

mod commands;
mod conditions;
mod depends;
mod environment;
mod handle;
mod message;
mod news;
mod objects;
mod removal;
mod render;
mod repository;
mod revision;
mod status;
mod timers;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, mpsc};
use tokio_util::task::TaskTracker;
use windlass_cluster::{Cluster, Target, Watching};
use windlass_engine::applyset::SetId;
use windlass_engine::{Claims, Event, FingerprintKey, Live, Time};
use windlass_manifest::{GroupKind, ObjectId};
use windlass_render::Renderer;

use crate::metrics::Metrics;
pub(crate) use commands::secret_stores;
use environment::EnvironmentState;
pub(crate) use handle::Handle;
pub(crate) use message::{Message, TargetId};
pub(crate) use objects::SYNC_REQUESTED;
pub(crate) use render::DEFAULT_NAMESPACE;
use repository::RepositoryState;
pub(crate) use status::FindingView;
use timers::Timers;

/// Names an object of ours: namespace, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Key {
    pub(crate) fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// What the controller is made of.
pub(crate) struct Parts {
    pub(crate) cluster: Cluster,
    pub(crate) renderer: Arc<Renderer>,
    pub(crate) metrics: Metrics,
    pub(crate) settings: Settings,
}

/// What the operator decides on the command line.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where mirrors, compiled plugins and memos are kept.
    pub(crate) cache_dir: std::path::PathBuf,
    /// Directory targets live below this folder; without it they are refused.
    pub(crate) target_root: Option<std::path::PathBuf>,
    /// How many renders run at once.
    pub(crate) render_threads: usize,
    /// Repositories of these keys take their credentials from the command line.
    pub(crate) credentials: BTreeMap<Key, windlass_source::Auth>,
}

/// The loop's state. Owned by one task; nothing in it is locked.
pub(crate) struct Controller {
    parts: Parts,
    handle: Handle,
    receiver: mpsc::UnboundedReceiver<Message>,
    /// Where this process' one set of Kubernetes watches lives.
    kubernetes: Target,
    key: FingerprintKey,
    environments: BTreeMap<Key, EnvironmentState>,
    by_set: HashMap<SetId, Key>,
    claims: Claims,
    repositories: BTreeMap<Key, RepositoryState>,
    /// Kinds whose watch on the cluster has delivered its list.
    listed: HashSet<GroupKind>,
    /// Members of sets that no environment has been made for yet.
    unrouted: HashMap<SetId, HashMap<ObjectId, Live>>,
    timers: Timers,
    /// Environments whose status may have changed since the last flush.
    dirty: HashSet<Key>,
    render_slots: Arc<Semaphore>,
    tasks: TaskTracker,
    origin: Instant,
    /// The first list of `Environment` objects has arrived.
    environments_listed: bool,
    repositories_listed: bool,
}

impl Controller {
    pub(crate) fn new(
        parts: Parts,
        handle: Handle,
        receiver: mpsc::UnboundedReceiver<Message>,
    ) -> Self {
        let key = FingerprintKey::new(rand::random());
        let kubernetes = Self::kubernetes_target(&parts.cluster, &key, &handle);
        let render_slots = Arc::new(Semaphore::new(parts.settings.render_threads.max(1)));
        Self {
            parts,
            handle,
            receiver,
            kubernetes,
            key,
            environments: BTreeMap::new(),
            by_set: HashMap::new(),
            claims: Claims::default(),
            repositories: BTreeMap::new(),
            listed: HashSet::new(),
            unrouted: HashMap::new(),
            timers: Timers::default(),
            dirty: HashSet::new(),
            render_slots,
            tasks: TaskTracker::new(),
            origin: Instant::now(),
            environments_listed: false,
            repositories_listed: false,
        }
    }

    /// Begins to follow our own objects; the watches end with what is returned.
    pub(crate) fn watch_objects(&self) -> (Watching, Watching) {
        let environments = forward(&self.handle, Message::Environments);
        let repositories = forward(&self.handle, Message::Repositories);
        (
            self.parts.cluster.watch_environments(None, environments),
            self.parts.cluster.watch_repositories(None, repositories),
        )
    }

    fn now(&self) -> Time {
        Time(u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Runs until [`Message::Stop`], then lets the requests that are under way end.
    pub(crate) async fn run(mut self) {
        /// Messages handled before statuses are looked at, so that a burst costs one look each.
        const BATCH: usize = 512;
        loop {
            let wake = self
                .timers
                .next()
                .map(|at| self.origin + Duration::from_millis(at.0));
            // What looking at one environment has changed about others is looked at in the next turn, which then does
            // not wait.
            let message = tokio::select! {
                message = self.receiver.recv() => message,
                () = sleep_until(wake) => None,
                () = std::future::ready(()), if !self.dirty.is_empty() => None,
            };
            let mut stop = false;
            match message {
                Some(message) => stop |= self.receive(message),
                None if self.receiver.is_closed() && self.receiver.is_empty() => stop = true,
                None => {}
            }
            for _ in 0..BATCH {
                let Ok(message) = self.receiver.try_recv() else {
                    break;
                };
                stop |= self.receive(message);
            }
            let now = self.now();
            for key in self.timers.due(now) {
                let environment = self.environments.get(&key);
                if environment.is_some_and(|one| one.render.refused_for_now) {
                    self.start_render(&key);
                }
                self.feed(&key, Event::Tick);
                self.dirty.insert(key);
            }
            self.flush();
            if stop {
                break;
            }
        }
        self.stop().await;
    }

    /// Takes one message; true for [`Message::Stop`].
    fn receive(&mut self, message: Message) -> bool {
        match message {
            Message::Stop => return true,
            Message::Observation(target, observation) => self.observe(target, observation),
            Message::Environments(event) => self.environment_object(event),
            Message::Repositories(event) => self.repository_object(event),
            Message::Revision(revision) => self.revision(*revision),
            Message::Fetched { repository, result } => self.fetched(&repository, result),
            Message::Rendered {
                environment,
                outcome,
            } => self.rendered(&environment, *outcome),
            Message::Done {
                environment,
                ticket,
                outcome,
            } => {
                self.feed(&environment, Event::Done { ticket, outcome });
            }
            Message::ParentWritten {
                environment,
                result,
            } => {
                self.parent_written(&environment, *result);
            }
            Message::StatusWritten {
                environment,
                result,
            } => {
                self.status_written(&environment, result);
            }
            Message::Retired {
                environment,
                result,
            } => self.retired(&environment, result),
            Message::Rebound {
                environment,
                changes,
            } => self.rebound(&environment, changes),
            Message::SecretChanged { repository, change } => {
                self.secret_changed(&repository, &change);
            }
            Message::Detail {
                namespace,
                name,
                reply,
            } => {
                // The asker may have gone away; then nobody misses the answer.
                drop(reply.send(self.detail(namespace.as_deref(), &name)));
            }
        }
        false
    }

    /// Ends: nothing new is started, what is under way may end within ten seconds.
    async fn stop(mut self) {
        const GRACE: Duration = Duration::from_secs(10);
        self.tasks.close();
        if tokio::time::timeout(GRACE, self.tasks.wait())
            .await
            .is_err()
        {
            tracing::warn!("requests were still under way after {GRACE:?}; they are abandoned");
        }
        self.receiver.close();
    }
}

/// A sender whose items arrive as messages.
fn forward<T: Send + 'static>(
    handle: &Handle,
    wrap: impl Fn(T) -> Message + Send + 'static,
) -> mpsc::UnboundedSender<T> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let handle = handle.clone();
    tokio::spawn(async move {
        while let Some(item) = receiver.recv().await {
            handle.send(wrap(item));
        }
    });
    sender
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
