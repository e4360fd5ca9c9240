//! Applying a strategic merge patch.

use serde_json::{Map, Value};

use super::directive::{
    Directive, delete_primitives, directive, fresh, fresh_map, is_directive, is_special, retain,
};
use super::lists::{merge_by_key, merge_set, order_of};
use super::place::{Place, bounded};
use super::{Field, PatchError, SET_ORDER, Schema, Strategy, mapping, root_of};
use crate::Json;

/// Applies `patch` to `original`, an object of a kind that `schema` may know.
///
/// A kind without a schema merges as JSON merge patch (RFC 7386) does: its lists are replaced. That
/// is what kubectl does for custom resources.
///
/// # Errors
/// [`PatchError`], which names the place in the patch.
pub fn apply<S: Schema>(original: &Json, patch: &Json, schema: &S) -> Result<Json, PatchError> {
    bounded(original)?;
    bounded(patch)?;
    let patch = mapping(patch)?;
    let mut target = mapping(original)?.clone();
    let root = root_of(schema, &target);
    let merger = Merger {
        schema,
        typed: root.is_some(),
    };
    merger.map(&mut target, patch, root, &Place::root())?;
    Ok(Value::Object(target))
}

pub(super) struct Merger<'s, S> {
    schema: &'s S,
    /// Whether the kind has a schema.
    pub(super) typed: bool,
}

impl<S: Schema> Merger<'_, S> {
    /// Merges a map of the patch into the map that is there.
    pub(super) fn map(
        &self,
        target: &mut Map<String, Json>,
        patch: &Map<String, Json>,
        of: Option<S::Type>,
        place: &Place<'_>,
    ) -> Result<(), PatchError> {
        match directive(patch, place)? {
            Directive::Merge => {}
            Directive::Replace => {
                *target = fresh_map(patch, self.typed, place)?;
                return Ok(());
            }
            Directive::Delete => {
                target.clear();
                return Ok(());
            }
        }
        retain(target, patch, place)?;
        delete_primitives(target, patch, place)?;
        for (key, value) in patch {
            if let Some(name) = key.strip_prefix(SET_ORDER) {
                // An order may be given for a list that the patch does not otherwise touch.
                if !patch.contains_key(name) && matches!(target.get(name), Some(Value::Array(_))) {
                    let field = self.schema.field(of, name);
                    let untouched = Value::Array(Vec::new());
                    self.value(
                        target,
                        name,
                        &untouched,
                        Some(value),
                        &field,
                        &place.below(name),
                    )?;
                }
            } else if value.is_null() {
                target.remove(key);
            } else if !is_directive(key) {
                let order = patch.get(&format!("{SET_ORDER}{key}"));
                let field = self.schema.field(of, key);
                self.value(target, key, value, order, &field, &place.below(key))?;
            }
        }
        Ok(())
    }

    /// Merges the patch's value of one field into the map that holds the field.
    fn value(
        &self,
        target: &mut Map<String, Json>,
        key: &str,
        patch: &Json,
        order: Option<&Json>,
        field: &Field<S::Type>,
        place: &Place<'_>,
    ) -> Result<(), PatchError> {
        match (target.get_mut(key), patch) {
            (Some(Value::Object(there)), Value::Object(patch)) if !field.replace => {
                self.map(there, patch, field.child, place)
            }
            (Some(Value::Array(there)), Value::Array(patch)) => {
                let before = std::mem::take(there);
                *there = match field.strategy {
                    Strategy::Atomic if order.is_some() && patch.is_empty() => before,
                    Strategy::Atomic => patch
                        .iter()
                        .filter(|item| !is_special(item))
                        .cloned()
                        .collect(),
                    Strategy::Set => merge_set(before, patch, order, place)?,
                    Strategy::ByKey(merge_key) => {
                        merge_by_key(self, before, patch, order, (merge_key, field.child), place)?
                    }
                };
                Ok(())
            }
            (_, patch) => {
                if let (Value::Array(items), Some(order)) = (patch, order) {
                    order_of(items, order, field.strategy, place)?;
                }
                match fresh(patch, self.typed, place)? {
                    Some(value) => target.insert(key.to_owned(), value),
                    None => target.remove(key),
                };
                Ok(())
            }
        }
    }
}
