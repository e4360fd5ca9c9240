//! One patch: read, aimed and applied.

use crate::config::Entry;
use windlass_manifest::{Limits, decode, jsonpatch, strategic};
use windlass_plugin_common::{Identity, Matcher, Target, Variables, closest, field};
use windlass_plugin_sdk::{Failure, Host, Json};

/// The fields by which a merge patch without a target finds its object. With a target they are not
/// part of the change: a patch is no way to rename things by accident.
const IDENTITY: [&str; 2] = ["apiVersion", "kind"];

/// A patch with its target.
#[derive(Debug)]
pub(crate) struct Patch {
    /// What it is called in messages: `patches[0]`, or `patches[0] (fix.yaml, document 2)`.
    name: String,
    target: Target,
    matcher: Matcher,
    body: Body,
    allow_no_match: bool,
}

#[derive(Debug)]
enum Body {
    /// RFC 6902.
    Operations(Json),
    /// A strategic merge patch; for kinds that Kubernetes does not build in, a JSON merge patch.
    Merge(Json),
    /// `$patch: delete`: the object goes.
    Delete,
}

impl Patch {
    /// Reads the patches of one entry of the configuration: more than one when a file holds more.
    pub(crate) fn read(
        index: usize,
        entry: Entry,
        variables: &Variables,
        host: &mut dyn Host,
    ) -> Result<Vec<Self>, Failure> {
        let Entry {
            target,
            patch,
            path,
            allow_no_match,
        } = entry;
        let place = format!("patches[{index}]");
        let (source, documents) = match (patch, path) {
            (Some(Json::String(text)), None) => {
                let documents = documents(text.as_bytes())
                    .map_err(|reason| Failure::new(reason).field(format!("{place}.patch")))?;
                (None, documents)
            }
            (Some(patch), None) => (None, vec![patch]),
            (None, Some(path)) => {
                let at = |failure: Failure| failure.field(format!("{place}.path"));
                let text = host.read(&path).map_err(|error| at(error.into()))?;
                let documents = documents(&text)
                    .map_err(|reason| at(Failure::new(format!("{path}: {reason}"))))?;
                (Some(path), documents)
            }
            (Some(_), Some(_)) => {
                return Err(Failure::new("`patch` and `path` exclude each other").field(place));
            }
            (None, None) => {
                return Err(Failure::new("neither `patch` nor `path` is given")
                    .field(place)
                    .hint("write the change under `patch`, or name its file in `path`"));
            }
        };
        let many = documents.len() > 1;
        documents
            .into_iter()
            .enumerate()
            .map(|(number, mut body)| {
                let name = match (&source, many) {
                    (None, _) => place.clone(),
                    (Some(path), false) => format!("{place} ({path})"),
                    (Some(path), true) => format!("{place} ({path}, document {})", number + 1),
                };
                variables.substitute(&mut body, &name)?;
                Self::new(name, &place, target.clone(), body, allow_no_match)
            })
            .collect()
    }

    fn new(
        name: String,
        place: &str,
        target: Option<Target>,
        body: Json,
        allow_no_match: bool,
    ) -> Result<Self, Failure> {
        let target = match (target, &body) {
            (Some(target), _) => target,
            (None, Json::Object(_)) => own_target(&body).ok_or_else(|| {
                Failure::new("without `target`, the patch has to name its object")
                    .field(name.clone())
                    .hint("give the patch `apiVersion`, `kind` and `metadata.name`, or a `target`")
            })?,
            (None, _) => {
                return Err(Failure::new("a JSON patch needs a `target`").field(name));
            }
        };
        let matcher = target.matcher(&format!("{place}.target"))?;
        let body = match body {
            Json::Array(_) => Body::Operations(body),
            Json::Object(_) if body["$patch"] == "delete" => Body::Delete,
            Json::Object(_) => Body::Merge(without_identity(body)),
            other => {
                return Err(Failure::new(format!(
                    "a patch is a mapping or a list, not {}",
                    field::kind_of(&other)
                ))
                .field(name));
            }
        };
        Ok(Self {
            name,
            target,
            matcher,
            body,
            allow_no_match,
        })
    }

    /// Applies the patch to every object that it is for. A deleted object leaves `None`.
    pub(crate) fn apply(&self, objects: &mut [Option<Json>]) -> Result<(), Failure> {
        let mut matched = false;
        for (index, slot) in objects.iter_mut().enumerate() {
            let Some(object) = slot.take_if(|object| self.matcher.matches(object)) else {
                continue;
            };
            matched = true;
            *slot = self.change(object, index)?;
        }
        if matched || self.allow_no_match {
            return Ok(());
        }
        Err(Failure::new(format!("no object matches: {}", self.target))
            .field(self.name.clone())
            .hint(self.nearest(objects)))
    }

    fn change(&self, mut object: Json, index: usize) -> Result<Option<Json>, Failure> {
        let failed = |reason: String, object: &Json| {
            let message = format!(
                "{} does not fit {}: {reason}",
                self.name,
                Identity::of(object)
            );
            Failure::new(message).object(index)
        };
        match &self.body {
            Body::Delete => Ok(None),
            Body::Operations(operations) => match jsonpatch::apply(&mut object, operations) {
                Ok(()) => Ok(Some(object)),
                Err(error) => Err(failed(error.to_string(), &object)),
            },
            Body::Merge(patch) => {
                match strategic::apply(&object, patch, &strategic::BuiltinSchema) {
                    Ok(changed) => Ok(Some(changed)),
                    Err(error) => Err(failed(error.to_string(), &object)),
                }
            }
        }
    }

    /// What to do about a patch without an object: mostly a slip in the name or the namespace.
    fn nearest(&self, objects: &[Option<Json>]) -> String {
        let anywhere = Target {
            namespace: None,
            ..self.target.clone()
        };
        let elsewhere = anywhere.matcher("target").ok().and_then(|matcher| {
            objects
                .iter()
                .flatten()
                .find(|object| matcher.matches(object))
        });
        if self.target.namespace.is_some()
            && let Some(object) = elsewhere
        {
            return format!(
                "there is {}; the environment's `namespace` is put in after the last step, so that \
                 a target cannot ask for it",
                Identity::of(object)
            );
        }
        if let Some(name) = &self.target.name {
            let any_name = Target {
                name: None,
                namespace: None,
                ..self.target.clone()
            };
            if let Ok(matcher) = any_name.matcher("target") {
                let names = objects
                    .iter()
                    .flatten()
                    .filter(|object| matcher.matches(object))
                    .map(|object| Identity::of(object).name);
                if let Some(known) = closest(name, names) {
                    return format!("did you mean the name `{known}`?");
                }
            }
        }
        "correct the target, or set `allowNoMatch: true`".to_owned()
    }
}

fn documents(text: &[u8]) -> Result<Vec<Json>, String> {
    let documents: Vec<Json> = decode(text, &Limits::default())
        .map_err(|error| error.to_string())?
        .into_iter()
        .map(|document| document.value)
        .filter(|value| !value.is_null())
        .collect();
    if documents.is_empty() {
        Err("the patch is empty".to_owned())
    } else {
        Ok(documents)
    }
}

/// The object that a merge patch names itself, as in kustomize.
fn own_target(patch: &Json) -> Option<Target> {
    let identity = Identity::of(patch);
    if identity.kind.is_empty() || identity.name.is_empty() {
        return None;
    }
    Some(Target {
        group: Some(identity.group.to_owned()),
        kind: Some(identity.kind.to_owned()),
        name: Some(identity.name.to_owned()),
        namespace: identity.namespace.map(str::to_owned),
        ..Target::default()
    })
}

fn without_identity(mut patch: Json) -> Json {
    if let Json::Object(map) = &mut patch {
        for key in IDENTITY {
            map.remove(key);
        }
        if let Some(Json::Object(metadata)) = map.get_mut("metadata") {
            metadata.remove("name");
            metadata.remove("namespace");
        }
    }
    patch
}
