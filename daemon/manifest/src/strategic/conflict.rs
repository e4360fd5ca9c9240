//! Whether two patches of one object contradict each other.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::directive::is_directive;
use super::place::{Place, identity};
use super::{Field, PATCH, Schema, Strategy};
use crate::Json;

/// The first field that both patches set, differently; `None` when there is none.
///
/// Sets never contradict each other. A field whose map is replaced does not either, as Kubernetes
/// sees it.
pub(super) fn conflict<S: Schema>(
    schema: &S,
    left: &Map<String, Json>,
    right: &Map<String, Json>,
    of: Option<S::Type>,
) -> Option<String> {
    maps(schema, left, right, of, &Place::root())
}

fn maps<S: Schema>(
    schema: &S,
    left: &Map<String, Json>,
    right: &Map<String, Json>,
    of: Option<S::Type>,
    place: &Place<'_>,
) -> Option<String> {
    // One deletes or replaces the whole map, the other changes something in it.
    if left.get(PATCH) != right.get(PATCH) {
        return Some(place.path());
    }
    left.iter()
        .filter(|(key, _)| !is_directive(key))
        .find_map(|(key, left)| {
            let right = right.get(key)?;
            values(
                schema,
                left,
                right,
                &schema.field(of, key),
                &place.below(key),
            )
        })
}

fn values<S: Schema>(
    schema: &S,
    left: &Json,
    right: &Json,
    field: &Field<S::Type>,
    place: &Place<'_>,
) -> Option<String> {
    match (left, right) {
        (Value::Object(left), Value::Object(right)) => {
            if field.replace && left.get(PATCH) == right.get(PATCH) {
                return None;
            }
            maps(schema, left, right, field.child, place)
        }
        (Value::Array(left), Value::Array(right)) => match field.strategy {
            Strategy::Set => None,
            Strategy::ByKey(key) => keyed(schema, left, right, (key, field.child), place),
            Strategy::Atomic => atomic(schema, left, right, field.child, place),
        },
        (left, right) => (left != right).then(|| place.path()),
    }
}

fn keyed<S: Schema>(
    schema: &S,
    left: &[Json],
    right: &[Json],
    (key, of): (&'static str, Option<S::Type>),
    place: &Place<'_>,
) -> Option<String> {
    let by_key = |item: &'_ Json| Some(identity(item.get(key)?));
    let right: HashMap<String, &Map<String, Json>> = right
        .iter()
        .filter_map(|item| Some((by_key(item)?, item.as_object()?)))
        .collect();
    left.iter().find_map(|item| {
        let id = by_key(item)?;
        maps(
            schema,
            item.as_object()?,
            right.get(&id)?,
            of,
            &place.item(&id),
        )
    })
}

/// Lists that are replaced: scalars are compared without their order, maps one by one.
fn atomic<S: Schema>(
    schema: &S,
    left: &[Json],
    right: &[Json],
    of: Option<S::Type>,
    place: &Place<'_>,
) -> Option<String> {
    if left.len() != right.len() {
        return Some(place.path());
    }
    if left
        .iter()
        .chain(right)
        .any(|item| item.is_object() || item.is_array())
    {
        let field = Field {
            child: of,
            ..Field::default()
        };
        return left
            .iter()
            .zip(right)
            .find_map(|(left, right)| values(schema, left, right, &field, place));
    }
    let sorted = |items: &[Json]| {
        let mut ids: Vec<String> = items.iter().map(identity).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    (sorted(left) != sorted(right)).then(|| place.path())
}
