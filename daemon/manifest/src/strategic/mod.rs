//! Strategic merge patch: Kubernetes' own patch, which knows how the lists of its types merge.
//!
//! A map merges key by key and `null` deletes. What a list does depends on its type: a list with a
//! merge key merges item by item, a list of scalars may be a set, every other list is replaced
//! (Kubernetes documentation, «Update API Objects in Place Using kubectl patch»). Directives stand
//! in the patch: `$patch`, `$retainKeys`, `$setElementOrder/FIELD`, `$deleteFromPrimitiveList/FIELD`.

mod apply;
mod builtin;
mod error;
mod lists;
mod schema;

pub use apply::apply;
pub use builtin::BuiltinSchema;
pub use error::PatchError;
pub use schema::{Field, Schema, Strategy};

/// How deep a patch may be nested.
pub(crate) const MAX_DEPTH: usize = 128;

pub(crate) const PATCH: &str = "$patch";
pub(crate) const RETAIN_KEYS: &str = "$retainKeys";
pub(crate) const SET_ORDER: &str = "$setElementOrder/";
pub(crate) const DELETE_PRIMITIVES: &str = "$deleteFromPrimitiveList/";
