//! What the environment holds at its two revisions.

use anyhow::Result;
use serde_json::{Value, json};
use windlass_test_support::GitRepository;

/// Two states of one environment; B creates, changes and removes two objects each, of several kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Revision {
    A,
    B,
}

/// The names of one row of the table, so that rows share a cluster without meeting.
#[derive(Debug)]
pub(crate) struct Site {
    name: String,
}

impl Site {
    pub(crate) fn new(what: &str, row: &str) -> Self {
        Self {
            name: format!("{what}-{row}"),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The namespace of the Repository and the Environment.
    pub(crate) fn home(&self) -> String {
        format!("{}-home", self.name)
    }

    /// The namespace of the environment's objects.
    pub(crate) fn namespace(&self) -> String {
        format!("{}-objects", self.name)
    }

    /// The wanted objects at a revision.
    pub(crate) fn objects(&self, revision: Revision) -> Vec<Value> {
        let namespace = self.namespace();
        let make = |api_version: &str, kind: &str, name: &str, rest: Value| {
            let mut object = json!({
                "apiVersion": api_version,
                "kind": kind,
                "metadata": { "name": name, "namespace": namespace },
            });
            if let (Some(object), Value::Object(rest)) = (object.as_object_mut(), rest) {
                object.extend(rest);
            }
            object
        };
        let map = |name: &str, value: &str| {
            make("v1", "ConfigMap", name, json!({ "data": { "key": value } }))
        };
        let service = |port: u16| {
            let spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": port }] });
            make("v1", "Service", "changed", json!({ "spec": spec }))
        };
        let home = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": namespace },
        });
        let mut objects = vec![home, map("kept", "same")];
        match revision {
            Revision::A => objects.extend([
                map("changed", "a"),
                service(80),
                map("removed", "a"),
                make("v1", "ServiceAccount", "removed", json!({})),
            ]),
            Revision::B => objects.extend([
                map("changed", "b"),
                service(81),
                map("created", "b"),
                make(
                    "rbac.authorization.k8s.io/v1",
                    "Role",
                    "created",
                    json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] }),
                ),
            ]),
        }
        objects
    }
}

/// Commits the environment at a revision.
pub(crate) fn commit(
    repository: &GitRepository,
    site: &Site,
    revision: Revision,
) -> Result<String> {
    let environment = json!({
        "apiVersion": "windlass.dev/v1alpha1",
        "kind": "Environment",
        "spec": { "namespace": site.namespace() },
    });
    let list = json!({
        "apiVersion": "v1",
        "kind": "List",
        "items": site.objects(revision),
    });
    repository.commit(
        &[
            ("shop/environment.yaml", Some(&environment.to_string())),
            ("shop/objects.json", Some(&list.to_string())),
        ],
        &format!("{revision:?}"),
    )
}
