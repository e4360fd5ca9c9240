//! Patches of either kind (`patches`, `PatchTransformer`).

use serde::Deserialize;

use super::Transformer;
use super::json6902::{self, JsonPatch};
use super::strategic_merge::{lay_over, lay_over_selected};
use super::target::Targets;
use crate::error::{Error, Result};
use crate::files::{Files, Folder};
use crate::read;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::Schema;
use crate::selector::{Matcher, Selector};

/// An entry of `patches`, and the configuration of a `PatchTransformer`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PatchConfig {
    /// The file with the patch.
    pub(crate) path: String,
    /// The patch itself.
    pub(crate) patch: String,
    /// What the patch is for; without one, a strategic merge patch names its resource itself.
    pub(crate) target: Option<Selector>,
    /// What a strategic merge patch may do.
    pub(crate) options: Option<PatchOptions>,
}

/// What a strategic merge patch may do.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct PatchOptions {
    /// Whether it may change the name.
    pub(crate) allow_name_change: bool,
    /// Whether it may change the kind.
    pub(crate) allow_kind_change: bool,
}

/// Lays patches over the resources that they name or that a target selects.
///
/// All entries of a `patches` are one transformer, so that they share what finding resources costs.
#[derive(Clone, Debug)]
pub(crate) struct Patches {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    content: Content,
    target: Option<Matcher>,
    /// What the entry is called in messages.
    name: String,
}

#[derive(Clone, Debug)]
enum Content {
    Strategic(Vec<Resource>),
    Json(JsonPatch),
}

impl Patches {
    /// Reads the patches of all entries of `field` of a kustomization.
    ///
    /// # Errors
    /// Names the entry by its field, and the file: it cannot be read, is neither kind of patch, or a
    /// target has an expression that is none.
    pub(crate) fn load(
        configs: &[PatchConfig],
        field: &str,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let mut entries = Vec::with_capacity(configs.len());
        for (index, config) in configs.iter().enumerate() {
            let place = format!("{field}[{index}]");
            let entry = Entry::load(config, &place, files, folder);
            entries.push(entry.map_err(|error| error.under(place))?);
        }
        Ok(Self { entries })
    }

    /// Reads the patch of a `PatchTransformer`.
    ///
    /// # Errors
    /// As [`Patches::load`].
    pub(crate) fn load_one(
        config: &PatchConfig,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let entry = Entry::load(config, "patch", files, folder)?;
        Ok(Self {
            entries: vec![entry],
        })
    }
}

impl Entry {
    fn load(
        config: &PatchConfig,
        place: &str,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let inline = config.patch.trim();
        let (file, text) = match (inline.is_empty(), config.path.is_empty()) {
            (true, true) => {
                return Err(Error::new("the patch has neither `path` nor `patch`")
                    .hint("set one of the two"));
            }
            (false, false) => {
                return Err(
                    Error::new("the patch has both `path` and `patch`").hint("set one of the two")
                );
            }
            (false, true) => (String::new(), inline.as_bytes().to_vec()),
            (true, false) => {
                let text = files
                    .read(folder, &config.path)
                    .map_err(|error| error.field("path"))?;
                (folder.join(&config.path)?, text)
            }
        };
        let target = config.target.as_ref().map(Selector::compile).transpose();
        let mut content = content(&file, &text)?;
        if let (Content::Strategic(patches), Some(options)) = (&mut content, config.options) {
            for patch in patches {
                patch.allow_name_change = options.allow_name_change;
                patch.allow_kind_change = options.allow_kind_change;
            }
        }
        Ok(Self {
            content,
            target: target.map_err(|error| error.under("target"))?,
            name: if file.is_empty() {
                place.to_owned()
            } else {
                file
            },
        })
    }

    fn transform(
        &self,
        resources: &mut Resources,
        targets: &mut Targets,
        schema: &Schema,
    ) -> Result<()> {
        match (&self.content, &self.target) {
            (Content::Strategic(patches), Some(target)) => {
                let patch = match &patches[..] {
                    [] => return Ok(()),
                    [one] => one,
                    [..] => {
                        return Err(Error::new(format_args!(
                            "the patch has {} documents and a target, which can only be for one",
                            patches.len()
                        ))
                        .hint("make an entry of every document, or leave out the target"));
                    }
                };
                let selected = target.select(resources, schema)?;
                lay_over_selected(resources, &selected, patch, schema)?;
                for at in selected {
                    if let Some(resource) = resources.list.get(at) {
                        targets.changed(at, resource, schema);
                    }
                }
                Ok(())
            }
            (Content::Strategic(patches), None) => {
                for patch in patches {
                    let at = targets.of_patch(resources, patch, schema)?;
                    if let Some(target) = resources.list.get_mut(at) {
                        lay_over(target, patch, schema)?;
                        targets.changed(at, target, schema);
                    }
                }
                Ok(())
            }
            (Content::Json(patch), Some(target)) => {
                for at in target.select(resources, schema)? {
                    if let Some(resource) = resources.list.get_mut(at) {
                        resource.store_previous_id(schema);
                        json6902::apply(patch, resource, schema)?;
                        targets.changed(at, resource, schema);
                    }
                }
                Ok(())
            }
            (Content::Json(_), None) => Err(Error::new("a JSON patch (RFC 6902) needs a target")
                .hint("add a `target` that selects the resources to be patched")),
        }
    }

    /// How many resources the entry looks up by their ids.
    fn lookups(&self) -> usize {
        match (&self.content, &self.target) {
            (Content::Strategic(patches), None) => patches.len(),
            _ => 0,
        }
    }
}

impl Transformer for Patches {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        let mut targets = Targets::new(self.entries.iter().map(Entry::lookups).sum());
        for entry in &self.entries {
            let result = entry.transform(resources, &mut targets, schema);
            result.map_err(|error| {
                if error.has_file() {
                    error
                } else {
                    error.context(&entry.name)
                }
            })?;
        }
        // Deleted resources stay in their places till here, and nothing selects them.
        resources.drop_empty();
        Ok(())
    }
}

/// Finds out which kind of patch a text is: resources make a strategic merge patch, a list of
/// operations makes a JSON patch.
fn content(file: &str, text: &[u8]) -> Result<Content> {
    let strategic = match read::resources(file, text) {
        Ok(patches) => return Ok(Content::Strategic(patches)),
        Err(error) => error,
    };
    match JsonPatch::parse(file, text) {
        Ok(patch) => Ok(Content::Json(patch)),
        Err(json) if json6902::is_list(text) => Err(json),
        Err(_) => Err(strategic.hint(
            "expected a strategic merge patch (a part of a resource, with its apiVersion, kind and \
             name) or a JSON patch (a list of operations, RFC 6902)",
        )),
    }
}
