//! After the last step: namespaces, duplicates, origins.

use crate::error::{Duplicate, RenderError};
use crate::rendered::RenderedObject;
use crate::set::{Hash, ObjectSet, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::collections::HashMap;
use windlass_manifest::rank::is_namespaced_builtin;
use windlass_manifest::{GroupKind, Json, Object, ObjectId, Origin};

/// Says whether a custom kind is namespaced, when it is known.
pub(crate) type Scope<'a> = dyn Fn(&GroupKind) -> Option<bool> + 'a;

/// What a render ends with.
pub(crate) struct Finished {
    pub(crate) objects: Vec<RenderedObject>,
    pub(crate) digest: Hash,
    /// What was asked about custom kinds, with the answers: the result depends on them.
    pub(crate) scopes: BTreeMap<GroupKind, Option<bool>>,
}

/// Makes the final objects. `origins` gives where each of the set comes from.
pub(crate) fn finish(
    set: &ObjectSet,
    origins: Vec<Origin>,
    folder: &str,
    namespace: Option<&str>,
    scope: &Scope<'_>,
) -> Result<Finished, RenderError> {
    let mut objects = Vec::with_capacity(set.items.len());
    for (item, origin) in set.items.iter().zip(origins) {
        // The set has checked every text; what fails here would be a defect, and is an error still.
        let object = serde_json::from_str::<Json>(&item.text)
            .map_err(|error| error.to_string())
            .and_then(|value| Object::from_json(value).map_err(|error| error.to_string()));
        let mut object = object.map_err(|reason| RenderError::Object {
            at: crate::error::StepContext {
                folder: folder.to_owned(),
                step: 0,
                plugin: origin.to_string(),
            },
            index: objects.len(),
            count: set.items.len(),
            reason,
        })?;
        object.strip_origin();
        fold_string_data(object.json_mut());
        objects.push(RenderedObject { object, origin });
    }
    let scopes = match namespace {
        Some(namespace) => put_namespace(&mut objects, namespace, scope),
        None => BTreeMap::new(),
    };
    refuse_duplicates(&objects, folder)?;
    let bodies: Vec<String> = objects
        .iter()
        .map(|it| it.object.json().to_string())
        .collect();
    Ok(Finished {
        digest: digest(&bodies),
        objects,
        scopes,
    })
}

/// Puts the default namespace into what is namespaced and has none. A custom kind that nobody knows
/// is taken for namespaced, which most are.
fn put_namespace(
    objects: &mut [RenderedObject],
    namespace: &str,
    scope: &Scope<'_>,
) -> BTreeMap<GroupKind, Option<bool>> {
    let defined: HashMap<GroupKind, bool> = objects
        .iter()
        .filter_map(|it| defined_scope(&it.object))
        .collect();
    let mut asked = BTreeMap::new();
    for RenderedObject { object, .. } in objects {
        if object.namespace().is_some() {
            continue;
        }
        let kind = GroupKind {
            group: object.group().to_owned(),
            kind: object.kind().to_owned(),
        };
        let known = is_namespaced_builtin(&kind).or_else(|| defined.get(&kind).copied());
        let is_namespaced = known.unwrap_or_else(|| {
            asked
                .entry(kind)
                .or_insert_with_key(|kind| scope(kind))
                .unwrap_or(true)
        });
        if is_namespaced {
            object.set_namespace(namespace);
        }
    }
    asked
}

/// The kind that a CustomResourceDefinition defines, and whether it is namespaced.
fn defined_scope(object: &Object) -> Option<(GroupKind, bool)> {
    if object.group() != "apiextensions.k8s.io" || object.kind() != "CustomResourceDefinition" {
        return None;
    }
    let spec = &object.json()["spec"];
    let group = spec["group"].as_str()?.to_owned();
    let kind = spec["names"]["kind"].as_str()?.to_owned();
    Some((
        GroupKind { group, kind },
        spec["scope"].as_str()? == "Namespaced",
    ))
}

/// Moves a Secret's `stringData` into its `data`, as the API server does.
///
/// Under server-side apply it would else keep entries of `stringData` that left Git: the field is
/// write-only, and so nobody owns what became of it.
fn fold_string_data(object: &mut Json) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    let is = |field: &str, text: &str| map.get(field).and_then(Json::as_str) == Some(text);
    if !is("apiVersion", "v1") || !is("kind", "Secret") {
        return;
    }
    let foldable = matches!(map.get("stringData"), Some(Json::Object(texts))
        if texts.values().all(Json::is_string))
        && matches!(map.get("data"), None | Some(Json::Null | Json::Object(_)));
    if !foldable {
        return;
    }
    let Some(Json::Object(texts)) = map.remove("stringData") else {
        return;
    };
    let mut data = match map.remove("data") {
        Some(Json::Object(data)) => data,
        _ => serde_json::Map::new(),
    };
    for (key, text) in texts {
        let text = text.as_str().unwrap_or_default();
        data.insert(key, STANDARD.encode(text).into());
    }
    map.insert("data".to_owned(), Json::Object(data));
}

fn refuse_duplicates(objects: &[RenderedObject], folder: &str) -> Result<(), RenderError> {
    let mut first: HashMap<ObjectId, &Origin> = HashMap::with_capacity(objects.len());
    let mut duplicates = Vec::new();
    for RenderedObject { object, origin } in objects {
        // An object with `generateName` is a new one every time.
        if object.json()["metadata"]["name"]
            .as_str()
            .is_none_or(str::is_empty)
        {
            continue;
        }
        match first.entry(object.id()) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(origin);
            }
            std::collections::hash_map::Entry::Occupied(entry) => duplicates.push(Duplicate {
                id: entry.key().clone(),
                first: (*entry.get()).clone(),
                second: origin.clone(),
            }),
        }
    }
    if duplicates.is_empty() {
        return Ok(());
    }
    Err(RenderError::Duplicate {
        folder: folder.to_owned(),
        objects: duplicates,
    })
}

#[cfg(test)]
#[path = "finish_tests.rs"]
mod tests;
