//! The `Environment` and `Repository` objects, as their watches bring them.

use std::sync::Arc;

use windlass_cluster::ParentEvent;
use windlass_cluster::resources::{Environment, EnvironmentSpec, EnvironmentStatus, Repository};
use windlass_engine::applyset::Inventory;
use windlass_engine::{Event, Failure};
use windlass_manifest::to_canonical_json;

use super::environment::Wishes;
use super::repository::RepositoryState;
use super::status::prunes_when_removed;
use super::{Controller, Key, depends};

/// The annotation by which a person asks for a sync now; its value is echoed in the status.
pub(crate) const SYNC_REQUESTED: &str = "windlass.dev/sync-requested-at";

/// The label that says which repository an `Environment` comes from.
pub(crate) const REPOSITORY_LABEL: &str = "windlass.dev/repository";

/// The part of the spec that Git speaks of, comparable as text. What a person sets beside it is
/// left out.
pub(super) fn spoken_by_git(spec: Option<&EnvironmentSpec>) -> String {
    let Some(spec) = spec else {
        return String::new();
    };
    let mut value = serde_json::to_value(spec).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        for field in ["suspend", "revision", "source", "confirmPrune"] {
            map.remove(field);
        }
    }
    to_canonical_json(&value)
}

impl Controller {
    pub(super) fn environment_object(&mut self, event: ParentEvent<Environment>) {
        match event {
            ParentEvent::Applied(object) => self.environment_applied(&object),
            ParentEvent::Deleted { namespace, name } => {
                let key = Key::new(namespace, name);
                let Some(environment) = self.environments.get_mut(&key) else {
                    return;
                };
                if environment.parent.made_in_cluster {
                    self.forget(&key);
                    return;
                }
                // The parent holds the inventory; without it a crash would leave orphans. While
                // Git holds the environment, its object comes back.
                environment.parent.exists = false;
                environment.parent.written = None;
                environment.status.written = None;
                if environment.removed {
                    self.forget(&key);
                } else {
                    let inventory = environment.machine.inventory();
                    self.write_parent(&key, inventory, None);
                }
            }
            ParentEvent::Listed => {
                self.environments_listed = true;
                self.start_repositories();
            }
            other => trouble("Environment", &other),
        }
    }

    fn environment_applied(&mut self, object: &Environment) {
        let key = key_of(&object.metadata);
        let labels = object.metadata.labels.clone().unwrap_or_default();
        let annotations = object.metadata.annotations.clone().unwrap_or_default();
        let source = object.spec.source.clone();
        let repository = match (&source, labels.get(REPOSITORY_LABEL)) {
            (Some(source), _) => Key::new(key.namespace.clone(), source.repository.clone()),
            (None, Some(name)) => Key::new(key.namespace.clone(), name.clone()),
            // Neither from Git by us nor pointing anywhere: nothing to do with it yet.
            (None, None) => return,
        };
        let first_contact = !self.environments.contains_key(&key);
        self.ensure_environment(&key, &repository);
        let Some(environment) = self.environments.get_mut(&key) else {
            return;
        };
        environment.parent.exists = true;
        environment.parent.generation = object.metadata.generation;
        if first_contact {
            let set = environment.set.clone();
            let pairs = annotations
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()));
            let (mut inventory, errors) = Inventory::from_annotations(pairs);
            // The annotation leaves the parent's own namespace out.
            inventory.namespaces.insert(key.namespace.clone());
            for error in errors {
                tracing::error!(environment = %key, "{error}");
            }
            let options = windlass_engine::Options::default();
            let applied = object
                .status
                .as_ref()
                .and_then(|status| status.revision.clone());
            environment.machine =
                windlass_engine::Environment::new(set, inventory, options).resuming(applied);
            environment.parent.written = Some(spoken_by_git(Some(&object.spec)));
            environment.status.written = object.status.clone();
            environment.status.announced = object.status.as_ref().and_then(said_ready);
            let path = object
                .status
                .as_ref()
                .and_then(|status| status.path.clone());
            environment.folder = path.unwrap_or_default();
            environment.spec = Ok(Arc::new(object.spec.clone()));
        }
        let mut render = false;
        if let Some(source) = source {
            render |= !environment.parent.made_in_cluster || environment.folder != source.path;
            environment.parent.made_in_cluster = true;
            environment.folder = source.path.trim_matches('/').to_owned();
            let spec = Arc::new(object.spec.clone());
            let before = environment
                .spec
                .as_ref()
                .ok()
                .map(|spec| spoken_by_git(Some(spec)));
            render |= before.as_deref() != Some(&spoken_by_git(Some(&spec)));
            environment.spec = Ok(spec);
        }
        let wishes = Wishes {
            suspend: object.spec.suspend.unwrap_or(false),
            pin: object.spec.revision.clone(),
            confirm_prune: object.spec.confirm_prune.clone(),
            sync_requested: annotations.get(SYNC_REQUESTED).cloned(),
        };
        let before = std::mem::replace(&mut environment.wishes, wishes.clone());
        let handled = environment
            .status
            .written
            .as_ref()
            .and_then(|s| s.last_sync_request.clone());
        if first_contact {
            self.route_waiting(&key);
        }
        if wishes.pin != before.pin {
            render = true;
        }
        if render {
            self.start_render(&key);
        }
        if wishes.confirm_prune != before.confirm_prune
            && let Some(digest) = wishes.confirm_prune
        {
            self.feed(&key, Event::Confirmed { digest });
        }
        if wishes.sync_requested != before.sync_requested
            && wishes.sync_requested.is_some()
            && wishes.sync_requested != handled
        {
            tracing::info!(environment = %key, "a person asks for a sync");
            if let Some(repository) = self.repositories.get(&repository) {
                repository.ring();
            }
            self.feed(&key, Event::Resync);
        }
        self.update_hold(&key);
        self.dirty.insert(key);
    }

    /// Forgets an environment whose object is gone and that Git does not hold.
    fn forget(&mut self, key: &Key) {
        let Some(environment) = self.environments.remove(key) else {
            return;
        };
        self.by_set.remove(&environment.set);
        self.claims.forget(&environment.set);
        self.timers.clear(key);
        self.handle.withdraw(key);
        self.dirty.remove(key);
        self.parts.metrics.forget(key);
        self.count_environments();
    }

    /// Tells the machine whether it must hold, and why, when that changed.
    pub(super) fn update_hold(&mut self, key: &Key) {
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        let reason = self.hold_reason(key);
        if environment.hold == reason {
            return;
        }
        if let Some(environment) = self.environments.get_mut(key) {
            environment.hold.clone_from(&reason);
        }
        self.feed(key, Event::Hold(reason));
    }

    fn hold_reason(&self, key: &Key) -> Option<String> {
        let environment = self.environments.get(key)?;
        let prune = environment
            .spec
            .as_ref()
            .is_ok_and(|spec| prunes_when_removed(spec));
        if environment.removed && !prune {
            return Some(
                "its folder left Git; its objects are kept until you delete this Environment"
                    .into(),
            );
        }
        if environment.wishes.suspend {
            return Some("suspended (spec.suspend)".into());
        }
        let repository = self.repositories.get(&environment.repository);
        if repository.is_some_and(|repository| repository.spec.suspend.unwrap_or(false)) {
            return Some(format!(
                "its Repository {} is suspended",
                environment.repository.name
            ));
        }
        // What is taken down waits for nobody.
        if environment.removed {
            return None;
        }
        let spec = environment.spec.as_ref().ok()?;
        let names: Vec<String> = spec.depends_on.iter().map(|one| one.name.clone()).collect();
        depends::waiting_for(&names, |name| {
            let other = self
                .environments
                .get(&Key::new(key.namespace.clone(), name))?;
            Some(!other.removed && !other.render.running && other.status.ready)
        })
    }

    pub(super) fn parent_written(&mut self, key: &Key, result: Result<Environment, Failure>) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        environment.parent.writing = false;
        match result {
            Ok(object) => {
                environment.parent.exists = true;
                environment.parent.generation = object.metadata.generation;
            }
            Err(failure) => {
                environment.parent.written = None;
                tracing::warn!(environment = %key, code = failure.code, "{}", failure.message);
                let at = windlass_engine::Time(self.now().0 + 5_000);
                self.timers.set(key, at);
            }
        }
        let next = self
            .environments
            .get_mut(key)
            .and_then(|one| one.parent.next.pop_front());
        if let Some((inventory, ticket)) = next {
            self.write_parent(key, inventory, ticket);
        }
        self.dirty.insert(key.clone());
    }

    /// Writes the `Environment` object when Git says something else of it than it holds.
    pub(super) fn write_parent_if_changed(&mut self, key: &Key) {
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        if environment.parent.writing || environment.parent.made_in_cluster || environment.removed {
            return;
        }
        // The render that is under way will bring the inventory; both go in one request.
        if !environment.parent.exists && environment.render.running {
            return;
        }
        let spec = environment.spec.as_deref().ok();
        let wanted = spoken_by_git(spec);
        let unreadable = spec.is_none() && environment.parent.exists;
        if unreadable || environment.parent.written.as_deref() == Some(&wanted) {
            return;
        }
        let inventory = environment.machine.inventory();
        self.write_parent(key, inventory, None);
    }

    pub(super) fn repository_object(&mut self, event: ParentEvent<Repository>) {
        match event {
            ParentEvent::Applied(object) => {
                let key = key_of(&object.metadata);
                let known = self.repositories.get(&key);
                if known.is_some_and(|known| *known.spec == object.spec) {
                    if let Some(known) = self.repositories.get_mut(&key) {
                        known.generation = object.metadata.generation;
                    }
                    return;
                }
                let environments: Vec<Key> = self
                    .environments
                    .values()
                    .filter(|environment| environment.repository == key)
                    .map(|environment| environment.key.clone())
                    .collect();
                let secrets = self.secrets_for(&key, &object.spec);
                let state = RepositoryState::new(&object, secrets);
                if let Some(mut old) = self.repositories.insert(key.clone(), state) {
                    old.stop();
                }
                if self.environments_listed {
                    self.start_repository(&key);
                }
                for environment in environments {
                    self.update_hold(&environment);
                }
            }
            ParentEvent::Deleted { namespace, name } => {
                let key = Key::new(namespace, name);
                if let Some(mut old) = self.repositories.remove(&key) {
                    old.stop();
                }
                self.handle.remove_door(&key);
            }
            ParentEvent::Listed => {
                self.repositories_listed = true;
                self.check_ready();
            }
            other => trouble("Repository", &other),
        }
    }

    /// Starts every repository that has been waiting for the list of environments: a set's
    /// inventory has to be known before anything is planned for it.
    fn start_repositories(&mut self) {
        let keys: Vec<Key> = self.repositories.keys().cloned().collect();
        for key in keys {
            self.start_repository(&key);
        }
        self.check_ready();
    }

    fn check_ready(&self) {
        if self.environments_listed && self.repositories_listed && !self.handle.is_ready() {
            let seconds = self.origin.elapsed().as_secs_f64();
            self.parts.metrics.start_seconds.set(seconds);
            tracing::info!(seconds, "ready");
            self.handle.set_ready();
        }
    }
}

/// What a status says of Ready, if it says anything.
fn said_ready(status: &EnvironmentStatus) -> Option<bool> {
    let mut conditions = status.conditions.iter();
    let ready = conditions.find(|condition| condition.type_ == "Ready")?;
    Some(ready.status == "True")
}

/// Logs what a watch on our own objects brings besides objects.
fn trouble<K>(kind: &str, event: &ParentEvent<K>) {
    match event {
        ParentEvent::Unreadable {
            namespace,
            name,
            message,
        } => {
            tracing::error!(kind, "{namespace}/{name} cannot be read: {message}");
        }
        ParentEvent::Failed { code, message } => {
            tracing::warn!(kind, code, "the watch fails and is tried again: {message}");
        }
        ParentEvent::Recovered => tracing::info!(kind, "the watch is back"),
        ParentEvent::Applied(_) | ParentEvent::Deleted { .. } | ParentEvent::Listed => {}
    }
}

fn key_of(metadata: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Key {
    Key::new(
        metadata.namespace.clone().unwrap_or_default(),
        metadata.name.clone().unwrap_or_default(),
    )
}
