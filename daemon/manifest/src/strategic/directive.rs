//! The directives of a patch, and what of a patch becomes a value.

use serde_json::{Map, Value};

use super::place::{Place, identity};
use super::{DELETE_PRIMITIVES, PATCH, PatchError, RETAIN_KEYS, SET_ORDER};
use crate::Json;
use crate::object::type_name;

/// What `$patch` says of the map or item that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

pub(super) fn directive(
    map: &Map<String, Json>,
    place: &Place<'_>,
) -> Result<Directive, PatchError> {
    let wrong = |reason: String| PatchError::Directive {
        path: place.below(PATCH).path(),
        reason,
    };
    match map.get(PATCH) {
        None => Ok(Directive::Merge),
        Some(Value::String(text)) => match text.as_str() {
            "merge" => Ok(Directive::Merge),
            "replace" => Ok(Directive::Replace),
            "delete" => Ok(Directive::Delete),
            other => Err(wrong(format!(
                "`{other}` is unknown; use `merge`, `replace` or `delete`"
            ))),
        },
        Some(other) => {
            let found = type_name(other);
            Err(wrong(format!(
                "{found} stands where `merge`, `replace` or `delete` is expected"
            )))
        }
    }
}

/// Whether a key of a patch speaks of the patch and is no field.
pub(super) fn is_directive(key: &str) -> bool {
    key == PATCH
        || key == RETAIN_KEYS
        || key.starts_with(SET_ORDER)
        || key.starts_with(DELETE_PRIMITIVES)
}

/// Whether an item says something of its list (`$patch`) instead of being merged into it.
pub(super) fn is_special(item: &Json) -> bool {
    item.get(PATCH)
        .is_some_and(|directive| directive != "merge")
}

/// A value of the patch where nothing is to merge with; `None` when it only deletes.
///
/// Directives and nulls go. In a document without a schema (`typed` is false) lists are taken as
/// they are, nulls within them too, as JSON merge patch does (RFC 7386 §2).
pub(super) fn fresh(
    value: &Json,
    typed: bool,
    place: &Place<'_>,
) -> Result<Option<Json>, PatchError> {
    match value {
        Value::Object(map) => {
            if directive(map, place)? == Directive::Delete {
                return Ok(None);
            }
            fresh_map(map, typed, place).map(|map| Some(Value::Object(map)))
        }
        Value::Array(items) => {
            let items = items.iter().filter(|item| !is_special(item));
            if !typed {
                return Ok(Some(items.cloned().collect()));
            }
            let mut kept = Vec::new();
            for item in items {
                kept.extend(fresh(item, typed, place)?);
            }
            Ok(Some(Value::Array(kept)))
        }
        scalar => Ok(Some(scalar.clone())),
    }
}

/// The fields of a map of the patch, as [`fresh`] takes them.
pub(super) fn fresh_map(
    map: &Map<String, Json>,
    typed: bool,
    place: &Place<'_>,
) -> Result<Map<String, Json>, PatchError> {
    let mut kept = Map::new();
    for (key, value) in map {
        if is_directive(key) || value.is_null() {
            continue;
        }
        if let Some(value) = fresh(value, typed, &place.below(key))? {
            kept.insert(key.clone(), value);
        }
    }
    Ok(kept)
}

/// `$retainKeys`: of the map that is there, only these keys stay.
pub(super) fn retain(
    target: &mut Map<String, Json>,
    patch: &Map<String, Json>,
    place: &Place<'_>,
) -> Result<(), PatchError> {
    let Some(keys) = patch.get(RETAIN_KEYS) else {
        return Ok(());
    };
    let wrong = |reason: String| PatchError::Directive {
        path: place.below(RETAIN_KEYS).path(),
        reason,
    };
    let Value::Array(keys) = keys else {
        return Err(wrong(format!(
            "{} stands where a list of keys is expected",
            type_name(keys)
        )));
    };
    let mut kept = std::collections::HashSet::new();
    for key in keys {
        kept.insert(
            key.as_str()
                .ok_or_else(|| wrong("a key is not a string".to_owned()))?,
        );
    }
    for (key, value) in patch {
        if !is_directive(key) && !value.is_null() && !kept.contains(key.as_str()) {
            return Err(wrong(format!(
                "the patch sets `{key}`, which the list does not hold"
            )));
        }
    }
    target.retain(|key, _| kept.contains(key.as_str()));
    Ok(())
}

/// `$deleteFromPrimitiveList/FIELD`: these scalars go, whatever the list's strategy is.
pub(super) fn delete_primitives(
    target: &mut Map<String, Json>,
    patch: &Map<String, Json>,
    place: &Place<'_>,
) -> Result<(), PatchError> {
    for (key, gone) in patch {
        let Some(field) = key.strip_prefix(DELETE_PRIMITIVES) else {
            continue;
        };
        let Value::Array(gone) = gone else {
            return Err(PatchError::Directive {
                path: place.below(key).path(),
                reason: format!(
                    "{} stands where a list of scalars is expected",
                    type_name(gone)
                ),
            });
        };
        let gone: std::collections::HashSet<String> = gone.iter().map(identity).collect();
        if let Some(Value::Array(items)) = target.get_mut(field) {
            items.retain(|item| !gone.contains(&identity(item)));
        }
    }
    Ok(())
}
