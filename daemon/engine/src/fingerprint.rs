//! Keyed fingerprints: equality of content without the content.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use windlass_manifest::{Json, to_canonical_json};

/// The key of every [`Fingerprint`] of one process.
///
/// The daemon makes 32 random bytes when it starts. Without the key a fingerprint tells nothing
/// about a value, not even to one who guesses it; with another key the same value looks different.
#[derive(Clone, PartialEq, Eq)]
pub struct FingerprintKey([u8; 32]);

impl FingerprintKey {
    /// Takes 32 bytes from a source of secure randomness.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}

/// A keyed hash of canonical JSON: HMAC-SHA-256 (RFC 2104), its first 16 bytes.
///
/// Two values have the same fingerprint under the same key exactly when they are the same JSON, so
/// a watch can notice a change and keep 16 bytes instead of an object that may hold a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Computes the fingerprint of `value` under `key`.
    #[must_use]
    pub fn of(value: &Json, key: &FingerprintKey) -> Self {
        // A key of 32 bytes is shorter than a block of SHA-256, so it is used as it is; `new`
        // takes a whole block and therefore cannot fail.
        let mut block = [0_u8; 64];
        block[..32].copy_from_slice(&key.0);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        mac.update(to_canonical_json(value).as_bytes());
        let full = mac.finalize().into_bytes();
        let mut short = [0_u8; 16];
        short.copy_from_slice(&full[..16]);
        Self(short)
    }

    /// Makes a fingerprint of bytes that were a fingerprint before, or of a test's own.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_json_has_equal_fingerprints_under_one_key_only() {
        let one = FingerprintKey::new([1; 32]);
        let two = FingerprintKey::new([2; 32]);
        let value = json!({"b": 1, "a": [true, null]});
        let same = json!({"a": [true, null], "b": 1});
        assert_eq!(Fingerprint::of(&value, &one), Fingerprint::of(&same, &one));
        assert_ne!(Fingerprint::of(&value, &one), Fingerprint::of(&value, &two));
        assert_ne!(
            Fingerprint::of(&value, &one),
            Fingerprint::of(&json!({}), &one)
        );
    }

    #[test]
    fn neither_key_nor_value_is_printed() {
        let key = FingerprintKey::new([7; 32]);
        assert_eq!(format!("{key:?}"), "FingerprintKey(…)");
        let print = Fingerprint::of(&json!("secret"), &key);
        assert_eq!(
            print.to_string().len(),
            32,
            "16 bytes are 32 hexadecimal digits"
        );
    }
}
