//! Lists that merge: by a key of their items, or as sets of scalars.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::apply::{Directive, Merger, Place, directive, stripped};
use super::{PATCH, PatchError, Schema};
use crate::object::type_name;
use crate::{Json, to_canonical_json};

/// Adds the scalars of the patch that are not there yet, in the order that the patch asks for.
pub(super) fn merge_set(
    original: &[Json],
    patch: &[Json],
    order: Option<&Json>,
    place: &Place<'_>,
) -> Result<Vec<Json>, PatchError> {
    let mut seen = std::collections::HashSet::new();
    let mut merged: Vec<Json> = Vec::with_capacity(original.len() + patch.len());
    for item in original.iter().chain(patch) {
        if item.is_object() || item.is_array() {
            return Err(PatchError::WrongType {
                path: place.path(),
                found: "a list of mappings",
                expected: "a list of scalars",
            });
        }
        if seen.insert(to_canonical_json(item)) {
            merged.push(item.clone());
        }
    }
    sort(merged, original, patch, order, place, |item| Some(to_canonical_json(item)), |item| {
        Some(to_canonical_json(item))
    })
}

/// Merges items that have the same value of `key`; the patch's new ones are added.
pub(super) fn merge_by_key<S: Schema>(
    merger: &Merger<'_, S>,
    original: &[Json],
    patch: &[Json],
    order: Option<&Json>,
    key: &str,
    of: Option<S::Type>,
    place: &Place<'_>,
) -> Result<Vec<Json>, PatchError> {
    // A `$patch: replace` anywhere in the list replaces the whole list by the patch's other items.
    for item in patch {
        let Value::Object(map) = item else {
            return Err(PatchError::WrongType {
                path: place.path(),
                found: type_name(item),
                expected: "a list of mappings",
            });
        };
        if directive(map, place)? == Directive::Replace {
            return Ok(patch.iter().filter(|item| item.get(PATCH).is_none()).map(stripped).collect());
        }
    }
    let identity = |map: &Map<String, Json>| map.get(key).map(to_canonical_json);
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut merged: Vec<Option<Json>> = Vec::with_capacity(original.len() + patch.len());
    for item in original {
        if let Some(id) = item.as_object().and_then(identity) {
            // Kubernetes merges into the first of two items with one key.
            at.entry(id).or_insert(merged.len());
        }
        merged.push(Some(item.clone()));
    }
    for item in patch.iter().filter_map(Json::as_object) {
        let Some(id) = identity(item) else {
            return Err(PatchError::NoMergeKey { path: place.path(), key: key.to_owned() });
        };
        let found = at.get(&id).copied();
        if directive(item, place)? == Directive::Delete {
            for slot in &mut merged {
                let same = slot.as_ref().and_then(Json::as_object).and_then(identity);
                if same.as_ref() == Some(&id) {
                    *slot = None;
                }
            }
            at.remove(&id);
            continue;
        }
        let place = place.below(&id);
        match found.and_then(|index| merged.get_mut(index)) {
            Some(slot) => {
                let before = slot.as_ref().and_then(Json::as_object);
                *slot = Some(Value::Object(merger.maps(before, item, of, &place)?));
            }
            None => {
                at.insert(id.clone(), merged.len());
                merged.push(Some(Value::Object(merger.maps(None, item, of, &place)?)));
            }
        }
    }
    let merged: Vec<Json> = merged.into_iter().flatten().collect();
    let by_key = |item: &Json| item.as_object().and_then(identity);
    // The order lists either items that hold nothing but the key, or the keys themselves.
    sort(merged, original, patch, order, place, by_key, |item| match item {
        Value::Object(map) => identity(map),
        scalar => Some(to_canonical_json(scalar)),
    })
}

/// Puts items into the order that `$setElementOrder` asks for.
///
/// Items that the order names stand as it says; items that only the server has keep their place
/// relative to their neighbours in the original list. Without an order the list stays as merged.
fn sort(
    merged: Vec<Json>,
    original: &[Json],
    patch: &[Json],
    order: Option<&Json>,
    place: &Place<'_>,
    id_of: impl Fn(&Json) -> Option<String>,
    order_id: impl Fn(&Json) -> Option<String>,
) -> Result<Vec<Json>, PatchError> {
    let Some(order) = order else { return Ok(merged) };
    let Value::Array(order) = order else {
        return Err(PatchError::Directive {
            path: place.path(),
            reason: format!("{} stands where an order (a list) is expected", type_name(order)),
        });
    };
    let positions: HashMap<String, usize> = order
        .iter()
        .enumerate()
        .filter_map(|(index, item)| Some((order_id(item)?, index)))
        .collect();
    for item in patch.iter().filter(|item| item.get(PATCH).is_none()) {
        if id_of(item).is_some_and(|id| !positions.contains_key(&id)) {
            return Err(PatchError::Directive {
                path: place.path(),
                reason: "the patch has an item that its order does not name".to_owned(),
            });
        }
    }
    let (mut ordered, server_only): (Vec<Json>, Vec<Json>) = merged
        .into_iter()
        .partition(|item| id_of(item).is_some_and(|id| positions.contains_key(&id)));
    ordered.sort_by_key(|item| id_of(item).and_then(|id| positions.get(&id).copied()));
    let server: HashMap<String, usize> = original
        .iter()
        .enumerate()
        .filter_map(|(index, item)| Some((id_of(item)?, index)))
        .collect();
    let server_place = |item: &Json| id_of(item).and_then(|id| server.get(&id).copied());
    // Merge of two sorted lists: an item that only the server has goes before the first ordered
    // item that stood behind it on the server.
    let mut result = Vec::with_capacity(ordered.len() + server_only.len());
    let mut rest = server_only.into_iter().peekable();
    for item in ordered {
        if let Some(at) = server_place(&item) {
            while let Some(extra) = rest.next_if(|extra| server_place(extra).is_some_and(|s| s < at)) {
                result.push(extra);
            }
        }
        result.push(item);
    }
    result.extend(rest);
    Ok(result)
}
