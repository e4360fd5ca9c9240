//! What people are told: conditions on the objects, summaries for the API, Kubernetes events.

use std::sync::Arc;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde::Serialize;
use windlass_cluster::resources::{
    DriftSpec, EnvironmentSpec, EnvironmentStatus, FailureStatus, OnRemove,
};
use windlass_engine::{
    DriftMode, Event, Failure, ObjectState, ObjectView, Options, Phase, Retry, Status, Time,
};
use windlass_plugin_host::Severity;
use windlass_render::StepFinding;

use super::conditions::{environment_status, repository_status};
use super::environment::EnvironmentState;
use super::removal::kept;
use super::{Controller, Key, Message};
use crate::metrics::EnvironmentLabels;

/// While an environment is being synced its status is written at most this often.
const PACE_MS: u64 = 1_000;

/// What each environment that is being synced adds to the pace of all: beside hundreds of others, progress would
/// take the requests that make it.
const PACE_EACH_MS: u64 = 50;

/// Progress is never older than this, however many environments are being synced.
const PACE_MAX_MS: u64 = 10_000;

/// One line of `GET /api/v1/environments`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) repository: String,
    pub(crate) folder: String,
    pub(crate) ready: bool,
    pub(crate) phase: String,
    /// The revision that has been applied in full.
    pub(crate) revision: Option<String>,
    /// The revision that was tried last.
    pub(crate) attempted_revision: Option<String>,
    pub(crate) objects: usize,
    pub(crate) ready_objects: usize,
    pub(crate) message: String,
}

/// `GET /api/v1/environments/NAME`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Detail {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    pub(crate) depends_on: Vec<String>,
    pub(crate) conditions: Vec<Condition>,
    pub(crate) failures: Vec<FailureStatus>,
    pub(crate) findings: Vec<FindingView>,
    pub(crate) tree: Vec<Branch>,
}

/// One object of an environment.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Branch {
    pub(crate) object: String,
    pub(crate) origin: String,
    pub(crate) state: String,
    pub(crate) health: String,
    pub(crate) message: String,
}

/// What a validator found, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FindingView {
    pub(crate) severity: String,
    pub(crate) plugin: String,
    pub(crate) rule: Option<String>,
    pub(crate) object: Option<String>,
    pub(crate) origin: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

impl FindingView {
    pub(crate) fn new(finding: &StepFinding) -> Self {
        Self {
            severity: match finding.finding.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Info => "info",
            }
            .to_owned(),
            plugin: finding.plugin.clone(),
            rule: finding.finding.rule.clone(),
            object: finding.object.as_ref().map(ToString::to_string),
            origin: finding.origin.as_ref().map(ToString::to_string),
            field: finding.finding.field.clone(),
            message: finding.finding.message.clone(),
            hint: finding.finding.hint.clone(),
        }
    }

    /// The finding in one line.
    pub(crate) fn sentence(&self) -> String {
        let mut text = String::new();
        if let Some(origin) = &self.origin {
            text.push_str(&format!("{origin}: "));
        }
        if let Some(object) = &self.object {
            text.push_str(&format!("{object}: "));
        }
        if let Some(field) = &self.field {
            text.push_str(&format!("{field}: "));
        }
        text.push_str(&self.message);
        if let Some(rule) = &self.rule {
            text.push_str(&format!(" [{}/{rule}]", self.plugin));
        }
        text
    }
}

/// The engine's options as an environment sets them.
pub(crate) fn engine_options(spec: &EnvironmentSpec) -> Options {
    let mut options = Options::default();
    let Some(sync) = &spec.sync else {
        return options;
    };
    options.prune = sync.prune.unwrap_or(options.prune);
    options.drift = match sync.drift {
        None | Some(DriftSpec::Correct) => DriftMode::Correct,
        Some(DriftSpec::Report) => DriftMode::Report,
    };
    options.timeout = sync.timeout.map_or(options.timeout, |span| span.0);
    if let Some(limit) = &sync.prune_limit {
        let objects = limit
            .objects
            .and_then(|objects| usize::try_from(objects).ok());
        options.prune_limit.percent = limit.percent.unwrap_or(options.prune_limit.percent);
        options.prune_limit.objects = objects.unwrap_or(options.prune_limit.objects);
    }
    if let Some(retry) = &sync.retry {
        let Retry {
            transient,
            rejected,
        } = &mut options.retry;
        for (backoff, first, longest) in [
            (transient, retry.transient, retry.transient_max),
            (rejected, retry.rejected, retry.rejected_max),
        ] {
            backoff.first = first.map_or(backoff.first, |span| span.0);
            backoff.longest = longest
                .map_or(backoff.longest, |span| span.0)
                .max(backoff.first);
        }
    }
    options
}

/// Whether the environment agreed beforehand that its objects go when its folder leaves Git.
pub(crate) fn prunes_when_removed(spec: &EnvironmentSpec) -> bool {
    spec.sync.as_ref().and_then(|sync| sync.on_remove) == Some(OnRemove::Prune)
}

impl Controller {
    /// Looks at every environment that something happened to, once a batch.
    pub(super) fn flush(&mut self) {
        let dirty: Vec<Key> = self.dirty.drain().collect();
        if dirty.is_empty() {
            return;
        }
        let all = self.environments.values();
        let pace = progress_pace(all.filter(|one| one.render.since.is_some()).count());
        for key in dirty {
            self.look_at(&key, pace);
        }
    }

    fn look_at(&mut self, key: &Key, pace: u64) {
        let now = self.now();
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        let status = environment.machine.status(now);
        let prunes = |spec: &Arc<EnvironmentSpec>| prunes_when_removed(spec);
        if environment.removed && environment.spec.as_ref().is_ok_and(prunes) {
            if let Some(refusal) = &status.refusal
                && environment.confirmed.as_ref() != Some(&refusal.digest)
            {
                let digest = refusal.digest.clone();
                environment.confirmed = Some(digest.clone());
                self.feed(key, Event::Confirmed { digest });
                return;
            }
            // With the inventory empty, which is only written once the last object is gone, nothing is lost with it.
            if status.ready && environment.machine.inventory().kinds.is_empty() {
                self.retire(key);
                return;
            }
        }
        self.settle(key, &status);
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        let ready = status.ready && environment.render.error.is_none() && !environment.removed;
        let became = environment.status.ready != ready;
        environment.status.ready = ready;
        let in_trouble = !status.failures.is_empty()
            || status.stalled.is_some()
            || environment.render.error.is_some();
        let is_known = environment.status.settled || environment.status.written.is_none();
        let news = match (ready, in_trouble) {
            _ if !is_known => environment.status.announced,
            (true, _) => Some(true),
            (false, true) if !environment.removed => Some(false),
            _ => None,
        };
        // Becoming unready for a moment while a new revision goes out is no news, but that it is Ready again is.
        if became && news.is_none() {
            environment.status.announced = None;
        }
        let news = news.filter(|ready| environment.status.announced != Some(*ready));
        environment.status.announced = news.or(environment.status.announced);
        if status.applied == environment.render.revision
            && let Some(since) = environment
                .render
                .since
                .take_if(|_| status.applied.is_some())
        {
            let seconds = now.0.saturating_sub(since.0) as f64 / 1000.0;
            self.parts.metrics.sync_duration.observe(seconds);
        }
        let corrected = status
            .corrections
            .saturating_sub(environment.status.corrections);
        environment.status.corrections = status.corrections;
        let labels = EnvironmentLabels {
            namespace: key.namespace.clone(),
            environment: key.name.clone(),
        };
        if corrected > 0 {
            self.parts
                .metrics
                .corrections
                .get_or_create(&labels)
                .inc_by(corrected);
        }
        self.parts
            .metrics
            .ready
            .get_or_create(&labels)
            .set(i64::from(ready));
        let summary = summary(environment, &status);
        self.handle.publish(key, summary);
        if became && ready {
            tracing::info!(environment = %key, revision = status.applied.as_deref(), "ready");
        } else if became {
            tracing::info!(environment = %key, phase = phase_name(status.phase), "not ready: {}", status.message);
        }
        if let Some(ready) = news {
            self.announce(key, ready, &status);
        }
        if became {
            self.wake_dependents(key);
        }
        self.write_status(key, &status, pace);
        self.write_parent_if_changed(key);
    }

    /// Writes the status to the cluster when it differs from what is there; `pace` is in milliseconds and holds back
    /// what is progress only.
    fn write_status(&mut self, key: &Key, status: &Status, pace: u64) {
        let now = self.now();
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        if !environment.status.settled
            || environment.status.writing
            || !environment.parent.exists
            || environment.parent.writing
        {
            return;
        }
        let wanted = environment_status(environment, status);
        if environment.status.written.as_ref() == Some(&wanted) {
            return;
        }
        let under_way = status.reconciling && environment.render.error.is_none();
        let written = environment.status.at.map_or(0, |at| at.0);
        let next = Time(written + if under_way { pace } else { PACE_MS });
        if under_way && (environment.status.at.is_none() || now < next) {
            // The end of a short sync is the first thing written; a long one shows its progress.
            if environment.status.at.is_none() {
                environment.status.at = Some(now);
                self.timers.set(key, Time(now.0 + pace));
            } else {
                self.timers.set(key, next);
            }
            return;
        }
        if environment.status.failures > 0 && now < next {
            self.timers.set(key, next);
            return;
        }
        environment.status.writing = true;
        environment.status.at = Some(now);
        let cluster = self.parts.cluster.clone();
        let handle = self.handle.clone();
        let environment = key.clone();
        self.tasks.spawn(async move {
            let result = cluster
                .write_environment_status(&environment.namespace, &environment.name, &wanted)
                .await
                .map(|()| wanted);
            handle.send(Message::StatusWritten {
                environment,
                result,
            });
        });
    }

    pub(super) fn status_written(&mut self, key: &Key, result: Result<EnvironmentStatus, Failure>) {
        let now = self.now();
        let Some(environment) = self.environments.get_mut(key) else {
            return;
        };
        environment.status.writing = false;
        match result {
            Ok(status) => {
                environment.status.written = Some(status);
                environment.status.failures = 0;
            }
            Err(failure) => {
                tracing::warn!(environment = %key, code = failure.code, "{}", failure.message);
                environment.status.failures += 1;
                let pause = PACE_MS << environment.status.failures.min(6);
                environment.status.at = Some(Time(now.0 + pause));
            }
        }
        self.dirty.insert(key.clone());
    }

    pub(super) fn detail(&self, namespace: Option<&str>, name: &str) -> Option<Detail> {
        let environment = self.environments.values().find(|one| {
            one.key.name == name && namespace.is_none_or(|ns| one.key.namespace == ns)
        })?;
        let status = environment.machine.status(self.now());
        let written = environment_status(environment, &status);
        let depends_on = environment.spec.as_ref().map_or_else(
            |_| Vec::new(),
            |spec| spec.depends_on.iter().map(|one| one.name.clone()).collect(),
        );
        Some(Detail {
            summary: summary(environment, &status),
            depends_on,
            conditions: written.conditions,
            failures: written.failures,
            findings: environment.render.findings.clone(),
            tree: environment.machine.objects().map(branch).collect(),
        })
    }

    pub(super) fn write_repository_status(&mut self, key: &Key) {
        let Some(repository) = self.repositories.get_mut(key) else {
            return;
        };
        let wanted = repository_status(repository);
        if repository.written.as_ref() == Some(&wanted) {
            return;
        }
        repository.written = Some(wanted.clone());
        let cluster = self.parts.cluster.clone();
        let key = key.clone();
        self.tasks.spawn(async move {
            let result = cluster
                .write_repository_status(&key.namespace, &key.name, &wanted)
                .await;
            if let Err(failure) = result {
                tracing::warn!(repository = %key, code = failure.code, "{}", failure.message);
            }
        });
    }
}

/// How long the status of an environment under way is left alone, in milliseconds, when `syncing` environments are.
fn progress_pace(syncing: usize) -> u64 {
    let syncing = u64::try_from(syncing).unwrap_or(u64::MAX);
    syncing
        .saturating_mul(PACE_EACH_MS)
        .clamp(PACE_MS, PACE_MAX_MS)
}

/// A phase as a reason of a condition, which is one word in CamelCase.
pub(super) fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Pending => "Pending",
        Phase::Held => "Held",
        Phase::Applying => "Applying",
        Phase::Pruning => "Pruning",
        Phase::Waiting => "Waiting",
        Phase::Ready => "Ready",
        Phase::Failed => "Failed",
        Phase::RenderFailed => "RenderFailed",
        Phase::PruneRefused => "PruneRefused",
    }
}

fn branch(view: ObjectView<'_>) -> Branch {
    let state = match &view.state {
        ObjectState::Waiting(_) => "Waiting",
        ObjectState::Applying => "Applying",
        ObjectState::InSync => "InSync",
        ObjectState::Failed { .. } => "Failed",
        ObjectState::Drifted(_) => "Drifted",
        ObjectState::Pruning(_) => "Pruning",
        ObjectState::Kept(_) => "Kept",
    };
    Branch {
        object: view.id.to_string(),
        origin: view.origin.map(ToString::to_string).unwrap_or_default(),
        message: match &view.state {
            ObjectState::Waiting(why) | ObjectState::Drifted(why) => why.clone(),
            ObjectState::Pruning(why) | ObjectState::Kept(why) => why.clone(),
            ObjectState::Failed { code, message } => format!("{code}: {message}"),
            ObjectState::Applying | ObjectState::InSync => view.health.message.clone(),
        },
        state: state.to_owned(),
        health: view.health.health.to_string(),
    }
}

fn summary(environment: &EnvironmentState, status: &Status) -> Summary {
    let (phase, message) = phase_and_message(environment, status);
    Summary {
        namespace: environment.key.namespace.clone(),
        name: environment.key.name.clone(),
        repository: environment.repository.name.clone(),
        folder: environment.folder.clone(),
        ready: environment.status.ready,
        phase,
        revision: environment.status.shown(status.applied.as_ref()),
        attempted_revision: environment.status.shown(
            status
                .attempted
                .as_ref()
                .or(environment.render.revision.as_ref()),
        ),
        objects: status.objects.total,
        ready_objects: status.objects.ready,
        message,
    }
}

pub(super) fn phase_and_message(
    environment: &EnvironmentState,
    status: &Status,
) -> (String, String) {
    if environment.removed {
        let message = environment
            .hold
            .clone()
            .or_else(|| kept(environment, status))
            .unwrap_or_else(|| status.message.clone());
        return ("Removed".to_owned(), message);
    }
    match &environment.render.error {
        Some((code, message)) => (
            phase_name(Phase::RenderFailed).to_owned(),
            format!("{code}: {message}"),
        ),
        None => (phase_name(status.phase).to_owned(), status.message.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::alone(1, PACE_MS)]
    #[case::few(20, PACE_MS)]
    #[case::many(100, 5_000)]
    #[case::a_fleet(10_000, PACE_MAX_MS)]
    fn progress_makes_room_for_the_work(#[case] syncing: usize, #[case] expected: u64) {
        assert_eq!(progress_pace(syncing), expected, "{syncing} under way");
    }
}
