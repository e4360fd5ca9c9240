//! Copies values from one object to others (`replacements`).

mod path;
mod structured;
mod target;
mod value;
mod yaml_text;

use serde::Deserialize;
use windlass_manifest::{Limits, decode};
use windlass_plugin_sdk::Json;

use self::path::Path;
use self::target::CompiledTarget;
use self::value::{Copied, refined};
use crate::config::Reading;
use crate::error::{Error, Result};
use crate::files::{Files, Folder};
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::Schema;
use crate::selector::Selector;
use crate::transform::Transformer;

/// The field that is meant when none is named.
const DEFAULT_PATH: &str = "metadata.name";

/// How many bytes one transformer may copy; a few replacements that double a text could fill any
/// memory.
const MAX_COPIED: usize = 64 << 20;

/// A replacement as it is written (kustomize's `types.ReplacementField`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Replacement {
    source: Option<Source>,
    targets: Option<Vec<Target>>,
    source_value: Option<String>,
    /// A file that holds replacements, instead of one written here.
    path: String,
}

impl Replacement {
    /// Takes an empty list of targets for none, as kustomize does in a kustomization, and there
    /// only.
    pub(crate) fn forget_empty(&mut self) {
        self.targets.take_if(|targets| targets.is_empty());
    }
}

/// Where the value comes from. What is empty is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Source {
    group: String,
    version: String,
    kind: String,
    name: String,
    namespace: String,
    field_path: String,
    options: Option<FieldOptions>,
}

/// Where the value goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Target {
    select: Option<Selector>,
    reject: Vec<Selector>,
    field_paths: Vec<String>,
    options: Option<FieldOptions>,
}

/// Which part of a field is meant. kustomize 5.8 does nothing with `encoding`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct FieldOptions {
    delimiter: String,
    index: i64,
    create: bool,
}

/// Copies values between objects, one replacement after the other.
#[derive(Debug)]
pub(crate) struct Replacements(Vec<Compiled>);

#[derive(Debug)]
struct Compiled {
    /// What it is called in messages: its place in the list.
    label: String,
    value: ValueSource,
    targets: Vec<CompiledTarget>,
}

#[derive(Debug)]
enum ValueSource {
    Given(String),
    Field {
        source: Box<Source>,
        path: Path,
        options: FieldOptions,
    },
}

/// The configuration of a `ReplacementTransformer`.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Config {
    replacements: Vec<Replacement>,
}

impl Replacements {
    /// Reads the files that the replacements name, and makes all of them ready.
    ///
    /// # Errors
    /// A file that holds no replacements, a replacement without a source or without targets, and an
    /// expression that is none.
    pub(crate) fn load(
        replacements: &[Replacement],
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let mut compiled = Vec::with_capacity(replacements.len());
        for (index, replacement) in replacements.iter().enumerate() {
            let label = format!("[{index}]");
            if replacement.path.is_empty() {
                compiled.push(replacement.compile(label)?);
                continue;
            }
            if replacement.source.is_some() || replacement.targets.is_some() {
                return Err(Error::new(
                    "a replacement is in a file or is written here, and this is both",
                )
                .field(format!("{label}.path")));
            }
            let found = read(&replacement.path, files, folder)
                .map_err(|error| error.field(format!("{label}.path")))?;
            for (index, replacement) in found.iter().enumerate() {
                let label = format!("{label} {}[{index}]", replacement.path);
                compiled.push(replacement.compile(label)?);
            }
        }
        Ok(Self(compiled))
    }

    /// Reads the configuration of a transformer that is an object of its own.
    ///
    /// # Errors
    /// As [`Replacements::load`], and a field of another type.
    pub(crate) fn from_config(
        config: Json,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let config: Config = Reading::PLUGIN.read(config)?;
        Self::load(&config.replacements, files, folder)
    }
}

/// Reads the replacements of a file: one, or a list of them.
fn read(path: &str, files: &mut Files<'_>, folder: &Folder) -> Result<Vec<Replacement>> {
    let text = files.read(folder, path)?;
    let file = folder.join(path)?;
    let documents = decode(&text, &Limits::default()).map_err(|error| {
        Error::new(error.problem)
            .file(&file)
            .line(error.position.line)
    })?;
    // kustomize looks at the first document only.
    let value = documents.into_iter().next().map(|document| document.value);
    match value {
        Some(value @ (Json::Object(_) | Json::Array(_))) => {
            let list = if value.is_array() {
                Reading::PLUGIN.read(value)
            } else {
                Reading::PLUGIN.read(value).map(|one| vec![one])
            };
            list.map_err(|error| error.file(file))
        }
        _ => Err(Error::new("the file holds no replacements")
            .file(file)
            .hint("write one replacement, or a list of them")),
    }
}

impl Replacement {
    fn compile(&self, label: String) -> Result<Compiled> {
        let value = match (&self.source_value, &self.source) {
            (Some(_), Some(_)) => {
                return Err(
                    Error::new("a replacement has `source` or `sourceValue`, not both")
                        .field(label),
                );
            }
            (Some(value), None) => ValueSource::Given(value.clone()),
            (None, Some(source)) => ValueSource::Field {
                path: path_or_default(&source.field_path)
                    .map_err(|error| error.field(format!("{label}.source.fieldPath")))?,
                options: source.options.clone().unwrap_or_default(),
                source: Box::new(source.clone()),
            },
            (None, None) => {
                return Err(Error::new("the replacement has no source")
                    .field(label)
                    .hint("write `source` or `sourceValue`"));
            }
        };
        let Some(targets) = &self.targets else {
            return Err(Error::new("the replacement has no targets")
                .field(label)
                .hint("list the objects and fields that get the value under `targets`"));
        };
        let mut compiled = Vec::with_capacity(targets.len());
        for (index, target) in targets.iter().enumerate() {
            compiled.push(CompiledTarget::new(
                target,
                &format!("{label}.targets[{index}]"),
            )?);
        }
        Ok(Compiled {
            label,
            value,
            targets: compiled,
        })
    }
}

fn path_or_default(path: &str) -> Result<Path> {
    Path::new(if path.is_empty() { DEFAULT_PATH } else { path })
}

impl Transformer for Replacements {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        let mut copied = 0_usize;
        for replacement in &self.0 {
            let (mut value, source) = replacement
                .value
                .find(&resources.list)
                .map_err(|error| error.field(format!("{}.source", replacement.label)))?;
            for target in &replacement.targets {
                for (at, resource) in resources.list.iter_mut().enumerate() {
                    if !target.is_for(resource, schema)? {
                        continue;
                    }
                    // What is copied into its own object may change what is copied next.
                    let again = |resource: &Resource| replacement.value.again(resource);
                    let again = (source == Some(at)).then_some(&again as &dyn Fn(&_) -> _);
                    let put = target.put(resource, &mut value, again)?;
                    resource.settle_shared();
                    copied = copied.saturating_add(put);
                    if copied > MAX_COPIED {
                        return Err(Error::new(format_args!(
                            "the replacements copy more than {MAX_COPIED} bytes"
                        ))
                        .field(&*replacement.label));
                    }
                }
            }
        }
        resources.drop_empty();
        Ok(())
    }
}

impl ValueSource {
    /// The value, and the index of the resource that holds the very same.
    fn find(&self, resources: &[Resource]) -> Result<(Copied, Option<usize>)> {
        let (source, path, options) = match self {
            Self::Given(text) => return Ok((Copied::untyped(text), None)),
            Self::Field {
                source,
                path,
                options,
            } => (source, path, options),
        };
        let mut selected = resources
            .iter()
            .enumerate()
            .filter(|(_, resource)| source.selects(resource));
        let Some((at, resource)) = selected.next() else {
            return Err(Error::new(format_args!("there is no {}", source.shown())));
        };
        if let Some((_, second)) = selected.next() {
            return Err(Error::new(format_args!(
                "{} and {} are both meant by {}",
                shown(resource),
                shown(second),
                source.shown()
            ))
            .hint("say more of the object: its kind, name and namespace"));
        }
        let missing = || {
            Error::new(format_args!("{} has no field `{path}`", shown(resource))).field("fieldPath")
        };
        let found = path
            .lookup(&resource.json)
            .map_err(|error| error.context(shown(resource)))?
            .ok_or_else(missing)?;
        match found {
            Json::Null => Err(missing()),
            Json::Array(items) if items.is_empty() => Err(missing()),
            Json::Object(map) if map.is_empty() => Err(missing()),
            found => {
                let copied = Copied::new(refined(found, options)?.into_owned());
                Ok((copied, options.delimiter.is_empty().then_some(at)))
            }
        }
    }

    /// The value that its resource holds by now, if it still holds one.
    fn again(&self, resource: &Resource) -> Option<Copied> {
        let Self::Field { path, .. } = self else {
            return None;
        };
        let value = path.lookup(&resource.json).ok()??;
        Some(Copied::new(value.clone()))
    }
}

impl Source {
    /// Whether the resource has, or had, an id that is meant. Kinds have no scope here: what names no
    /// namespace is in `default`.
    fn selects(&self, resource: &Resource) -> bool {
        let (group, version) = crate::id::group_version(resource.api_version());
        if !(self.group.is_empty() || self.group == group)
            || !(self.version.is_empty() || self.version == version)
        {
            return false;
        }
        let default = |namespace: &str| namespace.is_empty() || namespace == "default";
        let selects = |kind: &str, name: &str, namespace: &str| {
            (self.kind.is_empty() || self.kind == kind)
                && (self.name.is_empty() || self.name == name)
                && (self.namespace.is_empty()
                    || self.namespace == namespace
                    || (default(&self.namespace) && default(namespace)))
        };
        selects(resource.kind(), resource.name(), resource.namespace())
            || resource
                .previous
                .iter()
                .any(|was| selects(&was.kind, &was.name, &was.namespace))
    }

    fn shown(&self) -> String {
        let mut text = if self.kind.is_empty() {
            "object".to_owned()
        } else {
            self.kind.clone()
        };
        for (word, value) in [
            (" of the group ", &self.group),
            (" of the version ", &self.version),
            (" ", &self.name),
            (" in namespace ", &self.namespace),
        ] {
            if !value.is_empty() {
                text.push_str(word);
                text.push_str(value);
            }
        }
        text
    }
}

/// A resource in a message.
fn shown(resource: &Resource) -> String {
    format!("{} {}", resource.kind(), resource.name())
}

#[cfg(test)]
mod tests;
