//! Making a patch from two states of an object.

use std::collections::{HashMap, HashSet, VecDeque};

use serde_json::{Map, Value};

use super::directive::is_directive;
use super::lists::{key_of, map_of, scalars};
use super::place::{Place, bounded, identity, text};
use super::{
    DELETE_PRIMITIVES, PATCH, PatchError, RETAIN_KEYS, SET_ORDER, Schema, Strategy, mapping,
    root_of,
};
use crate::Json;

/// Makes the patch that turns `original` into `modified`; an empty mapping when they are equal.
///
/// A `null` in `modified` is told as it is: the field is to go. Items that share their merge key are
/// paired in their order; a patch cannot say more about them, since the key is all that it has to
/// name them. The type is that of `modified`, or of `original` where `modified` tells none.
///
/// # Errors
/// [`PatchError`], which names the place, for what is no object of its type: a list that merges by
/// a key that an item lacks, or a mapping in a set.
pub fn diff<S: Schema>(original: &Json, modified: &Json, schema: &S) -> Result<Json, PatchError> {
    bounded(original)?;
    bounded(modified)?;
    let (original, modified) = (mapping(original)?, mapping(modified)?);
    let root = root_of(schema, modified).or_else(|| root_of(schema, original));
    Differ {
        schema,
        order: true,
        changes: true,
        deletions: true,
    }
    .maps(original, modified, root, false, &Place::root())
    .map(Value::Object)
}

/// What of a difference is told.
pub(super) struct Differ<'s, S> {
    pub(super) schema: &'s S,
    /// `$setElementOrder` for lists that change.
    pub(super) order: bool,
    /// What is added or has another value.
    pub(super) changes: bool,
    /// What is gone.
    pub(super) deletions: bool,
}

impl<S: Schema> Differ<'_, S> {
    /// The patch for one map; `retain` when its field takes `$retainKeys`.
    pub(super) fn maps(
        &self,
        original: &Map<String, Json>,
        modified: &Map<String, Json>,
        of: Option<S::Type>,
        retain: bool,
        place: &Place<'_>,
    ) -> Result<Map<String, Json>, PatchError> {
        let mut patch = Map::new();
        for (key, value) in modified {
            match (original.get(key), value) {
                (Some(Value::Object(before)), Value::Object(after)) => {
                    let field = self.schema.field(of, key);
                    if field.replace {
                        if self.changes && before != after {
                            patch.insert(key.clone(), value.clone());
                        }
                        continue;
                    }
                    let below = place.below(key);
                    let inner = self.maps(before, after, field.child, field.retain_keys, &below)?;
                    if !inner.is_empty() {
                        patch.insert(key.clone(), Value::Object(inner));
                    }
                }
                (Some(Value::Array(before)), Value::Array(after)) => {
                    self.list(key, before, after, of, &mut patch, &place.below(key))?;
                }
                (before, value) => {
                    if self.changes && before != Some(value) {
                        patch.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        if self.deletions {
            for key in original.keys().filter(|key| !modified.contains_key(*key)) {
                patch.insert(key.clone(), Value::Null);
            }
        }
        if retain {
            // Sorted, as the map is.
            let kept: Vec<Json> = modified
                .iter()
                .filter(|(key, value)| !value.is_null() && !is_directive(key))
                .map(|(key, _)| Value::String(key.clone()))
                .collect();
            let mut before = original.iter();
            let lost = before.any(|(key, value)| !value.is_null() && !modified.contains_key(key));
            if !kept.is_empty() && (lost || !patch.is_empty()) {
                patch.insert(RETAIN_KEYS.to_owned(), Value::Array(kept));
            }
        }
        Ok(patch)
    }

    fn list(
        &self,
        key: &str,
        before: &[Json],
        after: &[Json],
        of: Option<S::Type>,
        patch: &mut Map<String, Json>,
        place: &Place<'_>,
    ) -> Result<(), PatchError> {
        let field = self.schema.field(of, key);
        let whole = |patch: &mut Map<String, Json>| {
            if self.changes && before != after {
                patch.insert(key.to_owned(), Value::Array(after.to_vec()));
            }
        };
        if before.is_empty() {
            whole(patch);
            return Ok(());
        }
        let (items, gone, order) = match field.strategy {
            Strategy::Atomic => {
                whole(patch);
                return Ok(());
            }
            Strategy::Set => self.sets(before, after, place)?,
            Strategy::ByKey(merge_key) => {
                let of = (merge_key, field.child, field.retain_keys);
                let (items, order) = self.keyed(before, after, of, place)?;
                (items, Vec::new(), order)
            }
        };
        for (key, list) in [
            (key.to_owned(), items),
            (format!("{DELETE_PRIMITIVES}{key}"), gone),
            (format!("{SET_ORDER}{key}"), order),
        ] {
            if !list.is_empty() {
                patch.insert(key, Value::Array(list));
            }
        }
        Ok(())
    }

    /// What is added to a set, what goes, and the order.
    #[expect(
        clippy::type_complexity,
        reason = "the three lists of one field, named above"
    )]
    fn sets(
        &self,
        before: &[Json],
        after: &[Json],
        place: &Place<'_>,
    ) -> Result<(Vec<Json>, Vec<Json>, Vec<Json>), PatchError> {
        scalars(before, place)?;
        scalars(after, place)?;
        let there: HashSet<String> = before.iter().map(identity).collect();
        let kept: HashSet<String> = after.iter().map(identity).collect();
        let mut added = Vec::new();
        let mut gone = Vec::new();
        if self.changes {
            let mut seen = HashSet::new();
            added.extend(after.iter().filter(|item| {
                let id = identity(item);
                !there.contains(&id) && seen.insert(id)
            }));
        }
        if self.deletions {
            let mut seen = HashSet::new();
            gone.extend(before.iter().filter(|item| {
                let id = identity(item);
                !kept.contains(&id) && seen.insert(id)
            }));
            gone.sort_by_cached_key(|item| text(item));
        }
        let is_ordered = self.order && ((self.changes && before != after) || !gone.is_empty());
        let order = if is_ordered {
            after.to_vec()
        } else {
            Vec::new()
        };
        Ok((
            added.into_iter().cloned().collect(),
            gone.into_iter().cloned().collect(),
            order,
        ))
    }

    /// The items that change and the deleted ones, and the order of all.
    fn keyed(
        &self,
        before: &[Json],
        after: &[Json],
        (key, of, retain): (&'static str, Option<S::Type>, bool),
        place: &Place<'_>,
    ) -> Result<(Vec<Json>, Vec<Json>), PatchError> {
        let mut unpaired: HashMap<String, VecDeque<&Map<String, Json>>> = HashMap::new();
        let mut ids_before = Vec::with_capacity(before.len());
        for item in before {
            let map = map_of(item, place)?;
            let id = key_of(map, key, place)?;
            unpaired.entry(id.clone()).or_default().push_back(map);
            ids_before.push(id);
        }
        let mut ids_after = Vec::with_capacity(after.len());
        let mut items = Vec::new();
        for item in after {
            let map = map_of(item, place)?;
            let id = key_of(map, key, place)?;
            match unpaired.get_mut(&id).and_then(VecDeque::pop_front) {
                Some(before) => {
                    let mut inner = self.maps(before, map, of, retain, &place.item(&id))?;
                    if !inner.is_empty() {
                        if let Some(value) = map.get(key) {
                            inner.insert(key.to_owned(), value.clone());
                        }
                        items.push(Value::Object(inner));
                    }
                }
                None if self.changes => items.push(item.clone()),
                None => {}
            }
            ids_after.push(id);
        }
        if self.deletions {
            let kept: HashSet<&String> = ids_after.iter().collect();
            let mut gone: Vec<&Json> = Vec::new();
            let mut seen = HashSet::new();
            for (id, item) in ids_before.iter().zip(before) {
                // A deletion takes every item of the key, so that none may be left to keep.
                if !kept.contains(id) && seen.insert(id) {
                    gone.extend(item.get(key));
                }
            }
            gone.sort_by_cached_key(|value| text(value));
            items.extend(gone.into_iter().map(|value| {
                Value::Object(Map::from_iter([
                    (key.to_owned(), value.clone()),
                    (PATCH.to_owned(), Value::String("delete".to_owned())),
                ]))
            }));
        }
        let is_changed = !items.is_empty() || (self.changes && ids_before != ids_after);
        let mut order = Vec::new();
        if self.order && is_changed {
            order.extend(
                after
                    .iter()
                    .filter_map(|item| item.get(key))
                    .map(|value| Value::Object(Map::from_iter([(key.to_owned(), value.clone())]))),
            );
        }
        Ok((items, order))
    }
}
