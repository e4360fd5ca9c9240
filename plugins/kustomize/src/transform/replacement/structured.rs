//! Values inside of documents that stand in a field as text.

use windlass_manifest::{Limits, Rules, decode_by, to_yaml};
use windlass_plugin_sdk::Json;

use super::FieldOptions;
use super::path::{Make, Path};
use super::value::Copied;
use super::{value, yaml_text};
use crate::error::{Error, Result};

/// The document that a text holds, if it holds one.
pub(super) fn document(text: &str) -> Option<Json> {
    let documents = decode_by(Rules::Kustomize, text.as_bytes(), &Limits::default()).ok()?;
    Some(documents.into_iter().next()?.value)
}

/// Sets a field of a document in a text on the way, and writes the document anew. Says whether it
/// did; if not, nothing is changed, and the path means something else.
pub(super) fn set(
    object: &mut Json,
    path: &Path,
    value: &Copied,
    make: Option<Make>,
    options: &FieldOptions,
) -> bool {
    let Some((field, rest)) = path.scalar_inside(object) else {
        return false;
    };
    let old = value::text(field).into_owned();
    let Some(before) = document(&old) else {
        return false;
    };
    let mut inside = before.clone();
    let mut set = |found: super::path::Found<'_>| value::set(found, value, options);
    if !matches!(rest.visit(&mut inside, make, &mut set), Ok(1..)) {
        return false;
    }
    match written(&old, &before, &inside).and_then(|text| value::typed(field, text)) {
        Ok(new) => {
            *field = new;
            true
        }
        Err(_) => false,
    }
}

/// Writes a document as it was written: JSON in one line or in many, or YAML.
fn written(old: &str, before: &Json, inside: &Json) -> Result<String> {
    if !old.trim_start().starts_with(['{', '[']) {
        let changed = yaml_text::changed(old, before, inside);
        return Ok(changed.unwrap_or_else(|| to_yaml(inside).trim().to_owned()));
    }
    let text = if old.contains('\n') && old.contains("  ") {
        serde_json::to_string_pretty(inside)
    } else {
        serde_json::to_string(inside)
    };
    Ok(escaped(&text.map_err(Error::new)?))
}

/// JSON as Go writes it, which escapes what HTML and JavaScript would stumble over.
fn escaped(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => text.push(c),
        }
    }
    text
}
