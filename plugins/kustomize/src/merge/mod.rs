//! Laying a strategic merge patch over an object, as kustomize does.
//!
//! kustomize does not use the merge of the API server but one of its own (`kyaml/yaml/merge2` and
//! `kyaml/yaml/walk`), which differs in what is observable: it walks the whole object, also where
//! the patch says nothing; new items come before the old ones; `$setElementOrder`, `$retainKeys` and
//! `$deleteFromPrimitiveList` are fields like others; and lists whose items cannot be told apart by
//! their merge keys lose some of them. All of that is kept, because the result is what counts.
//!
//! Two things that kustomize sees in the text are not in a value: a `null` that is written as
//! nothing at all (`key:`), which kustomize drops from patched objects and which stays here, and the
//! quotes around a text that does not need them.

mod irregular;
mod list;
mod problem;
mod scalar;
mod walk;

#[cfg(test)]
mod tests;

use windlass_plugin_sdk::Json;

pub(crate) use self::scalar::text;

use crate::error::Result;
use crate::schema::Schema;

/// What a patch has left of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merged {
    /// The object, changed or not.
    Changed,
    /// Nothing: the patch deletes it.
    Deleted,
}

/// Lays a patch over an object.
///
/// A patch with `$patch: replace` at its root changes nothing, which is kustomize's behaviour too:
/// what would replace the object is dropped.
///
/// # Errors
/// Names the field: the patch has another kind of value than the object, or an unknown directive.
pub(crate) fn merge(object: &mut Json, mut patch: Json, schema: &Schema) -> Result<Merged> {
    match (walk::Walk { schema }).pair(object, &mut patch, None) {
        Ok(walk::Outcome::Nothing) => Ok(Merged::Deleted),
        Ok(walk::Outcome::Object | walk::Outcome::Patch) => Ok(Merged::Changed),
        Err(problem) => Err(problem.into_error()),
    }
}
