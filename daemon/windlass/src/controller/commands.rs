//! Feeding the state machines, and carrying out what they answer.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use windlass_cluster::resources::RepositorySpec;
use windlass_cluster::{
    Cluster, DirectoryTarget, Observation, SecretChanged, Secrets, Store, Target,
};
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::{Command, Event, FailureClass, FingerprintKey, Live, Outcome, Ticket};
use windlass_manifest::{GroupKind, ObjectId};

use super::message::Rebound;
use super::objects::REPOSITORY_LABEL;
use super::render::bind;
use super::{Controller, Handle, Key, Message, TargetId, forward};
use crate::metrics;

/// How long after a folder could not be opened it is tried again, in milliseconds.
const REOPEN_MS: u64 = 5_000;

impl Controller {
    pub(super) fn kubernetes_target(
        cluster: &Cluster,
        key: &FingerprintKey,
        handle: &Handle,
    ) -> Target {
        let sender = forward(handle, |seen| {
            Message::Observation(TargetId::Kubernetes, seen)
        });
        Target::Kubernetes(cluster.target(key.clone(), sender))
    }

    /// The secret stores of a repository: those that its operator named, and `kubernetes`, which
    /// is the Secrets beside the objects that refer to them.
    pub(super) fn secrets_for(&self, repository: &Key, spec: &RepositorySpec) -> Secrets {
        let of = repository.clone();
        let sender = forward(&self.handle, move |change| Message::SecretChanged {
            repository: of.clone(),
            change,
        });
        let cluster = match &spec.service_account {
            Some(account) => self.parts.cluster.acting_as(&repository.namespace, account),
            None => self.parts.cluster.clone(),
        };
        Secrets::new(Some(cluster), secret_stores(spec), sender)
    }

    /// Hands an event to an environment's state machine and carries out its answer.
    pub(super) fn feed(&mut self, key: &Key, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = self.now();
            let Some(environment) = self.environments.get_mut(key) else {
                return;
            };
            let commands = environment.machine.handle(event, now, &self.claims);
            for command in commands {
                self.carry_out(key, command, &mut events);
            }
        }
        self.dirty.insert(key.clone());
    }

    fn carry_out(&mut self, key: &Key, command: Command, events: &mut VecDeque<Event>) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        match command {
            Command::WakeAt(at) => self.timers.set(key, at),
            Command::Watch(kinds) => {
                // The inventory of an earlier life asks for its kinds before anything is rendered.
                if environment.target.is_none() {
                    self.prepare_target(key);
                }
                let Some(environment) = self.environments.get_mut(key) else {
                    return;
                };
                let Some(target) = &environment.target else {
                    environment.unwatched.extend(kinds);
                    return;
                };
                target.watch(&kinds);
                if matches!(target, Target::Kubernetes(_)) {
                    self.catch_up(key, kinds, events);
                }
            }
            Command::WriteParent { ticket, inventory } => {
                self.write_parent(key, inventory, Some(ticket));
            }
            Command::Apply {
                ticket,
                object,
                force,
                exists,
            } => {
                let Some(target) = environment.target.clone() else {
                    return;
                };
                let set = environment.set.clone();
                let namespace = environment.default_namespace();
                let secrets = self.secrets_of(key);
                let metrics = self.parts.metrics.clone();
                self.spawn_command(key, ticket, async move {
                    let result = target
                        .apply(&object, &set, force, exists, &secrets, &namespace)
                        .await;
                    let label = if result.is_ok() { "applied" } else { "failed" };
                    metrics
                        .applies
                        .get_or_create(&metrics::Outcome { result: label })
                        .inc();
                    match result {
                        Ok(live) => Outcome::Applied(live),
                        Err(failure) => Outcome::Failed(failure),
                    }
                });
            }
            Command::Delete {
                ticket,
                id,
                uid,
                resource_version,
                reason,
            } => {
                let Some(target) = environment.target.clone() else {
                    return;
                };
                tracing::info!(environment = %key, object = %id, reason, "prune");
                let metrics = self.parts.metrics.clone();
                self.spawn_command(key, ticket, async move {
                    let result = target.delete(&id, &uid, &resource_version).await;
                    let label = if result.is_ok() { "deleted" } else { "failed" };
                    metrics
                        .prunes
                        .get_or_create(&metrics::Outcome { result: label })
                        .inc();
                    match result {
                        Ok(()) => Outcome::Deleted,
                        Err(failure) => Outcome::Failed(failure),
                    }
                });
            }
        }
    }

    fn spawn_command(
        &self,
        key: &Key,
        ticket: Ticket,
        work: impl Future<Output = Outcome> + Send + 'static,
    ) {
        let handle = self.handle.clone();
        let environment = key.clone();
        self.tasks.spawn(async move {
            let outcome = work.await;
            if let Outcome::Failed(failure) = &outcome
                && !matches!(failure.class, FailureClass::Stale)
            {
                tracing::warn!(environment = %environment, code = failure.code, "{}", failure.message);
            }
            handle.send(Message::Done { environment, ticket, outcome });
        });
    }

    /// Tells an environment what is known already of kinds that are watched for another one.
    fn catch_up(
        &self,
        key: &Key,
        kinds: std::collections::BTreeSet<GroupKind>,
        events: &mut VecDeque<Event>,
    ) {
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        for kind in kinds {
            if self.listed.contains(&kind) {
                for id in environment.wanted.get(&kind).into_iter().flatten() {
                    events.extend(self.kubernetes.get(id).map(Event::Observed));
                }
                events.push_back(Event::Listed(kind));
            } else if self.kubernetes.is_missing(&kind) {
                events.push_back(Event::KindMissing(kind));
            }
        }
    }

    /// Chooses where the environment's objects go, before its first render is applied.
    pub(super) fn prepare_target(&mut self, key: &Key) {
        let now = self.now();
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        let Ok(spec) = &environment.spec else { return };
        let directory = spec
            .target
            .as_ref()
            .and_then(|target| target.directory.clone());
        let Some(directory) = directory else {
            let repository = self.repositories.get(&environment.repository);
            let account = spec
                .service_account
                .as_ref()
                .or_else(|| repository?.spec.service_account.as_ref());
            environment.target = Some(match (&self.kubernetes, account) {
                (Target::Kubernetes(target), Some(account)) => {
                    Target::Kubernetes(target.acting_as(&key.namespace, account))
                }
                (target, _) => target.clone(),
            });
            return;
        };
        if matches!(environment.target, Some(Target::Directory(_))) {
            return;
        }
        let Some(root) = &self.parts.settings.target_root else {
            environment.target = None;
            environment.render.refused_for_now = false;
            environment.render.refused = Some((
                "WL0111",
                "spec.target.directory is refused: the daemon was started without --target-root"
                    .to_owned(),
            ));
            return;
        };
        let id = TargetId::Directory(key.clone());
        let sender = forward(&self.handle, move |seen| {
            Message::Observation(id.clone(), seen)
        });
        let opened = below(root, &directory.path).and_then(|folder| {
            match DirectoryTarget::open(&folder, self.key.clone(), sender) {
                Ok(target) => Ok(target),
                Err(error) => Err((error.code(), error.to_string())),
            }
        });
        environment.target = None;
        match opened {
            Ok(target) => {
                target.watch(&std::mem::take(&mut environment.unwatched));
                environment.target = Some(Target::Directory(target));
                environment.render.refused = None;
                environment.render.refused_for_now = false;
            }
            Err(refused) => {
                // A disk that is full or away comes back; a path that leads out of the root does not.
                environment.render.refused_for_now = refused.0 == "WL0720";
                environment.render.refused = Some(refused);
                if environment.render.refused_for_now {
                    let at = windlass_engine::Time(now.0 + REOPEN_MS);
                    self.timers.set(key, at);
                }
            }
        }
    }

    /// Routes what a watch brings to the environments that it concerns: the one whose set the
    /// object carries, and the one that wants an object of this name.
    pub(super) fn observe(&mut self, target: TargetId, observation: Observation) {
        if let TargetId::Directory(key) = target {
            let event = match observation {
                Observation::Live(live) => Event::Observed(*live),
                Observation::Vanished { id, uid } => Event::Vanished { id, uid },
                Observation::Listed(kind) => Event::Listed(kind),
                Observation::KindServed(kind) => Event::KindServed(kind),
                Observation::KindMissing(kind) => Event::KindMissing(kind),
                Observation::WatchFailed { .. } | Observation::WatchRecovered { .. } => return,
            };
            self.feed(&key, event);
            return;
        }
        match observation {
            Observation::Live(live) => self.route_live(*live),
            Observation::Vanished { id, uid } => {
                for members in self.unrouted.values_mut() {
                    members.remove(&id);
                }
                for key in self.concerned(&id) {
                    self.feed(
                        &key,
                        Event::Vanished {
                            id: id.clone(),
                            uid: uid.clone(),
                        },
                    );
                }
            }
            Observation::Listed(kind) => {
                self.listed.insert(kind.clone());
                self.broadcast(&kind, &Event::Listed);
            }
            Observation::KindServed(kind) => self.broadcast(&kind, &Event::KindServed),
            Observation::KindMissing(kind) => {
                self.listed.remove(&kind);
                self.broadcast(&kind, &Event::KindMissing);
            }
            Observation::WatchFailed { kind, error } => {
                tracing::warn!(%kind, code = error.code, "the watch fails: {}", error.message);
                self.broadcast(&kind, &|kind| Event::KindUnwatched {
                    kind,
                    failure: error.clone(),
                });
            }
            Observation::WatchRecovered { kind } => tracing::info!(%kind, "the watch is back"),
        }
    }

    fn route_live(&mut self, live: Live) {
        let owner = live
            .part_of
            .as_ref()
            .map(|set| SetId::from_label(set.clone()));
        let of_set = owner.as_ref().and_then(|set| self.by_set.get(set)).cloned();
        let wanted_by = self
            .claims
            .owner(&live.id)
            .and_then(|set| self.by_set.get(set))
            .cloned();
        if of_set.is_none()
            && let Some(set) = owner
        {
            self.unrouted
                .entry(set)
                .or_default()
                .insert(live.id.clone(), live.clone());
        }
        match (of_set, wanted_by) {
            (Some(a), Some(b)) if a != b => {
                self.feed(&a, Event::Observed(live.clone()));
                self.feed(&b, Event::Observed(live));
            }
            (Some(key), _) | (None, Some(key)) => self.feed(&key, Event::Observed(live)),
            (None, None) => {}
        }
    }

    /// The environments that hold or want an object of this name.
    fn concerned(&self, id: &ObjectId) -> Vec<Key> {
        let mut keys: Vec<Key> = self
            .environments
            .values()
            .filter(|environment| environment.machine.knows(id))
            .map(|environment| environment.key.clone())
            .collect();
        let wanted_by = self.claims.owner(id).and_then(|set| self.by_set.get(set));
        if let Some(key) = wanted_by
            && !keys.contains(key)
        {
            keys.push(key.clone());
        }
        keys
    }

    /// Tells every environment that has to do with a kind.
    fn broadcast(&mut self, kind: &GroupKind, event: &dyn Fn(GroupKind) -> Event) {
        let keys: Vec<Key> = self
            .environments
            .values()
            .filter(|environment| {
                matches!(environment.target, Some(Target::Kubernetes(_)))
                    && environment.machine.concerns(kind)
            })
            .map(|environment| environment.key.clone())
            .collect();
        for key in keys {
            self.feed(&key, event(kind.clone()));
        }
    }

    /// Gives a new environment the members of its set that were seen before it was made.
    pub(super) fn route_waiting(&mut self, key: &Key) {
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        let Some(members) = self.unrouted.remove(&environment.set) else {
            return;
        };
        for live in members.into_values() {
            self.feed(key, Event::Observed(live));
        }
    }

    fn secrets_of(&self, key: &Key) -> Secrets {
        let repository = self
            .environments
            .get(key)
            .and_then(|environment| self.repositories.get(&environment.repository));
        repository.map_or_else(Secrets::none, |repository| repository.secrets.clone())
    }

    /// A store holds another value: the objects that refer to it get new fingerprints.
    pub(super) fn secret_changed(&mut self, repository: &Key, change: &SecretChanged) {
        let of_repository = self
            .environments
            .values()
            .filter(|one| one.repository == *repository);
        let keys: Vec<Key> = of_repository.map(|one| one.key.clone()).collect();
        for key in keys {
            let Some(environment) = self.environments.get(&key) else {
                continue;
            };
            let Some(target) = environment.target.clone() else {
                continue;
            };
            let namespace = environment.default_namespace();
            let objects: Vec<Arc<windlass_engine::Desired>> = environment
                .machine
                .desired()
                .filter(|object| {
                    object.secrets.iter().any(|reference| {
                        reference.store == change.store && reference.name == change.name
                    })
                })
                .cloned()
                .collect();
            if objects.is_empty() {
                continue;
            }
            let secrets = self.secrets_of(&key);
            let handle = self.handle.clone();
            self.tasks.spawn(async move {
                let mut changes = Vec::with_capacity(objects.len());
                for object in objects {
                    let mut bound = (*object).clone();
                    bind(&mut bound, &target, &secrets, &namespace).await;
                    changes.push(Rebound {
                        id: bound.id,
                        expected: bound.expected,
                        blocked: bound.blocked,
                    });
                }
                handle.send(Message::Rebound {
                    environment: key,
                    changes,
                });
            });
        }
    }

    pub(super) fn rebound(&mut self, key: &Key, changes: Vec<Rebound>) {
        for Rebound {
            id,
            expected,
            blocked,
        } in changes
        {
            self.feed(
                key,
                Event::Rebound {
                    id,
                    expected,
                    blocked,
                },
            );
        }
    }

    /// Writes the `Environment` object: what Git says of it, and its inventory.
    ///
    /// One write at a time, in order: an earlier, narrower inventory that overtakes a later one
    /// would leave objects untracked.
    pub(super) fn write_parent(&mut self, key: &Key, inventory: Inventory, ticket: Option<Ticket>) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        if environment.parent.writing {
            environment.parent.next.push_back((inventory, ticket));
            return;
        }
        environment.parent.writing = true;
        let spec = match &environment.spec {
            Ok(spec) if !environment.parent.made_in_cluster => Some(spec.clone()),
            // Without a spec the API server takes no new object, and without an object nobody is
            // told what is wrong.
            Err(_) if !environment.parent.exists => Some(Arc::default()),
            _ => None,
        };
        environment.parent.written = Some(super::objects::spoken_by_git(spec.as_deref()));
        let cluster = self.parts.cluster.clone();
        let set = environment.set.clone();
        let mut labels = BTreeMap::new();
        if !environment.parent.made_in_cluster {
            labels.insert(
                REPOSITORY_LABEL.to_owned(),
                environment.repository.name.clone(),
            );
        }
        let target = environment.target.clone();
        let handle = self.handle.clone();
        let key = key.clone();
        self.tasks.spawn(async move {
            // A folder holds its own inventory, so that it can be read without a cluster.
            let folder = match &target {
                Some(target) => target.write_inventory(&set, &inventory).await.map(drop),
                None => Ok(()),
            };
            let result = match folder {
                Ok(()) => {
                    let (namespace, name) = (&key.namespace, &key.name);
                    cluster
                        .write_environment(
                            namespace,
                            name,
                            spec.as_deref(),
                            &set,
                            &inventory,
                            &labels,
                        )
                        .await
                }
                Err(failure) => Err(failure),
            };
            if let Some(ticket) = ticket {
                let outcome = match &result {
                    Ok(_) => Outcome::Written,
                    Err(failure) => Outcome::Failed(failure.clone()),
                };
                handle.send(Message::Done {
                    environment: key.clone(),
                    ticket,
                    outcome,
                });
            }
            handle.send(Message::ParentWritten {
                environment: key,
                result: Box::new(result),
            });
        });
    }
}

/// The secret stores that a repository's operator named, and `kubernetes`, which is there always.
pub(crate) fn secret_stores(spec: &RepositorySpec) -> BTreeMap<String, Store> {
    let mut stores = BTreeMap::from([(
        "kubernetes".to_owned(),
        Store::Kubernetes { namespace: None },
    )]);
    for store in &spec.secret_stores {
        let place = match (&store.files, &store.kubernetes) {
            (Some(files), _) => Store::Files {
                root: files.path.clone().into(),
            },
            (None, kubernetes) => Store::Kubernetes {
                namespace: kubernetes.as_ref().and_then(|one| one.namespace.clone()),
            },
        };
        stores.insert(store.name.clone(), place);
    }
    stores
}

/// The folder of a directory target, which never leaves the root that the operator allows.
fn below(root: &Path, path: &str) -> Result<PathBuf, (&'static str, String)> {
    let relative = Path::new(path);
    let inside = !path.is_empty()
        && relative
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
    if inside {
        Ok(root.join(relative))
    } else {
        Err((
            "WL0111",
            format!("spec.target.directory.path `{path}` is not a path below --target-root"),
        ))
    }
}
