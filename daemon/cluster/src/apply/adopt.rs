//! Taking over what kubectl, Helm, Argo CD or Flux applied before.
//!
//! Their fields would stay for ever: a field that leaves Git is removed by server-side apply only
//! when no other manager owns it. So on the first contact their ownership is rewritten into ours,
//! and the next apply removes what the body does not have. The same is done by kubectl when it
//! changes an object from client-side to server-side apply.

use super::{Body, Mode};
use crate::discovery::Served;
use crate::failure::{Deed, refused, unanswered};
use crate::target::KubernetesTarget;
use crate::transport::Call;
use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value as Json, json};
use windlass_engine::Failure;
use windlass_engine::drift::MANAGER;

/// Managers whose whole work is to apply manifests. Controllers that own single fields, and
/// people who edited, are not among them: theirs is no manifest.
const APPLIERS: [&str; 8] = [
    "argocd-application-controller",
    "argocd-controller",
    "before-first-apply",
    "helm",
    "helm-controller",
    "kubectl",
    "kubectl-client-side-apply",
    "kustomize-controller",
];

fn is_applier(entry: &Json) -> bool {
    let text = |field: &str| entry.get(field).and_then(Json::as_str).unwrap_or_default();
    text("subresource").is_empty() && APPLIERS.contains(&text("manager"))
}

fn is_ours(entry: &Json) -> bool {
    let text = |field: &str| entry.get(field).and_then(Json::as_str).unwrap_or_default();
    text("subresource").is_empty() && text("manager") == MANAGER && text("operation") == "Apply"
}

fn entries(live: &Json) -> &[Json] {
    live.pointer("/metadata/managedFields")
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Whether there is anything to take over.
pub(super) fn needs(live: &Json) -> bool {
    entries(live).iter().any(is_applier)
}

/// The managed fields with the appliers' entries moved into ours; `None` without one of ours.
fn rewritten(live: &Json) -> Option<Vec<Json>> {
    let mut ours = entries(live).iter().find(|entry| is_ours(entry))?.clone();
    let mut fields = fields_of(&ours);
    let mut rest = Vec::new();
    for entry in entries(live) {
        if is_applier(entry) {
            merge(&mut fields, fields_of(entry));
        } else if !is_ours(entry) {
            rest.push(entry.clone());
        }
    }
    ours["fieldsV1"] = Json::Object(fields);
    rest.push(ours);
    Some(rest)
}

fn fields_of(entry: &Json) -> Map<String, Json> {
    entry
        .get("fieldsV1")
        .and_then(Json::as_object)
        .cloned()
        .unwrap_or_default()
}

fn merge(into: &mut Map<String, Json>, from: Map<String, Json>) {
    for (key, value) in from {
        match (into.get_mut(&key), value) {
            (Some(Json::Object(into)), Json::Object(from)) => merge(into, from),
            (Some(_), _) => {}
            (None, value) => drop(into.insert(key, value)),
        }
    }
}

impl KubernetesTarget {
    /// Rewrites the ownership and applies again; `None` when somebody was faster, which the watch
    /// will tell.
    pub(super) async fn adopt(
        &self,
        deed: Deed<'_>,
        served: &Served,
        body: &Body,
        live: &Json,
    ) -> Result<Option<Json>, Failure> {
        let Some(managed) = rewritten(live) else {
            return Ok(None);
        };
        let version = live
            .pointer("/metadata/resourceVersion")
            .cloned()
            .unwrap_or_default();
        let patch = json!([
            { "op": "test", "path": "/metadata/resourceVersion", "value": version },
            { "op": "replace", "path": "/metadata/managedFields", "value": managed },
        ]);
        let target = format!("{}?fieldManager={MANAGER}", served.object(deed.id));
        let call = Call::new(
            Method::PATCH,
            &target,
            Some("application/json-patch+json"),
            Bytes::from(patch.to_string()),
        );
        let answer = self
            .cluster()
            .transport()
            .call(call)
            .await
            .map_err(|e| unanswered(deed, &e))?;
        if !answer.status.is_success() {
            tracing::debug!(object = %deed.id, status = %answer.status, "ownership was not taken over");
            return Ok(None);
        }
        let mode = Mode {
            force: true,
            dry_run: false,
        };
        let answer = self.send(deed, served, body, mode).await?;
        if !answer.status.is_success() {
            return Err(refused(deed, &answer, &body.mask));
        }
        answer.json().map(Some).map_err(|e| unanswered(deed, &e))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn the_fields_of_appliers_become_ours_and_others_keep_theirs() {
        let live = json!({"metadata": {"managedFields": [
            {"manager": "kubectl-client-side-apply", "operation": "Update",
                "fieldsV1": {"f:spec": {"f:a": {}, "f:b": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {"f:spec": {"f:c": {}}}},
            {"manager": "kubectl", "operation": "Update", "subresource": "status", "fieldsV1": {"f:status": {}}},
            {"manager": "windlass", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}},
        ]}});
        assert!(needs(&live));
        let managed = rewritten(&live).unwrap();
        let managers: Vec<&str> = managed
            .iter()
            .filter_map(|e| e["manager"].as_str())
            .collect();
        assert_eq!(managers, ["kube-controller-manager", "kubectl", "windlass"]);
        assert_eq!(
            managed[2]["fieldsV1"],
            json!({"f:spec": {"f:a": {}, "f:b": {}}})
        );
        assert!(
            !needs(&json!({"metadata": {"managedFields": managed}})),
            "done once"
        );
    }
}
