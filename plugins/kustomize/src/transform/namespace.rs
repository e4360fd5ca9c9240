//! Puts resources into a namespace (`namespace`).

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use windlass_plugin_sdk::Json;

use super::Transformer;
use crate::config::Reading;
use crate::error::{Error, Result};
use crate::field::{FieldSpec, FieldSpecs, Missing, kind_of, scalar_text, set_scalar};
use crate::id::Id;
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Sets the namespace of everything that is in one, and of what refers to it
/// (`NamespaceTransformer`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Namespace {
    /// Holds the namespace, as it is written in the configuration of the plugin.
    pub(crate) metadata: Metadata,
    /// More fields that hold the namespace, each a text.
    pub(crate) field_specs: FieldSpecs,
    /// Whether only what has no namespace yet gets this one.
    pub(crate) unset_only: bool,
    /// The subjects of role bindings that get it.
    pub(crate) set_role_binding_subjects: Subjects,
}

/// The part of the metadata of a plugin's configuration that counts here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Metadata {
    /// The namespace to set; nothing happens when it is empty.
    pub(crate) namespace: String,
}

/// Which subjects of role bindings get a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Subjects {
    /// Those that are called `default`.
    #[default]
    #[serde(alias = "")]
    DefaultOnly,
    /// Every ServiceAccount.
    AllServiceAccounts,
    /// None.
    None,
}

/// Set by the generator of Helm charts on what already has the namespace of its release.
const HELM_GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

impl Namespace {
    /// Sets a namespace as the field `namespace` of a kustomization does.
    pub(crate) fn new(namespace: &str, field_specs: FieldSpecs) -> Self {
        Self {
            metadata: Metadata {
                namespace: namespace.to_owned(),
            },
            field_specs,
            ..Self::default()
        }
    }

    /// Reads the configuration of the plugin.
    ///
    /// # Errors
    /// A field is of the wrong type.
    pub(crate) fn from_config(config: Json) -> Result<Self> {
        Reading::PLUGIN.read(config)
    }

    /// Sets the namespace of one resource, and of what refers to it there.
    ///
    /// # Errors
    /// Something on the way to a field that is no mapping.
    pub(crate) fn put(&self, resource: &mut Resource, schema: &Schema) -> Result<()> {
        let own = FieldSpec::new("metadata/namespace", true);
        self.apply(resource, &own, schema)
    }

    fn set(&self, value: &mut Json, _: &crate::field::Trail) -> Result<()> {
        if self.unset_only && scalar_text(value).is_some_and(|text| !text.is_empty()) {
            return Ok(());
        }
        set_scalar(value, Value::String(self.metadata.namespace.clone()))
    }

    fn apply(&self, resource: &mut Resource, own: &FieldSpec, schema: &Schema) -> Result<()> {
        let core = resource.api_version() == "v1";
        if !schema.is_cluster_scoped(resource.api_version(), resource.kind()) {
            own.visit(resource, Missing::Text, &mut |value, trail| {
                self.set(value, trail)
            })?;
        }
        let binds = is_binding(resource.kind());
        if binds {
            self.bind(resource)
                .map_err(|error| error.field("subjects"))?;
        }
        for spec in self.field_specs.iter() {
            let is_done = spec.path == own.path
                || (!core && spec.path == *"metadata/name")
                || (binds && is_binding(&spec.gvk.kind) && spec.path == *"subjects/namespace");
            if !is_done {
                spec.visit(resource, Missing::Text, &mut |value, trail| {
                    self.set(value, trail)
                })?;
            }
        }
        Ok(())
    }

    fn bind(&self, resource: &mut Resource) -> Result<()> {
        let (field, wanted) = match self.set_role_binding_subjects {
            Subjects::None => return Ok(()),
            Subjects::DefaultOnly => ("name", "default"),
            Subjects::AllServiceAccounts => ("kind", "ServiceAccount"),
        };
        let subjects = match resource.json.get_mut("subjects") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(subjects)) => subjects,
            Some(other) => {
                return Err(Error::new(format_args!(
                    "expected a list of subjects, found {}",
                    kind_of(other)
                )));
            }
        };
        for subject in subjects {
            let subject = match subject {
                Value::Object(subject) => subject,
                Value::Null => continue,
                other => {
                    return Err(Error::new(format_args!(
                        "expected a subject, found {}",
                        kind_of(other)
                    )));
                }
            };
            match subject.get(field) {
                None => continue,
                Some(value) => match scalar_text(value) {
                    Some(text) if text == wanted => {}
                    Some(_) => continue,
                    None => {
                        return Err(Error::new(format_args!(
                            "expected the {field} of a subject, found {}",
                            kind_of(value)
                        )));
                    }
                },
            }
            let namespace = subject
                .entry("namespace")
                .or_insert_with(|| Value::String(String::new()));
            self.set(namespace, &[])?;
        }
        Ok(())
    }
}

impl Transformer for Namespace {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        if self.metadata.namespace.is_empty() {
            return Ok(());
        }
        let own = FieldSpec::new("metadata/namespace", true);
        for resource in &mut resources.list {
            if is_left_alone(resource) {
                continue;
            }
            resource.store_previous_id(schema);
            self.apply(resource, &own, schema)
                .map_err(|error| at_source(error, resource))?;
        }
        check(&resources.list, &self.metadata.namespace, schema)
    }
}

fn is_binding(kind: &str) -> bool {
    matches!(kind, "RoleBinding" | "ClusterRoleBinding")
}

fn is_left_alone(resource: &Resource) -> bool {
    resource.is_empty() || resource.annotation(HELM_GENERATED) == Some("true")
}

/// Makes sure that no two resources became one.
fn check(list: &[Resource], namespace: &str, schema: &Schema) -> Result<()> {
    let mut seen: HashMap<Id<'_>, &Resource> = HashMap::with_capacity(list.len());
    for resource in list {
        let id = resource.id(schema);
        let Some(other) = seen.insert(id, resource) else {
            continue;
        };
        let source = &other.source;
        let error = Error::new(format_args!(
            "in the namespace {namespace} two resources are the same: {id}, also read from {} (line {})",
            source.file, source.line
        ))
        .hint("rename one of the two, or leave the namespace to folders that hold one of them");
        return Err(at_source(error, resource));
    }
    Ok(())
}
