//! Puts a prefix and a suffix around names (`namePrefix`, `nameSuffix`).

use serde::Deserialize;
use serde::de::DeserializeOwned;
use windlass_plugin_sdk::Json;

use super::Transformer;
use crate::config::Reading;
use crate::error::{Error, Result};
use crate::field::{FieldSpec, FieldSpecs, Missing, kind_of, scalar_text, set_text};
use crate::id::Id;
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Puts a prefix in front of names (`PrefixTransformer`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Prefix {
    /// The prefix.
    #[serde(default)]
    pub(crate) prefix: String,
    /// The fields, each a text; they have to be given.
    pub(crate) field_specs: FieldSpecs,
}

/// Puts a suffix behind names (`SuffixTransformer`).
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Suffix {
    /// The suffix.
    #[serde(default)]
    pub(crate) suffix: String,
    /// The fields, each a text; they have to be given.
    pub(crate) field_specs: FieldSpecs,
}

/// Puts a prefix in front of names, and a suffix behind them (`PrefixSuffixTransformer`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PrefixSuffix {
    prefix: Prefix,
    suffix: Suffix,
}

impl Prefix {
    /// Reads the configuration of the plugin.
    ///
    /// # Errors
    /// A field is of the wrong type, or `fieldSpecs` is missing.
    pub(crate) fn from_config(config: Json) -> Result<Self> {
        read(config)
    }
}

impl Suffix {
    /// Reads the configuration of the plugin.
    ///
    /// # Errors
    /// A field is of the wrong type, or `fieldSpecs` is missing.
    pub(crate) fn from_config(config: Json) -> Result<Self> {
        read(config)
    }
}

impl PrefixSuffix {
    /// Reads the configuration of the plugin.
    ///
    /// # Errors
    /// A field is of the wrong type, or `fieldSpecs` is missing.
    pub(crate) fn from_config(config: Json) -> Result<Self> {
        Ok(Self {
            prefix: Prefix::from_config(config.clone())?,
            suffix: Suffix::from_config(config)?,
        })
    }
}

/// Reads a configuration whose keys, unlike those of other plugins, have to be written exactly so.
fn read<T: DeserializeOwned>(mut config: Json) -> Result<T> {
    if let Some(fields) = config.as_object_mut() {
        fields.retain(|key, _| matches!(key.as_str(), "prefix" | "suffix" | "fieldSpecs"));
    }
    Reading::PLUGIN.read(config)
}

impl Transformer for PrefixSuffix {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        self.prefix.transform(resources, schema)?;
        self.suffix.transform(resources, schema)
    }
}

impl Transformer for Prefix {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        transform(
            resources,
            schema,
            &self.field_specs,
            |resource| add(&mut resource.prefixes, &self.prefix),
            |name| format!("{}{name}", self.prefix),
        )
    }
}

impl Transformer for Suffix {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        transform(
            resources,
            schema,
            &self.field_specs,
            |resource| add(&mut resource.suffixes, &self.suffix),
            |name| format!("{name}{}", self.suffix),
        )
    }
}

/// Adds a prefix or suffix, and says whether there was something to add.
fn add(list: &mut Vec<String>, affix: &str) -> bool {
    if !affix.is_empty() {
        list.push(affix.to_owned());
    }
    !affix.is_empty()
}

fn transform(
    resources: &mut Resources,
    schema: &Schema,
    field_specs: &FieldSpecs,
    record: impl Fn(&mut Resource) -> bool,
    rename: impl Fn(&str) -> String,
) -> Result<()> {
    for resource in &mut resources.list {
        let id = resource.original_id(schema);
        if is_left_alone(&id) {
            continue;
        }
        // A later field may change what the id is made from; kustomize decides by the first id.
        let chosen: Vec<&FieldSpec> = field_specs
            .iter()
            .filter(|spec| spec.gvk.selects(&id))
            .collect();
        for spec in chosen {
            // The record and the id go with the name of the object alone.
            if spec.path == *"metadata/name" && record(resource) {
                resource.store_previous_id(schema);
            }
            spec.visit(resource, Missing::Text, &mut |value, _| put(value, &rename))
                .map_err(|error| at_source(error, resource))?;
        }
    }
    Ok(())
}

fn put(value: &mut Json, rename: &impl Fn(&str) -> String) -> Result<()> {
    let Some(text) = scalar_text(value).map(|text| rename(&text)) else {
        return Err(Error::new(format_args!(
            "expected a name, found {}",
            kind_of(value)
        )));
    };
    set_text(value, text)
}

/// Kinds whose names mean something outside of the objects, and which kustomize never renames.
fn is_left_alone(id: &Id<'_>) -> bool {
    match id.kind {
        "CustomResourceDefinition" | "Namespace" => true,
        "APIService" => id.group == "apiregistration.k8s.io",
        _ => false,
    }
}
