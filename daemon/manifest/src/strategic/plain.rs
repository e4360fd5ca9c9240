//! Patches without a schema: JSON merge patch, RFC 7386.
//!
//! It is what kubectl uses for custom resources. Lists are values: one replaces the other.

use serde_json::{Map, Value};

use super::PatchError;
use super::place::bounded;
use crate::Json;

/// Applies a patch, by the algorithm of RFC 7386 §2.
///
/// # Errors
/// [`PatchError::TooDeep`].
pub fn apply(target: &Json, patch: &Json) -> Result<Json, PatchError> {
    bounded(target)?;
    bounded(patch)?;
    let mut target = target.clone();
    merge(&mut target, patch);
    Ok(target)
}

/// Makes the patch that turns `original` into `modified`; an empty mapping when they are equal.
///
/// A `null` in `modified` is told as it is: the field is to go. A null within a new mapping or
/// within a changed list is told too, though only the one in a list can be kept by the patch.
///
/// # Errors
/// [`PatchError::TooDeep`].
pub fn diff(original: &Json, modified: &Json) -> Result<Json, PatchError> {
    bounded(original)?;
    bounded(modified)?;
    Ok(match (original, modified) {
        (Value::Object(original), Value::Object(modified)) => {
            Value::Object(difference(original, modified))
        }
        (_, modified) => modified.clone(),
    })
}

/// Makes the patch that brings the changes from `original` to `modified` into `current`.
///
/// It sets what `current` lacks or has otherwise, and deletes what `modified` no longer has of
/// `original`. Changes of others to the same fields are overwritten. Where nothing was applied
/// before, `original` is an empty mapping.
///
/// # Errors
/// [`PatchError::TooDeep`].
pub fn three_way(original: &Json, modified: &Json, current: &Json) -> Result<Json, PatchError> {
    let mut patch = only_deletions(&diff(original, modified)?)?;
    merge(&mut patch, &without_deletions(&diff(current, modified)?)?);
    Ok(patch)
}

/// Of a patch, what deletes: its nulls and the mappings that lead to them.
///
/// # Errors
/// [`PatchError::TooDeep`].
pub fn only_deletions(patch: &Json) -> Result<Json, PatchError> {
    bounded(patch)?;
    Ok(split(patch, true).unwrap_or_else(|| Value::Object(Map::new())))
}

/// Of a patch, what adds and changes: all but its nulls and the mappings that hold nothing else.
///
/// # Errors
/// [`PatchError::TooDeep`].
pub fn without_deletions(patch: &Json) -> Result<Json, PatchError> {
    bounded(patch)?;
    Ok(split(patch, false).unwrap_or_else(|| Value::Object(Map::new())))
}

fn split(patch: &Json, deletions: bool) -> Option<Json> {
    match patch {
        Value::Object(map) => {
            let kept: Map<String, Json> = map
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), split(value, deletions)?)))
                .collect();
            // A mapping that is empty by itself is a value; one that became empty is not.
            let is_kept = !kept.is_empty() || (map.is_empty() && !deletions);
            is_kept.then_some(Value::Object(kept))
        }
        value => (value.is_null() == deletions).then(|| value.clone()),
    }
}

fn merge(target: &mut Json, patch: &Json) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else {
        return;
    };
    for (key, value) in patch {
        if value.is_null() {
            target.remove(key);
        } else {
            merge(target.entry(key.clone()).or_insert(Value::Null), value);
        }
    }
}

fn difference(original: &Map<String, Json>, modified: &Map<String, Json>) -> Map<String, Json> {
    let mut patch = Map::new();
    for (key, value) in modified {
        match (original.get(key), value) {
            (Some(Value::Object(before)), Value::Object(after)) => {
                let inner = difference(before, after);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (before, value) => {
                if before != Some(value) {
                    patch.insert(key.clone(), value.clone());
                }
            }
        }
    }
    for key in original.keys().filter(|key| !modified.contains_key(*key)) {
        patch.insert(key.clone(), Value::Null);
    }
    patch
}
