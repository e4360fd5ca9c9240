//! Puts references to changed names right.
//!
//! A reference is a text that names an object of a known kind, a list of such texts, or a mapping
//! with a name and perhaps a namespace. What it means is decided by what objects were called before:
//! see [`index`].

mod index;

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};
use windlass_plugin_sdk::Json;

use self::index::{Index, Query, Referrer};
use super::Transformer;
use crate::config::NameBackReferences;
use crate::error::{Error, Result};
use crate::field::{FieldSpec, Missing, kind_of, scalar_text};
use crate::id::{Gvk, Id};
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Gives references the names that the objects they mean have now.
///
/// The bodies of all resources are taken out while it runs, so that the index can borrow what the
/// build remembers of them.
#[derive(Clone, Debug)]
pub(crate) struct NameReferences {
    back_references: Vec<NameBackReferences>,
}

impl NameReferences {
    /// Follows these references, in this order.
    pub(crate) fn new(back_references: &[NameBackReferences]) -> Self {
        Self {
            back_references: back_references.to_vec(),
        }
    }
}

impl Transformer for NameReferences {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        let fields = Fields::new(&self.back_references);
        let referrers: Vec<(Vec<Field<'_>>, Referrer)> = resources
            .list
            .iter()
            .map(|resource| {
                let fields = fields.of(&resource.original_id(schema));
                let referrer = if fields.is_empty() {
                    Referrer::default()
                } else {
                    referrer(resource, schema).map_err(|error| at_source(error, resource))?
                };
                Ok((fields, referrer))
            })
            .collect::<Result<_>>()?;
        let any_kind = self
            .back_references
            .iter()
            .any(|references| references.gvk.kind.is_empty());
        let candidates = index::candidates(&resources.list, schema);
        let mut bodies: Vec<Json> = resources
            .list
            .iter_mut()
            .map(|resource| std::mem::take(&mut resource.json))
            .collect();
        let index = Index::new(&resources.list, &candidates, any_kind);
        let mut result = Ok(());
        for (at, ((fields, referrer), body)) in referrers.iter().zip(&mut bodies).enumerate() {
            let Some(resource) = resources.list.get(at) else {
                break;
            };
            for field in fields {
                let mut pass = Pass {
                    index: &index,
                    field,
                    resource,
                    referrer,
                    role: None,
                };
                if let Err(error) = pass.follow(body) {
                    result = Err(at_source(error, resource));
                    break;
                }
            }
            if result.is_err() {
                break;
            }
        }
        for (resource, body) in resources.list.iter_mut().zip(bodies) {
            resource.json = body;
            if !resource.json.is_null() {
                resource.settle_shared();
            }
        }
        result
    }
}

/// A field that may refer to objects of a kind.
#[derive(Clone, Copy)]
struct Field<'a> {
    target: &'a Gvk,
    spec: &'a FieldSpec,
}

/// The fields of all kinds, by the kind that has them.
struct Fields<'a> {
    by_kind: HashMap<&'a str, Vec<(usize, Field<'a>)>>,
    of_any: Vec<(usize, Field<'a>)>,
}

impl<'a> Fields<'a> {
    fn new(back_references: &'a [NameBackReferences]) -> Self {
        let mut fields = Self {
            by_kind: HashMap::new(),
            of_any: Vec::new(),
        };
        let all = back_references.iter().flat_map(|references| {
            let target = &references.gvk;
            references
                .referrers
                .iter()
                .map(move |spec| Field { target, spec })
        });
        for (order, field) in all.enumerate() {
            let kind = field.spec.gvk.kind.as_str();
            let list = if kind.is_empty() {
                &mut fields.of_any
            } else {
                fields.by_kind.entry(kind).or_default()
            };
            list.push((order, field));
        }
        fields
    }

    /// The fields of an object, in order.
    fn of(&self, id: &Id<'_>) -> Vec<Field<'a>> {
        let mut found: Vec<(usize, Field<'a>)> = self
            .by_kind
            .get(id.kind)
            .into_iter()
            .flatten()
            .chain(&self.of_any)
            .filter(|(_, field)| field.spec.gvk.selects(id))
            .copied()
            .collect();
        found.sort_by_key(|(order, _)| *order);
        found.into_iter().map(|(_, field)| field).collect()
    }
}

/// What decides which objects a resource can refer to.
fn referrer(resource: &Resource, schema: &Schema) -> Result<Referrer> {
    let id = resource.id(schema);
    Ok(Referrer {
        is_cluster_scoped: id.is_cluster_scoped(),
        namespace: id.namespace.to_owned(),
        accounts_in: if id.kind == "RoleBinding" {
            account_namespaces(&resource.json)?
        } else {
            HashSet::new()
        },
    })
}

/// The namespaces of the ServiceAccounts that a RoleBinding names: these it can refer to as well.
fn account_namespaces(binding: &Json) -> Result<HashSet<String>> {
    let mut namespaces = HashSet::new();
    let Some(Value::Array(subjects)) = binding.get("subjects") else {
        return Ok(namespaces);
    };
    for (index, subject) in subjects.iter().enumerate() {
        let wrong = |what: &str, value: &Json| {
            Error::new(format_args!("expected {what}, found {}", kind_of(value)))
                .field(format!("subjects[{index}]"))
        };
        let Value::Object(subject) = subject else {
            return Err(wrong("a subject", subject));
        };
        let (Some(namespace), Some(kind)) = (subject.get("namespace"), subject.get("kind")) else {
            continue;
        };
        let Value::String(kind) = kind else {
            return Err(wrong("the kind of a subject", kind));
        };
        if kind == "ServiceAccount" {
            let Value::String(namespace) = namespace else {
                return Err(wrong("the namespace of a ServiceAccount", namespace)
                    .hint("name the namespace of the account"));
            };
            namespaces.insert(namespace.clone());
        }
    }
    Ok(namespaces)
}

/// One field of one resource.
struct Pass<'a> {
    index: &'a Index<'a>,
    field: &'a Field<'a>,
    resource: &'a Resource,
    referrer: &'a Referrer,
    /// What the `roleRef` around the field says about the kind.
    role: Option<Gvk>,
}

impl Pass<'_> {
    fn follow(&mut self, body: &mut Json) -> Result<()> {
        let path = &self.field.spec.path;
        if path.as_str().ends_with("roleRef/name") {
            self.role = role(body);
        }
        // Nothing is ever made: what is not there refers to nothing.
        path.visit(body, Missing::Nothing, &mut |value, _| match value {
            Value::Null => Ok(()),
            Value::Object(map) => self.mapping(map),
            Value::Array(elements) => {
                for element in elements {
                    match element {
                        Value::Null => {}
                        Value::Object(map) => self.mapping(map)?,
                        Value::Array(_) => {
                            return Err(Error::new(
                                "expected a name or a mapping with a name, found a list",
                            ));
                        }
                        scalar => self.scalar(scalar)?,
                    }
                }
                Ok(())
            }
            scalar => self.scalar(scalar),
        })
    }

    fn scalar(&self, value: &mut Json) -> Result<()> {
        let name = scalar_text(value).unwrap_or_default();
        let Some(found) = self.select(&name, None)? else {
            return Ok(());
        };
        if found.name != *name {
            *value = Value::String(found.name.clone());
        }
        Ok(())
    }

    /// A mapping takes over the name and the namespace.
    fn mapping(&self, map: &mut Map<String, Json>) -> Result<()> {
        let Some(name) = map.get("name") else {
            return Err(
                Error::new("the mapping that the path leads to has no `name`").hint(
                    "the path in `nameReference` has to lead to the name itself, or to a mapping \
                     with `name` and perhaps `namespace`",
                ),
            );
        };
        let name = scalar_text(name).unwrap_or_default();
        let namespace = map
            .get("namespace")
            .map(|namespace| scalar_text(namespace).unwrap_or_default());
        let Some(found) = self.select(&name, Some(namespace.as_deref()))? else {
            return Ok(());
        };
        if found.name == *name && found.namespace.is_empty() {
            return Ok(());
        }
        map.insert("name".to_owned(), found.name.as_str().into());
        // An empty namespace does not take the place of one that is written there.
        if !found.namespace.is_empty() {
            map.insert("namespace".to_owned(), found.namespace.as_str().into());
        }
        Ok(())
    }

    /// What a name means; in a mapping, with its namespace if there is one.
    fn select(
        &self,
        name: &str,
        mapping: Option<Option<&str>>,
    ) -> Result<Option<&index::Candidate>> {
        self.index.select(&Query {
            name,
            target: self.field.target,
            role: self.role.as_ref(),
            referrer: self.referrer,
            prefixes: &self.resource.prefixes,
            suffixes: &self.resource.suffixes,
            namespace: mapping.flatten(),
            takes_namespace: mapping.is_some(),
        })
    }
}

/// Group and kind of a `roleRef`; `None` when it does not say both.
fn role(body: &Json) -> Option<Gvk> {
    let role = body.get("roleRef")?.as_object()?;
    let text = |field: &str| Some(scalar_text(role.get(field)?)?.into_owned());
    Some(Gvk {
        group: text("apiGroup")?,
        version: String::new(),
        kind: text("kind")?,
    })
}
