//! KRM functions that are `.wasm` files of the repository, among generators, transformers and
//! validators. They run as plugins; what else kustomize would start is refused by its name.
//!
//! Source: <https://kubectl.docs.kubernetes.io/guides/extending_kustomize/exec_krm_functions/>

use std::collections::HashMap;

use serde_json::Value;
use windlass_manifest::{Limits, decode};
use windlass_plugin_sdk::{Json, Severity};

use crate::error::{Error, Result};
use crate::files::{Files, Folder};
use crate::id::OwnedId;
use crate::resource::{Behavior, Resource, Source};
use crate::resources::Resources;
use crate::schema::Schema;

/// The annotations that make an object the configuration of a function, the later one first.
const FUNCTION: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];

/// What a generated object says about itself.
const NEEDS_HASH: &str = "kustomize.config.k8s.io/needs-hash";
const BEHAVIOR: &str = "kustomize.config.k8s.io/behavior";

/// A function and its configuration.
#[derive(Debug)]
pub(super) struct Function {
    /// The `.wasm` file, by its path from the root of the tree.
    path: String,
    config: Json,
}

impl Function {
    /// The function that an object configures; none when it names no function.
    ///
    /// # Errors
    /// A container, an executable that is no `.wasm` file, and a path that leads out of the tree.
    pub(super) fn of(config: &Resource, folder: &Folder) -> Result<Option<Self>> {
        let Some(text) = FUNCTION.iter().find_map(|name| config.annotation(name)) else {
            return Ok(None);
        };
        let wrong = |error: Error| error.field(format!("metadata.annotations[{:?}]", FUNCTION[0]));
        let spec = decode(text.as_bytes(), &Limits::default())
            .map_err(|error| wrong(Error::new(&error.problem)))?
            .into_iter()
            .next()
            .map(|document| document.value)
            .unwrap_or_default();
        let path = spec.pointer("/exec/path").and_then(Value::as_str);
        let Some(path) = path.filter(|path| path.ends_with(".wasm")) else {
            return Err(wrong(refused(config.kind(), &spec, path)));
        };
        // The load restriction is about what ends up in objects; a function runs in the sandbox wherever
        // in the repository it lies.
        Ok(Some(Self {
            path: folder.join(path).map_err(wrong)?,
            config: config.json.clone(),
        }))
    }

    /// What the function makes of nothing.
    ///
    /// # Errors
    /// What the function says, and what came of it that is no object.
    pub(super) fn generate(&self, files: &mut Files<'_>) -> Result<Vec<Resource>> {
        let made = self.run(files, Vec::new())?;
        made.into_iter()
            .map(|object| {
                let mut resource = self.resource(object)?;
                resource.needs_hash = resource.annotation(NEEDS_HASH) == Some("true");
                resource.behavior = match resource.annotation(BEHAVIOR) {
                    Some("create") => Behavior::Create,
                    Some("replace") => Behavior::Replace,
                    Some("merge") => Behavior::Merge,
                    _ => Behavior::Unspecified,
                };
                resource.remove_annotation(NEEDS_HASH);
                resource.remove_annotation(BEHAVIOR);
                Ok(resource)
            })
            .collect()
    }

    /// Runs the function over the resources. One that comes back under its id keeps its place and its
    /// history; one that does not is removed; a new one is put behind the others.
    ///
    /// # Errors
    /// What the function says, and what came of it that is no object or there twice.
    pub(super) fn transform(
        &self,
        files: &mut Files<'_>,
        resources: &mut Resources,
        schema: &Schema,
    ) -> Result<()> {
        let objects = resources.list.iter().map(|it| it.json.clone()).collect();
        let mut places: HashMap<OwnedId, usize> = HashMap::with_capacity(resources.list.len());
        for (at, resource) in resources.list.iter().enumerate() {
            places.insert(resource.id(schema).to_owned(), at);
        }
        let mut old: Vec<Option<Resource>> = resources.list.drain(..).map(Some).collect();
        let mut kept: Vec<Option<Resource>> = old.iter().map(|_| None).collect();
        let mut added = Vec::new();
        for object in self.run(files, objects)? {
            let new = self.resource(object)?;
            let place = places.get(&new.id(schema).to_owned()).copied();
            let Some((at, slot)) = place.and_then(|at| Some((at, kept.get_mut(at)?))) else {
                added.push(new);
                continue;
            };
            match old.get_mut(at).and_then(Option::take) {
                Some(mut resource) => {
                    resource.json = new.json;
                    resource.forget_shared();
                    *slot = Some(resource);
                }
                None => {
                    return Err(Error::new(format_args!(
                        "{} has given back two objects called {}",
                        self.path,
                        new.id(schema)
                    )));
                }
            }
        }
        resources.list = kept.into_iter().flatten().collect();
        resources.append_all(added, schema)
    }

    fn run(&self, files: &mut Files<'_>, objects: Vec<Json>) -> Result<Vec<Json>> {
        let ran = files.run(&self.path, objects, &self.config)?;
        for finding in &ran.findings {
            if finding.severity() == Severity::Error {
                return Err(Error::new(format_args!(
                    "{}: {}",
                    self.path,
                    finding.message()
                )));
            }
            files.warn(&format!("{}: {}", self.path, finding.message()));
        }
        Ok(ran.objects)
    }

    fn resource(&self, object: Json) -> Result<Resource> {
        if !object.is_object() {
            return Err(Error::new(format_args!(
                "{} has given back something that is no object",
                self.path
            )));
        }
        let source = Source {
            file: self.path.as_str().into(),
            ..Source::default()
        };
        Ok(Resource::new(object, source))
    }
}

fn refused(kind: &str, spec: &Json, path: Option<&str>) -> Error {
    let what = match (
        spec.pointer("/container/image").and_then(Value::as_str),
        path,
    ) {
        (Some(image), _) => format!("the container {image}"),
        (None, Some(path)) => format!("the program {path}"),
        (None, None) => "a function of another kind".to_owned(),
    };
    Error::new(format_args!(
        "{kind} asks for {what}, which the sandbox does not start"
    ))
    .hint(
        "compile the function to WebAssembly (GOOS=wasip1 GOARCH=wasm go build), commit the file, and \
         name it: `exec: {path: FILE.wasm}`",
    )
}

#[cfg(test)]
#[path = "function_tests.rs"]
mod tests;
