//! `POST /webhook/…`: signature first, then the payload, an answer at once, duplicates merged.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::payload::Push;
use super::signature::Provider;
use super::{Faces, error};
use crate::metrics::WebhookResult;

/// The largest body that is read. GitHub sends at most 25 MB, but a push payload that names
/// repository and branch is far smaller, and only a signed body is worth memory.
const MAX_BODY: usize = 4 * 1024 * 1024;

/// How many delivery ids are remembered.
const REMEMBERED: usize = 1024;

/// Delivery ids seen lately; the oldest is forgotten first.
#[derive(Default)]
pub(crate) struct Deliveries(Mutex<VecDeque<String>>);

impl Deliveries {
    /// Remembers `id`; false when it was known already.
    fn is_new(&self, id: String) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains(&id) {
            return false;
        }
        if seen.len() == REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(id);
        true
    }
}

/// `POST /webhook/PROVIDER`: signed with the daemon's secret; wakes every repository concerned.
pub(super) async fn any_repository(
    State(faces): State<Faces>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let secret = faces.webhook_secret.clone();
    receive(faces, &provider, secret, None, &headers, body).await
}

/// `POST /webhook/PROVIDER/NAMESPACE/REPOSITORY`: signed with that repository's secret.
pub(super) async fn one_repository(
    State(faces): State<Faces>,
    Path((provider, namespace, repository)): Path<(String, String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let secret = faces
        .controller
        .webhook_secret(&namespace, &repository)
        .or_else(|| faces.webhook_secret.clone());
    receive(
        faces,
        &provider,
        secret,
        Some((namespace, repository)),
        &headers,
        body,
    )
    .await
}

async fn receive(
    faces: Faces,
    provider_name: &str,
    secret: Option<Arc<[u8]>>,
    repository: Option<(String, String)>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let Some(provider) = Provider::parse(provider_name) else {
        return error(
            StatusCode::NOT_FOUND,
            "WL0904",
            "unknown webhook provider; use github, gitlab, gitea, forgejo or generic",
        );
    };
    let count = |result: &'static str| {
        let provider = match provider {
            Provider::GitHub => "github",
            Provider::GitLab => "gitlab",
            Provider::Gitea => "gitea",
            Provider::Generic => "generic",
        };
        faces
            .metrics
            .webhooks
            .get_or_create(&WebhookResult { provider, result })
            .inc();
    };
    let body = match axum::body::to_bytes(body, MAX_BODY).await {
        Ok(body) => body,
        Err(_too_large) => {
            count("refused");
            return error(
                StatusCode::PAYLOAD_TOO_LARGE,
                "WL0905",
                "the body is larger than 4 MiB or was cut off",
            );
        }
    };
    // One answer for «no secret is configured» and «the signature is wrong»: a stranger learns
    // nothing about which repositories exist.
    let verified = secret.is_some_and(|secret| provider.verify(&secret, headers, &body));
    if !verified {
        count("refused");
        return error(
            StatusCode::UNAUTHORIZED,
            "WL0906",
            "the signature does not match, or no webhook secret is configured for this address",
        );
    }
    if let Some(id) = provider.delivery(headers)
        && !faces.deliveries.is_new(format!("{provider_name}/{id}"))
    {
        count("duplicate");
        return accepted("duplicate", 0);
    }
    let push = match Push::parse(&body) {
        Ok(push) => push,
        Err(message) => {
            count("malformed");
            return error(StatusCode::BAD_REQUEST, "WL0907", &message);
        }
    };
    let woken =
        faces
            .controller
            .wake_repositories(|namespace, name, url, branch| match &repository {
                Some((wanted_namespace, wanted_name)) => {
                    namespace == wanted_namespace
                        && name == wanted_name
                        && (push.reference.is_none() || push.concerns_reference(branch))
                }
                None => push.concerns(url, branch),
            });
    count(if woken == 0 { "unmatched" } else { "accepted" });
    accepted(if woken == 0 { "unmatched" } else { "accepted" }, woken)
}

fn accepted(result: &str, woken: usize) -> Response {
    let body = serde_json::json!({ "result": result, "repositories": woken });
    (StatusCode::ACCEPTED, axum::Json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_is_new_once_and_memory_is_bounded() {
        let deliveries = Deliveries::default();
        assert!(deliveries.is_new("a".to_owned()));
        assert!(!deliveries.is_new("a".to_owned()));
        for i in 0..REMEMBERED {
            assert!(deliveries.is_new(i.to_string()));
        }
        assert!(
            deliveries.is_new("a".to_owned()),
            "the oldest was forgotten"
        );
    }
}
