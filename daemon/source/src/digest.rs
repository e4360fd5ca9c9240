use std::fmt;

use sha1::{Digest as _, Sha1};

/// Names content: the Git object id of a blob or a tree.
///
/// Equal digests mean equal content, in a snapshot and in a local folder alike, which is what lets
/// a render be remembered by what it read. Twenty bytes, because Git's object format is SHA-1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 20]);

impl Digest {
    /// The tree without entries, which Git never stores inside another tree.
    pub const EMPTY_TREE: Digest = Digest([
        0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9, 0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92,
        0x88, 0xfb, 0xee, 0x49, 0x04,
    ]);

    /// Reads forty hexadecimal digits; `None` for anything else.
    pub fn from_hex(text: &str) -> Option<Digest> {
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Digest(bytes))
    }

    pub(crate) fn from_oid(oid: git2::Oid) -> Option<Digest> {
        oid.as_bytes().try_into().ok().map(Digest)
    }

    pub(crate) fn oid(self) -> Option<git2::Oid> {
        git2::Oid::from_bytes(&self.0).ok()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// Hashes an object as Git does: a header with its kind and length, then its bytes.
pub(crate) struct ObjectHasher(Sha1);

impl ObjectHasher {
    pub(crate) fn new(kind: &str, length: u64) -> ObjectHasher {
        let mut sha = Sha1::new();
        sha.update(kind.as_bytes());
        sha.update(b" ");
        sha.update(length.to_string().as_bytes());
        sha.update([0]);
        ObjectHasher(sha)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(crate) fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

pub(crate) fn hash_object(kind: &str, bytes: &[u8]) -> Digest {
    let mut hasher = ObjectHasher::new(kind, bytes.len() as u64);
    hasher.update(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn hashes_are_the_ones_git_prints() {
        assert_eq!(
            hash_object("blob", b"hello\n").to_string(),
            "ce013625030ba8dba906f756967f9e9ca394464a",
            "git hash-object of `hello`"
        );
        assert_eq!(hash_object("tree", b""), Digest::EMPTY_TREE);
        assert_eq!(
            Digest::from_hex(&Digest::EMPTY_TREE.to_string()),
            Some(Digest::EMPTY_TREE),
            "a digest reads back from its own text"
        );
        assert_eq!(
            Digest::from_hex("4b825d"),
            None,
            "abbreviations name nothing for sure"
        );
    }
}
