//! The end of an environment: its folder left Git.

use windlass_engine::{Failure, ObjectState, Status, Time};

use super::environment::EnvironmentState;
use super::{Controller, Key, Message};

/// How long after an environment's object could not be deleted it is tried again, in milliseconds.
const RETIRE_MS: u64 = 5_000;

impl Controller {
    /// Deletes the object of an environment of which nothing is left, neither in Git nor in the cluster.
    pub(super) fn retire(&mut self, key: &Key) {
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        if environment.retiring || environment.parent.writing || !environment.parent.exists {
            return;
        }
        environment.retiring = true;
        tracing::info!(environment = %key, "its objects are gone, as `sync.onRemove: prune` wants; deleting its object");
        let cluster = self.parts.cluster.clone();
        let handle = self.handle.clone();
        let environment = key.clone();
        self.tasks.spawn(async move {
            let result = cluster
                .delete_environment(&environment.namespace, &environment.name)
                .await;
            handle.send(Message::Retired {
                environment,
                result,
            });
        });
    }

    /// The watch tells that the object is gone, and then the environment is forgotten.
    pub(super) fn retired(&mut self, key: &Key, result: Result<(), Failure>) {
        let now = self.now();
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        environment.retiring = false;
        if let Err(failure) = result {
            tracing::warn!(environment = %key, code = failure.code, "{}", failure.message);
            self.timers.set(key, Time(now.0 + RETIRE_MS));
        }
    }
}

/// What is left of an environment that left Git and agreed to be pruned, once that is done.
pub(super) fn kept(environment: &EnvironmentState, status: &Status) -> Option<String> {
    const NAMED: usize = 3;
    let kept: Vec<String> = environment
        .machine
        .objects()
        .filter(|view| matches!(view.state, ObjectState::Kept(_)))
        .map(|view| view.id.to_string())
        .collect();
    if !status.ready || kept.is_empty() {
        return None;
    }
    let more = match kept.len().saturating_sub(NAMED) {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    Some(format!(
        "its folder left Git and its objects were deleted, but for what never is: {}{more}; delete this Environment \
         to give them up",
        kept.iter()
            .take(NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ")
    ))
}
