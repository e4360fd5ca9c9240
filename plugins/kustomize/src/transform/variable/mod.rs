//! Replaces `$(NAME)` by the value of a field (`vars`).

mod expand;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;
use windlass_plugin_sdk::Json;

use crate::error::{Error, Result};
use crate::field::{FieldSpecs, Missing};
use crate::id::{DEFAULT_NAMESPACE, Id, group_version};
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

use expand::{Variables as Values, expand};

/// The field that a variable is read from when it names none.
const NAME: &str = "metadata.name";

/// A variable: a name for a field of an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "lowercase")]
pub(crate) struct Var {
    name: String,
    objref: Reference,
    fieldref: Field,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Reference {
    api_version: String,
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Field {
    field_path: String,
}

impl Reference {
    /// Group and version: `apiVersion` goes before the two fields.
    fn group_version(&self) -> (&str, &str) {
        match (self.api_version.as_str(), group_version(&self.api_version)) {
            ("", _) => (&self.group, &self.version),
            (_, ("", version)) => (&self.group, version),
            (_, both) => both,
        }
    }

    /// Whether it means the object of an id. One without a namespace means an object in any.
    fn means(&self, id: &Id<'_>) -> bool {
        let (group, version) = self.group_version();
        let target = Id {
            group,
            version,
            kind: &self.kind,
            name: &self.name,
            namespace: match self.namespace.as_str() {
                "" => DEFAULT_NAMESPACE,
                namespace => namespace,
            },
        };
        target.same_but_namespace(id)
            && (self.namespace.is_empty() || target.namespace == id.namespace)
    }
}

/// The variables of a kustomization and of those below it, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Variables(BTreeMap<String, Var>);

impl Variables {
    /// Adds the variables of a kustomization, and notes on its resources which of them are read from
    /// it: later, a transformer above may give several of them one name.
    ///
    /// # Errors
    /// A name that is there already, and an object that cannot be told from another.
    pub(crate) fn add(
        &mut self,
        added: &[Var],
        resources: &mut Resources,
        schema: &Schema,
    ) -> Result<()> {
        for (index, variable) in added.iter().enumerate() {
            let at = |error: Error| error.field(format!("[{index}]"));
            let mut found = resources.list.iter_mut().filter(|resource| {
                !resource.is_empty()
                    && (variable.objref.means(&resource.id(schema))
                        || resource.previous_ids().any(|id| variable.objref.means(&id)))
            });
            match (found.next(), found.next()) {
                (Some(_), Some(_)) => {
                    return Err(at(Error::new(format_args!(
                        "the variable `{}` may be read from more than one object",
                        variable.name
                    ))
                    .hint("name the namespace of the object in `objref`")));
                }
                (Some(resource), None) => resource.variables.push(variable.name.clone()),
                (None, _) => {}
            }
            self.add_one(variable.clone()).map_err(at)?;
        }
        Ok(())
    }

    /// Adds the variables of a kustomization below.
    ///
    /// # Errors
    /// A name that is there already.
    pub(crate) fn merge(&mut self, other: Self) -> Result<()> {
        other
            .0
            .into_values()
            .try_for_each(|variable| self.add_one(variable))
    }

    fn add_one(&mut self, variable: Var) -> Result<()> {
        let name = variable.name.clone();
        if self.0.insert(name.clone(), variable).is_some() {
            return Err(
                Error::new(format_args!("the variable `{name}` is there twice"))
                    .hint("rename one of the two"),
            );
        }
        Ok(())
    }

    /// Replaces the variables in the given fields, and gives the names of those that are used
    /// nowhere.
    ///
    /// # Errors
    /// A variable whose object or field is not there, and a field that holds something else than
    /// texts.
    pub(crate) fn resolve(
        &self,
        resources: &mut Resources,
        fields: &FieldSpecs,
    ) -> Result<Vec<String>> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        let values = self.values(resources)?;
        let mut used = BTreeSet::new();
        for resource in &mut resources.list {
            for spec in fields.iter() {
                spec.visit(resource, Missing::Nothing, &mut |value, _| {
                    replace(value, &values, &mut used)
                })
                .map_err(|error| at_source(error, resource))?;
                resource.settle_shared();
            }
        }
        Ok(values
            .into_keys()
            .filter(|name| !used.contains(name))
            .collect())
    }

    fn values(&self, resources: &Resources) -> Result<Values> {
        let mut sources: BTreeMap<&str, &Resource> = BTreeMap::new();
        for resource in &resources.list {
            for name in &resource.variables {
                sources.entry(name).or_insert(resource);
            }
        }
        self.0
            .iter()
            .map(|(name, variable)| {
                let Some(source) = sources.get(name.as_str()) else {
                    return Err(Error::new(format_args!(
                        "the variable `{name}` is read from {} {}, which is not there",
                        variable.objref.kind, variable.objref.name
                    )));
                };
                let path = match variable.fieldref.field_path.as_str() {
                    "" => NAME,
                    path => path,
                };
                let value = lookup(&source.json, path).ok_or_else(|| {
                    Error::new(format_args!(
                        "the variable `{name}` is read from the field {path} of {} {}, which has \
                         no such field",
                        source.kind(),
                        source.name()
                    ))
                })?;
                Ok((name.clone(), value.clone()))
            })
            .collect()
    }
}

/// Replaces the variables of a text, or of the texts of a mapping or a list.
fn replace(value: &mut Json, values: &Values, used: &mut BTreeSet<String>) -> Result<()> {
    match value {
        Value::String(text) => {
            *value = expand(text, values, used);
            Ok(())
        }
        Value::Object(map) => {
            for value in map.values_mut() {
                if let Value::String(text) = value {
                    *value = expand(text, values, used);
                }
            }
            Ok(())
        }
        Value::Array(list) => list.iter_mut().try_for_each(|item| match item {
            Value::String(text) => {
                *item = expand(text, values, used);
                Ok(())
            }
            _ => Err(
                Error::new("variables are replaced here, and an item of the list is no text")
                    .hint("put it in quotes"),
            ),
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// Finds the value at a path such as `spec.ports[0].port` or `metadata.annotations.[a.b/c]`.
fn lookup<'v>(object: &'v Json, path: &str) -> Option<&'v Json> {
    let mut at = object;
    for part in parts(path) {
        at = match at {
            Value::Object(map) => map.get(&part)?,
            Value::Array(list) => match part.as_str() {
                "-" => list.last()?,
                part => match part.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
                    Some(item) => {
                        let (key, wanted) = item.split_once('=')?;
                        list.iter()
                            .find(|item| item.get(key).is_some_and(|it| is_text(it, wanted)))?
                    }
                    None => list.get(part.parse::<usize>().ok()?)?,
                },
            },
            _ => return None,
        };
        if at.is_null() {
            return None;
        }
    }
    Some(at)
}

fn is_text(value: &Json, text: &str) -> bool {
    match value {
        Value::String(value) => value == text,
        other => *other.to_string() == *text,
    }
}

/// Takes a path apart at its dots, which a backslash or brackets keep together.
fn parts(path: &str) -> Vec<String> {
    let mut split: Vec<String> = Vec::new();
    for part in path.split('.') {
        let first = split.len() == 1;
        match split.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(part);
            }
            Some(last) if last.starts_with('[') && !last.ends_with(']') => {
                last.push('.');
                last.push_str(part);
            }
            // A path may begin with its separator.
            Some(last) if first && last.is_empty() => *last = part.to_owned(),
            _ => split.push(part.to_owned()),
        }
    }
    let mut parts = Vec::with_capacity(split.len());
    for part in split {
        let inside = part.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
        match (
            inside,
            part.strip_suffix(']').and_then(|it| it.split_once('[')),
        ) {
            (Some(key), _) if !key.contains('=') => parts.push(key.to_owned()),
            (Some(_), _) => parts.push(part),
            (None, Some((name, index))) if index.bytes().all(|it| it.is_ascii_digit()) => {
                parts.push(name.to_owned());
                parts.push(index.to_owned());
            }
            _ => parts.push(part),
        }
    }
    parts
}

#[cfg(test)]
mod tests;
