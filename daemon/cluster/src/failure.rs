//! The API server's refusals in the words of the engine.
//!
//! A refusal is told by its HTTP status, reason and causes (`metav1.Status`), and by its prose only
//! where the API server says the rest wrongly. The prose is handed on to people, after every secret value that went into the request has been
//! masked: the API server repeats invalid values in its messages.

use crate::secrets::Mask;
use crate::transport::{Answer, TransportError};
use serde::Deserialize;
use std::fmt;
use windlass_engine::{Failure, FailureClass};
use windlass_manifest::ObjectId;

/// Longest message that is kept, in bytes; a failed object's message goes into the status.
const MESSAGE_LIMIT: usize = 2_000;

/// What was being done to which object: the beginning of every message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deed<'a> {
    pub(crate) verb: &'static str,
    pub(crate) id: &'a ObjectId,
}

impl fmt::Display for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.id, self.verb)
    }
}

/// The parts of `metav1.Status` that say what happened.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    pub(crate) message: String,
    pub(crate) reason: String,
    pub(crate) code: u16,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Details {
    kind: String,
    causes: Option<Vec<Cause>>,
    retry_after_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
    message: String,
    field: String,
}

impl Status {
    /// Reads an answer's body; what is no Status becomes a Status of its text.
    pub(crate) fn read(answer: &Answer) -> Status {
        let mut status =
            serde_json::from_slice::<Status>(&answer.body).unwrap_or_else(|_| Status {
                message: String::from_utf8_lossy(answer.body.get(..500).unwrap_or(&answer.body))
                    .trim()
                    .to_owned(),
                ..Status::default()
            });
        status.code = answer.status.as_u16();
        status
    }

    fn causes(&self) -> &[Cause] {
        self.details
            .as_ref()
            .and_then(|details| details.causes.as_deref())
            .unwrap_or_default()
    }

    fn has_cause(&self, reason: &str) -> bool {
        self.causes().iter().any(|cause| cause.reason == reason)
    }

    /// Whether what is missing is the namespace rather than the kind or the object.
    fn namespace_missing(&self) -> bool {
        self.details
            .as_ref()
            .is_some_and(|details| details.kind == "namespaces")
    }

    /// Whether a field may not be changed, which only a new object can help.
    pub(crate) fn is_immutable(&self) -> bool {
        self.code == 422
            && !self.causes().is_empty()
            && self.causes().iter().all(|cause| {
                (cause.reason == "FieldValueInvalid"
                    && cause.message.contains("field is immutable"))
                    || cause.reason == "FieldValueForbidden"
            })
    }
}

/// Turns a refusal into a failure.
pub(crate) fn refused(deed: Deed<'_>, answer: &Answer, mask: &Mask) -> Failure {
    let status = Status::read(answer);
    let (class, code, remedy) = classify(&status, answer);
    let said = mask.apply(&said(&status));
    let fields: Vec<String> = status
        .causes()
        .iter()
        .filter(|cause| !cause.field.is_empty() && cause.field != "<nil>")
        .map(|cause| cause.field.clone())
        .collect();
    let mut message = format!("{deed}: {said}");
    let unnamed: Vec<&str> = fields
        .iter()
        .map(String::as_str)
        .filter(|field| !said.contains(field))
        .collect();
    if !unnamed.is_empty() {
        message.push_str(&format!(" (field {})", unnamed.join(", ")));
    }
    if !remedy.is_empty() {
        message.push_str(". ");
        message.push_str(remedy);
    }
    Failure {
        class,
        code,
        message: bounded(message),
    }
}

/// Turns a missing answer into a failure.
pub(crate) fn unanswered(deed: Deed<'_>, error: &TransportError) -> Failure {
    let class = match error {
        TransportError::Request(_) => FailureClass::Rejected,
        _ => FailureClass::Transient { retry_after: None },
    };
    Failure {
        class,
        code: error.code(),
        message: bounded(format!("{deed}: {error}")),
    }
}

fn said(status: &Status) -> String {
    match (status.message.trim(), status.reason.as_str()) {
        ("", "") => format!("the API server answered with HTTP status {}", status.code),
        ("", reason) => format!("the API server answered with {reason}"),
        (message, _) => message.trim_end_matches('.').to_owned(),
    }
}

pub(crate) fn bounded(mut message: String) -> String {
    if message.len() > MESSAGE_LIMIT {
        message.truncate(message.floor_char_boundary(MESSAGE_LIMIT - '…'.len_utf8()));
        message.push('…');
    }
    message
}

fn classify(status: &Status, answer: &Answer) -> (FailureClass, &'static str, &'static str) {
    let retry_after = answer.retry_after.or_else(|| {
        let seconds = status.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| std::time::Duration::from_secs(seconds))
    });
    let transient = FailureClass::Transient { retry_after };
    match status.code {
        401 => (
            FailureClass::Forbidden,
            "WL0711",
            "The API server does not accept the daemon's credentials; check the service account's token or the kubeconfig",
        ),
        403 if status.has_cause("NamespaceTerminating") => (
            transient,
            "WL0712",
            "The namespace is being deleted; it is tried again",
        ),
        403 if status.message.contains("exceeded quota") => (
            FailureClass::Rejected,
            "WL0714",
            "Raise the namespace's ResourceQuota or ask for less",
        ),
        403 => (
            FailureClass::Forbidden,
            "WL0702",
            "Grant the right with a Role or ClusterRole to the user that is named",
        ),
        404 if status.namespace_missing() => (
            FailureClass::NamespaceMissing,
            "WL0706",
            "Add the Namespace to the environment, or create it",
        ),
        404 => (
            FailureClass::KindMissing,
            "WL0705",
            "Install the CustomResourceDefinition that serves the kind, or correct apiVersion and kind",
        ),
        409 if status.has_cause("FieldManagerConflict") => (
            FailureClass::Conflict {
                managers: managers(status),
            },
            "WL0704",
            "Take the fields out of Git, or let Windlass take them with the annotation windlass.dev/conflict: force",
        ),
        409 => (
            FailureClass::Stale,
            "WL0707",
            "The object changed at the same moment; it is looked at again",
        ),
        400 | 405 | 406 | 413 | 415 => (
            FailureClass::Rejected,
            "WL0703",
            "Correct the manifest that it was rendered from",
        ),
        422 if status.is_immutable() => (
            FailureClass::Rejected,
            "WL0730",
            "The field cannot be changed on an existing object: delete the object, or allow its replacement with the annotation windlass.dev/replace: on-immutable",
        ),
        422 => (
            FailureClass::Rejected,
            "WL0703",
            "Correct the manifest that it was rendered from",
        ),
        // A body that does not fit the schema of server-side apply is called an internal error.
        500 if status
            .message
            .contains("failed to create typed patch object") =>
        {
            (
                FailureClass::Rejected,
                "WL0703",
                "Correct the manifest that it was rendered from",
            )
        }
        500 if status.message.contains("failed calling webhook") => (
            transient,
            "WL0716",
            "An admission webhook does not answer; it is tried again. Check the webhook's Service and pods",
        ),
        _ => (transient, "WL0701", "It is tried again"),
    }
}

/// The managers of a conflict, as its causes name them: `conflict with "NAME" using …`.
fn managers(status: &Status) -> Vec<String> {
    let mut managers: Vec<String> = status
        .causes()
        .iter()
        .filter_map(|cause| cause.message.split('"').nth(1))
        .map(str::to_owned)
        .collect();
    managers.sort_unstable();
    managers.dedup();
    managers
}

#[cfg(test)]
#[path = "failure_tests.rs"]
mod tests;
