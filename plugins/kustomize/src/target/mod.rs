//! Walks the kustomizations of a build, from the leaves to the root.

mod accumulator;
mod builtin;
mod function;
mod plugins;
mod remote;

use std::collections::BTreeMap;

use windlass_manifest::{INDEX_ANNOTATION, PATH_ANNOTATION};
use windlass_plugin_sdk::Json;

use crate::config::TransformerConfig;
use crate::error::{Error, Result};
use crate::field::FieldSpec;
use crate::files::{Files, Folder, Found};
use crate::generate::absorb_all;
use crate::kustomization::Kustomization;
use crate::merge;
use crate::origin::{self, Origin};
use crate::read;
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;
use crate::transform::Transformer;
use crate::transform::hash::HashSuffix;
use crate::transform::label::Labels;
use crate::transform::name_reference::NameReferences;
use crate::transform::sort::SortOptions;
use crate::transform::strategic_merge::only_texts;
use accumulator::Accumulator;

/// How deep kustomizations may be nested. Real trees have fewer than ten levels; each level costs
/// stack, of which the sandbox has little.
const MAX_DEPTH: usize = 100;

/// How many kustomizations one build may load. Every level of overlays that lists the level below
/// twice doubles their number.
const MAX_KUSTOMIZATIONS: usize = 20_000;

/// How many resources one build may hold at a time.
const MAX_RESOURCES: usize = 200_000;

/// An annotation that keeps an object out of the result.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// What `managedByLabel` writes: the release whose behaviour this is.
const MANAGER: &str = "kustomize-v5.8.2";

/// In which order a build gives its objects when the kustomization does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Reorder {
    /// By kind: those that others need first.
    #[default]
    Legacy,
    /// As they were read.
    None,
}

/// Builds the folder as `kustomize build` does.
///
/// # Errors
/// The first thing that is wrong, with its file, line and field.
pub(crate) fn build(files: Files<'_>, folder: &Folder, reorder: Reorder) -> Result<Vec<Json>> {
    let mut build = Build {
        files,
        schema: Schema::default(),
        schema_is_set: false,
        has_resources: false,
        loaded: 0,
    };
    let kustomization = build.load(folder)?;
    build.use_schema(&kustomization, folder)?;
    let tracked = !kustomization.fields.build_metadata.is_empty();
    let target = Target {
        folder: folder.clone(),
        kustomization,
        origin: tracked.then(Origin::default),
        path: vec![folder.clone()],
    };
    let mut resources = build.make(&target)?;
    let fields = &target.kustomization.fields;
    let legacy = SortOptions::legacy();
    match (&fields.sort_options, reorder) {
        (Some(options), _) => options
            .transform(&mut resources, &build.schema)
            .map_err(|error| target.kustomization.at(error, "/sortOptions"))?,
        (None, Reorder::Legacy) => legacy.transform(&mut resources, &build.schema)?,
        (None, Reorder::None) => {}
    }
    let asked = |option: &str| fields.build_metadata.iter().any(|it| it == option);
    if asked("managedByLabel") {
        Labels {
            labels: BTreeMap::from([(MANAGED_BY.to_owned(), MANAGER.to_owned())]),
            field_specs: vec![FieldSpec::new("metadata/labels", true)].into(),
        }
        .transform(&mut resources, &build.schema)?;
    }
    if !asked("originAnnotations") {
        origin::remove_origins(&mut resources);
    }
    if !asked("transformerAnnotations") {
        origin::remove_transformers(&mut resources);
    }
    for resource in &resources.list {
        if let Some(missing) = missing(resource) {
            let error = Error::new(format_args!("the object has no {missing} any more"))
                .hint("look for a patch that takes it away");
            return Err(at_source(error, resource));
        }
    }
    Ok(resources.list.into_iter().map(finished).collect())
}

/// What every object has to have and this one has not; a list needs no name.
fn missing(resource: &Resource) -> Option<&'static str> {
    if resource.kind().is_empty() {
        Some("kind")
    } else if resource.name().is_empty() && !resource.kind().ends_with("List") {
        Some("metadata.name")
    } else {
        None
    }
}

/// The object, with the place where it was read for messages of the steps behind this one.
fn finished(mut resource: Resource) -> Json {
    let source = resource.source.clone();
    only_texts(&mut resource.json, "annotations");
    if !source.file.is_empty() {
        resource.set_annotation(PATH_ANNOTATION, &format!("/{}", source.file));
        resource.set_annotation(INDEX_ANNOTATION, &source.index.to_string());
    }
    resource.json
}

/// What all kustomizations of a build share.
struct Build<'h> {
    files: Files<'h>,
    schema: Schema,
    /// The first kustomization that names a schema decides, from the root down.
    schema_is_set: bool,
    /// Whether a resource was read or made, for which the schema was needed.
    has_resources: bool,
    loaded: usize,
}

/// One kustomization and how the build came to it.
struct Target {
    folder: Folder,
    kustomization: Kustomization,
    /// Where its resources come from, when the root asks for that to be written down.
    origin: Option<Origin>,
    /// The folders from the root to this one.
    path: Vec<Folder>,
}

impl Target {
    fn at(&self, field: &str, index: usize) -> impl Fn(Error) -> Error + '_ {
        let pointer = format!("/{field}/{index}");
        move |error| self.kustomization.at(error, &pointer)
    }
}

impl Build<'_> {
    fn load(&mut self, folder: &Folder) -> Result<Kustomization> {
        self.loaded += 1;
        if self.loaded > MAX_KUSTOMIZATIONS {
            return Err(Error::new(format_args!(
                "the build has loaded {MAX_KUSTOMIZATIONS} kustomizations and is not done"
            ))
            .hint("look for overlays that list the same base again and again"));
        }
        Kustomization::load(&mut self.files, folder)
    }

    fn use_schema(&mut self, kustomization: &Kustomization, folder: &Folder) -> Result<()> {
        let fields = &kustomization.fields.openapi;
        let at = |error| kustomization.at(error, "/openapi");
        let text = match fields.get("path") {
            Some(path) => Some(self.files.read(folder, path).map_err(at)?),
            None => None,
        };
        if self.schema_is_set {
            return Ok(());
        }
        let version = fields.get("version").map_or("", String::as_str);
        if let Some(text) = text {
            if fields.contains_key("version") {
                return Err(at(Error::new("`path` and `version` are both set").hint(
                    "keep `path` for a schema of your own, or `version` for a built-in one",
                )));
            }
            let document = read::values("", &text).map_err(at)?.into_iter().next();
            let document = document.unwrap_or_default();
            self.schema = Schema::custom(document, self.has_resources).map_err(at)?;
            self.schema_is_set = true;
        } else if !version.is_empty() {
            if !Schema::is_version(version) {
                return Err(at(Error::new(format_args!(
                    "the schema of Kubernetes {version} is not built in"
                ))
                .hint("leave `version` out, or name a schema of your own with `path`")));
            }
            self.schema_is_set = true;
        }
        Ok(())
    }

    /// Everything that is done once, at the root.
    fn make(&mut self, target: &Target) -> Result<Resources> {
        let mut all = Accumulator::default();
        self.accumulate(target, &mut all)?;
        let Accumulator {
            mut resources,
            config,
            variables,
        } = all;
        HashSuffix.transform(&mut resources, &self.schema)?;
        NameReferences::new(&config.name_reference).transform(&mut resources, &self.schema)?;
        for unused in variables.resolve(&mut resources, &config.var_reference)? {
            self.files
                .warn(&format!("the variable `{unused}` is used nowhere"));
        }
        resources.list.retain(|resource| {
            resource
                .metadata("annotations")
                .and_then(|annotations| annotations.get(LOCAL_CONFIG))
                .is_none_or(|value| merge::text(value) == "false")
        });
        Ok(resources)
    }

    /// Adds what a kustomization says to `all`: its resources, and then what it does to them.
    fn accumulate(&mut self, target: &Target, all: &mut Accumulator) -> Result<()> {
        let kustomization = &target.kustomization;
        let fields = &kustomization.fields;
        self.resources(target, "resources", &fields.resources, all)?;

        let at = |error| kustomization.at(error, "/configurations");
        let (files, folder) = (&mut self.files, &target.folder);
        let config =
            TransformerConfig::from_files(&fields.configurations, files, folder).map_err(at)?;
        all.config.merge(config).map_err(at)?;
        let at = |error| kustomization.at(error, "/crds");
        let crds = TransformerConfig::from_crds(&fields.crds, files, folder).map_err(at)?;
        all.config.merge(crds).map_err(at)?;

        let generated = self.generated(target)?;
        self.has_resources |= !generated.is_empty();
        absorb_all(&mut all.resources, generated, &self.schema)
            .map_err(|error| kustomization.at(error, ""))?;

        for (index, path) in fields.components.iter().enumerate() {
            let at = target.at("components", index);
            let full = self.locate(target, path).map_err(&at)?;
            if !matches!(self.files.look(&full).map_err(&at)?, Some(Found::Folder)) {
                return Err(at(Error::new(format_args!("there is no folder {full}"))));
            }
            let folder = base(target, path, full).map_err(&at)?;
            self.nested(target, path, folder, Some(all)).map_err(&at)?;
            // What a component leaves is gathered anew, and has to stand beside itself.
            all.resources.check_unique(&self.schema).map_err(&at)?;
            let mut config = TransformerConfig::default();
            config.merge(std::mem::take(&mut all.config)).map_err(at)?;
            all.config = config;
        }

        self.transform(target, all)?;
        self.validate(target, all)?;
        all.variables
            .add(&fields.vars, &mut all.resources, &self.schema)
            .map_err(|error| kustomization.at(error, "/vars"))
    }

    /// Adds what a list of paths names: files with objects, and folders with kustomizations.
    fn resources(
        &mut self,
        target: &Target,
        field: &str,
        paths: &[String],
        all: &mut Accumulator,
    ) -> Result<()> {
        for (index, path) in paths.iter().enumerate() {
            let at = target.at(field, index);
            let full = self.locate(target, path).map_err(&at)?;
            let added = match self.files.look(&full).map_err(&at)? {
                None => {
                    return Err(at(Error::new(format_args!(
                        "there is no file or folder {full}"
                    ))));
                }
                Some(Found::File(text)) => {
                    let full = target.folder.join(path).map_err(&at)?;
                    self.files.permit(&target.folder, &full).map_err(&at)?;
                    let mut added = Resources {
                        list: read::resources(&full, &text)?,
                    };
                    self.has_resources |= !added.list.is_empty();
                    if let Some(origin) = &target.origin {
                        origin::annotate(&mut added, &origin.append(path));
                    }
                    added
                }
                Some(Found::Folder) => {
                    let folder = base(target, path, full).map_err(&at)?;
                    let inner = self.nested(target, path, folder, None).map_err(&at)?;
                    all.config.merge(inner.config).map_err(&at)?;
                    all.variables.merge(inner.variables).map_err(&at)?;
                    inner.resources
                }
            };
            all.resources.list.extend(added.list);
            if all.resources.list.len() > MAX_RESOURCES {
                return Err(at(Error::new(format_args!(
                    "the build holds more than {MAX_RESOURCES} objects"
                ))));
            }
        }
        // Once for the whole list: a kustomization may name thousands of files.
        all.resources.check_unique(&self.schema)
    }

    /// The path from the root of the tree of what a kustomization names.
    fn locate(&mut self, target: &Target, path: &str) -> Result<String> {
        if path.is_empty() {
            return Err(Error::new("the path is empty"));
        }
        if remote::is_remote(path) {
            return Err(remote::refused(path));
        }
        target.folder.join_as_folder(path)
    }

    /// Accumulates the kustomization of `folder`: a component into what is there already, a base by
    /// itself.
    fn nested(
        &mut self,
        target: &Target,
        path: &str,
        folder: Folder,
        component_of: Option<&mut Accumulator>,
    ) -> Result<Accumulator> {
        let kustomization = self.load(&folder)?;
        self.use_schema(&kustomization, &folder)?;
        let mut ancestors = target.path.clone();
        ancestors.push(folder.clone());
        let inner = Target {
            origin: target.origin.as_ref().map(|origin| origin.append(path)),
            path: ancestors,
            folder,
            kustomization,
        };
        let (is, name) = (inner.kustomization.is_component(), inner.folder.shown());
        match component_of {
            Some(all) if is => {
                self.accumulate(&inner, all)?;
                Ok(Accumulator::default())
            }
            Some(_) => Err(Error::new(format_args!("{name} holds a Kustomization"))
                .hint("list it under `resources`, or make it a Component")),
            None if is => Err(Error::new(format_args!("{name} holds a Component"))
                .hint("list it under `components`")),
            None => {
                let mut all = Accumulator::default();
                self.accumulate(&inner, &mut all)?;
                Ok(all)
            }
        }
    }
}

/// The folder of a base or a component, which lies at `full`.
fn base(target: &Target, path: &str, full: String) -> Result<Folder> {
    let merged_lines = path
        .split('/')
        .any(|part| part != ".." && part.contains(".."));
    if merged_lines {
        return Err(Error::new(format_args!("the path {path:?} is ambiguous"))
            .hint("look for two list items that YAML reads as one because of their indentation"));
    }
    let folder = Folder::from(full);
    if let Some(above) = target
        .path
        .iter()
        .find(|visited| folder.holds(visited.path()))
    {
        let cycle: Vec<_> = target
            .path
            .iter()
            .skip_while(|visited| *visited != above)
            .chain([&folder])
            .map(Folder::shown)
            .collect();
        return Err(Error::new(format_args!(
            "the build comes back to {}, in which it is already ({})",
            folder.shown(),
            cycle.join(" -> ")
        ))
        .hint("a kustomization can neither list itself nor a folder above it"));
    }
    if target.path.len() >= MAX_DEPTH {
        return Err(Error::new(format_args!(
            "more than {MAX_DEPTH} kustomizations are nested, from {} to {full}",
            target.path.first().map_or("", Folder::shown),
            full = folder.shown()
        )));
    }
    Ok(folder)
}
