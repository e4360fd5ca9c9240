//! Drift, exactly: a change of the fields that are ours.
//!
//! The API server keeps, for every manager, the set of fields that it applied
//! (`metadata.managedFields`, structured-merge-diff's `FieldsV1`). The live object cut down to our
//! set is what we own; it is compared as a keyed fingerprint with what the rendered body claims.
//! Defaults, other managers' fields and status are outside the cut and can never be drift.

use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::pointer::Pointer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json};
use std::collections::HashMap;

/// The field manager under which everything is applied.
pub const MANAGER: &str = "windlass";

type Fields = Map<String, Json>;

/// Fields of `metadata` that the server sets or that are the identity: never owned by an applier.
const NOT_CLAIMED: [&str; 10] = [
    "name",
    "namespace",
    "generateName",
    "creationTimestamp",
    "deletionTimestamp",
    "uid",
    "resourceVersion",
    "generation",
    "selfLink",
    "managedFields",
];

/// Maps of plain strings, which the server leaves out when they are empty. Other empty maps carry
/// a meaning (`emptyDir: {}`) and stay.
const OMITTED_WHEN_EMPTY: [&str; 11] = [
    "annotations",
    "binaryData",
    "data",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "parameters",
    "requests",
    "selector",
    "stringData",
];

/// Cuts a live object down to the fields that `manager` applied.
///
/// The identity (`apiVersion`, `kind`, name, namespace) and `status` are left out. `None` when the
/// manager has no `Apply` entry: then nothing of the object is ours.
pub fn project(live: &Json, manager: &str) -> Option<Json> {
    let mut owned: Option<Fields> = None;
    let mut others = Vec::new();
    for entry in entries(live) {
        let Some(fields) = entry.get("fieldsV1").and_then(Json::as_object) else {
            continue;
        };
        let is_ours = text(entry, "manager") == manager
            && text(entry, "operation") == "Apply"
            && text(entry, "subresource").is_empty();
        if is_ours {
            // After a change of the API version there may be two entries for a moment.
            match &mut owned {
                None => owned = Some(fields.clone()),
                Some(owned) => merge(owned, fields),
            }
        } else {
            others.push(fields);
        }
    }
    let mut cut = cut(&owned?, live, &others);
    if let Some(map) = cut.as_object_mut() {
        map.remove("status");
    }
    normalise(&mut cut);
    Some(cut)
}

/// What a body claims, in the form of [`project`].
///
/// Nulls and empty lists are dropped, as the server does; `stringData` of a Secret is folded into
/// `data`, which is where the server keeps it.
pub fn claim(body: &Json) -> Json {
    let mut claimed = body.clone();
    fold_string_data(&mut claimed);
    unwrap_base64(&mut claimed);
    if let Some(map) = claimed.as_object_mut() {
        for field in ["apiVersion", "kind", "status"] {
            map.remove(field);
        }
        if let Some(metadata) = map.get_mut("metadata").and_then(Json::as_object_mut) {
            for field in NOT_CLAIMED {
                metadata.remove(field);
            }
        }
    }
    normalise(&mut claimed);
    claimed
}

/// Takes line breaks out of base64, which the server reads over and does not keep; kustomize breaks
/// the lines of long secrets.
fn unwrap_base64(body: &mut Json) {
    let field = match (text(body, "apiVersion"), text(body, "kind")) {
        ("v1", "Secret") => "data",
        ("v1", "ConfigMap") => "binaryData",
        _ => return,
    };
    let values = body.get_mut(field).and_then(Json::as_object_mut);
    for value in values.into_iter().flat_map(Map::values_mut) {
        if let Json::String(text) = value {
            text.retain(|c| !matches!(c, '\r' | '\n'));
        }
    }
}

/// Folds `stringData` of a v1 Secret into `data`.
///
/// `stringData` can only be written: applied as it is, its fields would be owned in a place where
/// they are never found again, and a change of the value by others would go unseen.
pub fn fold_string_data(body: &mut Json) {
    if text(body, "apiVersion") != "v1" || text(body, "kind") != "Secret" {
        return;
    }
    let Some(map) = body.as_object_mut() else {
        return;
    };
    let Some(Json::Object(plain)) = map.remove("stringData") else {
        return;
    };
    let data = map
        .entry("data")
        .or_insert_with(|| Json::Object(Map::new()));
    if data.is_null() {
        *data = Json::Object(Map::new());
    }
    if let Some(data) = data.as_object_mut() {
        for (key, value) in plain {
            let value = match value {
                Json::String(value) => Json::String(STANDARD.encode(value)),
                other => other,
            };
            data.insert(key, value);
        }
    }
}

/// The keyed fingerprint of owned or claimed fields; `leave` are paths that do not count.
///
/// Keyed, because the fields of a Secret are few bits that could be guessed from a plain hash.
pub fn fingerprint(fields: &Json, leave: &[Pointer], key: &FingerprintKey) -> Fingerprint {
    if leave.is_empty() {
        return Fingerprint::of(fields, key);
    }
    let mut rest = fields.clone();
    for pointer in leave {
        pointer.remove(&mut rest);
    }
    Fingerprint::of(&rest, key)
}

/// Who else changed the object last: the manager with the newest entry that is not ours and not
/// about the status. This is whom a person has to talk to about drift.
pub fn last_other_manager(live: &Json) -> Option<String> {
    entries(live)
        .filter(|entry| text(entry, "manager") != MANAGER && text(entry, "subresource") != "status")
        .filter(|entry| !text(entry, "manager").is_empty())
        .max_by_key(|entry| text(entry, "time"))
        .map(|entry| text(entry, "manager").to_owned())
}

fn entries(live: &Json) -> impl Iterator<Item = &Json> {
    live.get("metadata")
        .and_then(|metadata| metadata.get("managedFields"))
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Json, field: &str) -> &'a str {
    value.get(field).and_then(Json::as_str).unwrap_or_default()
}

fn merge(into: &mut Fields, from: &Fields) {
    for (key, value) in from {
        match (into.get_mut(key), value) {
            (Some(Json::Object(into)), Json::Object(from)) => merge(into, from),
            (Some(_), _) => {}
            (None, value) => drop(into.insert(key.clone(), value.clone())),
        }
    }
}

fn has_children(fields: &Fields) -> bool {
    fields.keys().any(|key| key != ".")
}

fn children<'a>(key: &str, fields: &[&'a Fields]) -> Vec<&'a Fields> {
    fields
        .iter()
        .filter_map(|fields| fields.get(key).and_then(Json::as_object))
        .collect()
}

fn cut(owned: &Fields, live: &Json, others: &[&Fields]) -> Json {
    if !has_children(owned) {
        // A leaf is a scalar, an atomic list or map, or an empty map or list that others have
        // filled since: what they own below it shows that it is not atomic, and is not ours.
        let shared = others.iter().any(|fields| has_children(fields));
        return match live {
            Json::Object(_) if shared => Json::Object(Map::new()),
            Json::Array(_) if shared => Json::Array(Vec::new()),
            whole => whole.clone(),
        };
    }
    match live {
        Json::Object(map) => {
            let mut result = Map::new();
            for (key, fields) in owned {
                let Some(name) = key.strip_prefix("f:") else {
                    continue;
                };
                if let (Some(value), Some(fields)) = (map.get(name), fields.as_object()) {
                    let others = children(key, others);
                    result.insert(name.to_owned(), cut(fields, value, &others));
                }
            }
            Json::Object(result)
        }
        Json::Array(items) => Json::Array(cut_items(owned, items, others)),
        scalar => scalar.clone(),
    }
}

/// The owned items of a list in their live order.
fn cut_items(owned: &Fields, items: &[Json], others: &[&Fields]) -> Vec<Json> {
    let parts = Parts::of(owned);
    items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| {
            let (key, fields) = parts.find(index, item)?;
            Some(cut(fields, item, &children(key, others)))
        })
        .collect()
}

/// The item selectors of one list, indexed so that every live item is looked up once.
#[derive(Default)]
struct Parts<'a> {
    /// Selectors `k:{…}`: for every set of key fields, the selectors by the values of these.
    keyed: Vec<(Vec<String>, Selectors<'a>)>,
    /// Selectors `v:…` by the value.
    values: Selectors<'a>,
    /// Selectors `i:…` by the position.
    indices: HashMap<usize, (&'a str, &'a Fields)>,
}

type Selectors<'a> = HashMap<String, (&'a str, &'a Fields)>;

impl<'a> Parts<'a> {
    fn of(owned: &'a Fields) -> Self {
        let mut parts = Parts::default();
        for (key, fields) in owned {
            let Some(fields) = fields.as_object() else {
                continue;
            };
            let target = (key.as_str(), fields);
            if let Some(selector) = key.strip_prefix("k:") {
                if let Ok(Json::Object(selector)) = serde_json::from_str(selector) {
                    let names: Vec<String> = selector.keys().cloned().collect();
                    let values = Json::Array(selector.into_iter().map(|(_, v)| v).collect());
                    let place = match parts.keyed.iter().position(|(known, _)| *known == names) {
                        Some(place) => place,
                        None => {
                            parts.keyed.push((names, HashMap::new()));
                            parts.keyed.len() - 1
                        }
                    };
                    parts.keyed[place].1.insert(values.to_string(), target);
                }
            } else if let Some(value) = key.strip_prefix("v:") {
                if let Ok(value) = serde_json::from_str::<Json>(value) {
                    parts.values.insert(value.to_string(), target);
                }
            } else if let Some(Ok(index)) = key.strip_prefix("i:").map(str::parse) {
                parts.indices.insert(index, target);
            }
        }
        parts
    }

    fn find(&self, index: usize, item: &Json) -> Option<(&'a str, &'a Fields)> {
        let by_key = self.keyed.iter().find_map(|(names, selectors)| {
            let values: Option<Vec<Json>> = names.iter().map(|n| item.get(n).cloned()).collect();
            selectors.get(&Json::Array(values?).to_string())
        });
        by_key
            .or_else(|| {
                (!self.values.is_empty())
                    .then(|| self.values.get(&item.to_string()))
                    .flatten()
            })
            .or_else(|| self.indices.get(&index))
            .copied()
    }
}

/// Whether applying `body` would leave the fields that are ours as they are: the live object holds
/// what the body claims, and we own just that.
///
/// For bodies that are read before they are written; an object that is watched has its fingerprint.
pub fn is_in_force(live: &Json, body: &Json) -> bool {
    project(live, MANAGER).is_some_and(|owned| owned == claim(body))
}

/// Drops what the server drops (nulls, empty lists, empty maps of strings), and writes whole numbers
/// as it does: Go's encoder of JSON makes `1` of `1.0`.
fn normalise(value: &mut Json) {
    match value {
        Json::Number(number) => {
            if let Some(whole) = whole(number) {
                *value = whole;
            }
        }
        Json::Object(map) => {
            map.retain(|key, value| {
                normalise(value);
                match value {
                    Json::Null => false,
                    Json::Array(items) => !items.is_empty(),
                    Json::Object(inner) if inner.is_empty() => {
                        key != "metadata" && !OMITTED_WHEN_EMPTY.contains(&key.as_str())
                    }
                    _ => true,
                }
            });
        }
        Json::Array(items) => items.iter_mut().for_each(normalise),
        _ => {}
    }
}

/// The whole number that a floating-point number stands for, if it is one that fits 64 bits.
fn whole(number: &serde_json::Number) -> Option<Json> {
    /// 2^63 and 2^64, which both are exact.
    const SIGNED: f64 = 9_223_372_036_854_775_808.0;
    const UNSIGNED: f64 = 18_446_744_073_709_551_616.0;
    if !number.is_f64() {
        return None;
    }
    let float = number.as_f64().filter(|float| float.fract() == 0.0)?;
    if (-SIGNED..SIGNED).contains(&float) {
        Some(Json::from(float as i64))
    } else if (SIGNED..UNSIGNED).contains(&float) {
        Some(Json::from(float as u64))
    } else {
        None
    }
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;
