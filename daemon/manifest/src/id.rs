//! Names of things in Kubernetes: an object, its kind, its kind in a version.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A kind without its version, which is what identity and inventory are made of.
///
/// Two versions of one kind name the same stored objects, so a version has no place here. Written
/// `Kind.group`, and `Kind` alone in the core group, as KEP-3659 writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct GroupKind {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
}

impl GroupKind {
    /// Names a kind of a group.
    pub fn new(group: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
        }
    }
}

impl fmt::Display for GroupKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() {
            f.write_str(&self.kind)
        } else {
            write!(f, "{}.{}", self.kind, self.group)
        }
    }
}

/// A text that is no `Kind.group`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a kind; write `Kind.group`, or `Kind` for the core group")]
pub struct GroupKindError(String);

impl FromStr for GroupKind {
    type Err = GroupKindError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, group) = text.split_once('.').unwrap_or((text, ""));
        let plain = |part: &str| {
            part.chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-')
        };
        if kind.is_empty() || !plain(kind) || !plain(group) || text.ends_with('.') {
            return Err(GroupKindError(text.chars().take(253).collect()));
        }
        Ok(Self::new(group, kind))
    }
}

/// A kind in one version, as a request to the API server names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Gvk {
    /// The API group; empty for the core group.
    pub group: String,
    /// The version, such as `v1`.
    pub version: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
}

impl Gvk {
    /// Takes `group/version` (or `version` alone, in the core group) apart.
    pub fn parse(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
        }
    }

    /// `group/version`, or `version` in the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// The kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group.clone(), self.kind.clone())
    }
}

impl fmt::Display for Gvk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.api_version(), self.kind)
    }
}

/// What makes an object itself: group, kind, namespace, name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind, such as `Deployment`.
    pub kind: String,
    /// The namespace; `None` for what belongs to none.
    pub namespace: Option<String>,
    /// The name; the value of `generateName` for an object without one.
    pub name: String,
}

impl ObjectId {
    /// The kind without its version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group.clone(), self.kind.clone())
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " {namespace}/{}", self.name),
            None => write!(f, " {}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Service", "", "Service")]
    #[case("Deployment.apps", "apps", "Deployment")]
    #[case("Ingress.networking.k8s.io", "networking.k8s.io", "Ingress")]
    fn kinds_read_back(#[case] text: &str, #[case] group: &str, #[case] kind: &str) {
        let read: GroupKind = text.parse().unwrap();
        assert_eq!(read, GroupKind::new(group, kind));
        assert_eq!(read.to_string(), text);
    }

    #[rstest]
    #[case("")]
    #[case(".apps")]
    #[case("Deployment.")]
    #[case("a b")]
    #[case("a,b")]
    fn what_is_no_kind_is_refused(#[case] text: &str) {
        assert!(text.parse::<GroupKind>().is_err(), "`{text}`");
    }

    #[test]
    fn ids_read_like_kubectl() {
        let mut id = ObjectId {
            group: "apps".into(),
            kind: "Deployment".into(),
            namespace: Some("shop".into()),
            name: "server".into(),
        };
        assert_eq!(id.to_string(), "Deployment.apps shop/server");
        id.namespace = None;
        id.group.clear();
        id.kind = "Namespace".into();
        assert_eq!(id.to_string(), "Namespace server");
    }
}
