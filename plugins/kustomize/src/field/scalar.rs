//! Scalars as kustomize sees them: as texts, whatever their type.

use std::borrow::Cow;

use serde_json::Value;
use windlass_plugin_sdk::Json;

use crate::error::{Error, Result};

/// What a value is, for messages.
pub(crate) use windlass_plugin_common::field::kind_of;

/// The text of a scalar; empty for null, `None` for a mapping or a list.
pub(crate) fn scalar_text(value: &Json) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => Some(Cow::Borrowed("")),
        Value::Bool(true) => Some(Cow::Borrowed("true")),
        Value::Bool(false) => Some(Cow::Borrowed("false")),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// Puts a value in the place of a scalar.
///
/// # Errors
/// A mapping or a list is there.
pub(crate) fn set_scalar(place: &mut Json, value: Json) -> Result<()> {
    if matches!(place, Value::Array(_) | Value::Object(_)) {
        return Err(Error::new(format_args!(
            "expected a scalar, found {}",
            kind_of(place)
        )));
    }
    *place = value;
    Ok(())
}

/// Puts a text in the place of a scalar, written as it was: where a number without quotes was, a
/// text that reads as one becomes a number, as in kustomize.
///
/// # Errors
/// A mapping or a list is there.
pub(crate) fn set_text(place: &mut Json, text: String) -> Result<()> {
    let value = match place {
        Value::Number(_) => match text.parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::String(text),
        },
        _ => Value::String(text),
    };
    set_scalar(place, value)
}
