//! Definitions of types in the OpenAPI format 2.0, from the file that `openapi.path` names.

use std::collections::HashMap;

use serde_json::{Map, Value};
use windlass_plugin_sdk::Json;

use crate::error::{Error, Result};

/// How many references may lead on to the next one.
const MAX_REFERENCES: usize = 32;

/// The extension that says which kinds a definition or a path is about.
const KINDS: &str = "x-kubernetes-group-version-kind";

/// The definitions of a file, found by kind.
#[derive(Debug)]
pub(super) struct Definitions {
    /// The document, as references point into it.
    document: Json,
    /// What the document says about kinds, by kind.
    kinds: HashMap<String, Vec<About>>,
}

/// A definition that a document has, or the name of one that it has not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found<'s> {
    Here(&'s Json),
    Elsewhere(&'s str),
}

/// What a document says about a kind in one version.
#[derive(Debug, Default)]
struct About {
    api_version: String,
    /// The name of its definition.
    definition: Option<String>,
    /// Whether one of its paths has a namespace, if there are any.
    namespaced: Option<bool>,
}

impl Definitions {
    /// Finds the kinds and scopes of a document.
    ///
    /// # Errors
    /// No mapping, or `definitions` or a kind in a shape that the format does not have.
    pub(super) fn read(document: Json) -> Result<Self> {
        let Value::Object(top) = &document else {
            return Err(
                Error::new("the OpenAPI definitions are not a mapping").hint(
                    "expected a mapping with `definitions`, as `kustomize openapi fetch` prints",
                ),
            );
        };
        let mut kinds = HashMap::new();
        for (name, definition) in mapping(top, "definitions")? {
            let listed = definition.get(KINDS).and_then(Value::as_array);
            for kind in listed.into_iter().flatten() {
                let at = || format!("definitions.{name}.{KINDS}");
                if let Some(kind) = kind_of(kind).map_err(|error| error.field(at()))? {
                    about(&mut kinds, kind).definition = Some(name.clone());
                }
            }
        }
        for (path, item) in mapping(top, "paths")? {
            let Some(kind) = item.get("get").and_then(|get| get.get(KINDS)) else {
                continue;
            };
            let at = || format!("paths.{path}.get.{KINDS}");
            if let Some(kind) = kind_of(kind).map_err(|error| error.field(at()))? {
                let namespaced = &mut about(&mut kinds, kind).namespaced;
                *namespaced.get_or_insert_default() |= path.contains("namespaces/{namespace}");
            }
        }
        Ok(Self { document, kinds })
    }

    /// Whether the paths know the kind, and none of them has a namespace.
    pub(super) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        self.about(api_version, kind)
            .is_some_and(|about| about.namespaced == Some(false))
    }

    /// The definition of a kind.
    pub(super) fn kind(&self, api_version: &str, kind: &str) -> Option<&Json> {
        let name = self.about(api_version, kind)?.definition.as_ref()?;
        self.document.get("definitions")?.get(name)
    }

    fn about(&self, api_version: &str, kind: &str) -> Option<&About> {
        let versions = self.kinds.get(kind)?;
        versions
            .iter()
            .find(|about| about.api_version == api_version)
    }

    /// The definition of a field: its own, or that of all fields of a map.
    pub(super) fn field<'s>(&'s self, of: &'s Json, name: &str) -> Option<Found<'s>> {
        let own = of.get("properties").and_then(|fields| fields.get(name));
        let any = || of.get("additionalProperties").filter(|any| any.is_object());
        self.resolve(own.or_else(any)?)
    }

    /// The definition of the items of a list.
    pub(super) fn items<'s>(&'s self, of: &'s Json) -> Option<Found<'s>> {
        let is_list = match of.get("type") {
            Some(Value::String(one)) => one == "array",
            Some(Value::Array(several)) => matches!(&**several, [one] if one == "array"),
            _ => false,
        };
        let items = of.get("items").filter(|items| is_list && items.is_object());
        self.resolve(items?)
    }

    /// Follows references. What stands beside one is not looked at, as in kustomize.
    fn resolve<'s>(&'s self, mut definition: &'s Json) -> Option<Found<'s>> {
        for _ in 0..MAX_REFERENCES {
            let Some(reference) = definition.get("$ref").and_then(Value::as_str) else {
                return Some(Found::Here(definition));
            };
            let pointer = reference.strip_prefix('#')?;
            match self.document.pointer(pointer) {
                Some(found) => definition = found,
                None => return Some(Found::Elsewhere(pointer.strip_prefix("/definitions/")?)),
            }
        }
        None
    }
}

/// The merge keys that a definition gives to a list; `None` for one that a patch replaces.
pub(super) fn merge_keys(of: &Json) -> Option<Vec<&str>> {
    let strategy = of.get("x-kubernetes-patch-strategy")?.as_str()?;
    if !strategy.split(',').any(|one| one == "merge") {
        return None;
    }
    if let Some(keys) = of
        .get("x-kubernetes-list-map-keys")
        .and_then(Value::as_array)
    {
        return Some(keys.iter().filter_map(Value::as_str).collect());
    }
    let key = of
        .get("x-kubernetes-patch-merge-key")
        .and_then(Value::as_str);
    Some(key.into_iter().collect())
}

fn mapping<'j>(
    of: &'j Map<String, Json>,
    field: &str,
) -> Result<impl Iterator<Item = (&'j String, &'j Json)>> {
    match of.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(_) => Err(Error::new(format_args!("`{field}` is not a mapping")).field(field)),
    }
    .map(|map| map.into_iter().flatten())
}

/// The entry of a kind, made when it is missing.
fn about(
    kinds: &mut HashMap<String, Vec<About>>,
    (api_version, kind): (String, String),
) -> &mut About {
    let versions = kinds.entry(kind).or_default();
    let known = versions
        .iter()
        .position(|about| about.api_version == api_version);
    let at = known.unwrap_or_else(|| {
        versions.push(About {
            api_version,
            ..About::default()
        });
        versions.len() - 1
    });
    &mut versions[at]
}

/// `apiVersion` and kind; `None` for what is no mapping, which kustomize skips.
fn kind_of(about: &Json) -> Result<Option<(String, String)>> {
    if !about.is_object() {
        return Ok(None);
    }
    let text = |field: &str| about.get(field).and_then(Value::as_str);
    let (Some(version), Some(kind)) = (text("version"), text("kind")) else {
        return Err(Error::new("a kind has to have `version` and `kind`"));
    };
    let api_version = match text("group") {
        Some(group) if !group.is_empty() => format!("{group}/{version}"),
        _ => version.to_owned(),
    };
    Ok(Some((api_version, kind.to_owned())))
}
