//! JSON patches (RFC 6902) for selected resources (`PatchJson6902Transformer`).

mod operations;
mod parse;

use serde::Deserialize;
use windlass_plugin_sdk::Json;

pub(super) use self::parse::is_list;

use super::Transformer;
use super::strategic_merge::only_texts;
use crate::error::{Error, Result};
use crate::files::{Files, Folder};
use crate::resource::{Behavior, Resource};
use crate::resources::{Resources, at_source};
use crate::schema::Schema;
use crate::selector::{Matcher, Selector};

/// The prefix of the annotations in which kustomize keeps its notes on resources.
const NOTES: &str = "internal.config.kubernetes.io/";

/// The configuration of a [`Json6902`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Json6902Config {
    /// What the patch is for.
    pub(crate) target: Option<Selector>,
    /// The file with the patch.
    pub(crate) path: String,
    /// The patch itself.
    pub(crate) json_op: String,
}

/// Applies one patch to all resources that a target selects.
#[derive(Clone, Debug)]
pub(crate) struct Json6902 {
    target: Matcher,
    patch: JsonPatch,
}

impl Json6902 {
    /// Reads the patch.
    ///
    /// # Errors
    /// A target without a name, no patch or two of them, a file that cannot be read, and what is no
    /// patch.
    pub(crate) fn load(
        config: &Json6902Config,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let target = match &config.target {
            Some(target) if !target.name.is_empty() => target,
            _ => {
                return Err(Error::new("the target has no name")
                    .field("target.name")
                    .hint("name the resource, or write the patch under `patches`"));
            }
        };
        let (file, text) = match (config.path.is_empty(), config.json_op.is_empty()) {
            (true, true) => {
                return Err(Error::new("the patch has neither `path` nor `jsonOp`")
                    .hint("set one of the two"));
            }
            (false, false) => {
                return Err(
                    Error::new("the patch has both `path` and `jsonOp`").hint("set one of the two")
                );
            }
            (true, false) => (String::new(), config.json_op.clone().into_bytes()),
            (false, true) => {
                let text = files
                    .read(folder, &config.path)
                    .map_err(|error| error.field("path"))?;
                (folder.join(&config.path)?, text)
            }
        };
        let patch = JsonPatch::parse(&file, &text)?;
        if patch.is_empty() {
            return Err(Error::new("the patch has no operations")
                .file(file)
                .hint("remove it, or write a list of operations (RFC 6902)"));
        }
        let target = target.compile().map_err(|error| error.under("target"))?;
        Ok(Self { target, patch })
    }
}

impl Transformer for Json6902 {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        for at in self.target.select(resources, schema)? {
            if let Some(resource) = resources.list.get_mut(at) {
                apply(&self.patch, resource, schema)?;
            }
        }
        resources.drop_empty();
        Ok(())
    }
}

/// A JSON patch.
#[derive(Clone, Debug)]
pub(super) struct JsonPatch {
    /// Where it was read; empty for what stands in the configuration.
    file: String,
    operations: Vec<operations::Operation>,
}

impl JsonPatch {
    fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }
}

/// Applies a patch to a resource.
///
/// # Errors
/// Names the operation, its path, and the resource.
pub(super) fn apply(patch: &JsonPatch, resource: &mut Resource, schema: &Schema) -> Result<()> {
    let notes = notes(resource);
    // A patch can rely on what kustomize keeps among the annotations of a resource: that there are
    // some is enough for `add` to find its place.
    if !notes.is_empty() {
        only_texts(&mut resource.json, "annotations");
        for (name, value) in &notes {
            resource.set_annotation(name, value);
        }
    }
    let mut json = resource.json.take();
    let result = operations::apply(&mut json, &patch.operations);
    resource.json = json;
    resource.forget_shared();
    if let Err(error) = result {
        let context = format!("the patch does not fit {}", resource.id(schema));
        let error = error.context(context);
        return Err(if patch.file.is_empty() {
            at_source(error, resource)
        } else {
            error.file(patch.file.as_str())
        });
    }
    only_texts(&mut resource.json, "annotations");
    if !notes.is_empty() {
        resource.metadata_mut();
        for (name, _) in &notes {
            resource.remove_annotation(name);
        }
    }
    Ok(())
}

/// The annotations that a resource would have in kustomize for what is known about it.
fn notes(resource: &Resource) -> Vec<(String, String)> {
    let mut notes = Vec::new();
    let mut note = |name: &str, value: String| notes.push((format!("{NOTES}{name}"), value));
    let list = |texts: &mut dyn Iterator<Item = &str>| texts.collect::<Vec<_>>().join(",");
    let previous = &resource.previous;
    if !previous.is_empty() {
        note(
            "previousKinds",
            list(&mut previous.iter().map(|id| &*id.kind)),
        );
        note(
            "previousNames",
            list(&mut previous.iter().map(|id| &*id.name)),
        );
        note(
            "previousNamespaces",
            list(&mut previous.iter().map(|id| &*id.namespace)),
        );
    }
    if !resource.prefixes.is_empty() {
        note("prefixes", resource.prefixes.join(","));
    }
    if !resource.suffixes.is_empty() {
        note("suffixes", resource.suffixes.join(","));
    }
    if resource.needs_hash {
        note("needsHashSuffix", "enabled".to_owned());
    }
    let behavior = match resource.behavior {
        Behavior::Unspecified => "unspecified",
        Behavior::Create => "create",
        Behavior::Replace => "replace",
        Behavior::Merge => "merge",
    };
    if resource.needs_hash || resource.behavior != Behavior::Unspecified {
        note("generatorBehavior", behavior.to_owned());
    }
    notes
}

/// Whether a value is a mapping, which is all that a resource can be.
fn is_resource(json: &Json) -> bool {
    json.is_object()
}

#[cfg(test)]
mod tests;
