//! The webhook that a Git host would send after a push, in Windlass' generic form.

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

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
        ("X-Windlass-Signature", signature(secret, body.as_bytes())?),
        ("X-Windlass-Delivery", delivery.to_owned()),
    ];
    let answer = api.webhook(headers, body).await?;
    let answer: Value = serde_json::from_str(&answer).context("the answer to the webhook")?;
    let result = answer.get("result").and_then(Value::as_str);
    Ok(result.unwrap_or("taken").to_owned())
}

/// `sha256=HEX`, over the body and nothing else.
fn signature(secret: &str, body: &[u8]) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).context("signing a webhook")?;
    mac.update(body);
    Ok(format!(
        "sha256={}",
        hex::encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    // GitHub's documentation, "Validating webhook deliveries", gives this example.
    #[test]
    fn the_signature_is_the_one_that_git_hosts_send() -> Result<()> {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!")?,
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
        Ok(())
    }
}
