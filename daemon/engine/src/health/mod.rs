//! How well an object is, in the words people use for it.
//!
//! [`kstatus`] is the base. On top of it come the states that kstatus does not tell apart
//! (suspended), pods that cannot start, and kinds with words of their own.

mod builtin;
mod fields;
pub mod kstatus;

use fields::{at, items, text};
use kstatus::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// How well an object is. The order is from well to ill, so that the worst of many is their maximum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Health {
    /// It does what its spec asks for.
    Healthy,
    /// A person has paused it.
    Suspended,
    /// It is on its way.
    Progressing,
    /// It is being deleted.
    Terminating,
    /// No rule can tell.
    Unknown,
    /// It is not there.
    Missing,
    /// It does not get better by waiting.
    Degraded,
}

impl Health {
    /// The state as it is written in status, API and output.
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Healthy => "Healthy",
            Health::Suspended => "Suspended",
            Health::Progressing => "Progressing",
            Health::Terminating => "Terminating",
            Health::Unknown => "Unknown",
            Health::Missing => "Missing",
            Health::Degraded => "Degraded",
        }
    }
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// An object's health and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// How well it is.
    pub health: Health,
    /// One sentence; empty where the health says it all. At most [`MESSAGE_LIMIT`] bytes.
    pub message: String,
}

/// Longest message that an assessment keeps, in bytes: controllers write what they like into
/// conditions, and one is held for every object.
pub const MESSAGE_LIMIT: usize = 512;

impl Assessment {
    /// Joins a health with its reason, which is cut at [`MESSAGE_LIMIT`].
    pub fn new(health: Health, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if message.len() > MESSAGE_LIMIT {
            message.truncate(message.floor_char_boundary(MESSAGE_LIMIT - '…'.len_utf8()));
            message.push('…');
        }
        Assessment { health, message }
    }
}

/// Assesses a live object.
///
/// `now` is the time in seconds since 1970, for the pods' scheduling window; without it the window
/// has passed. A healthy object carries no message: it would be the same for every object of its
/// kind, and is kept for each.
pub fn assess(live: &Json, now: Option<i64>) -> Assessment {
    if let Some(special) = special(live) {
        return special;
    }
    match kstatus::compute(live, now) {
        Ok(computed) => match computed.status {
            Status::Current => Assessment::new(Health::Healthy, ""),
            Status::InProgress => Assessment::new(Health::Progressing, computed.message),
            Status::Failed => Assessment::new(Health::Degraded, computed.message),
            Status::Terminating => Assessment::new(Health::Terminating, terminating(live)),
            Status::NotFound => Assessment::new(Health::Missing, computed.message),
            Status::Unknown => Assessment::new(Health::Unknown, computed.message),
        },
        Err(error) => Assessment::new(Health::Unknown, error.to_string()),
    }
}

fn terminating(live: &Json) -> String {
    let finalizers: Vec<&str> = items(live, "metadata.finalizers")
        .iter()
        .filter_map(Json::as_str)
        .collect();
    if finalizers.is_empty() {
        "The object is being deleted".to_owned()
    } else {
        format!(
            "The object is being deleted and waits for its finalizers: {}",
            finalizers.join(", ")
        )
    }
}

/// What kstatus cannot say.
fn special(live: &Json) -> Option<Assessment> {
    if at(live, "metadata.deletionTimestamp").is_some() {
        return None;
    }
    let api_version = text(live, "apiVersion", "");
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let flag = |path: &str| at(live, path).and_then(Json::as_bool) == Some(true);
    match (group, text(live, "kind", "")) {
        ("", "Namespace") if text(live, "status.phase", "Active") == "Terminating" => Some(
            Assessment::new(Health::Terminating, "The namespace is being deleted"),
        ),
        ("", "Pod") => pod(live),
        ("", "PersistentVolumeClaim") if text(live, "status.phase", "") == "Lost" => Some(
            Assessment::new(Health::Degraded, "The claim has lost its volume"),
        ),
        ("", "PersistentVolume") if text(live, "status.phase", "") == "Failed" => {
            Some(Assessment::new(
                Health::Degraded,
                format!(
                    "The volume failed: {}",
                    text(live, "status.message", "no message")
                ),
            ))
        }
        ("apps", "Deployment") if flag("spec.paused") => Some(Assessment::new(
            Health::Suspended,
            "The rollout is paused (spec.paused)",
        )),
        ("batch", "CronJob") if flag("spec.suspend") => Some(Assessment::new(
            Health::Suspended,
            "The schedule is suspended (spec.suspend)",
        )),
        ("batch", "Job") if has(live, "Suspended", "True") => Some(Assessment::new(
            Health::Suspended,
            "The Job is suspended (spec.suspend)",
        )),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            inactive(live, &["AbleToScale", "ScalingActive"], "ScalingDisabled")
        }
        ("apiregistration.k8s.io", "APIService") => inactive(live, &["Available"], ""),
        _ => None,
    }
}

fn has(live: &Json, kind: &str, status: &str) -> bool {
    items(live, "status.conditions")
        .iter()
        .any(|c| text(c, "type", "") == kind && text(c, "status", "") == status)
}

/// Degraded with the reason of the first of these conditions that is false.
fn inactive(live: &Json, kinds: &[&str], except: &str) -> Option<Assessment> {
    items(live, "status.conditions")
        .iter()
        .filter(|c| kinds.contains(&text(c, "type", "")) && text(c, "status", "") == "False")
        .find(|c| text(c, "reason", "") != except)
        .map(|c| {
            let reason = text(c, "reason", "no reason given");
            let message = match text(c, "message", "") {
                "" => reason.to_owned(),
                message => format!("{reason}: {message}"),
            };
            Assessment::new(Health::Degraded, message)
        })
}

/// Reasons for which a container does not start, and will not without a change.
const CANNOT_START: [&str; 7] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "ErrImageNeverPull",
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "RunContainerError",
];

fn pod(live: &Json) -> Option<Assessment> {
    if text(live, "status.phase", "") == "Failed" {
        let why = match (
            text(live, "status.message", ""),
            text(live, "status.reason", ""),
        ) {
            ("", "") => "The pod has ended with a failure".to_owned(),
            ("", reason) => format!("The pod has failed: {reason}"),
            (message, _) => format!("The pod has failed: {message}"),
        };
        return Some(Assessment::new(Health::Degraded, why));
    }
    let statuses = ["status.initContainerStatuses", "status.containerStatuses"];
    statuses
        .iter()
        .flat_map(|list| items(live, list))
        .find(|status| CANNOT_START.contains(&text(status, "state.waiting.reason", "")))
        .map(|status| {
            let reason = text(status, "state.waiting.reason", "");
            let detail = match text(status, "state.waiting.message", "") {
                "" => String::new(),
                message => format!(": {message}"),
            };
            Assessment::new(
                Health::Degraded,
                format!(
                    "The container {} cannot start: {reason}{detail}",
                    text(status, "name", "?")
                ),
            )
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::no_status(json!({"apiVersion": "example.com/v1", "kind": "Widget"}), Health::Healthy, "")]
    #[case::namespace(json!({"apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Active"}}), Health::Healthy, "")]
    #[case::namespace_going(json!({"apiVersion": "v1", "kind": "Namespace", "status": {"phase": "Terminating"}}), Health::Terminating, "namespace is being deleted")]
    #[case::finalizer(json!({"kind": "Widget", "metadata": {"deletionTimestamp": "2024-01-01T00:00:00Z", "finalizers": ["a/b"]}}), Health::Terminating, "a/b")]
    #[case::zero_replicas(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"generation": 1}, "spec": {"replicas": 0, "progressDeadlineSeconds": 600},
        "status": {"observedGeneration": 1, "conditions": [{"type": "Available", "status": "True"}, {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]}}), Health::Healthy, "")]
    #[case::paused(json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"paused": true}}), Health::Suspended, "paused")]
    #[case::quota(json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"replicas": 2},
        "status": {"conditions": [{"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}]}}), Health::Progressing, "0 of 2 replicas created: exceeded quota")]
    #[case::image(json!({"apiVersion": "v1", "kind": "Pod", "status": {"phase": "Pending", "containerStatuses": [
        {"name": "web", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}}]}}), Health::Degraded, "The container web cannot start: ImagePullBackOff: no such image")]
    #[case::cron(json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"suspend": true}}), Health::Suspended, "suspended")]
    #[case::autoscaler(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "status": {"conditions": [
        {"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"}]}}), Health::Degraded, "FailedGetResourceMetric: no metrics")]
    #[case::malformed(json!({"kind": "Widget", "status": {"conditions": "none"}}), Health::Unknown, "status.conditions")]
    fn assessments(#[case] live: Json, #[case] health: Health, #[case] part: &str) {
        let found = assess(&live, None);
        assert_eq!(found.health, health, "health of {live}: {}", found.message);
        assert!(
            found.message.contains(part),
            "the message `{}` should say `{part}`",
            found.message
        );
    }

    #[test]
    fn a_long_message_is_cut_at_a_character() {
        let found = Assessment::new(Health::Degraded, "ä".repeat(MESSAGE_LIMIT));
        assert!(found.message.len() <= MESSAGE_LIMIT, "bounded in bytes");
        assert!(found.message.ends_with('…'), "the cut is visible");
    }
}
