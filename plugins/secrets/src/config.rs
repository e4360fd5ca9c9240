//! The configuration of `secrets`.

use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use windlass_plugin_common::{Target, Variables, target};
use windlass_plugin_sdk::Json;

/// What is made and placed beside the references that the objects hold themselves.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) secrets: Vec<Secret>,
    pub(crate) place: Vec<Place>,
    pub(crate) variables: Variables,
}

/// A Secret object to make.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Secret {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) string_data: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) from: Vec<From>,
}

/// Keys of a secret in a store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct From {
    pub(crate) store: String,
    pub(crate) name: String,
    pub(crate) keys: Keys,
}

/// The keys that are taken over, and their names in the Secret object.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Keys {
    /// Under the same names.
    Same(Vec<String>),
    /// From the name in the object to the name in the store.
    Renamed(BTreeMap<String, String>),
}

/// A text to put into a field of some objects.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Place {
    pub(crate) target: Target,
    pub(crate) field: String,
    pub(crate) value: String,
    #[serde(default)]
    pub(crate) allow_no_match: bool,
}

pub(crate) fn schema() -> Json {
    let text = |description: &str| json!({"type": "string", "description": description});
    let texts = |description: &str| {
        json!({"type": "object", "description": description,
            "additionalProperties": {"type": "string"}})
    };
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the plugin secrets",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "secrets": {
                "description": "Secret objects to make.",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["name"],
                    "properties": {
                        "name": text("Name of the object."),
                        "namespace": text("Namespace; the environment's when absent."),
                        "type": {"type": "string", "default": "Opaque"},
                        "labels": texts("Labels of the object."),
                        "annotations": texts("Annotations of the object."),
                        "stringData": texts("Entries, with `${secret:STORE/NAME/KEY}` where a value belongs."),
                        "from": {
                            "description": "Entries that are taken over from stores as they are.",
                            "type": "array",
                            "items": {
                                "type": "object",
                                "additionalProperties": false,
                                "required": ["store", "name", "keys"],
                                "properties": {
                                    "store": text("Name of the store."),
                                    "name": text("Name of the secret in the store."),
                                    "keys": {
                                        "description": "Keys of the secret: a list, or a mapping from the name in the object to the key in the store.",
                                        "oneOf": [
                                            {"type": "array", "items": {"type": "string"}},
                                            {"type": "object", "additionalProperties": {"type": "string"}},
                                        ],
                                    },
                                },
                            },
                        },
                    },
                },
            },
            "place": {
                "description": "Texts to put into fields of objects.",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": ["target", "field", "value"],
                    "properties": {
                        "target": target::schema(),
                        "field": text("`spec.a[name=b].c`, `metadata.annotations[\"x/y\"]`, or a JSON pointer."),
                        "value": text("The text, with `${secret:STORE/NAME/KEY}` where a value belongs."),
                        "allowNoMatch": {
                            "description": "Whether it is fine that no object matches.",
                            "type": "boolean",
                            "default": false,
                        },
                    },
                },
            },
            "variables": {
                "description": "What `${NAME}` stands for in this configuration. The environment's variables are added by Windlass.",
                "type": "object",
            },
        },
    })
}
