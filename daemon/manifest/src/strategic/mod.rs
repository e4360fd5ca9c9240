//! Strategic merge patch: Kubernetes' own patch, which knows how the lists of its types merge.
//!
//! A map merges key by key and `null` deletes. What a list does depends on its type: a list with a
//! merge key merges item by item, a list of scalars may be a set, every other list is replaced
//! (Kubernetes documentation, «Update API Objects in Place Using kubectl patch»). Directives stand
//! in the patch: `$patch`, `$retainKeys`, `$setElementOrder/FIELD`, `$deleteFromPrimitiveList/FIELD`
//! (Kubernetes design documents, «strategic merge patch» and «preserve order in strategic merge
//! patch»).

mod apply;
mod builtin;
mod conflict;
mod diff;
mod directive;
mod error;
mod lists;
mod place;
pub mod plain;
mod schema;
mod sort;
#[cfg(test)]
mod tests;
mod three_way;

use serde_json::{Map, Value};

pub use apply::apply;
pub use builtin::BuiltinSchema;
pub use diff::diff;
pub use error::PatchError;
pub use schema::{Field, Schema, Strategy};
pub use sort::sort_merging_lists;
pub use three_way::{Conflicts, three_way};

use crate::Json;
use crate::object::type_name;

pub(crate) const PATCH: &str = "$patch";
pub(crate) const RETAIN_KEYS: &str = "$retainKeys";
pub(crate) const SET_ORDER: &str = "$setElementOrder/";
pub(crate) const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";

fn mapping(value: &Json) -> Result<&Map<String, Json>, PatchError> {
    value.as_object().ok_or_else(|| PatchError::NotAMapping {
        found: type_name(value),
    })
}

/// The type of an object, by its `apiVersion` and `kind`.
fn root_of<S: Schema>(schema: &S, object: &Map<String, Json>) -> Option<S::Type> {
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or("");
    schema.root(text("apiVersion"), text("kind"))
}
