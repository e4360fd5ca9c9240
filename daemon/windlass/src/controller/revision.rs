//! A new commit: which environments there are now, and which have to be rendered.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::{Environment as Machine, Event};

use super::environment::{EnvironmentState, Parent, RenderState, StatusState, Wishes};
use super::message::Revision;
use super::render::{RenderJob, RenderOutcome, RenderResult};
use super::repository::RepositoryError;
use super::status::prunes_when_removed;
use super::{Controller, Key, Message, depends};
use crate::config::{ConfigError, Found};
use crate::metrics::{EnvironmentResult, RepositoryResult};

impl Controller {
    pub(super) fn fetched(&mut self, key: &Key, result: Result<String, RepositoryError>) {
        let outcome = if result.is_ok() {
            "unchanged"
        } else {
            "failed"
        };
        self.count_fetch(key, outcome);
        let Some(repository) = self.repositories.get_mut(key) else {
            return;
        };
        repository.error = result.err();
        self.write_repository_status(key);
    }

    fn count_fetch(&self, key: &Key, result: &'static str) {
        let labels = RepositoryResult {
            namespace: key.namespace.clone(),
            repository: key.name.clone(),
            result,
        };
        self.parts.metrics.fetches.get_or_create(&labels).inc();
    }

    pub(super) fn revision(&mut self, revision: Revision) {
        let key = revision.repository;
        self.count_fetch(&key, "changed");
        let Some(repository) = self.repositories.get_mut(&key) else {
            return;
        };
        tracing::info!(repository = %key, revision = %revision.snapshot.commit().id, forced = revision.forced, "new revision");
        repository.error = None;
        repository.forced = revision.forced;
        repository.snapshot = Some(revision.snapshot);
        repository.mirror = Some(revision.mirror);
        let found = match revision.found {
            Ok(found) => found,
            Err(error) => {
                repository.error = Some(RepositoryError {
                    code: error.code,
                    message: error.to_string(),
                });
                self.write_repository_status(&key);
                return;
            }
        };
        self.take_found(&key, found);
        self.write_repository_status(&key);
    }

    /// Holds the environments found against those known, and renders.
    fn take_found(&mut self, repository: &Key, mut found: Vec<Found>) {
        let edges: BTreeMap<String, Vec<String>> = found
            .iter()
            .filter_map(|one| {
                let spec = one.spec.as_ref().ok()?;
                let names = spec
                    .depends_on
                    .iter()
                    .map(|dependency| dependency.name.clone());
                Some((one.name.clone(), names.collect()))
            })
            .collect();
        let cycles = depends::cycles(&edges);
        for one in &mut found {
            if let Some(cycle) = cycles.get(&one.name) {
                let file = format!("{}/{}", one.folder, crate::config::FILE_NAME);
                let message = format!("`spec.dependsOn` goes in a circle: {cycle}");
                one.spec = Err(ConfigError::new(
                    "WL0108",
                    file.trim_start_matches('/'),
                    message,
                ));
            }
        }

        let mut present = HashSet::new();
        for one in found {
            let key = Key::new(repository.namespace.clone(), one.name.clone());
            if let Some(other) = self.environments.get(&key)
                && other.repository != *repository
                && !other.removed
            {
                tracing::error!(
                    environment = %key, repository = %repository, other = %other.repository,
                    "two repositories hold an environment of this name; the first keeps it"
                );
                continue;
            }
            present.insert(key.clone());
            self.ensure_environment(&key, repository);
            if let Some(environment) = self.environments.get_mut(&key) {
                environment.folder = one.folder;
                environment.spec = one.spec.map(Arc::new);
                environment.removed = false;
                environment.confirmed = None;
            }
        }
        let of_repository: Vec<Key> = self
            .environments
            .values()
            .filter(|environment| environment.repository == *repository)
            .map(|environment| environment.key.clone())
            .collect();
        if let Some(state) = self.repositories.get_mut(repository) {
            state.environments = present.len();
            state.rendering = of_repository.iter().cloned().collect();
        }
        for key in of_repository {
            self.feed(&key, Event::PruneGate(false));
            let made_in_cluster = self
                .environments
                .get(&key)
                .is_some_and(|one| one.parent.made_in_cluster);
            if present.contains(&key) || made_in_cluster {
                self.start_render(&key);
            } else {
                self.removed(&key);
            }
        }
        self.open_prune_gate(repository);
    }

    /// Makes the state of an environment that is met for the first time.
    pub(super) fn ensure_environment(&mut self, key: &Key, repository: &Key) {
        if let Some(known) = self.environments.get_mut(key) {
            known.repository = repository.clone();
            return;
        }
        let set = SetId::of_parent(&key.name, &key.namespace, "Environment", "windlass.dev");
        let machine = Machine::new(
            set.clone(),
            Inventory::default(),
            windlass_engine::Options::default(),
        );
        self.by_set.insert(set.clone(), key.clone());
        self.environments.insert(
            key.clone(),
            EnvironmentState {
                key: key.clone(),
                set,
                repository: repository.clone(),
                folder: String::new(),
                spec: Err(ConfigError::new(
                    "WL0101",
                    crate::config::FILE_NAME,
                    "not read yet",
                )),
                machine,
                target: None,
                unwatched: BTreeSet::new(),
                parent: Parent::default(),
                render: RenderState::default(),
                status: StatusState::default(),
                wishes: Wishes::default(),
                hold: None,
                wanted: BTreeMap::new(),
                removed: false,
                confirmed: None,
                retiring: false,
            },
        );
        self.count_environments();
    }

    pub(super) fn count_environments(&self) {
        let count = i64::try_from(self.environments.len()).unwrap_or(i64::MAX);
        self.parts.metrics.environments.set(count);
    }

    /// The environment's folder left Git. Nothing is deleted, unless that was agreed on before.
    fn removed(&mut self, key: &Key) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        environment.removed = true;
        let prune = environment
            .spec
            .as_ref()
            .is_ok_and(|spec| prunes_when_removed(spec));
        let repository = environment.repository.clone();
        let set = environment.set.clone();
        tracing::warn!(environment = %key, prune, "the environment left Git");
        if prune {
            // An empty render is refused until confirmed; `onRemove: prune` is the confirmation,
            // given before the folder left (see `confirm_retirement`).
            let revision = environment.render.revision.clone().unwrap_or_default();
            let options = windlass_engine::Options::default();
            self.claims.release(&set);
            self.feed(
                key,
                Event::Rendered {
                    revision,
                    objects: Vec::new(),
                    options,
                },
            );
        }
        self.render_ended(key, &repository);
        self.update_hold(key);
        self.dirty.insert(key.clone());
    }

    /// Renders the environment at its repository's snapshot, or notes that it must be done again.
    pub(super) fn start_render(&mut self, key: &Key) {
        self.prepare_target(key);
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        if environment.render.running {
            environment.render.again = true;
            return;
        }
        if let Some(refused) = environment.render.refused.take() {
            environment.render.error = Some(refused);
            let repository = environment.repository.clone();
            self.render_ended(key, &repository);
            self.write_parent_if_changed(key);
            self.dirty.insert(key.clone());
            return;
        }
        let Some(repository) = self.repositories.get(&environment.repository) else {
            return;
        };
        let snapshot = match repository.snapshot_for(environment.wishes.pin.as_deref()) {
            Ok(Some(snapshot)) => snapshot,
            Ok(None) => return,
            Err(error) => {
                environment.render.error = Some((error.code, error.message));
                let repository = environment.repository.clone();
                self.render_ended(key, &repository);
                self.dirty.insert(key.clone());
                return;
            }
        };
        environment.render.running = true;
        environment.render.again = false;
        let job = RenderJob {
            renderer: self.parts.renderer.clone(),
            target: environment
                .target
                .clone()
                .unwrap_or_else(|| self.kubernetes.clone()),
            secrets: repository.secrets.clone(),
            namespace: environment.default_namespace(),
            set: environment.set.clone(),
            snapshot,
            folder: environment.folder.clone(),
            spec: environment.spec.clone(),
            repository: repository.spec.clone(),
            // After a failure the state machine has to hear that all is well again, also when the
            // objects are those that are in force.
            digest: match environment.render.error {
                None => environment.render.digest.clone(),
                Some(_) => None,
            },
        };
        let slots = self.render_slots.clone();
        let handle = self.handle.clone();
        let environment = key.clone();
        self.tasks.spawn(async move {
            let _slot = slots.acquire_owned().await;
            let outcome = Box::new(job.run().await);
            handle.send(Message::Rendered {
                environment,
                outcome,
            });
        });
    }

    pub(super) fn rendered(&mut self, key: &Key, outcome: RenderOutcome) {
        let now = self.now();
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        let repository = environment.repository.clone();
        environment.render.running = false;
        let result = match (&outcome.result, outcome.remembered) {
            (RenderResult::Failed { .. }, _) => "failed",
            (_, true) => "remembered",
            (_, false) => "ran",
        };
        let labels = EnvironmentResult {
            namespace: key.namespace.clone(),
            environment: key.name.clone(),
            result,
        };
        self.parts.metrics.renders.get_or_create(&labels).inc();
        let event = match outcome.result {
            RenderResult::Unchanged => {
                environment.render.error = None;
                None
            }
            RenderResult::Failed {
                code,
                message,
                findings,
            } => {
                tracing::warn!(environment = %key, revision = %outcome.revision, code, "render failed: {message}");
                environment.render.error = Some((code, message.clone()));
                environment.render.findings = findings;
                Some(Event::RenderFailed {
                    revision: outcome.revision,
                    code,
                    message,
                })
            }
            RenderResult::Objects {
                digest,
                objects,
                findings,
            } => {
                tracing::info!(environment = %key, revision = %outcome.revision, objects = objects.len(), "rendered");
                environment.render.error = None;
                environment.render.digest = Some(digest);
                environment.render.revision = Some(outcome.revision.clone());
                environment.render.findings = findings;
                environment.render.since = Some(now);
                environment.wanted.clear();
                for object in &objects {
                    let kind = object.id.group_kind();
                    environment
                        .wanted
                        .entry(kind)
                        .or_default()
                        .push(object.id.clone());
                }
                for object in objects.iter().filter(|object| !object.leave.is_empty()) {
                    if let Some(target) = &environment.target {
                        target.set_leave(&object.id, object.leave.clone());
                    }
                }
                let ids = objects.iter().map(|object| object.id.clone());
                self.claims.claim_all(&environment.set, ids);
                let options = match &environment.spec {
                    Ok(spec) => super::status::engine_options(spec),
                    Err(_) => windlass_engine::Options::default(),
                };
                Some(Event::Rendered {
                    revision: outcome.revision,
                    objects,
                    options,
                })
            }
        };
        if let Some(event) = event {
            self.feed(key, event);
        }
        self.write_parent_if_changed(key);
        if self
            .environments
            .get(key)
            .is_some_and(|environment| environment.render.again)
        {
            self.start_render(key);
        } else {
            self.render_ended(key, &repository);
            // A new revision closes the gate of its environment; with no render awaited, it opens.
            let settled = self
                .repositories
                .get(&repository)
                .is_some_and(|one| one.rendering.is_empty());
            if settled {
                self.feed(key, Event::PruneGate(true));
            }
        }
        self.update_hold(key);
        self.dirty.insert(key.clone());
    }

    /// One render less is awaited before objects that left an environment may be pruned.
    fn render_ended(&mut self, key: &Key, repository: &Key) {
        let Some(state) = self.repositories.get_mut(repository) else {
            return;
        };
        if state.rendering.remove(key) {
            self.open_prune_gate(repository);
        }
    }

    /// Once every environment of a repository has been rendered at its commit, an object that moved
    /// from one to another is claimed by its new owner, and what nobody claims may be pruned.
    fn open_prune_gate(&mut self, repository: &Key) {
        let Some(state) = self.repositories.get(repository) else {
            return;
        };
        if !state.rendering.is_empty() {
            return;
        }
        let keys: Vec<Key> = self
            .environments
            .values()
            .filter(|environment| environment.repository == *repository)
            .map(|environment| environment.key.clone())
            .collect();
        for key in keys {
            self.feed(&key, Event::PruneGate(true));
        }
    }
}
