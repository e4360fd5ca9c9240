//! Adds labels (`commonLabels`, `labels`).

use std::collections::BTreeMap;

use serde::Deserialize;
use windlass_plugin_sdk::Json;

use super::Transformer;
use crate::error::{Error, Result};
use crate::field::{FieldSpecs, Missing, Place, kind_of};
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Sets labels in the fields that hold labels and selectors (`LabelTransformer`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Labels {
    /// The labels.
    pub(crate) labels: BTreeMap<String, String>,
    /// The fields, each a mapping.
    pub(crate) field_specs: FieldSpecs,
}

impl Transformer for Labels {
    fn transform(&self, resources: &mut Resources, _schema: &Schema) -> Result<()> {
        for resource in &mut resources.list {
            set_entries(resource, &self.labels, &self.field_specs)
                .map_err(|error| at_source(error, resource))?;
        }
        Ok(())
    }
}

/// Sets entries of mappings, and remembers which of them were added together.
///
/// # Errors
/// A field is neither a mapping nor null.
pub(super) fn set_entries(
    resource: &mut Resource,
    entries: &BTreeMap<String, String>,
    field_specs: &FieldSpecs,
) -> Result<()> {
    if entries.is_empty() {
        return Ok(());
    }
    let mut places: Vec<Place> = Vec::new();
    // By entry: the places in which it was not there before.
    let mut added: Vec<Vec<usize>> = vec![Vec::new(); entries.len()];
    for spec in field_specs.iter() {
        spec.visit(resource, Missing::Mapping, &mut |value, trail| {
            let map = match value {
                Json::Object(map) => map,
                Json::Null => return Ok(()),
                other => {
                    return Err(Error::new(format_args!(
                        "expected a mapping, found {}",
                        kind_of(other)
                    )));
                }
            };
            let mut is_place = false;
            for ((key, text), added) in entries.iter().zip(&mut added) {
                if map.insert(key.clone(), text.as_str().into()).is_none() {
                    added.push(places.len());
                    is_place = true;
                }
            }
            if is_place {
                places.push(Place::new(&spec.path, trail));
            }
            Ok(())
        })?;
    }
    // First the old ones: what is added now is one value everywhere.
    resource.settle_entries();
    share(resource, entries, &places, &added);
    Ok(())
}

fn share(
    resource: &mut Resource,
    entries: &BTreeMap<String, String>,
    places: &[Place],
    added: &[Vec<usize>],
) {
    let mut groups: BTreeMap<&[usize], Vec<(String, Json)>> = BTreeMap::new();
    for ((key, text), added) in entries.iter().zip(added) {
        if added.len() > 1 {
            groups
                .entry(added)
                .or_default()
                .push((key.clone(), text.as_str().into()));
        }
    }
    for (added, entries) in groups {
        let places = added.iter().filter_map(|&at| places.get(at).cloned());
        resource.shared.add(places.collect(), entries);
    }
}
