//! A folder as a target: one file for each object, for people who look at what is rendered, and
//! for tools that take over from there.
//!
//! What is written is what was rendered: references to secrets stay references, so that no value
//! lands on a disk in clear. Files without the label of a set are a person's, and never touched.

mod error;
mod files;

pub use error::DirectoryError;

use crate::target::Observation;
use crate::tasks::Task;
use files::{Content, Files};
use notify::{RecursiveMode, Watcher as _};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use windlass_engine::applyset::{Inventory, PART_OF, SetId};
use windlass_engine::drift::{claim, fingerprint};
use windlass_engine::health::{Assessment, Health};
use windlass_engine::{Desired, Failure, FailureClass, FingerprintKey, Live, Pointer};
use windlass_manifest::{GroupKind, ObjectId};

/// One write of an editor is several events; they are read as one.
const SETTLE: Duration = Duration::from_millis(50);

/// A folder as a target. Cheap to clone; the watch ends with the last clone.
#[derive(Clone)]
pub struct DirectoryTarget {
    shared: Arc<Shared>,
    watching: Arc<Mutex<Option<Watching>>>,
}

struct Watching {
    _watcher: Option<notify::RecommendedWatcher>,
    _task: Task,
}

struct Shared {
    files: Files,
    key: FingerprintKey,
    sender: mpsc::UnboundedSender<Observation>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    watched: BTreeSet<GroupKind>,
    /// Whether the whole folder has been read.
    listed: bool,
    objects: BTreeMap<ObjectId, Live>,
    leave: BTreeMap<ObjectId, Vec<Pointer>>,
}

impl DirectoryTarget {
    /// Opens a folder, and makes it when it is not there.
    ///
    /// # Errors
    /// The folder cannot be made or read.
    pub fn open(
        root: &Path,
        key: FingerprintKey,
        sender: mpsc::UnboundedSender<Observation>,
    ) -> Result<Self, DirectoryError> {
        Ok(DirectoryTarget {
            shared: Arc::new(Shared {
                files: Files::open(root)?,
                key,
                sender,
                state: Mutex::default(),
            }),
            watching: Arc::default(),
        })
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.shared.files.root()
    }

    pub(crate) fn key(&self) -> &FingerprintKey {
        &self.shared.key
    }

    /// See [`crate::Target::watch`].
    pub fn watch(&self, kinds: &BTreeSet<GroupKind>) {
        let (new, listed): (Vec<GroupKind>, bool) = {
            let mut state = self.shared.state();
            let new = kinds
                .iter()
                .filter(|kind| state.watched.insert((*kind).clone()))
                .cloned()
                .collect();
            (new, state.listed)
        };
        let mut watching = self.watching.lock().unwrap_or_else(PoisonError::into_inner);
        if watching.is_none() {
            *watching = Some(self.start());
        } else if listed {
            for kind in new {
                self.shared.tell_kind(&kind);
            }
        }
    }

    fn start(&self) -> Watching {
        let (sender, mut changes) = mpsc::unbounded_channel::<notify::Event>();
        let on_event = move |event: notify::Result<notify::Event>| {
            if let Ok(event) = event
                && !event.kind.is_access()
            {
                drop(sender.send(event));
            }
        };
        let watcher = notify::recommended_watcher(on_event)
            .and_then(|mut watcher| {
                watcher.watch(self.root(), RecursiveMode::Recursive)?;
                Ok(watcher)
            })
            .inspect_err(|error| {
                tracing::warn!(
                    code = "WL0720",
                    folder = %self.root().display(),
                    "changes in the folder are not noticed at once: {error}"
                );
            })
            .ok();
        let shared = Arc::clone(&self.shared);
        let task = Task::spawn(async move {
            shared.read_all().await;
            while let Some(event) = changes.recv().await {
                tokio::time::sleep(SETTLE).await;
                let mut paths: BTreeSet<PathBuf> = event.paths.iter().cloned().collect();
                let mut all = event.need_rescan();
                while let Ok(event) = changes.try_recv() {
                    all |= event.need_rescan();
                    paths.extend(event.paths);
                }
                // A folder that was moved or removed tells of itself, not of what was in it.
                all |= paths.iter().any(|path| shared.files.id_of(path).is_none());
                if all {
                    shared.read_all().await;
                } else {
                    for path in paths {
                        shared.read_one(path).await;
                    }
                }
            }
        });
        Watching {
            _watcher: watcher,
            _task: task,
        }
    }

    /// See [`crate::Target::known`].
    pub fn known(&self, kind: &GroupKind) -> Option<Vec<Live>> {
        let state = self.shared.state();
        let of_kind = |live: &&Live| live.id.group == kind.group && live.id.kind == kind.kind;
        (state.listed && state.watched.contains(kind))
            .then(|| state.objects.values().filter(of_kind).cloned().collect())
    }

    /// See [`crate::Target::get`].
    pub fn get(&self, id: &ObjectId) -> Option<Live> {
        self.shared.state().objects.get(id).cloned()
    }

    /// See [`crate::Target::set_leave`].
    pub fn set_leave(&self, id: &ObjectId, leave: Vec<Pointer>) {
        let mut state = self.shared.state();
        if leave.is_empty() {
            state.leave.remove(id);
        } else {
            state.leave.insert(id.clone(), leave);
        }
    }

    /// Writes an object's file.
    ///
    /// # Errors
    /// The file is a person's, the name cannot be a file's, or the disk fails.
    pub async fn apply(&self, object: &Desired, _set: &SetId) -> Result<Live, Failure> {
        let (id, body) = (object.id.clone(), Arc::clone(&object.body));
        let leave = object.leave.clone();
        let live = self
            .blocking(move |shared| {
                let mut value: Json =
                    serde_json::from_str(&body).map_err(|error| DirectoryError::Unreadable {
                        path: shared.files.root().to_owned(),
                        why: error.to_string(),
                    })?;
                let existing = shared.files.read(&id)?;
                if let Some(existing) = &existing {
                    if part_of(&existing.object).is_none() {
                        return Err(DirectoryError::NotOurs {
                            path: shared.files.path(&id)?,
                        });
                    }
                    for pointer in &leave {
                        crate::apply::keep(pointer, &existing.object, &mut value);
                    }
                }
                let written = shared.files.write(&id, &value)?;
                Ok(shared.live(&id, &written))
            })
            .await
            .map_err(|error| failure(&object.id, "cannot be written", &error))?;
        self.shared
            .state()
            .objects
            .insert(live.id.clone(), live.clone());
        Ok(live)
    }

    /// Removes an object's file, if it is still the one that was seen.
    ///
    /// # Errors
    /// The file has changed since, or the disk fails.
    pub async fn delete(
        &self,
        id: &ObjectId,
        _uid: &str,
        resource_version: &str,
    ) -> Result<(), Failure> {
        let (which, version) = (id.clone(), resource_version.to_owned());
        let stale = self
            .blocking(move |shared| {
                let Some(existing) = shared.files.read(&which)? else {
                    return Ok(false);
                };
                if !version.is_empty() && existing.version != version {
                    return Ok(true);
                }
                shared.files.remove(&which).map(|()| false)
            })
            .await
            .map_err(|error| failure(id, "cannot be removed", &error))?;
        if stale {
            return Err(Failure {
                class: FailureClass::Stale,
                code: "WL0707",
                message: format!("{id} cannot be removed: its file has changed since it was seen"),
            });
        }
        if let Some(live) = self.shared.forget(id) {
            self.shared.tell_gone(live);
        }
        Ok(())
    }

    /// See [`crate::Target::dry_run`].
    ///
    /// # Errors
    /// See [`crate::Target::dry_run`].
    pub async fn dry_run(&self, object: &Desired) -> Result<(Option<Json>, Json), Failure> {
        let (id, body) = (object.id.clone(), Arc::clone(&object.body));
        let (live, value) = self
            .blocking(move |shared| {
                let value: Json =
                    serde_json::from_str(&body).map_err(|error| DirectoryError::Unreadable {
                        path: shared.files.root().to_owned(),
                        why: error.to_string(),
                    })?;
                let live = shared.files.read(&id)?.map(|content| content.object);
                Ok((live, value))
            })
            .await
            .map_err(|error| failure(&object.id, "cannot be compared", &error))?;
        let hide = |object| crate::apply::hide_secret(object, &value, &self.shared.key);
        Ok((live.map(hide), hide(value.clone())))
    }

    /// Writes where the members of a set are; see [`crate::Target::write_inventory`].
    ///
    /// # Errors
    /// The disk fails.
    pub async fn write_inventory(&self, set: &SetId, inventory: &Inventory) -> Result<(), Failure> {
        let (set, inventory) = (set.clone(), inventory.clone());
        let name = set.to_string();
        self.blocking(move |shared| shared.files.write_inventory(&set, &inventory))
            .await
            .map_err(|error| set_failure(&name, &error))
    }

    /// Reads where the members of a set are; nothing when it was never written.
    ///
    /// # Errors
    /// The disk fails, or the file is damaged.
    pub async fn read_inventory(&self, set: &SetId) -> Result<Inventory, Failure> {
        let wanted = set.clone();
        self.blocking(move |shared| shared.files.read_inventory(&wanted))
            .await
            .map_err(|error| set_failure(set.as_str(), &error))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, DirectoryError> + Send + 'static,
    ) -> Result<T, DirectoryError> {
        let shared = Arc::clone(&self.shared);
        match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(result) => result,
            Err(error) => Err(DirectoryError::Unreadable {
                path: self.root().to_owned(),
                why: error.to_string(),
            }),
        }
    }
}

fn part_of(object: &Json) -> Option<&str> {
    object
        .get("metadata")?
        .get("labels")?
        .get(PART_OF)?
        .as_str()
}

fn failure(id: &ObjectId, verb: &str, error: &DirectoryError) -> Failure {
    Failure {
        class: error.class(),
        code: error.code(),
        message: format!("{id} {verb}: {error}"),
    }
}

fn set_failure(set: &str, error: &DirectoryError) -> Failure {
    Failure {
        class: error.class(),
        code: error.code(),
        message: format!("the inventory of {set}: {error}"),
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, observation: Observation) {
        drop(self.sender.send(observation));
    }

    fn tell_gone(&self, live: Live) {
        self.tell(Observation::Vanished {
            id: live.id,
            uid: Some(live.uid),
        });
    }

    fn forget(&self, id: &ObjectId) -> Option<Live> {
        self.state().objects.remove(id)
    }

    /// Tells all that is known of one kind.
    fn tell_kind(&self, kind: &GroupKind) {
        let state = self.state();
        let members = state
            .objects
            .values()
            .filter(|live| live.id.group == kind.group && live.id.kind == kind.kind);
        for live in members {
            self.tell(Observation::Live(Box::new(live.clone())));
        }
        self.tell(Observation::Listed(kind.clone()));
    }

    /// What is kept of a file. The disk has no health of its own: what is written is healthy.
    fn live(&self, id: &ObjectId, content: &Content) -> Live {
        let leave = self.state().leave.get(id).cloned().unwrap_or_default();
        Live {
            id: id.clone(),
            uid: self.files.uid(id),
            resource_version: content.version.clone(),
            part_of: part_of(&content.object).map(str::to_owned),
            owned: part_of(&content.object)
                .map(|_| fingerprint(&claim(&content.object), &leave, &self.key)),
            health: Assessment::new(Health::Healthy, ""),
            deleting: false,
            finalizers: Vec::new(),
            keep: keeps(&content.object),
            other_manager: None,
        }
    }

    /// Reads the whole folder and tells what is new, changed and gone.
    async fn read_all(self: &Arc<Self>) {
        let shared = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || shared.files.read_all()).await;
        let found = match read {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => return self.tell_failed(&error),
            Err(_) => return,
        };
        let mut seen = BTreeSet::new();
        for (id, content) in found {
            if part_of(&content.object).is_some() {
                seen.insert(id.clone());
                self.take(self.live(&id, &content));
            }
        }
        let (gone, first, watched) = {
            let mut state = self.state();
            let gone: Vec<ObjectId> = state
                .objects
                .keys()
                .filter(|id| !seen.contains(*id))
                .cloned()
                .collect();
            let first = !std::mem::replace(&mut state.listed, true);
            (gone, first, state.watched.clone())
        };
        for id in gone {
            if let Some(live) = self.forget(&id) {
                self.tell_gone(live);
            }
        }
        if first {
            for kind in watched {
                self.tell(Observation::Listed(kind));
            }
        }
    }

    async fn read_one(self: &Arc<Self>, path: PathBuf) {
        let Some(id) = self.files.id_of(&path) else {
            return;
        };
        let shared = Arc::clone(self);
        let wanted = id.clone();
        let read = tokio::task::spawn_blocking(move || shared.files.read(&wanted)).await;
        match read {
            Ok(Ok(Some(content))) if part_of(&content.object).is_some() => {
                self.take(self.live(&id, &content));
            }
            Ok(Ok(_)) => {
                if let Some(live) = self.forget(&id) {
                    self.tell_gone(live);
                }
            }
            Ok(Err(error)) => self.tell_failed(&error),
            Err(_) => {}
        }
    }

    fn take(&self, live: Live) {
        let mut state = self.state();
        if state.objects.get(&live.id) == Some(&live) {
            return;
        }
        state.objects.insert(live.id.clone(), live.clone());
        if state.watched.contains(&live.id.group_kind()) {
            self.tell(Observation::Live(Box::new(live)));
        }
    }

    fn tell_failed(&self, error: &DirectoryError) {
        let watched = self.state().watched.clone();
        for kind in watched {
            self.tell(Observation::WatchFailed {
                kind,
                error: Failure {
                    class: error.class(),
                    code: error.code(),
                    message: error.to_string(),
                },
            });
        }
    }
}

/// Whether the object says of itself that it is never pruned.
fn keeps(object: &Json) -> bool {
    // The engine reads the annotations of live objects; a file has all that this takes but a uid.
    let mut copy = object.clone();
    if let Some(metadata) = copy.get_mut("metadata").and_then(Json::as_object_mut) {
        metadata.insert("uid".to_owned(), "file".into());
    }
    Live::from_object(&copy, &[], &FingerprintKey::new([0; 32])).is_some_and(|live| live.keep)
}
