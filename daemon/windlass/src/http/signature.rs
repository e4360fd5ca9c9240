//! Webhook signatures: checked over the raw bytes, before anything is parsed.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Who sends a webhook; the last part of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    /// `X-Hub-Signature-256: sha256=HEX` over the body.
    GitHub,
    /// `X-Gitlab-Token: SECRET`, the secret itself.
    GitLab,
    /// `X-Gitea-Signature: HEX`, `X-Forgejo-Signature: HEX`, or GitHub's header.
    Gitea,
    /// `X-Windlass-Signature: sha256=HEX`, for anything that can compute an HMAC.
    Generic,
}

impl Provider {
    /// Reads the provider from the request's path.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        match name {
            "github" => Some(Self::GitHub),
            "gitlab" => Some(Self::GitLab),
            "gitea" | "forgejo" => Some(Self::Gitea),
            "generic" => Some(Self::Generic),
            _ => None,
        }
    }

    /// The header that identifies one delivery, so that a repeated one can be merged.
    pub(crate) fn delivery(self, headers: &HeaderMap) -> Option<String> {
        let names: &[&str] = match self {
            Self::GitHub => &["x-github-delivery"],
            Self::GitLab => &["x-gitlab-event-uuid", "x-gitlab-webhook-uuid"],
            Self::Gitea => &[
                "x-forgejo-delivery",
                "x-gitea-delivery",
                "x-github-delivery",
            ],
            Self::Generic => &["x-windlass-delivery"],
        };
        names
            .iter()
            .find_map(|name| headers.get(*name)?.to_str().ok())
            .map(|id| id.chars().take(128).collect())
    }

    /// Says whether the request was made by somebody who knows `secret`.
    ///
    /// Compared in constant time. A missing or malformed header is a wrong signature, and an empty
    /// secret verifies nothing: an operator who forgot to fill it must not open the door.
    pub(crate) fn verify(self, secret: &[u8], headers: &HeaderMap, body: &[u8]) -> bool {
        if secret.is_empty() {
            return false;
        }
        let header = |name: &str| headers.get(name).map(|value| value.as_bytes());
        match self {
            Self::GitHub => verify_prefixed(secret, header("x-hub-signature-256"), body),
            Self::Generic => verify_prefixed(secret, header("x-windlass-signature"), body),
            Self::GitLab => {
                header("x-gitlab-token").is_some_and(|token| token.ct_eq(secret).into())
            }
            Self::Gitea => {
                match header("x-forgejo-signature").or_else(|| header("x-gitea-signature")) {
                    Some(signature) => verify_hex(secret, signature, body),
                    None => verify_prefixed(secret, header("x-hub-signature-256"), body),
                }
            }
        }
    }
}

fn verify_prefixed(secret: &[u8], signature: Option<&[u8]>, body: &[u8]) -> bool {
    signature
        .and_then(|value| value.strip_prefix(b"sha256="))
        .is_some_and(|value| verify_hex(secret, value, body))
}

fn verify_hex(secret: &[u8], signature: &[u8], body: &[u8]) -> bool {
    let Ok(expected) = hex::decode(signature) else {
        return false;
    };
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else {
        return false;
    };
    mac.update(body);
    mac.verify_slice(&expected).is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    // GitHub's documentation, «Validating webhook deliveries», gives this triple.
    const SECRET: &[u8] = b"It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const HEX: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[rstest]
    #[case(Provider::GitHub, "x-hub-signature-256", &format!("sha256={HEX}"), true)]
    #[case(Provider::GitHub, "x-hub-signature-256", HEX, false)]
    #[case(Provider::GitHub, "x-hub-signature-256", "sha256=00", false)]
    #[case(Provider::GitHub, "x-hub-signature-256", "sha256=zz", false)]
    #[case(Provider::GitHub, "x-hub-signature", &format!("sha256={HEX}"), false)]
    #[case(Provider::GitLab, "x-gitlab-token", "It's a Secret to Everybody", true)]
    #[case(Provider::GitLab, "x-gitlab-token", "It's a Secret", false)]
    #[case(Provider::Gitea, "x-gitea-signature", HEX, true)]
    #[case(Provider::Gitea, "x-forgejo-signature", HEX, true)]
    #[case(Provider::Gitea, "x-gitea-signature", "", false)]
    #[case(Provider::Generic, "x-windlass-signature", &format!("sha256={HEX}"), true)]
    #[case(Provider::Generic, "x-hub-signature-256", &format!("sha256={HEX}"), false)]
    fn verifies(
        #[case] provider: Provider,
        #[case] name: &'static str,
        #[case] value: &str,
        #[case] expected: bool,
    ) {
        let verdict = provider.verify(SECRET, &headers(name, value), BODY);
        assert_eq!(verdict, expected, "{provider:?} with {name}: {value}");
    }

    #[test]
    fn an_empty_secret_verifies_nothing() {
        assert!(!Provider::GitLab.verify(b"", &headers("x-gitlab-token", ""), BODY));
    }

    #[test]
    fn no_header_verifies_nothing() {
        for provider in [
            Provider::GitHub,
            Provider::GitLab,
            Provider::Gitea,
            Provider::Generic,
        ] {
            assert!(
                !provider.verify(SECRET, &HeaderMap::new(), BODY),
                "{provider:?}"
            );
        }
    }
}
