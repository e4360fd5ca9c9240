//! Strategic merge patches that name their target themselves (`PatchStrategicMergeTransformer`).

use serde::Deserialize;
use serde_json::Map;
use windlass_plugin_sdk::Json;

use super::Transformer;
use super::target::Targets;
use crate::error::{Error, Result};
use crate::files::{Files, Folder};
use crate::merge::{self, Merged};
use crate::read;
use crate::resource::{Behavior, Resource, mapping};
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// An annotation that stands for all that kustomize keeps among the annotations of a resource, to see
/// whether a patch takes them away.
const MARK: &str = "internal.config.kubernetes.io/previousNames";

/// The configuration of a [`StrategicMerge`].
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct StrategicMergeConfig {
    /// Files with patches; a text that is a patch itself is taken as one.
    pub(crate) paths: Vec<String>,
    /// Patches, as documents of one text.
    pub(crate) patches: String,
}

/// Lays every patch over the resource that has, or had, the id of the patch.
#[derive(Clone, Debug)]
pub(crate) struct StrategicMerge {
    patches: Vec<Resource>,
}

impl StrategicMerge {
    /// Reads the patches.
    ///
    /// # Errors
    /// Names the file that cannot be read or has no resource in it, and a configuration without any
    /// patch.
    pub(crate) fn load(
        config: &StrategicMergeConfig,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        if config.paths.is_empty() && config.patches.is_empty() {
            return Err(Error::new("there is neither a path nor a patch")
                .hint("set `paths` to files with patches, or `patches` to their text"));
        }
        let mut patches = Vec::new();
        for path in &config.paths {
            match read::resources("", path.as_bytes()) {
                Ok(inline) => patches.extend(inline),
                // What has several lines was not meant to be a path.
                Err(error) if path.trim().contains('\n') => return Err(error),
                Err(_) => {
                    let text = files.read(folder, path)?;
                    patches.extend(read::resources(&folder.join(path)?, &text)?);
                }
            }
        }
        if !config.patches.is_empty() {
            patches.extend(read::resources("", config.patches.as_bytes())?);
        }
        if patches.is_empty() {
            return Err(Error::new("the patch is empty").hint("remove it, or write a patch"));
        }
        Ok(Self { patches })
    }
}

impl Transformer for StrategicMerge {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        let mut targets = Targets::new(self.patches.len());
        for patch in &self.patches {
            let at = targets.of_patch(resources, patch, schema)?;
            lay_over_selected(resources, &[at], patch, schema)?;
        }
        resources.drop_empty();
        Ok(())
    }
}

/// Lays a patch over the resource that it names.
///
/// # Errors
/// Names the patch and the field.
pub(super) fn lay_over(target: &mut Resource, patch: &Resource, schema: &Schema) -> Result<()> {
    let mut json = patch.json.clone();
    if patch.allow_name_change || patch.allow_kind_change {
        // kustomize notes the options among the annotations, which turns all of them into texts.
        only_texts(&mut json, "annotations");
    }
    lay(target, patch, json, schema)
}

/// Lays a patch over selected resources, whatever it is called itself.
///
/// # Errors
/// Names the patch and the field; two resources that have the same id afterwards.
pub(super) fn lay_over_selected(
    resources: &mut Resources,
    selected: &[usize],
    patch: &Resource,
    schema: &Schema,
) -> Result<()> {
    let mut json = patch.json.clone();
    // kustomize copies labels and annotations as texts here, so a `null` that should remove a label
    // becomes the text «null».
    only_texts(&mut json, "labels");
    only_texts(&mut json, "annotations");
    for at in selected {
        let Some(target) = resources.list.get_mut(*at) else {
            continue;
        };
        let mut json = json.clone();
        mapping(&mut json).insert("apiVersion".to_owned(), target.api_version().into());
        lay(target, patch, json, schema)?;
    }
    // No other patch can change an id.
    if patch.allow_name_change || patch.allow_kind_change {
        resources.check_unique(schema)?;
    }
    Ok(())
}

fn lay(target: &mut Resource, patch: &Resource, json: Json, schema: &Schema) -> Result<()> {
    let (kind, name) = (target.kind().to_owned(), target.name().to_owned());
    let namespace = target.namespace().to_owned();
    if patch.allow_name_change || patch.allow_kind_change {
        target.store_previous_id(schema);
    }
    let remembers = target.has_notes();
    if remembers {
        target.set_annotation(MARK, "");
    }
    let written = target.shared.written_by(&json);
    match merge::merge(&mut target.json, json, schema) {
        Err(error) => {
            let context = format!("the patch does not fit {}", target.id(schema));
            return Err(at_source(error.context(context), patch));
        }
        Ok(Merged::Deleted) => {
            target.json = Json::Object(Map::new());
            return Ok(());
        }
        Ok(Merged::Changed) => {}
    }
    target.settle_written(&written);
    if remembers {
        if target.annotation(MARK).is_none() {
            forget(target);
        }
        target.remove_annotation(MARK);
    }
    if target.is_empty() {
        return Ok(());
    }
    if !patch.allow_kind_change && target.kind() != kind {
        target.set_kind(&kind);
    }
    if !patch.allow_name_change && target.name() != name {
        target.set_name(&name);
    }
    // An empty namespace is taken away too.
    if target
        .metadata("namespace")
        .map(merge::text)
        .unwrap_or_default()
        != namespace
        || (namespace.is_empty() && target.metadata("namespace").is_some())
    {
        target.set_namespace(&namespace);
    }
    Ok(())
}

/// Forgets what kustomize forgets with the annotations of a resource: what it was called, and that it
/// was generated.
fn forget(resource: &mut Resource) {
    resource.previous.clear();
    resource.prefixes.clear();
    resource.suffixes.clear();
    resource.needs_hash = false;
    resource.behavior = Behavior::Unspecified;
}

/// Makes texts of the values of `metadata.labels` or `metadata.annotations`, and removes the field
/// when nothing is in it: what kustomize does whenever it writes one of them.
pub(crate) fn only_texts(json: &mut Json, field: &str) {
    let Some(metadata) = json.get_mut("metadata").and_then(Json::as_object_mut) else {
        return;
    };
    let Some(found) = metadata.get_mut(field) else {
        return;
    };
    match found.as_object_mut() {
        Some(map) if !map.is_empty() => {
            for value in map.values_mut().filter(|value| !value.is_string()) {
                *value = Json::String(merge::text(value).into_owned());
            }
        }
        _ => {
            metadata.remove(field);
        }
    }
}
