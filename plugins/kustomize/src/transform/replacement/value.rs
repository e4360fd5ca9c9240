//! What is put into a field, and how it changes on the way.

use std::borrow::Cow;

use serde_json::Value;
use windlass_manifest::{Rules, plain_scalar};
use windlass_plugin_sdk::Json;

use super::FieldOptions;
use super::path::Found;
use crate::error::{Error, Result};
use crate::read::named_type;

/// The value that a replacement copies.
#[derive(Clone, Debug)]
pub(super) struct Copied {
    pub(super) json: Json,
    /// Whether it is a text that becomes what it looks like where it takes the place of something
    /// that is no scalar.
    untyped: bool,
    pub(super) weight: Weight,
}

impl Copied {
    pub(super) fn new(json: Json) -> Self {
        Self {
            weight: Weight::of(&json),
            json,
            untyped: false,
        }
    }

    pub(super) fn untyped(text: &str) -> Self {
        Self {
            untyped: true,
            ..Self::new(Value::String(text.to_owned()))
        }
    }
}

/// The text of a scalar as it would stand in YAML; empty for null, a mapping and a list.
pub(super) fn text(value: &Json) -> Cow<'_, str> {
    match value {
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Owned(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => Cow::Borrowed(""),
    }
}

fn is_scalar(value: &Json) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// A scalar of the type of `old` that says `text`; a number stays one where the text is one.
fn like(old: &Json, text: String) -> Json {
    match old {
        Value::String(_) => Value::String(text),
        _ => looked_at(text),
    }
}

/// What a text without a type looks like.
fn looked_at(text: String) -> Json {
    plain_scalar(&text, Rules::Kustomize).unwrap_or(Value::String(text))
}

/// The part of the source that its options ask for.
///
/// # Errors
/// The source is no scalar, or has no such part.
pub(super) fn refined<'v>(value: &'v Json, options: &FieldOptions) -> Result<Cow<'v, Json>> {
    if options.delimiter.is_empty() {
        return Ok(Cow::Borrowed(value));
    }
    if !is_scalar(value) {
        return Err(no_scalar(value));
    }
    let text = text(value);
    let part = usize::try_from(options.index)
        .ok()
        .and_then(|index| text.split(&*options.delimiter).nth(index))
        .ok_or_else(|| {
            Error::new(format_args!(
                "`{text}` has no part {} when it is split at `{}`",
                options.index, options.delimiter
            ))
            .field("options.index")
        })?;
    Ok(Cow::Owned(like(value, part.to_owned())))
}

/// Puts the value into a field. A scalar keeps the type that it has: kustomize copies the text only.
///
/// # Errors
/// The value does not fit the type of the field, and options for texts at something else.
pub(super) fn set(found: Found<'_>, value: &Copied, options: &FieldOptions) -> Result<()> {
    let Copied {
        json: value,
        untyped: value_untyped,
        ..
    } = value;
    let Found {
        value: field,
        untyped,
        lost,
    } = found;
    let joined = if options.delimiter.is_empty() {
        None
    } else if is_scalar(field) {
        Some(joined(&text(field), &text(value), options))
    } else {
        return Err(no_scalar(field));
    };
    if lost {
        return Ok(());
    }
    if !is_scalar(field) {
        *field = match value {
            Value::String(text) if *value_untyped => looked_at(text.clone()),
            value => value.clone(),
        };
        return Ok(());
    }
    let text = joined.unwrap_or_else(|| text(value).into_owned());
    *field = if untyped {
        looked_at(text)
    } else {
        typed(field, text)?
    };
    Ok(())
}

fn joined(old: &str, new: &str, options: &FieldOptions) -> String {
    let mut parts: Vec<&str> = old.split(&*options.delimiter).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, new),
        Ok(index) => match parts.get_mut(index) {
            Some(part) => *part = new,
            None => parts.push(new),
        },
    }
    parts.join(&options.delimiter)
}

pub(super) fn typed(old: &Json, text: String) -> Result<Json> {
    if old.is_string() {
        return Ok(Value::String(text));
    }
    let new = plain_scalar(&text, Rules::Kustomize);
    new.filter(|new| std::mem::discriminant(new) == std::mem::discriminant(old))
        .ok_or_else(|| {
            Error::new(format_args!(
                "`{text}` cannot take the place of {}",
                named_type(old)
            ))
            .hint("write the present value in quotes if the field may be a text")
        })
}

fn no_scalar(value: &Json) -> Error {
    Error::new(format_args!(
        "a delimiter is for texts, and this is {}",
        named_type(value)
    ))
    .field("options.delimiter")
}

/// How many bytes and levels a value has, for the bounds of a build.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weight {
    pub(super) bytes: usize,
    pub(super) depth: usize,
}

impl Weight {
    /// What a value that was built here weighs; its depth is bounded, because every value that is
    /// put somewhere was weighed before.
    pub(super) fn of(value: &Json) -> Self {
        /// Roughly what a value takes beside its text.
        const NODE: usize = 32;
        /// What a mapping takes at least: its tree makes room for eleven entries at a time.
        const MAPPING: usize = 640;
        let below = |own: usize, weights: &mut dyn Iterator<Item = Self>| {
            let mut all = Self {
                bytes: own,
                depth: 1,
            };
            for weight in weights {
                all.bytes = all.bytes.saturating_add(weight.bytes);
                all.depth = all.depth.max(weight.depth + 1);
            }
            all
        };
        match value {
            Value::String(text) => Self {
                bytes: NODE + text.len(),
                depth: 0,
            },
            Value::Array(items) => below(NODE, &mut items.iter().map(Self::of)),
            Value::Object(map) => below(
                MAPPING,
                &mut map.iter().map(|(key, value)| {
                    let mut weight = Self::of(value);
                    weight.bytes = weight.bytes.saturating_add(key.len());
                    weight
                }),
            ),
            _ => Self {
                bytes: NODE,
                depth: 0,
            },
        }
    }
}
