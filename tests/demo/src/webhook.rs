//! The webhook that a Git host would send after a push, in Windlass' generic form.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use windlass_test_support::webhook_signature;

use crate::api::DaemonApi;

/// Tells the daemon that `branch` of the repository at `url` is at `commit` now; returns what it made of that.
///
/// `delivery` names this webhook: one that comes twice is merged.
pub(crate) async fn send(
    api: &DaemonApi,
    secret: &str,
    delivery: &str,
    url: &str,
    branch: &str,
    commit: &str,
) -> Result<String> {
    let body = json!({ "ref": format!("refs/heads/{branch}"), "after": commit, "url": url });
    let body = body.to_string();
    let headers = [
        (
            "X-Windlass-Signature",
            webhook_signature(secret, body.as_bytes())?,
        ),
        ("X-Windlass-Delivery", delivery.to_owned()),
    ];
    let answer = api.webhook(headers, body).await?;
    let answer: Value = serde_json::from_str(&answer).context("the answer to the webhook")?;
    let result = answer.get("result").and_then(Value::as_str);
    Ok(result.unwrap_or("taken").to_owned())
}
