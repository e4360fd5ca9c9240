use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Signs a webhook: `sha256=HEX`, over the body and nothing else, as the daemon and Git hosts take it.
pub fn webhook_signature(secret: &str, body: &[u8]) -> Result<String> {
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
            webhook_signature("It's a Secret to Everybody", b"Hello, World!")?,
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
        Ok(())
    }
}
