//! Which object it is.

use std::fmt;
use windlass_plugin_sdk::Json;

/// What identifies an object, borrowed from it; empty where the object has nothing.
///
/// The host has checked what it hands in, so an empty kind only occurs in what a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity<'a> {
    /// The API group; empty for the core group.
    pub group: &'a str,
    /// The version within the group.
    pub version: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// The namespace, when the object names one.
    pub namespace: Option<&'a str>,
    /// The name.
    pub name: &'a str,
}

impl<'a> Identity<'a> {
    /// Reads the identity of an object.
    pub fn of(object: &'a Json) -> Self {
        let text = |value: &'a Json| value.as_str().unwrap_or_default();
        let (group, version) = match text(&object["apiVersion"]).split_once('/') {
            Some((group, version)) => (group, version),
            None => ("", text(&object["apiVersion"])),
        };
        let metadata = &object["metadata"];
        Self {
            group,
            version,
            kind: text(&object["kind"]),
            namespace: metadata["namespace"].as_str().filter(|it| !it.is_empty()),
            name: text(&metadata["name"]),
        }
    }

    /// Says whether `other` is the same object, whatever the versions. A namespace that `self`
    /// does not name is not compared.
    pub fn means(&self, other: &Identity<'_>) -> bool {
        self.group == other.group
            && self.kind == other.kind
            && self.name == other.name
            && (self.namespace.is_none() || self.namespace == other.namespace)
    }
}

/// `Deployment.apps shop/server`, as everywhere in Windlass.
impl fmt::Display for Identity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        f.write_str(" ")?;
        if let Some(namespace) = self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_identity_reads_as_everywhere() {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "server", "namespace": "shop"}});
        assert_eq!(
            Identity::of(&object).to_string(),
            "Deployment.apps shop/server"
        );
    }

    #[test]
    fn a_namespace_that_is_not_named_is_not_compared() {
        let with = json!({"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "a", "namespace": "x"}});
        let without = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
        let (with, without) = (Identity::of(&with), Identity::of(&without));
        assert!(
            without.means(&with),
            "the wish without a namespace means the object in x"
        );
        assert!(
            !with.means(&without),
            "the wish for x does not mean the object elsewhere"
        );
    }
}
