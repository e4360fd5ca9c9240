//! Makes ConfigMaps and Secrets (`configMapGenerator`, `secretGenerator`).

mod absorb;
pub(crate) mod iam_policy;
mod pairs;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass_plugin_sdk::Json;

use crate::config::Reading;
use crate::error::{Error, Result};
use crate::files::{Files, Folder};
use crate::resource::{Behavior, Resource, Source, mapping};

pub(crate) use absorb::absorb_all;
use pairs::Sources;

/// How many characters of base64 kustomize puts on a line. The line breaks are part of the value.
const LINE: usize = 70;

/// What generated objects have in common (`generatorOptions`, and `options` of one generator).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

impl GeneratorOptions {
    /// Adds what the kustomization says for all its generators; what one says itself goes first.
    fn merge(&mut self, common: &Self) {
        for (mine, theirs) in [
            (&mut self.labels, &common.labels),
            (&mut self.annotations, &common.annotations),
        ] {
            for (key, value) in theirs {
                mine.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        self.disable_name_suffix_hash |= common.disable_name_suffix_hash;
        self.immutable |= common.immutable;
    }
}

/// What ConfigMap and Secret generators are told (kustomize's `types.GeneratorArgs`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Args {
    namespace: String,
    name: String,
    behavior: String,
    #[serde(flatten)]
    sources: Sources,
    options: Option<GeneratorOptions>,
}

/// The name and the namespace of a generator that is an object of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

/// Makes a ConfigMap out of literals and files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct ConfigMapGenerator {
    #[serde(flatten)]
    args: Args,
    metadata: Metadata,
}

/// Makes a Secret out of literals and files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(crate) struct SecretGenerator {
    #[serde(flatten)]
    args: Args,
    metadata: Metadata,
    r#type: String,
}

impl ConfigMapGenerator {
    /// Reads the configuration of a generator that is an object of its own.
    ///
    /// # Errors
    /// A field of another type.
    pub(crate) fn from_config(config: Json) -> Result<Self> {
        let mut generator: Self = Reading::PLUGIN.read(config)?;
        generator.args.name_by(&generator.metadata);
        Ok(generator)
    }

    /// The generator as an entry of a kustomization whose `generatorOptions` are given.
    pub(crate) fn with_defaults(&self, common: Option<&GeneratorOptions>) -> Self {
        Self {
            args: self.args.with_defaults(common),
            ..self.clone()
        }
    }

    /// Makes the ConfigMap. Values that are no UTF-8 go to `binaryData`.
    ///
    /// # Errors
    /// A file that cannot be read, a source that is no pair, a key that stands twice, no name.
    pub(crate) fn generate(&self, files: &mut Files<'_>, folder: &Folder) -> Result<Resource> {
        let mut resource = self.args.base("ConfigMap")?;
        for (key, value) in self.args.pairs(files, folder)? {
            let (field, value) = match String::from_utf8(value) {
                Ok(text) => ("data", text),
                Err(error) => ("binaryData", folded(error.as_bytes())),
            };
            let data = resource
                .fields_mut()
                .entry(field)
                .or_insert_with(|| Value::Object(Map::new()));
            mapping(data).insert(key, value.into());
        }
        self.args.finish(&mut resource);
        Ok(resource)
    }
}

impl SecretGenerator {
    /// Reads the configuration of a generator that is an object of its own.
    ///
    /// # Errors
    /// A field of another type.
    pub(crate) fn from_config(config: Json) -> Result<Self> {
        let mut generator: Self = Reading::PLUGIN.read(config)?;
        generator.args.name_by(&generator.metadata);
        Ok(generator)
    }

    /// The generator as an entry of a kustomization whose `generatorOptions` are given.
    pub(crate) fn with_defaults(&self, common: Option<&GeneratorOptions>) -> Self {
        Self {
            args: self.args.with_defaults(common),
            ..self.clone()
        }
    }

    /// Makes the Secret.
    ///
    /// # Errors
    /// As [`ConfigMapGenerator::generate`].
    pub(crate) fn generate(&self, files: &mut Files<'_>, folder: &Folder) -> Result<Resource> {
        let mut resource = self.args.base("Secret")?;
        let kind = match self.r#type.as_str() {
            "" => "Opaque",
            kind => kind,
        };
        let data: Map<String, Json> = self
            .args
            .pairs(files, folder)?
            .into_iter()
            .map(|(key, value)| (key, folded(&value).into()))
            .collect();
        let fields = resource.fields_mut();
        fields.insert("type".to_owned(), kind.into());
        fields.insert("data".to_owned(), data.into());
        self.args.finish(&mut resource);
        Ok(resource)
    }
}

impl Args {
    fn name_by(&mut self, metadata: &Metadata) {
        if self.name.is_empty() {
            self.name.clone_from(&metadata.name);
        }
        if self.namespace.is_empty() {
            self.namespace.clone_from(&metadata.namespace);
        }
    }

    fn with_defaults(&self, common: Option<&GeneratorOptions>) -> Self {
        let mut args = self.clone();
        args.sources.modernise();
        if let Some(common) = common {
            args.options.get_or_insert_default().merge(common);
        }
        args
    }

    fn base(&self, kind: &str) -> Result<Resource> {
        if self.name.is_empty() {
            return Err(Error::new(format_args!("the {kind} has no name")).field("name"));
        }
        let object = json!({
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {"name": self.name},
        });
        let mut resource = Resource::new(object, Source::default());
        resource.set_namespace(&self.namespace);
        Ok(resource)
    }

    fn pairs(&self, files: &mut Files<'_>, folder: &Folder) -> Result<BTreeMap<String, Vec<u8>>> {
        let mut known = BTreeMap::new();
        for (key, value) in self.sources.load(files, folder)? {
            if known.contains_key(&key) {
                return Err(Error::new(format_args!(
                    "{} is given the key `{key}` twice",
                    self.name
                ))
                .hint("remove one of the two"));
            }
            known.insert(key, value);
        }
        Ok(known)
    }

    fn finish(&self, resource: &mut Resource) {
        let options = self.options.clone().unwrap_or_default();
        for (field, map) in [
            ("labels", options.labels),
            ("annotations", options.annotations),
        ] {
            if !map.is_empty() {
                resource.metadata_mut().insert(field.to_owned(), json!(map));
            }
        }
        if options.immutable {
            resource
                .fields_mut()
                .insert("immutable".to_owned(), true.into());
        }
        resource.needs_hash = !options.disable_name_suffix_hash;
        resource.behavior = match self.behavior.as_str() {
            "replace" => Behavior::Replace,
            "merge" => Behavior::Merge,
            "create" => Behavior::Create,
            // kustomize takes any other word for none.
            _ => Behavior::Unspecified,
        };
    }
}

/// Base64 as kustomize writes it: in lines, each with its end, unless it fits on less than one.
fn folded(bytes: &[u8]) -> String {
    let plain = STANDARD.encode(bytes);
    if plain.len() < LINE {
        return plain;
    }
    let mut folded = String::with_capacity(plain.len() + plain.len() / LINE + 1);
    let mut rest = plain.as_str();
    while !rest.is_empty() {
        // All of it is ASCII.
        let (line, more) = rest.split_at(rest.len().min(LINE));
        folded.push_str(line);
        folded.push('\n');
        rest = more;
    }
    folded
}

#[cfg(test)]
mod tests;
