//! One Kubernetes object as it is rendered.

use serde_json::{Map, Value};

use crate::origin::{INDEX_ANNOTATION, PATH_ANNOTATION};
use crate::{Gvk, Json, ObjectId, Origin};

/// A Kubernetes object: a JSON object with `apiVersion`, `kind` and a name.
///
/// Checked once, when it is made; everything after may rely on it. The body is kept as JSON and not
/// as a typed value, so that what is applied is exactly what was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Json);

/// Why a value is no Kubernetes object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// It is a scalar or a list.
    #[error("a Kubernetes object is a mapping, not {found}")]
    NotAMapping {
        /// What it is instead.
        found: &'static str,
    },
    /// A field that every object has is not there, or is empty.
    #[error("{object} has no `{field}`; every Kubernetes object needs one")]
    Missing {
        /// What is known of the object.
        object: String,
        /// The field.
        field: &'static str,
    },
    /// A field has another type than Kubernetes takes.
    #[error("`{field}` of {object} is {found}, but {expected} is expected")]
    WrongType {
        /// What is known of the object.
        object: String,
        /// The field.
        field: String,
        /// What it is.
        found: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

impl ObjectError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        "WL0310"
    }
}

impl Object {
    /// Checks the shape of a value and takes it as an object.
    ///
    /// # Errors
    /// [`ObjectError`], which names the field that is missing or has the wrong type.
    pub fn from_json(value: Json) -> Result<Self, ObjectError> {
        let Value::Object(map) = &value else {
            return Err(ObjectError::NotAMapping {
                found: type_name(&value),
            });
        };
        let known = describe(map);
        let text = |field: &'static str| match map.get(field) {
            Some(Value::String(text)) if !text.is_empty() => Ok(()),
            None | Some(Value::Null | Value::String(_)) => Err(ObjectError::Missing {
                object: known.clone(),
                field,
            }),
            Some(other) => Err(wrong(&known, field, other, "a string")),
        };
        text("apiVersion")?;
        text("kind")?;
        let metadata = match map.get("metadata") {
            Some(Value::Object(metadata)) => metadata,
            None | Some(Value::Null) => {
                return Err(ObjectError::Missing {
                    object: known,
                    field: "metadata.name",
                });
            }
            Some(other) => return Err(wrong(&known, "metadata", other, "a mapping")),
        };
        let mut named = false;
        for field in ["name", "generateName", "namespace"] {
            match metadata.get(field) {
                None | Some(Value::Null) => {}
                Some(Value::String(text)) => named |= field != "namespace" && !text.is_empty(),
                Some(other) => {
                    return Err(wrong(
                        &known,
                        &format!("metadata.{field}"),
                        other,
                        "a string",
                    ));
                }
            }
        }
        if !named {
            return Err(ObjectError::Missing {
                object: known,
                field: "metadata.name",
            });
        }
        for field in ["labels", "annotations"] {
            match metadata.get(field) {
                None | Some(Value::Null) => {}
                Some(Value::Object(entries)) => {
                    for (key, entry) in entries {
                        if !entry.is_string() {
                            let field = format!("metadata.{field}.{key}");
                            return Err(wrong(&known, &field, entry, "a string"));
                        }
                    }
                }
                Some(other) => {
                    return Err(wrong(
                        &known,
                        &format!("metadata.{field}"),
                        other,
                        "a mapping",
                    ));
                }
            }
        }
        Ok(Self(value))
    }

    /// The object as JSON.
    pub fn json(&self) -> &Json {
        &self.0
    }

    /// Gives the JSON away.
    pub fn into_json(self) -> Json {
        self.0
    }

    /// The JSON for a change. The caller keeps `apiVersion`, `kind` and the name as they are.
    pub fn json_mut(&mut self) -> &mut Json {
        &mut self.0
    }

    /// `group/version`, or `version` in the core group.
    pub fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version()
            .split_once('/')
            .map_or("", |(group, _)| group)
    }

    /// The version without its group.
    pub fn version(&self) -> &str {
        let api_version = self.api_version();
        api_version
            .split_once('/')
            .map_or(api_version, |(_, version)| version)
    }

    /// The kind.
    pub fn kind(&self) -> &str {
        self.text("/kind")
    }

    /// The name, or the value of `generateName`.
    pub fn name(&self) -> &str {
        match self.text("/metadata/name") {
            "" => self.text("/metadata/generateName"),
            name => name,
        }
    }

    /// The namespace, if the object names one.
    pub fn namespace(&self) -> Option<&str> {
        Some(self.text("/metadata/namespace")).filter(|namespace| !namespace.is_empty())
    }

    /// Puts the object into a namespace.
    pub fn set_namespace(&mut self, namespace: &str) {
        if let Some(metadata) = self.metadata_mut() {
            metadata.insert("namespace".to_owned(), Value::String(namespace.to_owned()));
        }
    }

    /// What makes the object itself.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().map(str::to_owned),
            name: self.name().to_owned(),
        }
    }

    /// Group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk::parse(self.api_version(), self.kind())
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.entry("labels", key)
    }

    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.entry("annotations", key)
    }

    /// The labels, sorted by key.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries("labels")
    }

    /// The annotations, sorted by key.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries("annotations")
    }

    /// Sets a label.
    pub fn set_label(&mut self, key: &str, value: &str) {
        self.set_entry("labels", key, value);
    }

    /// Sets an annotation.
    pub fn set_annotation(&mut self, key: &str, value: &str) {
        self.set_entry("annotations", key, value);
    }

    /// Removes an annotation, and `annotations` itself when that was the last one.
    pub fn remove_annotation(&mut self, key: &str) {
        let Some(metadata) = self.metadata_mut() else {
            return;
        };
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else {
            return;
        };
        if annotations.remove(key).is_some() && annotations.is_empty() {
            metadata.remove("annotations");
        }
    }

    /// Where the object came from, as the annotations of the KRM Functions Specification say.
    pub fn origin(&self) -> Origin {
        Origin {
            file: self.annotation(PATH_ANNOTATION).map(str::to_owned),
            index: self
                .annotation(INDEX_ANNOTATION)
                .and_then(|index| index.parse().ok()),
            step: None,
        }
    }

    /// Removes the annotations of [`Object::origin`], which are not for the cluster.
    pub fn strip_origin(&mut self) {
        self.remove_annotation(PATH_ANNOTATION);
        self.remove_annotation(INDEX_ANNOTATION);
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Json::as_str).unwrap_or("")
    }

    fn metadata_mut(&mut self) -> Option<&mut Map<String, Json>> {
        self.0.get_mut("metadata")?.as_object_mut()
    }

    fn entry(&self, field: &str, key: &str) -> Option<&str> {
        self.0.get("metadata")?.get(field)?.get(key)?.as_str()
    }

    fn entries(&self, field: &str) -> impl Iterator<Item = (&str, &str)> {
        let map = self
            .0
            .get("metadata")
            .and_then(|metadata| metadata.get(field)?.as_object());
        map.into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    fn set_entry(&mut self, field: &str, key: &str, value: &str) {
        let Some(metadata) = self.metadata_mut() else {
            return;
        };
        let entries = metadata.entry(field).or_insert(Value::Null);
        if entries.is_null() {
            *entries = Value::Object(Map::new());
        }
        if let Value::Object(entries) = entries {
            entries.insert(key.to_owned(), Value::String(value.to_owned()));
        }
    }
}

fn describe(map: &Map<String, Json>) -> String {
    let kind = map
        .get("kind")
        .and_then(Json::as_str)
        .filter(|kind| !kind.is_empty())
        .unwrap_or("the object");
    match map
        .get("metadata")
        .and_then(|metadata| metadata.get("name")?.as_str())
    {
        Some(name) => format!("{kind} {name}"),
        None => kind.to_owned(),
    }
}

fn wrong(object: &str, field: &str, found: &Json, expected: &'static str) -> ObjectError {
    ObjectError::WrongType {
        object: object.to_owned(),
        field: field.to_owned(),
        found: type_name(found),
        expected,
    }
}

/// What a JSON value is, as a person would say it.
pub(crate) fn type_name(value: &Json) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!([]), "a Kubernetes object is a mapping, not a list")]
    #[case(json!({}), "the object has no `apiVersion`; every Kubernetes object needs one")]
    #[case(json!({"apiVersion": "v1", "kind": ""}), "the object has no `kind`; every Kubernetes object needs one")]
    #[case(json!({"apiVersion": "v1", "kind": "Pod"}), "Pod has no `metadata.name`; every Kubernetes object needs one")]
    #[case(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": 5}}), "`metadata.name` of Pod is a number, but a string is expected")]
    #[case(
        json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"x": true}}}),
        "`metadata.labels.x` of Pod a is a boolean, but a string is expected"
    )]
    fn says_what_is_wrong(#[case] value: Json, #[case] message: &str) {
        let error = Object::from_json(value).unwrap_err().to_string();
        assert!(error.ends_with(message) || error == message, "{error}");
    }

    #[test]
    fn origin_is_read_and_stripped() {
        let mut object = Object::from_json(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "annotations": {PATH_ANNOTATION: "x.yaml", INDEX_ANNOTATION: "1"}},
        }))
        .unwrap();
        assert_eq!(object.origin().to_string(), "x.yaml (document 2)");
        object.strip_origin();
        assert_eq!(
            object.json()["metadata"],
            json!({"name": "a"}),
            "no empty map stays behind"
        );
        object.set_namespace("n");
        object.set_label("l", "v");
        assert_eq!(object.id().to_string(), "Deployment.apps n/a");
        assert_eq!(
            (object.group(), object.version(), object.label("l")),
            ("apps", "v1", Some("v"))
        );
    }
}
