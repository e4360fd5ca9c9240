//! Adds generated objects to those that are there, as their behaviour says.

use std::collections::HashMap;

use serde_json::{Map, Value};
use windlass_plugin_sdk::Json;

use super::folded;
use crate::error::{Error, Result};
use crate::id::OwnedId;
use crate::origin::keep_origin;
use crate::resource::{Behavior, Resource};
use crate::resources::Resources;
use crate::schema::Schema;

/// Adds generated objects one after the other: a new one at the end, one that merges or replaces in
/// the place of the one that has or had its id.
///
/// # Errors
/// A new object whose id is there already, one that should merge into or replace what is not there,
/// and one whose id several objects have or had.
pub(crate) fn absorb_all(
    resources: &mut Resources,
    generated: Vec<Resource>,
    schema: &Schema,
) -> Result<()> {
    if generated.is_empty() {
        return Ok(());
    }
    let mut index = resources.by_any_id(schema);
    for resource in generated {
        let id = resource.id(schema).to_owned();
        let found = index.get(&id).map_or(&[][..], Vec::as_slice);
        match *found {
            [] => {
                if matches!(resource.behavior, Behavior::Merge | Behavior::Replace) {
                    return Err(Error::new(format_args!(
                        "{} is to be merged into or replaced, and is not there",
                        id.as_id()
                    ))
                    .hint("set `behavior: create`, or generate it in a base"));
                }
                note(&mut index, id, resources.list.len());
                resources.list.push(resource);
            }
            [at] => {
                let Some(old) = resources.list.get_mut(at) else {
                    continue;
                };
                let resource = match resource.behavior {
                    Behavior::Replace => over(resource, old),
                    Behavior::Merge => merged(resource, old)?,
                    Behavior::Create | Behavior::Unspecified => {
                        return Err(Error::new(format_args!("{} is there already", id.as_id()))
                            .hint("set `behavior: merge` or `behavior: replace`"));
                    }
                };
                // kustomize looks the old one up by the id of the new one, which it has by now.
                note(&mut index, resource.id(schema).to_owned(), at);
                *old = resource;
            }
            _ => {
                return Err(Error::new(format_args!(
                    "several objects are or were called {}, and it is not clear which of them is \
                     meant",
                    id.as_id()
                )));
            }
        }
    }
    Ok(())
}

fn note(index: &mut HashMap<OwnedId, Vec<usize>>, id: OwnedId, at: usize) {
    let places = index.entry(id).or_default();
    if !places.contains(&at) {
        places.push(at);
    }
}

/// The new object with the name, the history and, under its own, the labels and annotations of the
/// old one.
fn over(mut new: Resource, old: &Resource) -> Resource {
    for field in ["labels", "annotations"] {
        let mut both = texts(old.metadata(field));
        both.extend(texts(new.metadata(field)));
        if both.is_empty() {
            new.metadata_mut().remove(field);
        } else {
            new.metadata_mut().insert(field.to_owned(), both.into());
        }
    }
    new.set_name(old.name());
    new.set_namespace(old.namespace());
    new.previous.clone_from(&old.previous);
    new.prefixes.clone_from(&old.prefixes);
    new.suffixes.clone_from(&old.suffixes);
    new.behavior = old.behavior;
    // The hash is added only if both ask for it.
    new.needs_hash &= old.needs_hash;
    new.allow_name_change = old.allow_name_change;
    new.allow_kind_change = old.allow_kind_change;
    new.variables.clone_from(&old.variables);
    new
}

/// As [`over`], and with the data of the old one under its own.
fn merged(new: Resource, old: &Resource) -> Result<Resource> {
    let is_secret = new.api_version() == "v1" && new.kind() == "Secret";
    let mut data = texts(old.json.get("data"));
    if is_secret {
        data.extend(string_data(old)?);
    }
    let mut new = over(new, old);
    keep_origin(&mut new, old);
    for (field, mut both) in [
        ("data", data),
        ("binaryData", texts(old.json.get("binaryData"))),
    ] {
        both.extend(texts(new.json.get(field)));
        let fields = new.fields_mut();
        if both.is_empty() {
            fields.remove(field);
        } else {
            fields.insert(field.to_owned(), both.into());
        }
    }
    Ok(new)
}

/// `stringData` as the API server would put it into `data`.
fn string_data(secret: &Resource) -> Result<Map<String, Json>> {
    let mut encoded = Map::new();
    for (key, value) in secret
        .json
        .get("stringData")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
    {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(Error::new("a value of `stringData` is no text")
                    .field(format!("stringData.{key}")));
            }
        };
        encoded.insert(key.clone(), folded(text.as_bytes()).into());
    }
    Ok(encoded)
}

/// A mapping whose values are texts, as kustomize reads labels and data: what is no text is taken
/// for what it was written as.
fn texts(value: Option<&Json>) -> Map<String, Json> {
    let mut map = Map::new();
    for (key, value) in value.and_then(Value::as_object).into_iter().flatten() {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        map.insert(key.clone(), text.into());
    }
    map
}
