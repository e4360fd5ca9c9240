//! Puts the hash of its content behind the name of what was generated.

use std::fmt::Write as _;

use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};
use windlass_plugin_sdk::Json;

use super::Transformer;
use crate::error::Result;
use crate::field::scalar_text;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::Schema;

/// Puts the hash of its content behind the name of everything that needs it (`HashTransformer`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct HashSuffix;

impl Transformer for HashSuffix {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        for resource in &mut resources.list {
            if resource.needs_hash {
                let name = format!("{}-{}", resource.name(), hash(resource));
                resource.store_previous_id(schema);
                resource.set_name(&name);
            }
        }
        Ok(())
    }
}

/// The hash of the content of a resource, of ten characters (kustomize's `api/hasher`).
///
/// The content of a ConfigMap or Secret is written as JSON exactly as Go writes it, since the names
/// have to be those that kustomize gives. Its hash of any other kind depends on how the file was
/// laid out, and cannot be the same.
pub(crate) fn hash(resource: &Resource) -> String {
    let object = &resource.json;
    let mut text = String::new();
    match resource.kind() {
        "ConfigMap" => {
            text.push('{');
            maps(&mut text, "binaryData", object);
            field(&mut text, "data", object);
            text.push_str(r#","kind":"ConfigMap","#);
            name(&mut text, object);
            text.push('}');
        }
        "Secret" => {
            text.push('{');
            field(&mut text, "data", object);
            text.push_str(r#","kind":"Secret","#);
            name(&mut text, object);
            text.push(',');
            maps(&mut text, "stringData", object);
            field(&mut text, "type", object);
            text.push('}');
        }
        _ => json(&mut text, object),
    }
    encode(&Sha256::digest(text))
}

/// The first ten digits in hexadecimal, without those that could make a word.
fn encode(digest: &[u8]) -> String {
    digest
        .iter()
        .take(5)
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| match digit {
            0 => 'g',
            1 => 'h',
            3 => 'k',
            10 => 'm',
            14 => 't',
            digit => char::from_digit(u32::from(digit), 16).unwrap_or('g'),
        })
        .collect()
}

/// kustomize looks for a field that is called `metadata/name`, which there never is, so that the
/// name does not count.
fn name(text: &mut String, object: &Json) {
    string(text, "name");
    text.push(':');
    content(text, object.get("metadata/name"));
}

fn field(text: &mut String, name: &str, object: &Json) {
    string(text, name);
    text.push(':');
    content(text, object.get(name));
}

/// A field that is left out when there is no mapping in it.
fn maps(text: &mut String, name: &str, object: &Json) {
    if object
        .get(name)
        .is_some_and(|value| value.is_object() || value.is_array())
    {
        field(text, name, object);
        text.push(',');
    }
}

/// A mapping as it is, a scalar as its text, and null for a list, which kustomize fails to read and
/// goes on.
fn content(text: &mut String, value: Option<&Json>) {
    match value {
        Some(value @ Value::Object(_)) => json(text, value),
        Some(Value::Array(_)) => text.push_str("null"),
        Some(Value::Null) => string(text, "null"),
        Some(value) => string(text, &scalar_text(value).unwrap_or_default()),
        None => string(text, ""),
    }
}

/// JSON as Go's `json.Marshal` writes it; values are at most as deep as the decoder lets them be.
fn json(text: &mut String, value: &Json) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(true) => text.push_str("true"),
        Value::Bool(false) => text.push_str("false"),
        Value::Number(value) => number(text, value),
        Value::String(value) => string(text, value),
        Value::Array(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                json(text, element);
            }
            text.push(']');
        }
        Value::Object(map) => mapping(text, map),
    }
}

fn mapping(text: &mut String, map: &Map<String, Json>) {
    text.push('{');
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        string(text, key);
        text.push(':');
        json(text, value);
    }
    text.push('}');
}

/// A text, with what HTML gives a meaning to escaped as well.
fn string(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

/// A number as Go writes a float: all numbers are floats there once they were read from JSON.
fn number(text: &mut String, value: &Number) {
    let value = value.as_f64().unwrap_or_default();
    let size = value.abs();
    let _ = if size == 0.0 || (1e-6..1e21).contains(&size) {
        write!(text, "{value}")
    } else {
        let scientific = format!("{value:e}");
        match scientific.split_once('e') {
            Some((digits, power)) if !power.starts_with('-') => write!(text, "{digits}e+{power}"),
            _ => write!(text, "{scientific}"),
        }
    };
}

#[cfg(test)]
#[path = "hash_tests.rs"]
mod tests;
