//! What changes resources, one transformer a file.

pub(crate) mod annotation;
pub(crate) mod hash;
pub(crate) mod image;
pub(crate) mod json6902;
pub(crate) mod label;
pub(crate) mod name;
pub(crate) mod name_reference;
pub(crate) mod namespace;
pub(crate) mod patch;
pub(crate) mod replacement;
pub(crate) mod replica;
pub(crate) mod sort;
pub(crate) mod strategic_merge;
mod target;
pub(crate) mod value_add;
pub(crate) mod variable;

use crate::error::Result;
use crate::resources::Resources;
use crate::schema::Schema;

/// Changes the resources of a build, in place.
///
/// A transformer is a value that is made from its configuration, with every file read that it needs;
/// running it does no I/O.
pub(crate) trait Transformer {
    /// Changes the resources.
    ///
    /// # Errors
    /// Names the resource (see [`crate::resources::at_source`]) and the field.
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()>;
}
