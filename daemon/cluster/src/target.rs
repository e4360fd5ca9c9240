//! Where the objects of environments go, and what is seen of them there.

use crate::Cluster;
use crate::directory::DirectoryTarget;
use crate::index::{Index, Standing};
use crate::secrets::{SecretError, Secrets};
use crate::tasks::Task;
use crate::transport::Call;
use crate::watching::{Note, Subject, watch};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use windlass_engine::applyset::{Inventory, PART_OF, SetId};
use windlass_engine::{
    Desired, Failure, FailureClass, Fingerprint, FingerprintKey, Live, Pointer, drift,
};
use windlass_manifest::{GroupKind, ObjectId};

/// How often it is asked whether a kind that somebody waits for is served by now. Custom kinds are
/// noticed at once by their definitions; this is for aggregated API servers.
const ASK_AGAIN: Duration = Duration::from_secs(60);

/// Something that was seen in a target.
#[derive(Clone, Debug)]
pub enum Observation {
    /// A member of a set as it is now.
    Live(Box<Live>),
    /// A member is gone, or has lost its label.
    Vanished {
        /// The object.
        id: ObjectId,
        /// The incarnation that is gone.
        uid: Option<String>,
    },
    /// Everything of a kind that is there has been told.
    Listed(GroupKind),
    /// A kind that was missing is served now.
    KindServed(GroupKind),
    /// A kind is not served.
    KindMissing(GroupKind),
    /// A watch fails, and is tried again. What was seen stays in force.
    WatchFailed {
        /// The kind.
        kind: GroupKind,
        /// Why.
        error: Failure,
    },
    /// A watch that failed works again.
    WatchRecovered {
        /// The kind.
        kind: GroupKind,
    },
}

/// Where the objects of an environment go. Cheap to clone.
#[derive(Clone)]
pub enum Target {
    /// A cluster.
    Kubernetes(KubernetesTarget),
    /// A folder.
    Directory(DirectoryTarget),
}

impl Target {
    /// Watches these kinds as well. What runs already goes on; see [`Target::replay`].
    pub fn watch(&self, kinds: &BTreeSet<GroupKind>) {
        match self {
            Target::Kubernetes(target) => target.watch(kinds),
            Target::Directory(target) => target.watch(kinds),
        }
    }

    /// All that is known of a kind; `None` while its list is not complete.
    pub fn known(&self, kind: &GroupKind) -> Option<Vec<Live>> {
        match self {
            Target::Kubernetes(target) => target.known(kind),
            Target::Directory(target) => target.known(kind),
        }
    }

    /// What has been told about these kinds already, for an environment that comes later: its
    /// members, then `Listed`; or `KindMissing`; nothing for a kind that is still being listed.
    pub fn replay(&self, kinds: &BTreeSet<GroupKind>, set: &SetId) -> Vec<Observation> {
        let mut told = Vec::new();
        for kind in kinds {
            if let Some(known) = self.known(kind) {
                told.extend(
                    known
                        .into_iter()
                        .filter(|live| live.part_of.as_deref() == Some(set.as_str()))
                        .map(|live| Observation::Live(Box::new(live))),
                );
                told.push(Observation::Listed(kind.clone()));
            } else if self.is_missing(kind) {
                told.push(Observation::KindMissing(kind.clone()));
            }
        }
        told
    }

    /// Whether a kind is known not to be served.
    pub fn is_missing(&self, kind: &GroupKind) -> bool {
        match self {
            Target::Kubernetes(target) => target.is_missing(kind),
            Target::Directory(_) => false,
        }
    }

    /// What is known of one object.
    pub fn get(&self, id: &ObjectId) -> Option<Live> {
        match self {
            Target::Kubernetes(target) => target.get(id),
            Target::Directory(target) => target.get(id),
        }
    }

    /// Whether objects of a kind are in namespaces; `None` where that is not known.
    pub fn is_namespaced(&self, kind: &GroupKind) -> Option<bool> {
        match self {
            Target::Kubernetes(target) => target.cluster().is_namespaced(kind),
            Target::Directory(_) => windlass_manifest::rank::is_namespaced_builtin(kind),
        }
    }

    /// Leaves fields of an object to others: they are no part of its fingerprint from now on.
    pub fn set_leave(&self, id: &ObjectId, leave: Vec<Pointer>) {
        match self {
            Target::Kubernetes(target) => target.set_leave(id, leave),
            Target::Directory(target) => target.set_leave(id, leave),
        }
    }

    /// The fingerprint that an object has once it is applied as it is wanted.
    ///
    /// A cluster gets the values of secrets, a folder only their references.
    ///
    /// # Errors
    /// A secret is missing.
    pub async fn expected(
        &self,
        object: &Desired,
        secrets: &Secrets,
        namespace: &str,
    ) -> Result<Fingerprint, SecretError> {
        match self {
            Target::Kubernetes(target) => {
                secrets
                    .expected(object, namespace, &target.shared.key)
                    .await
            }
            Target::Directory(target) => {
                let body: Json = serde_json::from_str(&object.body)
                    .map_err(|error| SecretError::Body(error.to_string()))?;
                Ok(drift::fingerprint(
                    &drift::claim(&body),
                    &object.leave,
                    target.key(),
                ))
            }
        }
    }

    /// Applies an object.
    ///
    /// `exists` is whether it is known to be there; `namespace` is the environment's, in which
    /// secrets are looked up.
    ///
    /// # Errors
    /// See [`Failure`]; no secret value is in its message.
    pub async fn apply(
        &self,
        object: &Desired,
        set: &SetId,
        force: bool,
        exists: bool,
        secrets: &Secrets,
        namespace: &str,
    ) -> Result<Live, Failure> {
        match self {
            Target::Kubernetes(target) => {
                target
                    .apply(object, force, exists, secrets, namespace)
                    .await
            }
            Target::Directory(target) => target.apply(object, set).await,
        }
    }

    /// Deletes an object if it is still the one that was seen; one that is gone is a success.
    ///
    /// # Errors
    /// [`FailureClass::Stale`] when it has changed since; otherwise see [`Failure`].
    pub async fn delete(
        &self,
        id: &ObjectId,
        uid: &str,
        resource_version: &str,
    ) -> Result<(), Failure> {
        match self {
            Target::Kubernetes(target) => target.delete(id, uid, resource_version).await,
            Target::Directory(target) => target.delete(id, uid, resource_version).await,
        }
    }

    /// The live object and what it would be after an apply. Values of secrets are hidden in both.
    ///
    /// # Errors
    /// As [`Target::apply`].
    pub async fn dry_run(
        &self,
        object: &Desired,
        secrets: &Secrets,
        namespace: &str,
    ) -> Result<(Option<Json>, Json), Failure> {
        match self {
            Target::Kubernetes(target) => target.dry_run(object, secrets, namespace).await,
            Target::Directory(target) => target.dry_run(object).await,
        }
    }

    /// Keeps the inventory of a set where the target itself keeps it; `false` where the parent
    /// object does.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub async fn write_inventory(
        &self,
        set: &SetId,
        inventory: &Inventory,
    ) -> Result<bool, Failure> {
        match self {
            Target::Kubernetes(_) => Ok(false),
            Target::Directory(target) => {
                target.write_inventory(set, inventory).await.map(|()| true)
            }
        }
    }

    /// Reads what [`Target::write_inventory`] has written; `None` where the parent object has it.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub async fn read_inventory(&self, set: &SetId) -> Result<Option<Inventory>, Failure> {
        match self {
            Target::Kubernetes(_) => Ok(None),
            Target::Directory(target) => target.read_inventory(set).await.map(Some),
        }
    }
}

/// A cluster as a target: one watch a kind for the whole daemon. Cheap to clone; the watches end
/// with the last clone.
#[derive(Clone)]
pub struct KubernetesTarget {
    cluster: Cluster,
    shared: Arc<Shared>,
    tasks: Arc<Mutex<Vec<Task>>>,
}

pub(crate) struct Shared {
    pub(crate) key: FingerprintKey,
    sender: mpsc::UnboundedSender<Observation>,
    index: Mutex<Index>,
    leave: Mutex<HashMap<ObjectId, Arc<[Pointer]>>>,
}

impl Shared {
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaves(&self) -> MutexGuard<'_, HashMap<ObjectId, Arc<[Pointer]>>> {
        self.leave.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn leave_of(&self, id: &ObjectId) -> Arc<[Pointer]> {
        self.leaves().get(id).cloned().unwrap_or_default()
    }

    /// Cuts a live object down to what is kept of it.
    pub(crate) fn read(&self, object: &Json) -> Option<Live> {
        let mut live = Live::from_object(object, &[], &self.key)?;
        let leave = self.leave_of(&live.id);
        if !leave.is_empty() {
            live = Live::from_object(object, &leave, &self.key)?;
        }
        Some(live)
    }

    fn tell(&self, observation: Observation) {
        // Nobody listens any more when the daemon is about to end.
        drop(self.sender.send(observation));
    }

    fn gone(&self, objects: Vec<Live>) {
        for live in objects {
            self.tell(Observation::Vanished {
                id: live.id,
                uid: Some(live.uid),
            });
        }
    }
}

impl KubernetesTarget {
    pub(crate) fn new(
        cluster: Cluster,
        key: FingerprintKey,
        sender: mpsc::UnboundedSender<Observation>,
    ) -> Self {
        let definitions = cluster.clone();
        let following = Task::spawn(async move { definitions.follow_definitions().await });
        KubernetesTarget {
            cluster,
            shared: Arc::new(Shared {
                key,
                sender,
                index: Mutex::default(),
                leave: Mutex::default(),
            }),
            tasks: Arc::new(Mutex::new(vec![following])),
        }
    }

    /// The connection.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The same target, written to with the rights of a service account. What is watched is
    /// shared, and read with the daemon's own rights.
    pub fn acting_as(&self, namespace: &str, account: &str) -> KubernetesTarget {
        KubernetesTarget {
            cluster: self.cluster.acting_as(namespace, account),
            ..self.clone()
        }
    }

    /// See [`Target::watch`].
    pub fn watch(&self, kinds: &BTreeSet<GroupKind>) {
        let new: Vec<GroupKind> = {
            let mut index = self.shared.index();
            kinds
                .iter()
                .filter(|kind| index.add(kind))
                .cloned()
                .collect()
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for kind in new {
            let (cluster, shared) = (self.cluster.clone(), Arc::clone(&self.shared));
            tasks.push(Task::spawn(async move {
                follow(&cluster, &shared, &kind).await
            }));
        }
    }

    /// See [`Target::known`].
    pub fn known(&self, kind: &GroupKind) -> Option<Vec<Live>> {
        self.shared.index().known(kind)
    }

    /// See [`Target::is_missing`].
    pub fn is_missing(&self, kind: &GroupKind) -> bool {
        self.shared.index().standing(kind) == Some(Standing::Missing)
    }

    /// See [`Target::get`].
    pub fn get(&self, id: &ObjectId) -> Option<Live> {
        self.shared.index().get(id).cloned()
    }

    /// The number of objects that are known of each watched kind.
    pub fn counts(&self) -> BTreeMap<GroupKind, usize> {
        self.shared.index().counts()
    }

    /// See [`Target::set_leave`].
    ///
    /// The fingerprint of an object that is known already is computed anew, which takes one
    /// request, and told.
    pub fn set_leave(&self, id: &ObjectId, leave: Vec<Pointer>) {
        let changed = {
            let mut leaves = self.shared.leaves();
            let before = if leave.is_empty() {
                leaves.remove(id)
            } else {
                leaves.insert(id.clone(), leave.clone().into())
            };
            before.as_deref().unwrap_or_default() != leave.as_slice()
        };
        if changed && self.shared.index().get(id).is_some() {
            let (target, id) = (self.clone(), id.clone());
            // Not kept: it is one request, and ends by itself.
            drop(tokio::spawn(async move { target.look_again(&id).await }));
        }
    }

    /// Reads an object again and tells what it is.
    async fn look_again(&self, id: &ObjectId) {
        let Some(served) = self.cluster.discovery().preferred(&id.group_kind()) else {
            return;
        };
        let path = served.object(id);
        let Ok(answer) = self.cluster.transport().call(Call::get(&path)).await else {
            return;
        };
        let live = match answer.json() {
            Ok(object) if answer.status.is_success() => self.shared.read(&object),
            _ => None,
        };
        if let Some(live) = live
            && self.shared.index().recomputed(&live)
        {
            self.shared.tell(Observation::Live(Box::new(live)));
        }
    }
}

/// Follows one kind for ever: waits until it is served, watches it, and again when it comes back.
async fn follow(cluster: &Cluster, shared: &Shared, kind: &GroupKind) {
    let discovery = cluster.discovery();
    let mut changes = discovery.changes();
    let mut failing = false;
    loop {
        changes.mark_unchanged();
        let mut served = discovery.preferred(kind).filter(|served| served.watchable);
        if served.is_none() {
            if let Err(error) = discovery.refresh(cluster.transport()).await
                && !std::mem::replace(&mut failing, true)
            {
                shared.tell(Observation::WatchFailed {
                    kind: kind.clone(),
                    error: Failure {
                        class: FailureClass::Transient { retry_after: None },
                        code: error.code(),
                        message: error.to_string(),
                    },
                });
            }
            served = discovery.preferred(kind).filter(|served| served.watchable);
        }
        let Some(served) = served else {
            if discovery.is_complete() {
                let was_missing = shared.index().standing(kind) == Some(Standing::Missing);
                let gone = shared.index().missing(kind);
                shared.gone(gone);
                if !was_missing {
                    shared.tell(Observation::KindMissing(kind.clone()));
                }
            }
            let pause = if discovery.is_complete() {
                ASK_AGAIN
            } else {
                Duration::from_secs(2).mul_f64(0.5 + crate::watching::spread())
            };
            _ = tokio::time::timeout(pause, changes.changed()).await;
            continue;
        };
        if shared.index().standing(kind) == Some(Standing::Missing) {
            shared.index().served(kind);
            shared.tell(Observation::KindServed(kind.clone()));
        }
        let subject = Subject {
            path: served.everywhere(),
            selector: format!("labelSelector={}", crate::transport::encode(PART_OF)),
        };
        let watching = watch(cluster.transport(), &subject, |note| {
            note_one(shared, kind, &mut failing, note)
        });
        // The version that is watched may change, or go, with the kind's definition.
        let replaced = async {
            loop {
                if changes.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
                if discovery.preferred(kind).as_ref() != Some(&served) {
                    return;
                }
            }
        };
        tokio::select! {
            () = watching => {
                // Discovery still names what is not there: it lags, or an aggregated server is down.
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            () = replaced => {}
        }
    }
}

fn note_one(shared: &Shared, kind: &GroupKind, failing: &mut bool, note: Note) -> ControlFlow<()> {
    match note {
        Note::Listing => shared.index().listing(kind),
        Note::Seen(object) => {
            if let Some(live) = shared.read(&object)
                && shared.index().seen(&live)
            {
                shared.tell(Observation::Live(Box::new(live)));
            }
        }
        Note::Deleted(object) => {
            if let Some(live) = shared.read(&object)
                && shared.index().deleted(&live)
            {
                shared.gone(vec![live]);
            }
        }
        Note::Listed(version) => {
            let gone = shared.index().listed(kind, version);
            shared.gone(gone);
            shared.tell(Observation::Listed(kind.clone()));
            if std::mem::take(failing) {
                shared.tell(Observation::WatchRecovered { kind: kind.clone() });
            }
        }
        Note::NotServed => return ControlFlow::Break(()),
        Note::Failed {
            code,
            message,
            forbidden,
        } => {
            *failing = true;
            let class = if forbidden {
                FailureClass::Forbidden
            } else {
                FailureClass::Transient { retry_after: None }
            };
            shared.tell(Observation::WatchFailed {
                kind: kind.clone(),
                error: Failure {
                    class,
                    code,
                    message: format!("{kind} cannot be watched: {message}"),
                },
            });
        }
        // After a list the failure is over already; here the watch goes on where it was, and all
        // that is there is known.
        Note::Recovered => {
            if std::mem::take(failing) {
                shared.tell(Observation::Listed(kind.clone()));
                shared.tell(Observation::WatchRecovered { kind: kind.clone() });
            }
        }
    }
    ControlFlow::Continue(())
}
