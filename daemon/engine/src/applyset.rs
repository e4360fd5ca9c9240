//! Membership on the members: ApplySet, KEP-3659.
//!
//! Every member carries a label that names its set; the parent object names the kinds and
//! namespaces in which members may be. The parent is widened before anything is applied and
//! narrowed only after deletions are confirmed, so that a crash between two requests leaves
//! nothing that cannot be found again. Other ApplySet tools can read what is written here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use windlass_manifest::GroupKind;

/// Label on a member: the id of its set.
pub const PART_OF: &str = "applyset.kubernetes.io/part-of";
/// Label on the parent: the id of the set it stands for.
pub const ID: &str = "applyset.kubernetes.io/id";
/// Annotation on the parent: which tool manages the set, as `name/version`.
pub const TOOLING: &str = "applyset.kubernetes.io/tooling";
/// Annotation on the parent: the kinds of the members, as `Kind.group`, sorted, comma separated.
pub const CONTAINS: &str = "applyset.kubernetes.io/contains-group-kinds";
/// Annotation on the parent: namespaces of members besides the parent's own, sorted, comma
/// separated.
pub const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
/// Label on a custom resource definition whose objects may be parents.
pub const IS_PARENT_TYPE: &str = "applyset.kubernetes.io/is-parent-type";

/// The id of a set, derived from the identity of its parent.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SetId(String);

impl SetId {
    /// Derives the id as the KEP prescribes:
    /// `applyset-<base64url(sha256("name.namespace.kind.group"))>-v1`.
    pub fn of_parent(name: &str, namespace: &str, kind: &str, group: &str) -> SetId {
        let digest = Sha256::digest(format!("{name}.{namespace}.{kind}.{group}"));
        SetId(format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(digest)))
    }

    /// Takes an id as it stands in a label.
    pub fn from_label(label: impl Into<String>) -> SetId {
        SetId(label.into())
    }

    /// The id as it stands in a label; at most 63 characters when it was derived.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the members of a set may be: what the parent's annotations say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    /// The kinds of the members.
    pub kinds: BTreeSet<GroupKind>,
    /// The namespaces of the members; the parent's own may be among them.
    pub namespaces: BTreeSet<String>,
}

/// An entry of a parent's annotation that is not what the KEP allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the annotation {annotation} holds `{entry}`, which is not {wanted}; the entry is ignored")]
pub struct InventoryError {
    /// The annotation.
    pub annotation: &'static str,
    /// The entry, cut at 64 characters.
    pub entry: String,
    /// What an entry has to be, with its article.
    pub wanted: &'static str,
}

impl Inventory {
    /// The parent's annotations; `home` is the parent's own namespace, which the KEP leaves out.
    pub fn annotations(&self, home: &str) -> BTreeMap<&'static str, String> {
        let mut kinds: Vec<String> = self.kinds.iter().map(group_kind_text).collect();
        kinds.sort_unstable();
        let namespaces: Vec<&str> = self
            .namespaces
            .iter()
            .map(String::as_str)
            .filter(|namespace| *namespace != home)
            .collect();
        BTreeMap::from([
            (CONTAINS, kinds.join(",")),
            (NAMESPACES, namespaces.join(",")),
        ])
    }

    /// Reads a parent's annotations, and says which entries could not be read.
    ///
    /// Tolerant because the annotations can be edited by anyone: what can be read stays tracked.
    pub fn from_annotations<'a>(
        annotations: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> (Inventory, Vec<InventoryError>) {
        let mut inventory = Inventory::default();
        let mut errors = Vec::new();
        for (name, value) in annotations {
            let entries = value.split(',').map(str::trim).filter(|e| !e.is_empty());
            match name {
                CONTAINS => {
                    for entry in entries {
                        match parse_group_kind(entry) {
                            Some(kind) => _ = inventory.kinds.insert(kind),
                            None => errors.push(refuse(
                                CONTAINS,
                                entry,
                                "a kind such as `Deployment.apps`",
                            )),
                        }
                    }
                }
                NAMESPACES => {
                    for entry in entries {
                        if is_dns_label(entry) {
                            inventory.namespaces.insert(entry.to_owned());
                        } else {
                            errors.push(refuse(NAMESPACES, entry, "a namespace's name"));
                        }
                    }
                }
                _ => {}
            }
        }
        (inventory, errors)
    }

    /// Whether everything of `other` is in this inventory.
    pub fn covers(&self, other: &Inventory) -> bool {
        self.kinds.is_superset(&other.kinds) && self.namespaces.is_superset(&other.namespaces)
    }

    /// Both inventories together.
    pub fn union(&self, other: &Inventory) -> Inventory {
        Inventory {
            kinds: self.kinds.union(&other.kinds).cloned().collect(),
            namespaces: self.namespaces.union(&other.namespaces).cloned().collect(),
        }
    }
}

fn refuse(annotation: &'static str, entry: &str, wanted: &'static str) -> InventoryError {
    InventoryError {
        annotation,
        entry: entry.chars().take(64).collect(),
        wanted,
    }
}

fn group_kind_text(kind: &GroupKind) -> String {
    if kind.group.is_empty() {
        kind.kind.clone()
    } else {
        format!("{}.{}", kind.kind, kind.group)
    }
}

fn parse_group_kind(text: &str) -> Option<GroupKind> {
    let (kind, group) = text.split_once('.').unwrap_or((text, ""));
    let kind_ok = kind.starts_with(|c: char| c.is_ascii_alphabetic())
        && kind.len() <= 63
        && kind.chars().all(|c| c.is_ascii_alphanumeric());
    let group_ok = (!text.contains('.') || !group.is_empty())
        && group.len() <= 253
        && (group.is_empty() || group.split('.').all(is_dns_label));
    (kind_ok && group_ok).then(|| GroupKind {
        group: group.to_owned(),
        kind: kind.to_owned(),
    })
}

fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;

    fn kind(group: &str, kind: &str) -> GroupKind {
        GroupKind {
            group: group.to_owned(),
            kind: kind.to_owned(),
        }
    }

    #[test]
    fn the_id_is_that_of_the_kep() {
        let id = SetId::of_parent("shop", "windlass-system", "Environment", "windlass.dev");
        let inner = id
            .as_str()
            .strip_prefix("applyset-")
            .and_then(|rest| rest.strip_suffix("-v1"))
            .expect("prefix and version of the KEP");
        assert_eq!(inner.len(), 43, "32 bytes in base64 without padding");
        assert!(id.as_str().len() <= 63, "a label value holds 63 characters");
        assert_ne!(
            id,
            SetId::of_parent("shop", "other", "Environment", "windlass.dev"),
            "the namespace is part of the identity"
        );
    }

    #[test]
    fn annotations_read_back_sorted_and_without_the_home_namespace() {
        let inventory = Inventory {
            kinds: BTreeSet::from([
                kind("apps", "Deployment"),
                kind("", "Service"),
                kind("", "ConfigMap"),
            ]),
            namespaces: BTreeSet::from(["shop".to_owned(), "home".to_owned(), "infra".to_owned()]),
        };
        let annotations = inventory.annotations("home");
        assert_eq!(annotations[CONTAINS], "ConfigMap,Deployment.apps,Service");
        assert_eq!(annotations[NAMESPACES], "infra,shop");
        let (back, errors) =
            Inventory::from_annotations(annotations.iter().map(|(k, v)| (*k, v.as_str())));
        assert_eq!(errors, [], "what was written can be read");
        assert_eq!(back.kinds, inventory.kinds);
        assert!(inventory.covers(&back) && !back.covers(&inventory));
    }

    #[test]
    fn broken_entries_are_named_and_the_rest_is_kept() {
        let (inventory, errors) = Inventory::from_annotations([
            (
                CONTAINS,
                "Service, ,Deployment.,9Lives,Ingress.networking.k8s.io",
            ),
            (NAMESPACES, "shop,-bad"),
            ("unrelated", "Service"),
        ]);
        assert_eq!(
            inventory.kinds,
            BTreeSet::from([kind("", "Service"), kind("networking.k8s.io", "Ingress")])
        );
        assert_eq!(inventory.namespaces, BTreeSet::from(["shop".to_owned()]));
        let named: Vec<&str> = errors.iter().map(|e| e.entry.as_str()).collect();
        assert_eq!(named, ["Deployment.", "9Lives", "-bad"]);
    }
}
