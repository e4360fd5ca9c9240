//! What a resource is called: group, version, kind, name and namespace.

use std::fmt;

use serde::Deserialize;

/// The namespace that stands for "has none because of its kind" in comparisons.
pub(crate) const CLUSTER: &str = "_non_namespaceable_";

/// The namespace of a namespaced resource that names none.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Splits an `apiVersion` at its first slash; the core group is the empty text.
pub(crate) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// Group, version and kind as they are written in a configuration; what is empty is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub(crate) struct Gvk {
    /// The group; empty also for the core group.
    pub(crate) group: String,
    /// The version.
    pub(crate) version: String,
    /// The kind.
    pub(crate) kind: String,
}

impl Gvk {
    /// Whether everything that is set here is the same there (kyaml's `IsSelected`).
    pub(crate) fn selects(&self, id: &Id<'_>) -> bool {
        (self.group.is_empty() || self.group == id.group)
            && (self.version.is_empty() || self.version == id.version)
            && (self.kind.is_empty() || self.kind == id.kind)
    }
}

/// Identifies a resource in a set; borrowed from it, so that comparing costs nothing.
///
/// `namespace` is the effective one: [`CLUSTER`] for a kind that is certainly cluster-scoped,
/// [`DEFAULT_NAMESPACE`] for a namespaced one that names none. Two resources whose ids are equal
/// cannot both be in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id<'a> {
    pub(crate) group: &'a str,
    pub(crate) version: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
}

impl Id<'_> {
    /// Whether the kind is certainly cluster-scoped.
    pub(crate) fn is_cluster_scoped(&self) -> bool {
        self.namespace == CLUSTER
    }

    /// Whether group, version, kind and name are the same, whatever the namespaces.
    pub(crate) fn same_but_namespace(&self, other: &Id<'_>) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.group == other.group
            && self.version == other.version
    }

    /// An id that lives on its own.
    pub(crate) fn to_owned(self) -> OwnedId {
        OwnedId {
            group: self.group.to_owned(),
            version: self.version.to_owned(),
            kind: self.kind.to_owned(),
            name: self.name.to_owned(),
            namespace: self.namespace.to_owned(),
        }
    }
}

/// `Deployment.apps/v1 web in namespace prod`
impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        match (self.group.is_empty(), self.version.is_empty()) {
            (true, true) => {}
            (true, false) => write!(f, ".{}", self.version)?,
            (false, true) => write!(f, ".{}", self.group)?,
            (false, false) => write!(f, ".{}/{}", self.group, self.version)?,
        }
        write!(f, " {}", self.name)?;
        if self.namespace != CLUSTER && self.namespace != DEFAULT_NAMESPACE {
            write!(f, " in namespace {}", self.namespace)?;
        }
        Ok(())
    }
}

/// An [`Id`] that lives on its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct OwnedId {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl OwnedId {
    /// The same id, borrowed.
    pub(crate) fn as_id(&self) -> Id<'_> {
        Id {
            group: &self.group,
            version: &self.version,
            kind: &self.kind,
            name: &self.name,
            namespace: &self.namespace,
        }
    }
}
