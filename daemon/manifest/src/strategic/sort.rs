//! Comparing objects whose merging lists have no order of their own.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::directive::is_directive;
use super::lists::{map_of, scalars};
use super::place::{Place, bounded, identity, text};
use super::{DELETE_PRIMITIVES, PatchError, RETAIN_KEYS, Schema, Strategy, mapping, root_of};
use crate::Json;

/// Sorts every list that merges: by its merge key, or, as a set, by its scalars, each kept once.
///
/// Two objects that differ only in the order of such lists are then equal. Lists within a list that
/// is replaced keep their order; it has a meaning there. Takes a patch too: `$retainKeys` and
/// `$deleteFromPrimitiveList` are sorted, `$setElementOrder` is not.
///
/// # Errors
/// [`PatchError`], which names a list that does not fit its type.
pub fn sort_merging_lists<S: Schema>(value: &Json, schema: &S) -> Result<Json, PatchError> {
    bounded(value)?;
    let map = mapping(value)?;
    sorted(schema, map, root_of(schema, map), &Place::root()).map(Value::Object)
}

fn sorted<S: Schema>(
    schema: &S,
    map: &Map<String, Json>,
    of: Option<S::Type>,
    place: &Place<'_>,
) -> Result<Map<String, Json>, PatchError> {
    let mut result = Map::new();
    for (key, value) in map {
        let below = place.below(key);
        let field = schema.field(of, key);
        let value = match value {
            Value::Array(items) if key == RETAIN_KEYS || key.starts_with(DELETE_PRIMITIVES) => {
                Value::Array(by_text(items.clone()))
            }
            value if is_directive(key) => value.clone(),
            Value::Object(map) => Value::Object(sorted(schema, map, field.child, &below)?),
            Value::Array(items) => Value::Array(match field.strategy {
                Strategy::Atomic => items.clone(),
                Strategy::Set => {
                    scalars(items, &below)?;
                    let mut seen = HashSet::new();
                    let once = items.iter().filter(|item| seen.insert(identity(item)));
                    by_text(once.cloned().collect())
                }
                Strategy::ByKey(merge_key) => {
                    let mut items = items
                        .iter()
                        .map(|item| sorted(schema, map_of(item, &below)?, field.child, &below))
                        .collect::<Result<Vec<_>, _>>()?;
                    items.sort_by_cached_key(|item| item.get(merge_key).map(text));
                    items.into_iter().map(Value::Object).collect()
                }
            }),
            scalar => scalar.clone(),
        };
        result.insert(key.clone(), value);
    }
    Ok(result)
}

fn by_text(mut scalars: Vec<Json>) -> Vec<Json> {
    scalars.sort_by_cached_key(text);
    scalars
}
