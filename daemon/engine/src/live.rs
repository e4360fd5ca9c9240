//! What is known of a live object: enough to decide, never the object itself.

use std::cmp::Ordering;

use windlass_manifest::{Json, ObjectId};

use crate::applyset::PART_OF;
use crate::health::{self, Assessment};
use crate::{Fingerprint, FingerprintKey, Pointer, annotations, drift};

/// A live object as the engine sees it, less than a kilobyte whatever the object's size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Live {
    /// Which object.
    pub id: ObjectId,
    /// This incarnation of it.
    pub uid: String,
    /// The version of it that was seen.
    pub resource_version: String,
    /// The set that its label says it is a member of.
    pub part_of: Option<String>,
    /// The fingerprint of the fields that we own; `None` when we never applied it.
    pub owned: Option<Fingerprint>,
    /// How well it is.
    pub health: Assessment,
    /// Whether its deletion has begun.
    pub deleting: bool,
    /// What holds its deletion up.
    pub finalizers: Vec<String>,
    /// Whether its annotations say that it is never pruned.
    pub keep: bool,
    /// Who else changed it last.
    pub other_manager: Option<String>,
}

impl Live {
    /// Reads a live object; `None` when it has no kind, name or uid, as no object of a real API
    /// server is.
    ///
    /// `leave` are the fields that are left to others: they are no part of the fingerprint.
    #[must_use]
    pub fn from_object(live: &Json, leave: &[Pointer], key: &FingerprintKey) -> Option<Self> {
        let text = |pointer: &str| live.pointer(pointer).and_then(Json::as_str);
        let metadata = live.get("metadata")?;
        let (group, _) = text("/apiVersion")?.rsplit_once('/').unwrap_or_default();
        let annotation = |name: &str| metadata.get("annotations")?.get(name)?.as_str();
        Some(Self {
            id: ObjectId {
                group: group.to_owned(),
                kind: text("/kind")?.to_owned(),
                namespace: text("/metadata/namespace").map(str::to_owned),
                name: text("/metadata/name")?.to_owned(),
            },
            uid: text("/metadata/uid")?.to_owned(),
            resource_version: text("/metadata/resourceVersion")
                .unwrap_or_default()
                .to_owned(),
            part_of: metadata
                .get("labels")
                .and_then(|labels| labels.get(PART_OF)?.as_str())
                .map(str::to_owned),
            owned: drift::project(live, drift::MANAGER)
                .map(|fields| drift::fingerprint(&fields, leave, key)),
            health: health::assess(live, None),
            deleting: metadata
                .get("deletionTimestamp")
                .is_some_and(|at| !at.is_null()),
            finalizers: metadata
                .get("finalizers")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect(),
            keep: annotations::keep(annotation),
            other_manager: drift::last_other_manager(live),
        })
    }
}

/// Compares two resource versions as integers where both are decimal (KEP-5504); `None` where
/// they cannot be compared.
#[must_use]
pub fn compare_versions(one: &str, other: &str) -> Option<Ordering> {
    let number = |text: &str| {
        let decimal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        decimal.then(|| text.trim_start_matches('0').to_owned())
    };
    let (one, other) = (number(one)?, number(other)?);
    // Of two numbers without leading zeros the longer is the larger, whatever their size.
    Some(one.len().cmp(&other.len()).then_with(|| one.cmp(&other)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use rstest::rstest;
    use serde_json::json;

    use super::*;
    use crate::health::Health;

    #[rstest]
    #[case("9", "10", Some(Ordering::Less))]
    #[case("10", "9", Some(Ordering::Greater))]
    #[case("0010", "10", Some(Ordering::Equal))]
    #[case(
        "340282366920938463463374607431768211457",
        "340282366920938463463374607431768211456",
        Some(Ordering::Greater)
    )]
    #[case("abc", "10", None)]
    #[case("", "10", None)]
    fn versions_are_integers(
        #[case] one: &str,
        #[case] other: &str,
        #[case] expected: Option<Ordering>,
    ) {
        assert_eq!(compare_versions(one, other), expected, "{one} and {other}");
    }

    #[test]
    fn reads_what_decides() {
        let key = FingerprintKey::new([3; 32]);
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "settings", "namespace": "shop", "uid": "u1", "resourceVersion": "7",
                "labels": {PART_OF: "applyset-x-v1"},
                "annotations": {"helm.sh/resource-policy": "keep"},
                "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/hold"],
            },
            "data": {"a": "b"},
        });
        let live = Live::from_object(&object, &[], &key).unwrap();
        assert_eq!(live.id.to_string(), "ConfigMap shop/settings");
        assert_eq!(live.part_of.as_deref(), Some("applyset-x-v1"));
        assert_eq!(live.owned, None, "no entry of ours in managedFields");
        assert!(live.deleting && live.keep);
        assert_eq!(live.finalizers, ["example.com/hold"]);
        assert_eq!(live.health.health, Health::Terminating);
        assert_eq!(Live::from_object(&json!({"kind": "X"}), &[], &key), None);
    }
}
