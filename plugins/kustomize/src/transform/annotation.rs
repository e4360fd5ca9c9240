//! Adds annotations (`commonAnnotations`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::Transformer;
use super::label::set_entries;
use crate::error::Result;
use crate::field::FieldSpecs;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Sets annotations (`AnnotationsTransformer`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Annotations {
    /// The annotations.
    pub(crate) annotations: BTreeMap<String, String>,
    /// The fields, each a mapping.
    pub(crate) field_specs: FieldSpecs,
}

impl Transformer for Annotations {
    fn transform(&self, resources: &mut Resources, _schema: &Schema) -> Result<()> {
        for resource in &mut resources.list {
            set_entries(resource, &self.annotations, &self.field_specs)
                .map_err(|error| at_source(error, resource))?;
        }
        Ok(())
    }
}
