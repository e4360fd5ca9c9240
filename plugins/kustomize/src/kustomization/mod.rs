//! A `kustomization.yaml`: what it says, and where each field of it stands.

mod shape;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use windlass_manifest::{Document, Limits, Rules, decode_with_positions_by};
use windlass_plugin_sdk::Json;

use crate::error::{Error, Result};
use crate::field::FieldSpecs;
use crate::files::{Files, Folder, Found};
use crate::generate::{ConfigMapGenerator, GeneratorOptions, SecretGenerator};
use crate::transform::image::Image;
use crate::transform::patch::PatchConfig;
use crate::transform::replacement::Replacement;
use crate::transform::replica::Replica;
use crate::transform::sort::SortOptions;
use crate::transform::variable::Var;

/// The names that a kustomization may have, of which a folder holds exactly one.
pub(crate) const FILE_NAMES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KUSTOMIZATION: &str = "Kustomization";
const COMPONENT: &str = "Component";
const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

/// What a Kustomization or a Component says, with deprecated spellings already moved to their
/// present ones (kustomize's `types.Kustomization` after `FixKustomization`).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Fields {
    pub(crate) kind: String,
    api_version: String,
    pub(crate) openapi: BTreeMap<String, String>,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: BTreeMap<String, String>,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: BTreeMap<String, String>,
    pub(crate) patches_strategic_merge: Vec<String>,
    pub(crate) patches_json6902: Vec<PatchConfig>,
    pub(crate) patches: Vec<PatchConfig>,
    pub(crate) images: Vec<Image>,
    image_tags: Vec<Image>,
    pub(crate) replacements: Vec<Replacement>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Vec<Var>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    bases: Vec<String>,
    pub(crate) config_map_generator: Vec<ConfigMapGenerator>,
    pub(crate) secret_generator: Vec<SecretGenerator>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
}

/// One entry of `labels`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Label {
    pub(crate) pairs: BTreeMap<String, String>,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) include_volume_claim_templates: bool,
    pub(crate) fields: FieldSpecs,
}

/// A kustomization that was read.
#[derive(Debug)]
pub(crate) struct Kustomization {
    /// Its path from the root of the tree.
    pub(crate) path: String,
    /// Its name in its folder.
    pub(crate) name: &'static str,
    pub(crate) fields: Fields,
    document: Document,
}

/// What helm charts would need, and what to write instead.
const HELM: [&str; 3] = ["helmCharts", "helmChartInflationGenerator", "helmGlobals"];

/// Deprecated fields, and what has taken their place.
const DEPRECATED: [(&str, &str); 6] = [
    ("bases", "resources"),
    ("commonLabels", "labels"),
    ("imageTags", "images"),
    ("patchesJson6902", "patches"),
    ("patchesStrategicMerge", "patches"),
    ("vars", "replacements"),
];

impl Kustomization {
    /// Reads the kustomization of a folder.
    ///
    /// # Errors
    /// There is none or more than one; it is no YAML; a field is not known or not of its type; it
    /// says nothing; kind or `apiVersion` are of something else; it asks for Helm charts.
    pub(crate) fn load(files: &mut Files<'_>, folder: &Folder) -> Result<Self> {
        let mut found = Vec::new();
        for name in FILE_NAMES {
            let path = folder.join(name)?;
            if let Some(Found::File(text)) = files.look(&path)? {
                found.push((name, path, text));
            }
        }
        let here = folder.shown();
        let (name, path, text) = match found.len() {
            1 => found.remove(0),
            0 => {
                return Err(
                    Error::new(format_args!("there is no kustomization in {here}"))
                        .hint(format!("put a {} there", FILE_NAMES[0])),
                );
            }
            _ => {
                let names: Vec<_> = found.iter().map(|(name, ..)| *name).collect();
                return Err(Error::new(format_args!(
                    "{here} holds more than one kustomization: {}",
                    names.join(", ")
                ))
                .hint("keep one of them"));
            }
        };
        let kustomization = Self::parse(name, path, &text)?;
        kustomization.warn(files);
        Ok(kustomization)
    }

    fn parse(name: &'static str, path: String, text: &[u8]) -> Result<Self> {
        let read = decode_with_positions_by(Rules::Kustomization, text, &Limits::default());
        let documents = read.map_err(|error| {
            Error::new(&error.problem)
                .file(&path)
                .line(error.position.line)
        })?;
        // kustomize reads the first document and does not look further.
        let Some(mut document) = documents
            .into_iter()
            .find(|document| !document.value.is_null())
        else {
            return Err(Error::new("the kustomization is empty").file(path));
        };
        let mut value = document.value.take();
        shape::fit(&mut value, shape::KUSTOMIZATION).map_err(|misfit| {
            let error = Error::new(misfit.message)
                .field(shape::field(&misfit.pointer))
                .file(&path)
                .line(line(&document, &misfit.pointer));
            match misfit.hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })?;
        let set = value.as_object().cloned().unwrap_or_default();
        let fields = typed::<Fields>(value).map_err(|error| error.file(&path))?;
        let mut kustomization = Self {
            path,
            name,
            fields,
            document,
        };
        kustomization.document.value = Value::Object(keys(&set));
        kustomization.check(&set)?;
        kustomization.modernise();
        Ok(kustomization)
    }

    fn check(&self, set: &Map<String, Json>) -> Result<()> {
        let says_something = set.iter().any(|(key, value)| match key.as_str() {
            "kind" | "apiVersion" => false,
            // These are first moved to their new names.
            "bases" | "imageTags" => value.as_array().is_some_and(|list| !list.is_empty()),
            _ => *value != "",
        });
        if !says_something {
            return Err(Error::new("the kustomization is empty")
                .file(&self.path)
                .hint("list what it is made of under `resources`"));
        }
        if let Some(field) = HELM.iter().find(|field| set.contains_key(**field)) {
            return Err(self.at(
                Error::new("kustomize would run Helm for this, which the sandbox does not allow")
                    .hint(
                        "render the chart in a step of its own, and patch its objects in this one",
                    ),
                &format!("/{field}"),
            ));
        }
        let (kind, version) = match self.fields.kind.as_str() {
            "" | KUSTOMIZATION => (KUSTOMIZATION, KUSTOMIZATION_VERSION),
            COMPONENT => (COMPONENT, COMPONENT_VERSION),
            other => {
                return Err(self.at(
                    Error::new(format_args!("the kind is {other}"))
                        .hint(format!("write `{KUSTOMIZATION}` or `{COMPONENT}`")),
                    "/kind",
                ));
            }
        };
        if !matches!(self.fields.api_version.as_str(), "") && self.fields.api_version != version {
            return Err(self.at(
                Error::new(format_args!(
                    "the apiVersion of a {kind} is not {}",
                    self.fields.api_version
                ))
                .hint(format!("write `{version}`")),
                "/apiVersion",
            ));
        }
        Ok(())
    }

    fn modernise(&mut self) {
        let fields = &mut self.fields;
        fields.resources.append(&mut fields.bases);
        fields.images.append(&mut fields.image_tags);
        for replacement in &mut fields.replacements {
            replacement.forget_empty();
        }
    }

    fn warn(&self, files: &mut Files<'_>) {
        for (old, new) in DEPRECATED {
            let pointer = format!("/{old}");
            if self.document.value.get(old).is_some() {
                files.warn(&format!(
                    "{}:{}: `{old}` is deprecated; use `{new}`",
                    self.path,
                    line(&self.document, &pointer)
                ));
            }
        }
    }

    /// Whether this is a component.
    pub(crate) fn is_component(&self) -> bool {
        self.fields.kind == COMPONENT
    }

    /// Adds the place of a field, given by its JSON pointer, to an error that has no place yet.
    pub(crate) fn at(&self, error: Error, pointer: &str) -> Error {
        if error.has_file() {
            return error;
        }
        let error = if pointer.is_empty() {
            error
        } else {
            error.under(shape::field(pointer))
        };
        error.file(&self.path).line(line(&self.document, pointer))
    }
}

/// The keys that are set, without their values: enough to warn about deprecated ones.
fn keys(set: &Map<String, Json>) -> Map<String, Json> {
    set.keys().map(|key| (key.clone(), Value::Null)).collect()
}

fn line(document: &Document, pointer: &str) -> usize {
    let mut pointer = pointer;
    loop {
        if let Some(position) = document.position(pointer) {
            return position.line;
        }
        match pointer.rsplit_once('/') {
            Some((parent, _)) => pointer = parent,
            None => return document.line,
        }
    }
}

/// Makes the typed value of one whose shape was checked.
///
/// # Errors
/// What no shape says: a number out of range, a word that is not one of a few.
pub(crate) fn typed<T: DeserializeOwned>(value: Json) -> Result<T> {
    serde_json::from_value(value).map_err(Error::new)
}
