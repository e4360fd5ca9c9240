//! Generators, transformers and validators that are configured by objects, inline or in files:
//! kustomize's built-in ones, and functions of the repository.

use serde::de::DeserializeOwned;
use windlass_plugin_sdk::Json;

use crate::config::Reading;
use crate::error::{Error, Result};
use crate::generate::{ConfigMapGenerator, SecretGenerator, iam_policy};
use crate::origin::{self, Origin};
use crate::read;
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::transform::Transformer;
use crate::transform::annotation::Annotations;
use crate::transform::hash::HashSuffix;
use crate::transform::image::ImageTag;
use crate::transform::json6902::Json6902;
use crate::transform::label::Labels;
use crate::transform::name::{Prefix, PrefixSuffix, Suffix};
use crate::transform::namespace::Namespace;
use crate::transform::patch::Patches;
use crate::transform::replacement::Replacements;
use crate::transform::replica::ReplicaCount;
use crate::transform::strategic_merge::StrategicMerge;
use crate::transform::value_add::ValueAdd;

use super::accumulator::Accumulator;
use super::builtin::{Step, Work};
use super::function::Function;
use super::{Build, Target};

/// The label that a validator may add.
const VALIDATED_BY: &str = "validated-by";

const GENERATORS: [&str; 4] = [
    "ConfigMapGenerator",
    "HelmChartInflationGenerator",
    "IAMPolicyGenerator",
    "SecretGenerator",
];

impl Build<'_> {
    /// What the objects under `generators` make.
    pub(super) fn generated_by_plugins(&mut self, target: &Target) -> Result<Vec<Resource>> {
        let configs = self.configs(
            target,
            "generators",
            &target.kustomization.fields.generators,
        )?;
        let mut made = Vec::new();
        for config in configs.list {
            let origin = Origin::of_config(&config);
            let mut made_here = Resources {
                list: self
                    .generated_by(target, &config)
                    .map_err(|error| at_source(error, &config))?,
            };
            if let Some(origin) = &origin {
                origin::add_origin(&mut made_here, origin);
            }
            made.append(&mut made_here.list);
        }
        Ok(made)
    }

    fn generated_by(&mut self, target: &Target, config: &Resource) -> Result<Vec<Resource>> {
        if let Some(function) = Function::of(config, &target.folder)? {
            return function.generate(&mut self.files);
        }
        let kind = builtin_kind(config)?;
        if !GENERATORS.contains(&kind) {
            return Err(Error::new(format_args!("{kind} generates nothing"))
                .hint("list it under `transformers`"));
        }
        Ok(vec![self.generate(target, kind, config.json.clone())?])
    }

    fn generate(&mut self, target: &Target, kind: &str, config: Json) -> Result<Resource> {
        let (files, folder) = (&mut self.files, &target.folder);
        match kind {
            "ConfigMapGenerator" => {
                ConfigMapGenerator::from_config(config)?.generate(files, folder)
            }
            "SecretGenerator" => SecretGenerator::from_config(config)?.generate(files, folder),
            "IAMPolicyGenerator" => iam_policy::generate(config),
            _ => Err(Error::new(
                "kustomize would run Helm for this, which the sandbox does not allow",
            )
            .hint("render the chart in a step of its own, and patch its objects in this one")),
        }
    }

    /// The transformers that a list of inline objects, files and folders configures.
    pub(super) fn plugin_steps(
        &mut self,
        target: &Target,
        field: &str,
        entries: &[String],
    ) -> Result<Vec<Step>> {
        let configs = self.configs(target, field, entries)?;
        let mut steps = Vec::new();
        for config in configs.list {
            let origin = Origin::of_config(&config);
            let work = self
                .work(target, &config)
                .map_err(|error| at_source(error, &config))?;
            steps.push(Step {
                work,
                pointer: format!("/{field}"),
                origin,
                times: 1,
            });
        }
        Ok(steps)
    }

    fn work(&mut self, target: &Target, config: &Resource) -> Result<Work> {
        if let Some(function) = Function::of(config, &target.folder)? {
            return Ok(Work::Function(function));
        }
        let kind = builtin_kind(config)?;
        let transformer = self.transformer(target, kind, config.json.clone())?;
        Ok(Work::Builtin(transformer))
    }

    fn transformer(
        &mut self,
        target: &Target,
        kind: &str,
        config: Json,
    ) -> Result<Box<dyn Transformer>> {
        let (files, folder) = (&mut self.files, &target.folder);
        Ok(match kind {
            "AnnotationsTransformer" => Box::new(lenient::<Annotations>(config)?),
            "HashTransformer" => Box::new(HashSuffix),
            "ImageTagTransformer" => Box::new(lenient::<ImageTag>(config)?),
            "LabelTransformer" => Box::new(lenient::<Labels>(config)?),
            "NamespaceTransformer" => Box::new(Namespace::from_config(config)?),
            "PatchJson6902Transformer" => {
                Box::new(Json6902::load(&lenient(config)?, files, folder)?)
            }
            "PatchStrategicMergeTransformer" => {
                Box::new(StrategicMerge::load(&lenient(config)?, files, folder)?)
            }
            "PatchTransformer" => Box::new(Patches::load_one(&lenient(config)?, files, folder)?),
            "PrefixTransformer" => Box::new(Prefix::from_config(config)?),
            "SuffixTransformer" => Box::new(Suffix::from_config(config)?),
            "PrefixSuffixTransformer" => Box::new(PrefixSuffix::from_config(config)?),
            "ReplacementTransformer" => Box::new(Replacements::from_config(config, files, folder)?),
            "ReplicaCountTransformer" => Box::new(lenient::<ReplicaCount>(config)?),
            "ValueAddTransformer" => Box::new(ValueAdd::from_config(config, files, folder)?),
            kind if GENERATORS.contains(&kind) => {
                return Err(Error::new(format_args!("{kind} transforms nothing"))
                    .hint("list it under `generators`"));
            }
            kind => {
                return Err(Error::new(format_args!(
                    "there is no built-in plugin {kind}"
                )));
            }
        })
    }

    /// Runs the validators of a kustomization, which may change nothing.
    pub(super) fn validate(&mut self, target: &Target, all: &mut Accumulator) -> Result<()> {
        let entries = &target.kustomization.fields.validators;
        for step in self.plugin_steps(target, "validators", entries)? {
            let at = |error| target.kustomization.at(error, &step.pointer);
            let mut seen = all.resources.clone();
            step.work
                .run(&mut self.files, &mut seen, &self.schema)
                .map_err(at)?;
            let kept = seen.list.len() == all.resources.list.len()
                && seen
                    .list
                    .iter_mut()
                    .zip(&all.resources.list)
                    .all(|(after, before)| {
                        remove_validated_by(&mut after.json);
                        after.json == before.json
                    });
            if !kept {
                return Err(at(Error::new("a validator has changed objects")
                    .hint("list it under `transformers` if it should")));
            }
            all.resources = seen;
        }
        Ok(())
    }

    /// The objects that a list of inline objects, files and folders holds.
    fn configs(&mut self, target: &Target, field: &str, entries: &[String]) -> Result<Resources> {
        let mut all = Accumulator::default();
        let mut paths = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            match read::resources("", entry.as_bytes()) {
                Ok(inline) => {
                    let mut inline = Resources { list: inline };
                    if let Some(origin) = &target.origin {
                        origin::annotate(&mut inline, &origin.append(target.kustomization.name));
                    }
                    all.resources
                        .append_all(inline.list, &self.schema)
                        .map_err(target.at(field, index))?;
                }
                // No path has two lines, so that this was meant to be an object.
                Err(error) if entry.trim().contains('\n') => {
                    return Err(target.at(field, index)(error));
                }
                Err(_) => paths.push(entry.clone()),
            }
        }
        self.resources(target, field, &paths, &mut all)?;
        Ok(all.resources)
    }
}

fn builtin_kind(config: &Resource) -> Result<&str> {
    if config.api_version() == "builtin" {
        return Ok(config.kind());
    }
    Err(Error::new(format_args!(
        "{} is no built-in plugin; kustomize would look for a program of that name, which the \
         sandbox does not start",
        config.kind()
    ))
    .hint("use a WebAssembly plugin in a step of its own behind this one"))
}

/// Reads the configuration of a built-in plugin. What it does not know it ignores, as kustomize does
/// with `apiVersion`, `kind` and `metadata`.
fn lenient<T: DeserializeOwned>(config: Json) -> Result<T> {
    Reading::PLUGIN.read(config)
}

fn remove_validated_by(object: &mut Json) {
    let Some(labels) = object
        .pointer_mut("/metadata/labels")
        .and_then(Json::as_object_mut)
    else {
        return;
    };
    if labels.remove(VALIDATED_BY).is_some()
        && labels.is_empty()
        && let Some(metadata) = object
            .pointer_mut("/metadata")
            .and_then(Json::as_object_mut)
    {
        metadata.remove("labels");
    }
}
