//! Scalars as they stand in YAML, because kustomize compares and merges their texts.

use std::borrow::Cow;

use windlass_plugin_sdk::Json;

/// The text of a scalar; that of a mapping or list is empty.
pub(crate) fn text(value: &Json) -> Cow<'_, str> {
    match value {
        Json::String(text) => Cow::Borrowed(text),
        Json::Number(number) => Cow::Owned(number.to_string()),
        Json::Bool(true) => Cow::Borrowed("true"),
        Json::Bool(false) => Cow::Borrowed("false"),
        Json::Null => Cow::Borrowed("null"),
        Json::Array(_) | Json::Object(_) => Cow::Borrowed(""),
    }
}

/// What a field has after a scalar took the place of another.
///
/// kustomize puts the new text between the quotes of the old one. So a number that is laid over
/// `"80"` becomes a text. Only texts that need their quotes are known to have had some.
pub(super) fn replaced(old: &Json, new: Json) -> Json {
    match (old, &new) {
        (Json::String(_), Json::Bool(_) | Json::Number(_)) if needs_quotes(old) => {
            Json::String(text(&new).into_owned())
        }
        _ => new,
    }
}

fn needs_quotes(value: &Json) -> bool {
    windlass_manifest::to_yaml(value).starts_with(['"', '\'', '|', '>'])
}
