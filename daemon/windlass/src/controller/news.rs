//! What is worth telling: to people by Kubernetes events, to the environments that wait, and when it is too early to say
//! anything.

use windlass_cluster::resources::{API_VERSION, EnvironmentStatus};
use windlass_cluster::{EventKind, ObjectReference};
use windlass_engine::{Phase, Status};

use super::environment::EnvironmentState;
use super::status::phase_and_message;
use super::{Controller, Key};

impl Controller {
    /// Finds out whether this process knows how the environment is. A restart looks at everything first, and says
    /// nothing that it would take back a moment later.
    pub(super) fn settle(&mut self, key: &Key, status: &Status) {
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        if environment.status.settled || self.is_finding_out(environment, status) {
            return;
        }
        if let Some(environment) = self.environments.get_mut(key) {
            environment.status.settled = true;
            // However many commits there have been since, the content is what the status names.
            if let (Some(head), Some(written)) = (&status.attempted, &environment.status.written)
                && let Some(revision) = &written.revision
                && is_content_of(environment, written)
            {
                environment.status.same_content = Some((head.clone(), revision.clone()));
            }
        }
        // Those that wait for it may be waiting to say so.
        let dependents = self.dependents(key);
        self.dirty.extend(dependents);
    }

    fn is_finding_out(&self, environment: &EnvironmentState, status: &Status) -> bool {
        let Some(written) = &environment.status.written else {
            return false;
        };
        let is_new = environment.render.digest.is_some() && !is_content_of(environment, written);
        if is_new {
            return false;
        }
        if environment.machine.has_acted() || environment.render.error.is_some() {
            return false;
        }
        match status.phase {
            Phase::Pending | Phase::Applying | Phase::Pruning => true,
            // What is in sync by itself may be held a moment later, by one that is still being looked at.
            Phase::Held => self.waits_for_news(environment),
            _ => status.ready && self.waits_for_news(environment),
        }
    }

    /// Whether this process does not know yet how one is that the environment depends on.
    fn waits_for_news(&self, environment: &EnvironmentState) -> bool {
        environment.spec.as_ref().is_ok_and(|spec| {
            spec.depends_on.iter().any(|one| {
                let other = Key::new(environment.key.namespace.clone(), one.name.clone());
                let other = self.environments.get(&other);
                other.map_or(!self.environments_listed, |other| !other.status.settled)
            })
        })
    }

    /// Publishes an event about the environment.
    pub(super) fn announce(&self, key: &Key, ready: bool, status: &Status) {
        let cluster = self.parts.cluster.clone();
        let (kind, reason) = if ready {
            (EventKind::Normal, "Ready")
        } else {
            (EventKind::Warning, "NotReady")
        };
        let Some(environment) = self.environments.get(key) else {
            return;
        };
        let (_, message) = phase_and_message(environment, status);
        let key = key.clone();
        self.tasks.spawn(async move {
            let about = ObjectReference {
                api_version: Some(API_VERSION.to_owned()),
                kind: Some("Environment".to_owned()),
                namespace: Some(key.namespace),
                name: Some(key.name),
                ..ObjectReference::default()
            };
            cluster.event(&about, kind, reason, &message).await;
        });
    }

    /// The environments that name this one in `dependsOn`.
    fn dependents(&self, key: &Key) -> Vec<Key> {
        self.environments
            .values()
            .filter(|other| other.key.namespace == key.namespace)
            .filter(|other| {
                let spec = other.spec.as_ref();
                spec.is_ok_and(|spec| spec.depends_on.iter().any(|one| one.name == key.name))
            })
            .map(|other| other.key.clone())
            .collect()
    }

    pub(super) fn wake_dependents(&mut self, key: &Key) {
        for dependent in self.dependents(key) {
            self.update_hold(&dependent);
        }
    }
}

/// Whether what was rendered are the objects that a status stands for.
fn is_content_of(environment: &EnvironmentState, status: &EnvironmentStatus) -> bool {
    status.render_digest.is_some() && status.render_digest == environment.render.digest
}
