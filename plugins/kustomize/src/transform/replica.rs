//! Sets the number of replicas (`replicas`).

use serde::Deserialize;

use super::Transformer;
use crate::error::{Error, Result};
use crate::field::{FieldSpecs, Missing, set_scalar};
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Sets the number of replicas of what has a name (`ReplicaCountTransformer`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReplicaCount {
    /// The name and the number.
    pub(crate) replica: Replica,
    /// The fields, each a number.
    pub(crate) field_specs: FieldSpecs,
}

/// How many replicas something has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct Replica {
    /// The name that it has, or had.
    pub(crate) name: String,
    /// The number; not checked.
    pub(crate) count: i64,
}

impl Transformer for ReplicaCount {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        let Replica { name, count } = &self.replica;
        let mut is_found = false;
        for resource in &mut resources.list {
            if resource.name() != name
                && !resource
                    .previous
                    .iter()
                    .any(|previous| previous.name == *name)
            {
                continue;
            }
            for spec in self.field_specs.iter() {
                let selected = resource
                    .previous_ids()
                    .chain([resource.id(schema)])
                    .any(|id| id.name == name && spec.gvk.selects(&id));
                if !selected || resource.is_empty() {
                    continue;
                }
                is_found = true;
                spec.visit(resource, Missing::Text, &mut |value, _| {
                    set_scalar(value, (*count).into())
                })
                .map_err(|error| at_source(error, resource))?;
            }
        }
        if is_found {
            return Ok(());
        }
        let mut kinds: Vec<&str> = self
            .field_specs
            .iter()
            .map(|spec| spec.gvk.kind.as_str())
            .collect();
        kinds.dedup();
        Err(Error::new(format_args!(
            "nothing with replicas is called {name} (looked for {})",
            kinds.join(", ")
        ))
        .field("replicas")
        .hint(
            "use the name that the resource has in its file; another kind has to be added to \
             `replicas` in a file of `configurations`",
        ))
    }
}
