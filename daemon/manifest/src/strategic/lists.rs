//! Lists that merge: by a key of their items, or as sets of scalars.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::apply::Merger;
use super::directive::{Directive, directive, fresh, is_special};
use super::place::{Place, identity};
use super::{PatchError, SET_ORDER, Schema, Strategy};
use crate::Json;
use crate::object::type_name;

/// An item with what tells it apart, if it has that.
type Item = (Option<String>, Json);

/// Adds the scalars of the patch that are not there yet.
pub(super) fn merge_set(
    before: Vec<Json>,
    patch: &[Json],
    order: Option<&Json>,
    place: &Place<'_>,
) -> Result<Vec<Json>, PatchError> {
    scalars(&before, place)?;
    scalars(patch, place)?;
    let positions = positions(patch, order, Strategy::Set, place)?;
    let server = first_places(before.iter().map(|item| Some(identity(item))));
    let mut merged: Vec<Item> = Vec::with_capacity(before.len() + patch.len());
    if patch.is_empty() {
        merged.extend(before.into_iter().map(|item| (Some(identity(&item)), item)));
    } else {
        let mut seen = HashSet::new();
        for item in before.into_iter().chain(patch.iter().cloned()) {
            let id = identity(&item);
            if seen.insert(id.clone()) {
                merged.push((Some(id), item));
            }
        }
    }
    Ok(arrange(merged, &server, &positions))
}

/// Merges items that have the same value of a key, given with the type of the items; the patch's
/// new ones are added.
pub(super) fn merge_by_key<S: Schema>(
    merger: &Merger<'_, S>,
    before: Vec<Json>,
    patch: &[Json],
    order: Option<&Json>,
    (key, of): (&'static str, Option<S::Type>),
    place: &Place<'_>,
) -> Result<Vec<Json>, PatchError> {
    let positions = positions(patch, order, Strategy::ByKey(key), place)?;
    let mut deleted = HashSet::new();
    let mut is_replaced = false;
    for item in patch {
        let map = map_of(item, place)?;
        match directive(map, place)? {
            Directive::Merge => {}
            // Anywhere in the list it replaces the whole list by the patch's other items.
            Directive::Replace => is_replaced = true,
            Directive::Delete => {
                deleted.insert(key_of(map, key, place)?);
            }
        }
    }
    let mut merged: Vec<Item> = Vec::with_capacity(before.len() + patch.len());
    let mut at: HashMap<String, usize> = HashMap::new();
    let mut server = HashMap::new();
    let mut freed = 0;
    if !is_replaced {
        for item in before {
            let id = map_of(&item, place)?.get(key).map(identity);
            if id.as_ref().is_some_and(|id| deleted.contains(id)) {
                freed += 1;
                continue;
            }
            if let Some(id) = &id {
                // Kubernetes merges into the first of two items with one key.
                at.entry(id.clone()).or_insert(merged.len());
            }
            merged.push((id, item));
        }
        server = at.clone();
    }
    for item in patch.iter().filter(|item| !is_special(item)) {
        let map = map_of(item, place)?;
        let id = key_of(map, key, place)?;
        let place = place.item(&id);
        match at.get(&id).and_then(|index| merged.get_mut(*index)) {
            Some((_, Value::Object(there))) => merger.map(there, map, of, &place)?,
            _ => {
                if let Some(item) = fresh(item, merger.typed, &place)? {
                    // Where an order is given, Kubernetes' API server lets a new item take the room
                    // of a deleted one: it counts as the last that the server had. A preview has to
                    // end in the same order.
                    if order.is_some() && freed > 0 {
                        freed -= 1;
                        server.insert(id.clone(), merged.len());
                    }
                    at.insert(id.clone(), merged.len());
                    merged.push((Some(id), item));
                }
            }
        }
    }
    Ok(arrange(merged, &server, &positions))
}

/// The order that `$setElementOrder` asks for: what tells its items apart, first to last.
///
/// The patch's own items must stand in it, in the same order; Kubernetes refuses others too.
pub(super) fn order_of(
    patch: &[Json],
    order: &Json,
    strategy: Strategy,
    place: &Place<'_>,
) -> Result<Vec<String>, PatchError> {
    let wrong = |reason: String| PatchError::Directive {
        path: format!("{SET_ORDER}{}", place.path()),
        reason,
    };
    let Value::Array(order) = order else {
        return Err(wrong(format!(
            "{} stands where an order (a list) is expected",
            type_name(order)
        )));
    };
    let id_of = |item: &Json| match (strategy, item) {
        (Strategy::ByKey(key), Value::Object(map)) => key_of(map, key, place),
        (_, scalar) => Ok(identity(scalar)),
    };
    let order = order.iter().map(id_of).collect::<Result<Vec<_>, _>>()?;
    if strategy != Strategy::Atomic && !order.is_empty() {
        let mut rest = order.iter();
        for item in patch.iter().filter(|item| !is_special(item)) {
            let id = id_of(item)?;
            if !rest.any(|named| *named == id) {
                return Err(wrong(format!(
                    "the order of the patch's items doesn't match it at {id}"
                )));
            }
        }
    }
    Ok(order)
}

/// Where the items of the patch, or of its `$setElementOrder`, are to stand.
fn positions(
    patch: &[Json],
    order: Option<&Json>,
    strategy: Strategy,
    place: &Place<'_>,
) -> Result<HashMap<String, usize>, PatchError> {
    if let Some(order) = order {
        let order = order_of(patch, order, strategy, place)?;
        return Ok(first_places(order.into_iter().map(Some)));
    }
    Ok(first_places(
        patch
            .iter()
            .filter(|item| !is_special(item))
            .map(|item| match strategy {
                Strategy::ByKey(key) => item.get(key).map(identity),
                Strategy::Set | Strategy::Atomic => Some(identity(item)),
            }),
    ))
}

pub(super) fn first_places(ids: impl Iterator<Item = Option<String>>) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for (index, id) in ids.enumerate() {
        if let Some(id) = id {
            places.entry(id).or_insert(index);
        }
    }
    places
}

/// Puts items into the order that the patch asks for.
///
/// Items that `positions` names stand as it says. Items that only the server has keep their own
/// order; each stands before the first named item that it preceded on the server.
pub(super) fn arrange(
    items: Vec<Item>,
    server: &HashMap<String, usize>,
    positions: &HashMap<String, usize>,
) -> Vec<Json> {
    let place_in = |places: &HashMap<String, usize>, item: &Item| {
        item.0.as_ref().and_then(|id| places.get(id).copied())
    };
    let mut result = Vec::with_capacity(items.len());
    let (mut named, server_only): (Vec<Item>, Vec<Item>) = items
        .into_iter()
        .partition(|item| place_in(positions, item).is_some());
    named.sort_by_key(|item| place_in(positions, item));
    let mut rest = server_only.into_iter().peekable();
    for item in named {
        if let Some(at) = place_in(server, &item) {
            while let Some((_, extra)) =
                rest.next_if(|extra| place_in(server, extra).is_some_and(|place| place < at))
            {
                result.push(extra);
            }
        }
        result.push(item.1);
    }
    result.extend(rest.map(|(_, item)| item));
    result
}

pub(super) fn map_of<'a>(
    item: &'a Json,
    place: &Place<'_>,
) -> Result<&'a Map<String, Json>, PatchError> {
    item.as_object().ok_or_else(|| PatchError::WrongType {
        path: place.path(),
        found: "a list of other things",
        expected: "a list of mappings",
    })
}

pub(super) fn key_of(
    map: &Map<String, Json>,
    key: &str,
    place: &Place<'_>,
) -> Result<String, PatchError> {
    map.get(key)
        .map(identity)
        .ok_or_else(|| PatchError::NoMergeKey {
            path: place.path(),
            key: key.to_owned(),
        })
}

pub(super) fn scalars(items: &[Json], place: &Place<'_>) -> Result<(), PatchError> {
    if items.iter().any(|item| item.is_object() || item.is_array()) {
        return Err(PatchError::WrongType {
            path: place.path(),
            found: "a list of mappings or lists",
            expected: "a list of scalars",
        });
    }
    Ok(())
}
