//! The status of the objects in the cluster: kstatus' conditions and what stands beside them.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;
use windlass_cluster::resources::{
    EnvironmentStatus, FailureStatus, FindingStatus, PruneRefusalStatus, RepositoryStatus,
};
use windlass_engine::Status;

use super::environment::EnvironmentState;
use super::repository::RepositoryState;
use super::status::phase_and_message;

/// How many failures and findings a status lists; an object in etcd must stay small.
const LISTED: usize = 20;

/// The longest message of a condition that the API server takes.
const MESSAGE_MAX: usize = 4_096;

fn condition(
    kind: &str,
    value: bool,
    reason: &str,
    message: &str,
    generation: Option<i64>,
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if value { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.chars().take(MESSAGE_MAX).collect(),
        observed_generation: generation,
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
    }
}

/// Gives each condition the time since which it has been as it is.
fn since(mut conditions: Vec<Condition>, before: &[Condition]) -> Vec<Condition> {
    let now = Time(Timestamp::now());
    for condition in &mut conditions {
        let same = before
            .iter()
            .find(|old| old.type_ == condition.type_ && old.status == condition.status);
        condition.last_transition_time =
            same.map_or_else(|| now.clone(), |old| old.last_transition_time.clone());
    }
    conditions
}

fn count(number: usize) -> Option<u32> {
    Some(u32::try_from(number).unwrap_or(u32::MAX))
}

/// The status of an `Environment`: kstatus' three conditions, and those that say how far the road
/// was walked.
pub(super) fn environment_status(
    environment: &EnvironmentState,
    status: &Status,
) -> EnvironmentStatus {
    let generation = environment.parent.generation;
    let (phase, message) = phase_and_message(environment, status);
    let make = |kind: &str, value: bool, reason: &str, text: &str| {
        condition(kind, value, reason, text, generation)
    };
    let failed_render = environment.render.error.as_ref();
    let mut conditions = vec![make("Ready", environment.status.ready, &phase, &message)];
    // kstatus reads these two as «True means abnormal», so they are there only while true.
    if status.reconciling && failed_render.is_none() && !environment.removed {
        conditions.push(make("Reconciling", true, &phase, &message));
    }
    let stalled = failed_render
        .map(|(_, text)| text.clone())
        .or_else(|| status.stalled.as_ref().map(|stall| stall.message.clone()));
    if let Some(text) = stalled.filter(|_| !environment.removed) {
        conditions.push(make("Stalled", true, &phase, &text));
    }
    if environment.removed {
        conditions.push(make("Removed", true, "Removed", &message));
    }
    conditions.push(match failed_render {
        Some((code, text)) => make("Rendered", false, code, text),
        None if environment.render.digest.is_some() => make("Rendered", true, "Rendered", ""),
        None => make("Rendered", false, "Pending", ""),
    });
    let applied = status.applied.is_some() && status.applied == status.attempted;
    conditions.push(make(
        "Applied",
        applied,
        if applied { "Applied" } else { &phase },
        "",
    ));
    let healthy = status.healthy;
    conditions.push(make(
        "Healthy",
        healthy,
        if healthy { "Healthy" } else { &phase },
        "",
    ));
    let drifted: Vec<String> = status
        .drifted
        .iter()
        .take(LISTED)
        .map(ToString::to_string)
        .collect();
    let drift_reason = if drifted.is_empty() {
        "NoDrift"
    } else {
        "Drifted"
    };
    conditions.push(make(
        "Drifted",
        !drifted.is_empty(),
        drift_reason,
        &drifted.join(", "),
    ));

    let before = environment.status.written.as_ref();
    let revision = environment.status.shown(status.applied.as_ref());
    let synced = revision.is_some() && before.is_none_or(|old| old.revision != revision);
    EnvironmentStatus {
        observed_generation: generation,
        conditions: since(conditions, before.map_or(&[][..], |old| &old.conditions)),
        attempted_revision: environment.status.shown(status.attempted.as_ref()),
        render_digest: if applied {
            environment.render.digest.clone()
        } else {
            before.and_then(|old| old.render_digest.clone())
        },
        revision,
        objects: count(status.objects.total),
        ready_objects: count(status.objects.ready),
        path: Some(environment.folder.clone()),
        message: Some(message),
        failures: status
            .failures
            .iter()
            .take(LISTED)
            .map(|failure| FailureStatus {
                object: failure
                    .id
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                origin: failure.origin.as_ref().map(ToString::to_string),
                code: failure.code.to_owned(),
                message: failure.message.clone(),
            })
            .collect(),
        findings: environment
            .render
            .findings
            .iter()
            .take(LISTED)
            .map(|finding| FindingStatus {
                severity: finding.severity.clone(),
                step: Some(finding.plugin.clone()),
                object: finding.object.clone(),
                field: finding.field.clone(),
                message: finding.sentence(),
                hint: finding.hint.clone(),
            })
            .collect(),
        prune_refusal: status.refusal.as_ref().map(|refusal| PruneRefusalStatus {
            digest: refusal.digest.clone(),
            objects: u32::try_from(refusal.count).unwrap_or(u32::MAX),
            of: u32::try_from(refusal.of).unwrap_or(u32::MAX),
        }),
        last_synced: if synced {
            Some(Time(Timestamp::now()))
        } else {
            before.and_then(|old| old.last_synced.clone())
        },
        last_sync_request: environment.wishes.sync_requested.clone(),
        pruned: u32::try_from(status.pruned)
            .ok()
            .filter(|pruned| *pruned > 0)
            .or_else(|| before.and_then(|old| old.pruned)),
    }
}

/// The status of a `Repository`. It holds no time of the last fetch: a repository where nothing
/// happens writes nothing.
pub(super) fn repository_status(repository: &RepositoryState) -> RepositoryStatus {
    let (ready, reason, message) = match &repository.error {
        Some(error) => (
            false,
            error.code,
            format!("{}: {}", error.code, error.message),
        ),
        None if repository.snapshot.is_none() => (false, "Pending", "not fetched yet".to_owned()),
        None if repository.forced => (
            true,
            "HistoryRewritten",
            format!(
                "the branch was force-pushed; {} environments",
                repository.environments
            ),
        ),
        None => (
            true,
            "Fetched",
            format!("{} environments", repository.environments),
        ),
    };
    let ready = condition("Ready", ready, reason, &message, repository.generation);
    let before = repository.written.as_ref();
    RepositoryStatus {
        observed_generation: repository.generation,
        conditions: since(vec![ready], before.map_or(&[][..], |old| &old.conditions)),
        revision: repository
            .snapshot
            .as_ref()
            .map(|snapshot| snapshot.commit().id.clone()),
        environments: count(repository.environments),
        message: Some(message),
        last_fetched: None,
    }
}
