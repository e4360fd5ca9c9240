//! Making a patch from three states of an object, as `kubectl apply` does.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::conflict::conflict;
use super::diff::Differ;
use super::directive::is_special;
use super::lists::{arrange, first_places};
use super::place::{Place, bounded, identity};
use super::{PATCH, PatchError, RETAIN_KEYS, SET_ORDER, Schema, Strategy, mapping, root_of};
use crate::Json;

/// What to do where the current object was changed in another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflicts {
    /// The patch is refused.
    Refuse,
    /// The patch sets its own values.
    Overwrite,
}

/// Makes the patch that brings the changes from `original` to `modified` into `current`.
///
/// The patch holds what `current` lacks or has otherwise than `modified`, and what `modified` no
/// longer has of `original`; what others added to `current` stays. Where nothing was applied
/// before, `original` is an empty mapping.
///
/// # Errors
/// [`PatchError::Conflict`] where `current` and `modified` both changed a field, differently, and
/// `conflicts` refuses that; the other [`PatchError`]s as for [`super::diff()`].
pub fn three_way<S: Schema>(
    original: &Json,
    modified: &Json,
    current: &Json,
    conflicts: Conflicts,
    schema: &S,
) -> Result<Json, PatchError> {
    for document in [original, modified, current] {
        bounded(document)?;
    }
    let (original, modified) = (mapping(original)?, mapping(modified)?);
    let current = mapping(current)?;
    let root = root_of(schema, modified).or_else(|| root_of(schema, current));
    let place = Place::root();
    let additive = Differ {
        schema,
        order: true,
        changes: true,
        deletions: false,
    };
    let delta = additive.maps(current, modified, root, false, &place)?;
    let removing = Differ {
        schema,
        order: true,
        changes: false,
        deletions: true,
    };
    let deletions = removing.maps(original, modified, root, false, &place)?;
    let patch = both(schema, deletions, delta, root);
    if conflicts == Conflicts::Refuse {
        let all = Differ {
            schema,
            order: false,
            changes: true,
            deletions: true,
        };
        let changed = all.maps(original, current, root, false, &place)?;
        if let Some(path) = conflict(schema, &patch, &changed, root) {
            return Err(PatchError::Conflict { path });
        }
    }
    Ok(Value::Object(patch))
}

/// One patch that does what two do; where both speak of a field, they agree or only `delta` sets it.
fn both<S: Schema>(
    schema: &S,
    deletions: Map<String, Json>,
    delta: Map<String, Json>,
    of: Option<S::Type>,
) -> Map<String, Json> {
    let mut patch = deletions;
    for (key, value) in delta {
        let merged = match (patch.remove(&key), value) {
            (_, value) if key == RETAIN_KEYS || key.starts_with(SET_ORDER) => Some(value),
            (Some(Value::Object(gone)), Value::Object(value)) if !value.contains_key(PATCH) => {
                let child = schema.field(of, &key).child;
                Some(Value::Object(both(schema, gone, value, child)))
            }
            (Some(Value::Array(gone)), Value::Array(value)) => {
                let field = schema.field(of, &key);
                match field.strategy {
                    Strategy::ByKey(merge_key) => {
                        let order = patch.get(&format!("{SET_ORDER}{key}"));
                        let of = (merge_key, field.child);
                        Some(both_lists(schema, gone, value, of, order))
                    }
                    Strategy::Set | Strategy::Atomic => settled(Value::Array(value)),
                }
            }
            (_, value) => settled(value),
        };
        if let Some(merged) = merged {
            patch.insert(key, merged);
        }
    }
    patch
}

/// The items of both patches: in the order that is asked for, deletions last.
fn both_lists<S: Schema>(
    schema: &S,
    gone: Vec<Json>,
    delta: Vec<Json>,
    (key, of): (&'static str, Option<S::Type>),
    order: Option<&Json>,
) -> Json {
    let id_of = |item: &Json| item.get(key).map(identity);
    let order = match order {
        Some(Value::Array(order)) => order.as_slice(),
        _ => delta.as_slice(),
    };
    let positions = first_places(order.iter().map(id_of));
    let (deleted, gone): (Vec<Json>, Vec<Json>) = gone.into_iter().partition(is_special);
    let mut items: Vec<(Option<String>, Json)> = Vec::with_capacity(gone.len() + delta.len());
    let mut at = HashMap::new();
    for item in gone {
        let id = id_of(&item);
        at.entry(id.clone()).or_insert(items.len());
        items.push((id, item));
    }
    for item in delta {
        let id = id_of(&item);
        match (at.get(&id).and_then(|index| items.get_mut(*index)), item) {
            (Some((_, Value::Object(there))), Value::Object(item)) if !item.contains_key(PATCH) => {
                *there = both(schema, std::mem::take(there), item, of);
            }
            (_, item) => items.extend(settled(item).map(|item| (id, item))),
        }
    }
    let mut items = arrange(items, &HashMap::new(), &positions);
    items.extend(deleted);
    Value::Array(items)
}

/// A value of a configuration without the maps that say `$patch`: nothing is there to act upon.
fn settled(value: Json) -> Option<Json> {
    match value {
        Value::Object(map) if map.contains_key(PATCH) => None,
        Value::Object(map) => {
            let kept = map
                .into_iter()
                .filter_map(|(key, value)| Some((key, settled(value)?)));
            Some(Value::Object(kept.collect()))
        }
        Value::Array(items) => Some(Value::Array(
            items.into_iter().filter_map(settled).collect(),
        )),
        scalar => Some(scalar),
    }
}
