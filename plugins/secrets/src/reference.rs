//! `${secret:STORE/NAME/KEY}` in the strings of an object.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use windlass_plugin_common::field::{push_index, push_key};
use windlass_plugin_common::variables::SECRET_PREFIX as PREFIX;
use windlass_plugin_sdk::{Host, Json};

/// What is wrong with a reference, and where.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) field: String,
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

const HINT: &str = "write `${secret:STORE/NAME/KEY}`, and `$${secret:` for the text itself";

/// Replaces every reference in the strings of an object.
///
/// In the `data` of a Secret it may be inside the base64, where it stays, or the whole value, which
/// becomes base64.
pub(crate) fn replace(object: &mut Json, host: &mut dyn Host) -> Result<(), Wrong> {
    let is_secret = object["apiVersion"] == "v1" && object["kind"] == "Secret";
    let mut field = String::new();
    if is_secret && let Some(Json::Object(data)) = object.get_mut("data") {
        for (key, value) in data {
            let Json::String(text) = value else { continue };
            if let Some(new) = in_data(text, host).map_err(|message| {
                push_key(&mut field, "data");
                push_key(&mut field, key);
                Wrong {
                    field: field.clone(),
                    message,
                    hint: HINT,
                }
            })? {
                *text = new;
            }
        }
    }
    walk(object, &mut field, host).map_err(|message| Wrong {
        field,
        message,
        hint: HINT,
    })
}

fn in_data(text: &str, host: &mut dyn Host) -> Result<Option<String>, String> {
    if text.contains(PREFIX) {
        return Ok(in_text(text, host)?.map(|text| STANDARD.encode(text)));
    }
    let Some(decoded) = STANDARD
        .decode(text)
        .ok()
        .and_then(|it| String::from_utf8(it).ok())
    else {
        return Ok(None);
    };
    Ok(in_text(&decoded, host)?.map(|text| STANDARD.encode(text)))
}

/// The field is left as it was at the first problem, where the caller finds it.
fn walk(value: &mut Json, field: &mut String, host: &mut dyn Host) -> Result<(), String> {
    let length = field.len();
    match value {
        Json::String(text) => {
            if let Some(new) = in_text(text, host)? {
                *text = new;
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                push_index(field, index);
                walk(item, field, host)?;
                field.truncate(length);
            }
        }
        Json::Object(map) => {
            for (key, item) in map {
                push_key(field, key);
                walk(item, field, host)?;
                field.truncate(length);
            }
        }
        _ => {}
    }
    Ok(())
}

/// Replaces the references in a text; `None` when there is none.
pub(crate) fn in_text(text: &str, host: &mut dyn Host) -> Result<Option<String>, String> {
    if !text.contains(PREFIX) {
        return Ok(None);
    }
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(PREFIX) {
        let after = &rest[at + PREFIX.len()..];
        if let Some(before) = rest[..at].strip_suffix('$') {
            result.push_str(before);
            result.push_str(PREFIX);
            rest = after;
            continue;
        }
        result.push_str(&rest[..at]);
        let (reference, after) = after
            .split_once('}')
            .ok_or("a `${secret:` is never closed by `}`")?;
        result.push_str(&token(reference, host)?);
        rest = after;
    }
    result.push_str(rest);
    Ok(Some(result))
}

fn token(reference: &str, host: &mut dyn Host) -> Result<String, String> {
    let parts: Vec<&str> = reference.split('/').collect();
    match parts[..] {
        [store, name, key] if parts.iter().all(|part| !part.is_empty()) => host
            .secret_reference(store, name, key)
            .map_err(|reason| format!("`${{secret:{reference}}}` is refused: {reason}")),
        _ => Err(format!(
            "`${{secret:{reference}}}` does not name a store, a secret and a key"
        )),
    }
}
