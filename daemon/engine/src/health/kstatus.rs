//! The status rules that Kubernetes tools share: kstatus of sigs.k8s.io/cli-utils.
//!
//! A status is computed from one object alone, in this order: deletion, the observed generation,
//! the standard conditions `Reconciling` and `Stalled`, the rules of the built-in kinds, a `Ready`
//! condition. An object about which none of these says anything is current. Reasons are those of
//! kstatus, so that tools which compare them agree; messages are our own words.

use super::builtin;
use super::fields::{at, int, text};
use serde_json::{Value as Json, json};

/// What the controllers have made of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// The controllers are at work, or have not seen the newest spec yet.
    InProgress,
    /// The controllers gave up, or wait for a person.
    Failed,
    /// What the spec asks for is there.
    Current,
    /// Deletion has been asked for and is not done.
    Terminating,
    /// There is no such object.
    NotFound,
    /// No rule could tell.
    Unknown,
}

impl Status {
    /// The status as kstatus writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::InProgress => "InProgress",
            Status::Failed => "Failed",
            Status::Current => "Current",
            Status::Terminating => "Terminating",
            Status::NotFound => "NotFound",
            Status::Unknown => "Unknown",
        }
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The two standard conditions; both are abnormal when true, and absent otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConditionType {
    /// Work is going on.
    Reconciling,
    /// Work has stopped before its end.
    Stalled,
}

impl ConditionType {
    /// The condition type as it is written in `status.conditions`.
    pub fn as_str(self) -> &'static str {
        match self {
            ConditionType::Reconciling => "Reconciling",
            ConditionType::Stalled => "Stalled",
        }
    }
}

/// A standard condition that holds; its status is always `True`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Which of the two.
    pub kind: ConditionType,
    /// One word for programs.
    pub reason: String,
    /// A sentence for people.
    pub message: String,
}

/// What [`compute`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Computed {
    /// The status.
    pub status: Status,
    /// Why, in a sentence.
    pub message: String,
    /// The standard conditions that belong on the object; at most one.
    pub conditions: Vec<Condition>,
}

impl Computed {
    pub(super) fn current(message: impl Into<String>) -> Self {
        Computed {
            status: Status::Current,
            message: message.into(),
            conditions: Vec::new(),
        }
    }

    pub(super) fn in_progress(reason: &str, message: impl Into<String>) -> Self {
        Self::abnormal(
            Status::InProgress,
            ConditionType::Reconciling,
            reason,
            message,
        )
    }

    pub(super) fn failed(reason: &str, message: impl Into<String>) -> Self {
        Self::abnormal(Status::Failed, ConditionType::Stalled, reason, message)
    }

    fn abnormal(
        status: Status,
        kind: ConditionType,
        reason: &str,
        message: impl Into<String>,
    ) -> Self {
        let message = message.into();
        Computed {
            status,
            message: message.clone(),
            conditions: vec![Condition {
                kind,
                reason: reason.to_owned(),
                message,
            }],
        }
    }
}

/// An object whose shape does not allow a status to be computed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KstatusError {
    /// A field that every object has alike holds another type.
    #[error("the field {field} is not {wanted}, so the object's status cannot be told")]
    Malformed {
        /// The field's path.
        field: &'static str,
        /// The type that was expected, with its article.
        wanted: &'static str,
    },
    /// A phase that Kubernetes does not define.
    #[error("the pod reports the phase `{0}`, which is not one that Kubernetes defines")]
    UnknownPhase(String),
}

/// A condition of an object as its controller wrote it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Observed<'a> {
    pub(super) kind: &'a str,
    pub(super) status: &'a str,
    pub(super) reason: &'a str,
    pub(super) message: &'a str,
}

impl Observed<'_> {
    pub(super) fn is_true(&self) -> bool {
        self.status == "True"
    }

    pub(super) fn is_false(&self) -> bool {
        self.status == "False"
    }
}

/// The conditions under `status.conditions`, in the order in which they are written.
pub(super) fn conditions(object: &Json) -> Result<Vec<Observed<'_>>, KstatusError> {
    let Some(list) = at(object, "status.conditions") else {
        return Ok(Vec::new());
    };
    let malformed = KstatusError::Malformed {
        field: "status.conditions",
        wanted: "a list of conditions",
    };
    let list = list.as_array().ok_or_else(|| malformed.clone())?;
    list.iter()
        .map(|condition| {
            condition.is_object().then(|| Observed {
                kind: text(condition, "type", ""),
                status: text(condition, "status", ""),
                reason: text(condition, "reason", ""),
                message: text(condition, "message", ""),
            })
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(malformed)
}

/// Computes the status of a live object.
///
/// `now` is the time in seconds since 1970; it only decides whether a pod that could not be
/// scheduled has had its 15 seconds. Without it they have passed.
///
/// # Errors
/// A field common to all objects has the wrong type, or a pod has a phase that is not defined.
pub fn compute(object: &Json, now: Option<i64>) -> Result<Computed, KstatusError> {
    if let Some(found) = generic(object)? {
        return Ok(found);
    }
    if let Some(found) = builtin::compute(object, now)? {
        return Ok(found);
    }
    if let Some(found) = ready_condition(object)? {
        return Ok(found);
    }
    Ok(Computed::current("The object is current"))
}

fn generic(object: &Json) -> Result<Option<Computed>, KstatusError> {
    match at(object, "metadata.deletionTimestamp") {
        None => {}
        Some(Json::String(time)) if time.is_empty() => {}
        Some(Json::String(_)) => {
            return Ok(Some(Computed {
                status: Status::Terminating,
                message: "The object is being deleted".to_owned(),
                conditions: Vec::new(),
            }));
        }
        Some(_) => {
            return Err(KstatusError::Malformed {
                field: "metadata.deletionTimestamp",
                wanted: "a timestamp",
            });
        }
    }
    let generation = integer(object, "metadata.generation")?;
    if let Some(generation) = generation
        && let Some(observed) = integer(object, "status.observedGeneration")?
        && observed != generation
    {
        return Ok(Some(Computed::in_progress(
            "LatestGenerationNotObserved",
            format!(
                "The controller has seen generation {observed} of the {}; the newest is {generation}",
                text(object, "kind", "object"),
            ),
        )));
    }
    for condition in conditions(object)?.iter().filter(|c| c.is_true()) {
        let found = match condition.kind {
            "Reconciling" => Computed::in_progress(condition.reason, condition.message),
            "Stalled" => Computed::failed(condition.reason, condition.message),
            _ => continue,
        };
        return Ok(Some(found));
    }
    Ok(None)
}

/// An integer that may be absent, but not anything else.
pub(super) fn integer(object: &Json, field: &'static str) -> Result<Option<i64>, KstatusError> {
    match at(object, field) {
        None => Ok(None),
        Some(value) if value.is_i64() => Ok(Some(int(object, field, 0))),
        Some(_) => Err(KstatusError::Malformed {
            field,
            wanted: "an integer",
        }),
    }
}

fn ready_condition(object: &Json) -> Result<Option<Computed>, KstatusError> {
    let found = conditions(object)?
        .into_iter()
        .find(|condition| condition.kind == "Ready");
    Ok(found.map(|ready| match ready.status {
        "True" if ready.message.is_empty() => Computed::current("The object is ready"),
        "True" => Computed::current(ready.message),
        _ => Computed::in_progress(ready.reason, ready.message),
    }))
}

/// Puts the standard conditions onto an object's status, as kstatus computes them.
///
/// `now` is the time, in RFC 3339, that changed conditions carry. A condition of the same type is
/// updated in place and keeps its transition time when its status did not change.
///
/// # Errors
/// As [`compute`]; and a condition that has no type or status.
pub fn augment(object: &Json, now: &str) -> Result<Json, KstatusError> {
    let computed = compute(object, super::fields::unix_seconds(now))?;
    let mut augmented = object.clone();
    let malformed = KstatusError::Malformed {
        field: "status",
        wanted: "an object with a list of conditions",
    };
    let status = augmented
        .as_object_mut()
        .ok_or_else(|| malformed.clone())?
        .entry("status")
        .or_insert(Json::Null);
    if status.is_null() {
        *status = json!({});
    }
    let list = status
        .as_object_mut()
        .ok_or_else(|| malformed.clone())?
        .entry("conditions")
        .or_insert(Json::Null);
    if list.is_null() {
        *list = json!([]);
    }
    let list = list.as_array_mut().ok_or(malformed)?;
    for condition in computed.conditions {
        let same =
            |c: &&mut Json| c.get("type").and_then(Json::as_str) == Some(condition.kind.as_str());
        match list.iter_mut().find(same) {
            Some(existing) => {
                if text(existing, "status", "") != "True" {
                    existing["lastTransitionTime"] = json!(now);
                }
                existing["status"] = json!("True");
                existing["lastUpdateTime"] = json!(now);
                existing["reason"] = json!(condition.reason);
                existing["message"] = json!(condition.message);
            }
            None => list.push(json!({
                "type": condition.kind.as_str(),
                "status": "True",
                "reason": condition.reason,
                "message": condition.message,
                "lastTransitionTime": now,
                "lastUpdateTime": now,
            })),
        }
    }
    Ok(augmented)
}
