//! YAML and JSON in and out by kubectl's rules, object identity, ordering of kinds.
//!
//! Nothing here does I/O, so the same code serves the daemon and, compiled to WebAssembly, the
//! plugins.

mod decode;
mod depth;
mod emit;
mod id;
pub mod jsonpatch;
mod object;
mod origin;
pub mod rank;
mod read;
pub mod secret_ref;
pub mod selector;
pub mod strategic;

pub use decode::{
    DecodeError, Document, Limits, Position, Problem, Rules, decode, decode_by,
    decode_with_positions, decode_with_positions_by, plain_scalar,
};
pub use emit::{to_yaml, to_yaml_stream};
pub use id::{GroupKind, GroupKindError, Gvk, ObjectId};
pub use object::{Object, ObjectError};
pub use origin::{INDEX_ANNOTATION, Origin, PATH_ANNOTATION};
pub use rank::{Rank, is_namespaced_builtin, rank_of};
pub use read::{ReadError, read_objects};
pub use secret_ref::{SecretRef, SecretRefError};
pub use selector::{Selector, SelectorError};

/// A JSON value; maps are sorted by key, so that the same value is always written the same way.
pub type Json = serde_json::Value;

/// Writes a value compactly with sorted keys, for digests and comparisons.
pub fn to_canonical_json(value: &Json) -> String {
    // serde_json's map is a BTreeMap here, so its own order is the canonical one.
    value.to_string()
}
