//! Applying a strategic merge patch.

use serde_json::{Map, Value};

use super::lists::{merge_by_key, merge_set};
use super::{
    DELETE_PRIMITIVES, Field, MAX_DEPTH, PATCH, PatchError, RETAIN_KEYS, SET_ORDER, Schema,
    Strategy,
};
use crate::Json;
use crate::object::type_name;

/// Applies `patch` to `original`, an object of a kind that `schema` may know.
///
/// A kind without a schema merges as JSON merge patch (RFC 7386) does: its lists are replaced. That
/// is what kubectl does for custom resources.
///
/// # Errors
/// [`PatchError`], which names the place in the patch.
pub fn apply<S: Schema>(original: &Json, patch: &Json, schema: &S) -> Result<Json, PatchError> {
    let (Value::Object(original), Value::Object(patch)) = (original, patch) else {
        let wrong = if original.is_object() { patch } else { original };
        return Err(PatchError::NotAMapping { found: type_name(wrong) });
    };
    let text = |field: &str| original.get(field).and_then(Json::as_str).unwrap_or("");
    let root = schema.root(text("apiVersion"), text("kind"));
    let merger = Merger { schema };
    merger.maps(Some(original), patch, root, &Place::root()).map(Value::Object)
}

/// A place in the patch, for errors; built only when one is told.
pub(super) struct Place<'a> {
    above: Option<&'a Place<'a>>,
    name: &'a str,
    depth: usize,
}

impl<'a> Place<'a> {
    pub(super) fn root() -> Place<'static> {
        Place { above: None, name: "", depth: 0 }
    }

    pub(super) fn below(&'a self, name: &'a str) -> Place<'a> {
        Place { above: Some(self), name, depth: self.depth + 1 }
    }

    pub(super) fn path(&self) -> String {
        match self.above {
            None => String::new(),
            Some(above) => {
                let path = above.path();
                if path.is_empty() { self.name.to_owned() } else { format!("{path}.{}", self.name) }
            }
        }
    }
}

pub(super) struct Merger<'s, S> {
    pub(super) schema: &'s S,
}

/// What `$patch` says of the map or item that it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Directive {
    Merge,
    Replace,
    Delete,
}

pub(super) fn directive(map: &Map<String, Json>, place: &Place<'_>) -> Result<Directive, PatchError> {
    match map.get(PATCH) {
        None => Ok(Directive::Merge),
        Some(Value::String(text)) => match text.as_str() {
            "merge" => Ok(Directive::Merge),
            "replace" => Ok(Directive::Replace),
            "delete" => Ok(Directive::Delete),
            other => Err(PatchError::Directive {
                path: place.below(PATCH).path(),
                reason: format!("`{other}` is unknown; use `merge`, `replace` or `delete`"),
            }),
        },
        Some(other) => Err(PatchError::Directive {
            path: place.below(PATCH).path(),
            reason: format!("{} stands where `merge`, `replace` or `delete` is expected", type_name(other)),
        }),
    }
}

/// A map of the patch as a value: without directives, and without what it deletes.
pub(super) fn stripped(value: &Json) -> Json {
    match value {
        Value::Object(map) => {
            let kept = map.iter().filter(|(key, value)| !is_directive(key) && !value.is_null());
            Value::Object(kept.map(|(key, value)| (key.clone(), stripped(value))).collect())
        }
        Value::Array(items) => Value::Array(
            items
                .iter()
                .filter(|item| item.get(PATCH).is_none())
                .map(stripped)
                .collect(),
        ),
        other => other.clone(),
    }
}

fn is_directive(key: &str) -> bool {
    key == PATCH
        || key == RETAIN_KEYS
        || key.starts_with(SET_ORDER)
        || key.starts_with(DELETE_PRIMITIVES)
}

impl<S: Schema> Merger<'_, S> {
    /// Merges a map of the patch into the map that is there, if there is one.
    pub(super) fn maps(
        &self,
        original: Option<&Map<String, Json>>,
        patch: &Map<String, Json>,
        of: Option<S::Type>,
        place: &Place<'_>,
    ) -> Result<Map<String, Json>, PatchError> {
        if place.depth > MAX_DEPTH {
            return Err(PatchError::TooDeep { path: place.path(), limit: MAX_DEPTH });
        }
        match directive(patch, place)? {
            Directive::Replace => {
                let Value::Object(map) = stripped(&Value::Object(patch.clone())) else {
                    return Ok(Map::new());
                };
                return Ok(map);
            }
            Directive::Delete => return Ok(Map::new()),
            Directive::Merge => {}
        }
        let mut merged = original.cloned().unwrap_or_default();
        if let Some(keys) = patch.get(RETAIN_KEYS) {
            retain(&mut merged, patch, keys, place)?;
        }
        for (key, value) in patch {
            if let Some(field) = key.strip_prefix(DELETE_PRIMITIVES) {
                delete_primitives(&mut merged, field, value, &place.below(key))?;
            }
        }
        for (key, value) in patch {
            if is_directive(key) {
                continue;
            }
            if value.is_null() {
                merged.remove(key);
                continue;
            }
            let order = patch.get(&format!("{SET_ORDER}{key}"));
            let field = self.schema.field(of, key);
            let place = place.below(key);
            let result = self.values(merged.get(key), value, order, &field, &place)?;
            match result {
                Some(result) => merged.insert(key.clone(), result),
                None => merged.remove(key),
            };
        }
        // An order may be given for a list that the patch does not otherwise touch.
        for (key, order) in patch {
            let Some(name) = key.strip_prefix(SET_ORDER) else { continue };
            if patch.contains_key(name) {
                continue;
            }
            let Some(Value::Array(items)) = merged.get(name) else { continue };
            let field = self.schema.field(of, name);
            let empty = Value::Array(Vec::new());
            let place = place.below(name);
            let current = Value::Array(items.clone());
            if let Some(result) = self.values(Some(&current), &empty, Some(order), &field, &place)?
                && field.strategy != Strategy::Atomic
            {
                merged.insert(name.to_owned(), result);
            }
        }
        Ok(merged)
    }

    /// The value of a field after the patch; `None` when the field goes.
    fn values(
        &self,
        original: Option<&Json>,
        patch: &Json,
        order: Option<&Json>,
        field: &Field<S::Type>,
        place: &Place<'_>,
    ) -> Result<Option<Json>, PatchError> {
        match patch {
            Value::Object(patch) => {
                if field.replace && directive(patch, place)? == Directive::Merge {
                    return Ok(Some(stripped(&Value::Object(patch.clone()))));
                }
                let original = original.and_then(Json::as_object);
                self.maps(original, patch, field.child, place).map(|map| Some(Value::Object(map)))
            }
            Value::Array(patch) => {
                let original = match original {
                    Some(Value::Array(items)) => items.as_slice(),
                    _ => &[],
                };
                let items = match field.strategy {
                    Strategy::Atomic => patch.iter().map(stripped).collect(),
                    Strategy::Set => merge_set(original, patch, order, place)?,
                    Strategy::ByKey(key) => merge_by_key(self, original, patch, order, key, field.child, place)?,
                };
                Ok(Some(Value::Array(items)))
            }
            scalar => Ok(Some(scalar.clone())),
        }
    }
}

/// `$retainKeys`: of the map that is there, only these keys stay.
fn retain(
    merged: &mut Map<String, Json>,
    patch: &Map<String, Json>,
    keys: &Json,
    place: &Place<'_>,
) -> Result<(), PatchError> {
    let wrong = |reason: String| PatchError::Directive { path: place.below(RETAIN_KEYS).path(), reason };
    let Value::Array(keys) = keys else {
        return Err(wrong(format!("{} stands where a list of keys is expected", type_name(keys))));
    };
    let mut kept = std::collections::BTreeSet::new();
    for key in keys {
        kept.insert(key.as_str().ok_or_else(|| wrong("a key is not a string".to_owned()))?);
    }
    for (key, value) in patch {
        if !is_directive(key) && !value.is_null() && !kept.contains(key.as_str()) {
            return Err(wrong(format!("the patch sets `{key}`, which the list does not hold")));
        }
    }
    merged.retain(|key, _| kept.contains(key.as_str()));
    Ok(())
}

fn delete_primitives(
    merged: &mut Map<String, Json>,
    field: &str,
    gone: &Json,
    place: &Place<'_>,
) -> Result<(), PatchError> {
    let Value::Array(gone) = gone else {
        return Err(PatchError::WrongType { path: place.path(), found: type_name(gone), expected: "a list" });
    };
    if let Some(Value::Array(items)) = merged.get_mut(field) {
        items.retain(|item| !gone.contains(item));
    }
    Ok(())
}
