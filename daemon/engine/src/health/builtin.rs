//! The kstatus rules of the kinds that Kubernetes itself brings.

use super::fields::{at, int, items, text, unix_seconds};
use super::kstatus::{Computed, KstatusError, conditions, integer};
use serde_json::Value as Json;

/// How long a new pod may be without a node before that counts as a failure, in seconds.
const SCHEDULE_WINDOW: i64 = 15;

/// Applies the rule of the object's kind; `None` where there is none.
pub(super) fn compute(object: &Json, now: Option<i64>) -> Result<Option<Computed>, KstatusError> {
    let api_version = text(object, "apiVersion", "");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let computed = match (group, text(object, "kind", "")) {
        ("", "Service") => service(object),
        ("", "Pod") => pod(object, now)?,
        ("", "PersistentVolumeClaim") => claim(object),
        ("", "ConfigMap" | "Secret") | ("batch", "CronJob") => {
            Computed::current("Objects of this kind are ready as soon as they exist")
        }
        ("apps" | "extensions", "Deployment") => deployment(object)?,
        ("apps" | "extensions", "ReplicaSet") => replica_set(object)?,
        ("apps" | "extensions", "DaemonSet") => daemon_set(object)?,
        ("apps", "StatefulSet") => stateful_set(object),
        ("policy", "PodDisruptionBudget") => {
            Computed::current("The allowed disruptions are computed")
        }
        ("batch", "Job") => job(object)?,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object)?,
        _ => return Ok(None),
    };
    Ok(Some(computed))
}

fn service(object: &Json) -> Computed {
    let waits = text(object, "spec.type", "ClusterIP") == "LoadBalancer"
        && text(object, "spec.clusterIP", "").is_empty();
    if waits {
        return Computed::in_progress(
            "NoIPAssigned",
            "The load balancer Service has no cluster IP yet",
        );
    }
    Computed::current("The Service is ready")
}

fn claim(object: &Json) -> Computed {
    match text(object, "status.phase", "unknown") {
        "Bound" => Computed::current("The volume claim is bound"),
        phase => Computed::in_progress(
            "NotBound",
            format!("The volume claim is not bound yet (phase {phase})"),
        ),
    }
}

/// One comparison of a rollout: fewer than wanted is progress, with the kstatus reason for it.
fn fewer(reason: &str, what: &str, have: i64, want: i64) -> Option<Computed> {
    (have < want).then(|| Computed::in_progress(reason, format!("{have} of {want} {what}")))
}

fn extra(have: i64, want: i64) -> Option<Computed> {
    (have > want).then(|| {
        Computed::in_progress(
            "ExtraPods",
            format!("{} old replicas are still to be removed", have - want),
        )
    })
}

fn deployment(object: &Json) -> Result<Computed, KstatusError> {
    // Without a deadline the controller writes no Progressing condition, so there is none to wait
    // for; the largest int32 is how the controller spells "no deadline".
    let no_deadline = i64::from(i32::MAX);
    let mut progressed = int(object, "spec.progressDeadlineSeconds", no_deadline) == no_deadline;
    let mut available = false;
    let mut replica_failure = None;
    for condition in conditions(object)? {
        match condition.kind {
            "Progressing" if condition.reason == "ProgressDeadlineExceeded" => {
                let why = match condition.message {
                    "" => "The rollout made no progress within its deadline".to_owned(),
                    message => {
                        format!("The rollout made no progress within its deadline: {message}")
                    }
                };
                return Ok(Computed::failed(condition.reason, why));
            }
            "Progressing"
                if condition.is_true() && condition.reason == "NewReplicaSetAvailable" =>
            {
                progressed = true;
            }
            "Available" if condition.is_true() => available = true,
            "ReplicaFailure" if condition.is_true() && !condition.message.is_empty() => {
                replica_failure = Some(condition.message);
            }
            _ => {}
        }
    }
    let want = int(object, "spec.replicas", 1);
    let replicas = int(object, "status.replicas", 0);
    let updated = int(object, "status.updatedReplicas", 0);
    let ready = int(object, "status.readyReplicas", 0);
    let up = int(object, "status.availableReplicas", 0);
    let waiting = fewer("LessReplicas", "replicas created", replicas, want)
        .or_else(|| fewer("LessUpdated", "replicas updated", updated, want))
        .or_else(|| extra(replicas, want))
        .or_else(|| fewer("LessAvailable", "updated replicas available", up, updated))
        .or_else(|| fewer("LessReady", "replicas ready", ready, want))
        .or_else(|| {
            (!progressed).then(|| {
                Computed::in_progress(
                    "ReplicaSetNotAvailable",
                    "The new replica set is not available yet",
                )
            })
        })
        .or_else(|| {
            (!available).then(|| {
                Computed::in_progress(
                    "DeploymentNotAvailable",
                    "The Deployment is not available yet",
                )
            })
        });
    Ok(match (waiting, replica_failure) {
        (Some(mut waiting), Some(failure)) => {
            waiting.message = format!("{}: {failure}", waiting.message);
            waiting
        }
        (Some(waiting), None) => waiting,
        (None, _) => Computed::current(format!("{replicas} replicas are available")),
    })
}

fn replica_set(object: &Json) -> Result<Computed, KstatusError> {
    let failure = conditions(object)?
        .into_iter()
        .find(|condition| condition.kind == "ReplicaFailure" && condition.is_true());
    if let Some(failure) = failure {
        let message = match failure.message {
            "" => "Pods cannot be created or deleted".to_owned(),
            message => format!("Pods cannot be created or deleted: {message}"),
        };
        return Ok(Computed::in_progress("ReplicaFailure", message));
    }
    let want = int(object, "spec.replicas", 1);
    let replicas = int(object, "status.replicas", 0);
    let labelled = int(object, "status.fullyLabeledReplicas", 0);
    let up = int(object, "status.availableReplicas", 0);
    let ready = int(object, "status.readyReplicas", 0);
    Ok(fewer("LessLabelled", "replicas labelled", labelled, want)
        .or_else(|| fewer("LessAvailable", "replicas available", up, want))
        .or_else(|| fewer("LessReady", "replicas ready", ready, want))
        .or_else(|| extra(replicas, want))
        .unwrap_or_else(|| Computed::current(format!("{replicas} replicas are available"))))
}

fn daemon_set(object: &Json) -> Result<Computed, KstatusError> {
    // This controller always writes both generations, so their absence means that it has not
    // looked at the object yet.
    if integer(object, "metadata.generation")?.is_none() {
        return Ok(Computed::in_progress(
            "NoGeneration",
            "The DaemonSet has no generation yet",
        ));
    }
    if integer(object, "status.observedGeneration")?.is_none() {
        return Ok(Computed::in_progress(
            "NoObservedGeneration",
            "The controller has not seen the DaemonSet yet",
        ));
    }
    let want = int(object, "status.desiredNumberScheduled", -1);
    if want == -1 {
        return Ok(Computed::in_progress(
            "NoDesiredNumber",
            "The controller has not counted the nodes for the DaemonSet yet",
        ));
    }
    let count = |field: &str| int(object, field, 0);
    let current = count("status.currentNumberScheduled");
    let updated = count("status.updatedNumberScheduled");
    let up = count("status.numberAvailable");
    let ready = count("status.numberReady");
    Ok(fewer("LessCurrent", "pods scheduled", current, want)
        .or_else(|| fewer("LessUpdated", "pods updated", updated, want))
        .or_else(|| fewer("LessAvailable", "pods available", up, want))
        .or_else(|| fewer("LessReady", "pods ready", ready, want))
        .unwrap_or_else(|| Computed::current(format!("{want} pods run as wanted"))))
}

fn stateful_set(object: &Json) -> Computed {
    if text(object, "spec.updateStrategy.type", "") == "OnDelete" {
        return Computed::current("Pods are replaced when a person deletes them (OnDelete)");
    }
    let want = int(object, "spec.replicas", 1);
    let replicas = int(object, "status.replicas", 0);
    let ready = int(object, "status.readyReplicas", 0);
    let current = int(object, "status.currentReplicas", 0);
    let updated = int(object, "status.updatedReplicas", 0);
    let started = fewer("LessReplicas", "replicas created", replicas, want)
        .or_else(|| fewer("LessReady", "replicas ready", ready, want))
        .or_else(|| extra(replicas, want));
    if let Some(waiting) = started {
        return waiting;
    }
    let partition = int(object, "spec.updateStrategy.rollingUpdate.partition", -1);
    if partition != -1 {
        // https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions
        let want = want.saturating_sub(partition);
        return fewer(
            "PartitionRollout",
            "replicas of the partition updated",
            updated,
            want,
        )
        .unwrap_or_else(|| {
            Computed::current(format!("{updated} replicas of the partition are updated"))
        });
    }
    if let Some(waiting) = fewer("LessCurrent", "replicas current", current, want) {
        return waiting;
    }
    let (from, to) = (
        text(object, "status.currentRevision", ""),
        text(object, "status.updateRevision", ""),
    );
    if from != to {
        return Computed::in_progress(
            "RevisionMismatch",
            format!("The rollout from revision {from} to {to} is not finished"),
        );
    }
    Computed::current(format!("{replicas} replicas run as wanted"))
}

fn pod(object: &Json, now: Option<i64>) -> Result<Computed, KstatusError> {
    Ok(match text(object, "status.phase", "") {
        "" => Computed::in_progress("PodNotObserved", "The pod has no phase yet"),
        "Succeeded" => Computed::current("The pod has completed"),
        "Failed" => Computed::current("The pod has ended with a failure"),
        "Running" => {
            let conditions = conditions(object)?;
            if conditions.iter().any(|c| c.kind == "Ready" && c.is_true()) {
                return Ok(Computed::current("The pod is ready"));
            }
            let looping = crash_looping(object);
            if looping.is_empty() {
                Computed::in_progress("PodRunningNotReady", "The pod runs but is not ready")
            } else {
                Computed::failed("ContainerCrashLooping", looping.join("; "))
            }
        }
        "Pending" => {
            let conditions = conditions(object)?;
            let unschedulable = conditions
                .iter()
                .find(|c| c.kind == "PodScheduled" && c.is_false() && c.reason == "Unschedulable");
            match unschedulable {
                None => Computed::in_progress("PodPending", "The pod is pending"),
                Some(_) if is_new(object, now) => {
                    Computed::in_progress("PodNotScheduled", "The pod has no node yet")
                }
                Some(condition) if condition.message.is_empty() => {
                    Computed::failed("PodUnschedulable", "No node can take the pod")
                }
                Some(condition) => Computed::failed(
                    "PodUnschedulable",
                    format!("No node can take the pod: {}", condition.message),
                ),
            }
        }
        phase => return Err(KstatusError::UnknownPhase(phase.to_owned())),
    })
}

fn is_new(pod: &Json, now: Option<i64>) -> bool {
    let created = unix_seconds(text(pod, "metadata.creationTimestamp", ""));
    match (created, now) {
        (Some(created), Some(now)) => created > now.saturating_sub(SCHEDULE_WINDOW),
        _ => false,
    }
}

/// One sentence for each container that crashes again and again.
fn crash_looping(pod: &Json) -> Vec<String> {
    items(pod, "status.containerStatuses")
        .iter()
        .filter(|status| text(status, "state.waiting.reason", "") == "CrashLoopBackOff")
        .map(|status| {
            let name = text(status, "name", "?");
            let last = match at(status, "lastState.terminated.exitCode").and_then(Json::as_i64) {
                Some(code) => format!(" (last exit code {code})"),
                None => String::new(),
            };
            format!("The container {name} crashes again and again{last}")
        })
        .collect()
}

fn job(object: &Json) -> Result<Computed, KstatusError> {
    let wanted = int(
        object,
        "spec.completions",
        int(object, "spec.parallelism", 1),
    );
    let succeeded = int(object, "status.succeeded", 0);
    let failed = int(object, "status.failed", 0);
    let active = int(object, "status.active", 0);
    for condition in conditions(object)?.iter().filter(|c| c.is_true()) {
        let found = match condition.kind {
            "Complete" => Computed::current(format!(
                "The Job is complete: {succeeded} of {wanted} succeeded"
            )),
            "Failed" => {
                let why = match condition.message {
                    "" => String::new(),
                    message => format!(": {message}"),
                };
                Computed::failed(
                    "JobFailed",
                    format!("The Job failed after {failed} failed pods{why}"),
                )
            }
            "Suspended" => Computed::current("The Job is suspended"),
            _ => continue,
        };
        return Ok(found);
    }
    if text(object, "status.startTime", "").is_empty() {
        return Ok(Computed::in_progress(
            "JobNotStarted",
            "The Job has not started yet",
        ));
    }
    Ok(Computed::current(format!(
        "The Job runs: {succeeded} of {wanted} succeeded, {active} active, {failed} failed"
    )))
}

fn definition(object: &Json) -> Result<Computed, KstatusError> {
    for condition in conditions(object)? {
        let refused = match condition.kind {
            "NamesAccepted" => condition.is_false(),
            "Established" if condition.is_true() => {
                return Ok(Computed::current("The custom kind is established"));
            }
            "Established" => condition.is_false() && condition.reason != "Installing",
            _ => false,
        };
        if refused {
            return Ok(Computed::failed(condition.reason, condition.message));
        }
    }
    Ok(Computed::in_progress(
        "Installing",
        "The custom kind is not served yet",
    ))
}
