//! Which fields transformers look at: kustomize's defaults, `configurations` and `crds`.

mod crd;
mod defaults;
mod go_json;
mod order;

use std::ops::Deref;
use std::rc::Rc;

use serde::Deserialize;
use windlass_manifest::{DecodeError, Limits, decode};
use windlass_plugin_sdk::Json;

use crate::error::{Error, Result};
use crate::field::{Embedded, FieldSpecs};
use crate::files::{Files, Folder};
use crate::id::Gvk;

pub(crate) use go_json::Reading;
pub(crate) use order::{FIRST, LAST, compare};

/// A kind, and the fields by which objects refer to objects of it by name.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub(crate) struct NameBackReferences {
    /// What is referred to; what is empty is not looked at.
    pub(crate) gvk: Gvk,
    /// Where it is referred to.
    pub(crate) referrers: FieldSpecs,
}

/// A [`NameBackReferences`] as it is written.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    group: Embedded,
    version: Embedded,
    kind: Embedded,
    field_specs: FieldSpecs,
}

impl From<Written> for NameBackReferences {
    fn from(written: Written) -> Self {
        let Written {
            group,
            version,
            kind,
            field_specs,
        } = written;
        Self {
            gvk: Gvk {
                group: group.0,
                version: version.0,
                kind: kind.0,
            },
            referrers: field_specs,
        }
    }
}

/// The references to all kinds, shared as [`FieldSpecs`] are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<NameBackReferences>")]
pub(crate) struct References(Rc<Vec<NameBackReferences>>);

impl From<Vec<NameBackReferences>> for References {
    fn from(list: Vec<NameBackReferences>) -> Self {
        Self(Rc::new(list))
    }
}

impl Deref for References {
    type Target = [NameBackReferences];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl References {
    /// Adds references; those to a kind that is there already are merged into its list.
    fn merge_all(&self, added: &[NameBackReferences]) -> Result<Self> {
        let mut merged = self.to_vec();
        for references in added {
            let mut present = merged
                .iter_mut()
                .filter(|present| present.gvk == references.gvk)
                .peekable();
            if present.peek().is_none() {
                merged.push(references.clone());
                continue;
            }
            for present in present {
                present.referrers = present.referrers.merge_all(&references.referrers)?;
            }
        }
        Ok(Self::from(merged))
    }

    /// Whether both are the same list in memory.
    fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    fn sorted(&self) -> Self {
        let mut list = self.to_vec();
        list.sort_by(|a, b| compare(&a.gvk, &b.gvk));
        Self::from(list)
    }
}

/// The fields that transformers look at, by transformer (kustomize's `TransformerConfig`).
///
/// Copies are cheap: lists are shared until something is added to them. Every list is in the order of
/// its kinds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct TransformerConfig {
    /// Names that take a prefix.
    pub(crate) name_prefix: FieldSpecs,
    /// Names that take a suffix.
    pub(crate) name_suffix: FieldSpecs,
    /// Namespaces.
    pub(crate) namespace: FieldSpecs,
    /// Labels with selectors.
    pub(crate) common_labels: FieldSpecs,
    /// More fields for `labels`.
    pub(crate) labels: FieldSpecs,
    /// Labels of pod templates.
    pub(crate) template_labels: FieldSpecs,
    /// Labels of the templates of volume claims.
    pub(crate) volume_claim_template_labels: FieldSpecs,
    /// Annotations.
    pub(crate) common_annotations: FieldSpecs,
    /// References by name.
    pub(crate) name_reference: References,
    /// Where variables are replaced.
    pub(crate) var_reference: FieldSpecs,
    /// Images.
    pub(crate) images: FieldSpecs,
    /// Numbers of replicas.
    pub(crate) replicas: FieldSpecs,
}

impl TransformerConfig {
    /// kustomize's own.
    pub(crate) fn builtin() -> Self {
        thread_local! {
            static BUILTIN: TransformerConfig = defaults::build();
        }
        BUILTIN.with(Clone::clone)
    }

    /// kustomize's own with those of the files of `configurations` added.
    ///
    /// # Errors
    /// A file cannot be read, has an unknown field or one of the wrong type, or says otherwise about
    /// `create` than another place does.
    pub(crate) fn from_files(
        paths: &[String],
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let mut config = Self::builtin();
        if paths.is_empty() {
            return Ok(config);
        }
        let mut added = Self::default();
        for path in paths {
            let text = files.read(folder, path)?;
            let full = folder.join(path)?;
            let more = Self::read(&text).and_then(|more| added.merge(more));
            more.map_err(|error| error.file(full))?;
        }
        config.merge(added)?;
        Ok(config)
    }

    /// The annotations, labels, names and references that the files of `crds` speak of.
    ///
    /// # Errors
    /// A file cannot be read, is not what kustomize expects, or refers to itself in a circle.
    pub(crate) fn from_crds(
        paths: &[String],
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let mut config = Self::default();
        for path in paths {
            let text = files.read(folder, path)?;
            let full = folder.join(path)?;
            let more = crd::config(&text).and_then(|more| config.merge(more));
            more.map_err(|error| error.file(full))?;
        }
        Ok(config)
    }

    fn read(text: &[u8]) -> Result<Self> {
        let mut config: Self = Reading::CONFIGURATION.read(first_document(text)?)?;
        // The order decides what covers what when lists are merged.
        for list in [
            &mut config.name_prefix,
            &mut config.name_suffix,
            &mut config.namespace,
            &mut config.common_labels,
            &mut config.labels,
            &mut config.template_labels,
            &mut config.volume_claim_template_labels,
            &mut config.common_annotations,
            &mut config.var_reference,
            &mut config.images,
            &mut config.replicas,
        ] {
            *list = list.sorted_by(compare);
        }
        config.name_reference = config.name_reference.sorted();
        Self::default().add(&config)
    }

    /// Adds the fields of another configuration.
    ///
    /// # Errors
    /// They say otherwise about `create` of a field.
    pub(crate) fn merge(&mut self, added: Self) -> Result<()> {
        // Every kustomization begins so; the tests show that this is the same.
        *self = if self.is_empty() && added.is_same(&Self::builtin()) {
            added
        } else {
            self.add(&added)?
        };
        Ok(())
    }

    fn add(&self, other: &Self) -> Result<Self> {
        let lists = |list: &FieldSpecs, added: &FieldSpecs, name: &str| {
            if added.is_empty() || list.is_same(added) {
                return Ok(list.clone());
            }
            match list.merge_all(added) {
                Ok(merged) => Ok(merged.sorted_by(compare)),
                Err(error) => Err(error.context(name)),
            }
        };
        let name_reference = &self.name_reference;
        Ok(Self {
            name_prefix: lists(&self.name_prefix, &other.name_prefix, "namePrefix")?,
            name_suffix: lists(&self.name_suffix, &other.name_suffix, "nameSuffix")?,
            namespace: lists(&self.namespace, &other.namespace, "namespace")?,
            common_labels: lists(&self.common_labels, &other.common_labels, "commonLabels")?,
            labels: lists(&self.labels, &other.labels, "labels")?,
            template_labels: lists(
                &self.template_labels,
                &other.template_labels,
                "templateLabels",
            )?,
            volume_claim_template_labels: lists(
                &self.volume_claim_template_labels,
                &other.volume_claim_template_labels,
                "volumeClaimTemplateLabels",
            )?,
            common_annotations: lists(
                &self.common_annotations,
                &other.common_annotations,
                "commonAnnotations",
            )?,
            name_reference: if other.name_reference.is_empty()
                || name_reference.is_same(&other.name_reference)
            {
                name_reference.clone()
            } else {
                name_reference
                    .merge_all(&other.name_reference)
                    .map_err(|error| error.context("nameReference"))?
                    .sorted()
            },
            var_reference: lists(&self.var_reference, &other.var_reference, "varReference")?,
            images: lists(&self.images, &other.images, "images")?,
            replicas: lists(&self.replicas, &other.replicas, "replicas")?,
        })
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all lists are the same in memory.
    fn is_same(&self, other: &Self) -> bool {
        self.lists()
            .iter()
            .zip(other.lists())
            .all(|(list, other)| list.is_same(other))
            && self.name_reference.is_same(&other.name_reference)
    }

    fn lists(&self) -> [&FieldSpecs; 11] {
        let Self {
            name_prefix,
            name_suffix,
            namespace,
            common_labels,
            labels,
            template_labels,
            volume_claim_template_labels,
            common_annotations,
            name_reference: _,
            var_reference,
            images,
            replicas,
        } = self;
        [
            name_prefix,
            name_suffix,
            namespace,
            common_labels,
            labels,
            template_labels,
            volume_claim_template_labels,
            common_annotations,
            var_reference,
            images,
            replicas,
        ]
    }
}

/// The first document of a file, as kustomize reads it; null when there is none.
fn first_document(text: &[u8]) -> Result<Json> {
    let documents = decode(text, &Limits::default()).map_err(|error: DecodeError| {
        Error::new(format_args!("the file is not YAML: {}", error.problem))
            .line(error.position.line)
    })?;
    Ok(documents
        .into_iter()
        .next()
        .map_or(Json::Null, |document| document.value))
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
