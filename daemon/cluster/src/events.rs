//! Kubernetes events: what people see in `kubectl describe`.

use crate::Cluster;
use crate::transport::{Call, encode};
use bytes::Bytes;
use http::Method;
use k8s_openapi::api::core::v1::ObjectReference;
use serde_json::json;

/// Longest note that the API server takes, in bytes.
const NOTE_LIMIT: usize = 1024;

/// Whether an event is news or trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// News.
    Normal,
    /// Trouble.
    Warning,
}

impl EventKind {
    fn as_str(self) -> &'static str {
        match self {
            EventKind::Normal => "Normal",
            EventKind::Warning => "Warning",
        }
    }
}

impl Cluster {
    /// Publishes an event about an object; best effort, for an event is never worth a failure.
    ///
    /// `reason` is one word in CamelCase; `message` a sentence, cut at 1024 bytes.
    pub async fn event(
        &self,
        about: &ObjectReference,
        kind: EventKind,
        reason: &str,
        message: &str,
    ) {
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let note = message
            .get(..message.floor_char_boundary(NOTE_LIMIT))
            .unwrap_or_default();
        let stem: String = about
            .name
            .as_deref()
            .unwrap_or("windlass")
            .chars()
            .take(200)
            .collect();
        let now = k8s_openapi::jiff::Timestamp::now();
        let name = format!("{stem}.{:x}", now.as_nanosecond());
        let body = json!({
            "apiVersion": "events.k8s.io/v1",
            "kind": "Event",
            "metadata": { "name": name, "namespace": namespace },
            "eventTime": format!("{now:.6}"),
            "reportingController": "windlass.dev/windlass",
            "reportingInstance": "windlass",
            "action": reason,
            "reason": reason,
            "type": kind.as_str(),
            "note": note,
            "regarding": about,
        });
        let target = format!(
            "/apis/events.k8s.io/v1/namespaces/{}/events",
            encode(namespace)
        );
        let call = Call::new(
            Method::POST,
            &target,
            Some("application/json"),
            Bytes::from(body.to_string()),
        );
        match self.transport().call(call).await {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) => {
                let status = crate::failure::Status::read(&answer);
                tracing::debug!(reason, "an event was not taken: {}", status.message);
            }
            Err(error) => tracing::debug!(reason, "an event was not sent: {error}"),
        }
    }
}
