//! Replacing an object whose immutable field has changed.
//!
//! Only where the object allows it, and only after the API server has accepted the new object in a
//! dry run: what is deleted must not leave a hole. The old object is deleted here; its going is
//! seen by the watch, and the engine then creates the new one.

use super::Body;
use crate::discovery::Served;
use crate::failure::{Deed, refused, unanswered};
use crate::target::KubernetesTarget;
use crate::transport::Call;
use http::{Method, StatusCode};
use serde_json::Value as Json;
use std::time::Duration;
use windlass_engine::{Desired, Failure, FailureClass};

const ALLOW: &str = "windlass.dev/replace";

/// Whether an object may be deleted and made anew: it says so, or is a Job, which can hardly be
/// changed otherwise.
pub(super) fn is_allowed(object: &Desired) -> bool {
    let annotation = serde_json::from_str::<Json>(&object.body)
        .ok()
        .and_then(|body| {
            let value = body.get("metadata")?.get("annotations")?.get(ALLOW)?;
            value.as_str().map(str::to_owned)
        });
    match annotation.as_deref() {
        Some(value) => value == "on-immutable",
        None => object.id.group == "batch" && object.id.kind == "Job",
    }
}

impl KubernetesTarget {
    /// Deletes an object that has to be made anew; says so, or why it was not done.
    pub(super) async fn replace(
        &self,
        deed: Deed<'_>,
        served: &Served,
        object: &Desired,
        body: &Body,
    ) -> Failure {
        match self.try_replace(deed, served, object, body).await {
            Ok(()) => Failure {
                class: FailureClass::Transient {
                    retry_after: Some(Duration::from_secs(1)),
                },
                code: "WL0731",
                message: format!(
                    "{}: an immutable field has changed, so the object was deleted and is made anew",
                    deed.id
                ),
            },
            Err(failure) => failure,
        }
    }

    async fn try_replace(
        &self,
        deed: Deed<'_>,
        served: &Served,
        object: &Desired,
        body: &Body,
    ) -> Result<(), Failure> {
        let transport = self.cluster().transport();
        let path = served.object(&object.id);
        let answer = transport
            .call(Call::get(&path))
            .await
            .map_err(|e| unanswered(deed, &e))?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        if !answer.status.is_success() {
            return Err(refused(deed, &answer, &body.mask));
        }
        let live = answer.json().map_err(|e| unanswered(deed, &e))?;
        let metadata = |field: &str| {
            live.pointer(&format!("/metadata/{field}"))
                .and_then(Json::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        if !metadata("deletionTimestamp").is_empty() {
            return Ok(());
        }
        self.try_create(deed, served, object, body).await?;
        let preconditions = serde_json::json!({
            "uid": metadata("uid"),
            "resourceVersion": metadata("resourceVersion"),
        });
        let answer = self.send_delete(deed, served, preconditions).await?;
        if answer.status.is_success() || answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refused(deed, &answer, &body.mask))
    }

    /// Creates the object under another name in a dry run, for its own name is still taken.
    async fn try_create(
        &self,
        deed: Deed<'_>,
        served: &Served,
        object: &Desired,
        body: &Body,
    ) -> Result<(), Failure> {
        let mut copy: Json = match &body.bound {
            Some(bound) => bound.object().clone(),
            None => super::parse(deed, object)?,
        };
        let stem: String = object.id.name.chars().take(40).collect();
        let name = format!("{}-dry-run", stem.trim_end_matches(['-', '.']));
        super::set(&mut copy, ["metadata", "name"].into_iter(), name.into());
        if let Some(metadata) = copy.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.remove("resourceVersion");
        }
        let target = format!(
            "{}?dryRun=All&fieldValidation=Strict",
            served.collection(object.id.namespace.as_deref())
        );
        let call = Call::new(
            Method::POST,
            &target,
            Some("application/json"),
            super::wiped(&copy),
        );
        crate::secrets::wipe(&mut copy);
        let answer = self
            .cluster()
            .transport()
            .call(call)
            .await
            .map_err(|e| unanswered(deed, &e))?;
        if answer.status.is_success() || answer.status == StatusCode::CONFLICT {
            return Ok(());
        }
        Err(refused(deed, &answer, &body.mask))
    }
}
