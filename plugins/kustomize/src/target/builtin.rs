//! What the fields of a kustomization do: generators and transformers, in kustomize's order.

use crate::config::TransformerConfig;
use crate::error::Result;
use crate::field::{FieldSpec, FieldSpecs};
use crate::files::Files;
use crate::kustomization::Label;
use crate::origin::{self, Origin};
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::Schema;
use crate::transform::Transformer;
use crate::transform::annotation::Annotations;
use crate::transform::image::ImageTag;
use crate::transform::json6902::{Json6902, Json6902Config};
use crate::transform::label::Labels;
use crate::transform::name::{Prefix, Suffix};
use crate::transform::namespace::Namespace;
use crate::transform::patch::Patches;
use crate::transform::replacement::Replacements;
use crate::transform::replica::ReplicaCount;
use crate::transform::strategic_merge::{StrategicMerge, StrategicMergeConfig};

use super::accumulator::Accumulator;
use super::function::Function;
use super::{Build, Target};

/// What changes resources.
pub(super) enum Work {
    /// A transformer of kustomize's own.
    Builtin(Box<dyn Transformer>),
    /// A function of the repository.
    Function(Function),
}

impl Work {
    pub(super) fn run(
        &self,
        files: &mut Files<'_>,
        resources: &mut Resources,
        schema: &Schema,
    ) -> Result<()> {
        match self {
            Self::Builtin(transformer) => transformer.transform(resources, schema),
            Self::Function(function) => function.transform(files, resources, schema),
        }
    }
}

/// What a step does, the field that asked for it, and what is written down about it.
pub(super) struct Step {
    pub(super) work: Work,
    /// JSON pointer into the kustomization.
    pub(super) pointer: String,
    pub(super) origin: Option<Origin>,
    /// How often it is written down.
    pub(super) times: usize,
}

impl Build<'_> {
    /// What the generators of a kustomization make.
    pub(super) fn generated(&mut self, target: &Target) -> Result<Vec<Resource>> {
        let fields = &target.kustomization.fields;
        let options = fields.generator_options.as_ref();
        let mut made = Vec::new();
        for (index, generator) in fields.config_map_generator.iter().enumerate() {
            let resource = generator
                .with_defaults(options)
                .generate(&mut self.files, &target.folder)
                .map_err(target.at("configMapGenerator", index))?;
            made.push(with_origin(
                resource,
                target.by("ConfigMapGenerator").as_ref(),
            ));
        }
        for (index, generator) in fields.secret_generator.iter().enumerate() {
            let resource = generator
                .with_defaults(options)
                .generate(&mut self.files, &target.folder)
                .map_err(target.at("secretGenerator", index))?;
            made.push(with_origin(resource, target.by("SecretGenerator").as_ref()));
        }
        made.extend(self.generated_by_plugins(target)?);
        Ok(made)
    }

    /// Runs the transformers of a kustomization.
    pub(super) fn transform(&mut self, target: &Target, all: &mut Accumulator) -> Result<()> {
        let mut steps = self.builtin_steps(target, &all.config)?;
        steps.extend(self.plugin_steps(
            target,
            "transformers",
            &target.kustomization.fields.transformers,
        )?);
        for step in steps {
            step.work
                .run(&mut self.files, &mut all.resources, &self.schema)
                .map_err(|error| target.kustomization.at(error, &step.pointer))?;
            for origin in std::iter::repeat_n(&step.origin, step.times).flatten() {
                origin::add_transformer(&mut all.resources, origin);
            }
            all.resources.drop_empty();
        }
        Ok(())
    }

    fn builtin_steps(&mut self, target: &Target, config: &TransformerConfig) -> Result<Vec<Step>> {
        let kustomization = &target.kustomization;
        let fields = &kustomization.fields;
        let mut steps = Steps {
            target,
            list: Vec::new(),
        };
        if !fields.patches_strategic_merge.is_empty() {
            let config = StrategicMergeConfig {
                paths: fields.patches_strategic_merge.clone(),
                patches: String::new(),
            };
            let patch = StrategicMerge::load(&config, &mut self.files, &target.folder)
                .map_err(|error| kustomization.at(error, "/patchesStrategicMerge"))?;
            steps.add(
                "PatchStrategicMergeTransformer",
                "/patchesStrategicMerge",
                patch,
            );
        }
        if !fields.patches.is_empty() {
            let patches =
                Patches::load(&fields.patches, "patches", &mut self.files, &target.folder)
                    .map_err(|error| kustomization.at(error, ""))?;
            // kustomize makes a transformer of each patch, and writes each of them down.
            steps.add("PatchTransformer", "", patches);
            if let Some(step) = steps.list.last_mut() {
                step.times = fields.patches.len();
            }
        }
        if !fields.namespace.is_empty() {
            let namespace = Namespace::new(&fields.namespace, config.namespace.clone());
            steps.add("NamespaceTransformer", "/namespace", namespace);
        }
        if !fields.name_prefix.is_empty() {
            let prefix = Prefix {
                prefix: fields.name_prefix.clone(),
                field_specs: config.name_prefix.clone(),
            };
            steps.add("PrefixTransformer", "/namePrefix", prefix);
        }
        if !fields.name_suffix.is_empty() {
            let suffix = Suffix {
                suffix: fields.name_suffix.clone(),
                field_specs: config.name_suffix.clone(),
            };
            steps.add("SuffixTransformer", "/nameSuffix", suffix);
        }
        for (index, label) in fields.labels.iter().enumerate() {
            let labels = Labels {
                labels: label.pairs.clone(),
                field_specs: label_fields(label, config).map_err(target.at("labels", index))?,
            };
            steps.add_item("LabelTransformer", "labels", index, labels);
        }
        if !fields.labels.is_empty() || !fields.common_labels.is_empty() {
            let labels = Labels {
                labels: fields.common_labels.clone(),
                field_specs: config.common_labels.clone(),
            };
            steps.add("LabelTransformer", "/commonLabels", labels);
        }
        if !fields.common_annotations.is_empty() {
            let annotations = Annotations {
                annotations: fields.common_annotations.clone(),
                field_specs: config.common_annotations.clone(),
            };
            steps.add("AnnotationsTransformer", "/commonAnnotations", annotations);
        }
        for (index, patch) in fields.patches_json6902.iter().enumerate() {
            let config = Json6902Config {
                target: patch.target.clone(),
                path: patch.path.clone(),
                json_op: patch.patch.clone(),
            };
            let patch = Json6902::load(&config, &mut self.files, &target.folder)
                .map_err(target.at("patchesJson6902", index))?;
            steps.add_item("PatchJson6902Transformer", "patchesJson6902", index, patch);
        }
        for (index, replica) in fields.replicas.iter().enumerate() {
            let count = ReplicaCount {
                replica: replica.clone(),
                field_specs: config.replicas.clone(),
            };
            steps.add_item("ReplicaCountTransformer", "replicas", index, count);
        }
        for (index, image) in fields.images.iter().enumerate() {
            let tag = ImageTag {
                image_tag: image.clone(),
                field_specs: config.images.clone(),
            };
            steps.add_item("ImageTagTransformer", "images", index, tag);
        }
        if !fields.replacements.is_empty() {
            let replacements =
                Replacements::load(&fields.replacements, &mut self.files, &target.folder)
                    .map_err(|error| kustomization.at(error, "/replacements"))?;
            steps.add("ReplacementTransformer", "/replacements", replacements);
        }
        Ok(steps.list)
    }
}

struct Steps<'t> {
    target: &'t Target,
    list: Vec<Step>,
}

impl Steps<'_> {
    fn add(&mut self, kind: &str, pointer: &str, transformer: impl Transformer + 'static) {
        self.list.push(Step {
            work: Work::Builtin(Box::new(transformer)),
            pointer: pointer.to_owned(),
            origin: self.target.by(kind),
            times: 1,
        });
    }

    fn add_item(
        &mut self,
        kind: &str,
        field: &str,
        index: usize,
        transformer: impl Transformer + 'static,
    ) {
        self.add(kind, &format!("/{field}/{index}"), transformer);
    }
}

impl Target {
    /// What is written down about resources that a field of this kustomization has made or changed.
    fn by(&self, kind: &str) -> Option<Origin> {
        let origin = self.origin.as_ref()?;
        Some(origin.configured(self.kustomization.name, "builtin", kind))
    }
}

fn with_origin(resource: Resource, origin: Option<&Origin>) -> Resource {
    let mut made = Resources {
        list: vec![resource],
    };
    if let Some(origin) = origin {
        origin::add_origin(&mut made, origin);
    }
    made.list.remove(0)
}

/// The fields that an entry of `labels` sets: those it names, and what its options add.
fn label_fields(label: &Label, config: &TransformerConfig) -> Result<FieldSpecs> {
    let fields = label.fields.merge_all(&config.labels)?;
    if label.include_selectors {
        return fields.merge_all(&config.common_labels);
    }
    let mut fields = fields;
    if label.include_templates {
        fields = fields.merge_all(&config.template_labels)?;
    }
    if label.include_volume_claim_templates {
        fields = fields.merge_all(&config.volume_claim_template_labels)?;
    }
    fields.merge_all(&[FieldSpec::new("metadata/labels", true)])
}
