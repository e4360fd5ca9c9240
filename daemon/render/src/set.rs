//! The objects between two steps: JSON texts, and as much of each as messages need.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_manifest::{Gvk, Json, Object, ObjectId, Origin};

/// How deep lists may be in lists.
const MAX_LISTS: usize = 8;

/// A SHA-256 digest.
pub(crate) type Hash = [u8; 32];

/// What a step got or gave. Objects that several steps leave as they are exist once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ObjectSet {
    pub(crate) items: Vec<Arc<Item>>,
    pub(crate) digest: Hash,
}

/// One object. The text stays text: nobody between two steps needs more than [`Head`] says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) text: String,
    pub(crate) head: Head,
    pub(crate) digest: Hash,
}

/// Which object it is and where its annotations say that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) id: ObjectId,
    pub(crate) origin: Origin,
}

/// An object that is none, by its index among those that the step gave.
#[derive(Debug)]
pub(crate) struct BadObject {
    pub(crate) index: usize,
    pub(crate) reason: String,
}

impl ObjectSet {
    /// Checks what a step gave, and takes lists apart.
    pub(crate) fn new(given: Vec<String>) -> Result<Self, BadObject> {
        Self::with_places(given).map(|(set, _)| set)
    }

    /// As [`ObjectSet::new`], and says where each of the given is in the set: a list that was taken
    /// apart is where its first item is, an empty one where that would be.
    pub(crate) fn with_places(given: Vec<String>) -> Result<(Self, Vec<usize>), BadObject> {
        let mut places = Vec::with_capacity(given.len());
        let mut items = Vec::with_capacity(given.len());
        for (index, text) in given.into_iter().enumerate() {
            places.push(items.len());
            add(&mut items, text, 0).map_err(|reason| BadObject { index, reason })?;
        }
        Ok((Self::of(items), places))
    }

    /// The set of these objects.
    pub(crate) fn of(items: Vec<Arc<Item>>) -> Self {
        let mut hash = Sha256::new();
        for item in &items {
            hash.update(item.digest);
        }
        Self {
            items,
            digest: hash.finalize().into(),
        }
    }

    /// The texts of the objects, for a plugin.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.items.iter().map(|item| item.text.clone()).collect()
    }

    /// What the objects are.
    pub(crate) fn heads(&self) -> impl Iterator<Item = &Head> {
        self.items.iter().map(|item| &item.head)
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.items.iter().map(|item| item.size()).sum()
    }
}

impl Item {
    fn new(text: String, head: Head) -> Arc<Self> {
        let digest = Sha256::digest(&text).into();
        Arc::new(Self { text, head, digest })
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.text.len() + 320
    }
}

fn add(to: &mut Vec<Arc<Item>>, text: String, depth: usize) -> Result<(), String> {
    let head = match serde_json::from_str::<Probe<'_>>(&text) {
        Ok(probe) if probe.is_list() => None,
        Ok(probe) => probe.head(),
        Err(_) => None,
    };
    if let Some(head) = head {
        to.push(Item::new(text, head));
        return Ok(());
    }
    let value: Json = serde_json::from_str(&text).map_err(|error| format!("no JSON: {error}"))?;
    match items(value) {
        Ok(_) if depth == MAX_LISTS => Err(format!("lists are more than {MAX_LISTS} deep")),
        Ok(items) => items
            .into_iter()
            .try_for_each(|item| add(to, item.to_string(), depth + 1)),
        Err(value) => {
            let object = Object::from_json(value).map_err(|error| error.to_string())?;
            let head = Head {
                id: object.id(),
                origin: object.origin(),
            };
            to.push(Item::new(text, head));
            Ok(())
        }
    }
}

/// The items of a list, or the value itself when it is none. What the API server leaves out of the
/// items of a typed list is put in.
fn items(mut value: Json) -> Result<Vec<Json>, Json> {
    let kind = value["kind"]
        .as_str()
        .and_then(|kind| kind.strip_suffix("List"));
    let Some(kind) = kind.map(str::to_owned) else {
        return Err(value);
    };
    let version = value["apiVersion"].clone();
    let Some(Json::Array(items)) = value.get_mut("items") else {
        return Err(value);
    };
    let mut items = std::mem::take(items);
    for item in &mut items {
        if let Json::Object(item) = item
            && !kind.is_empty()
            && !item.contains_key("kind")
            && !item.contains_key("apiVersion")
        {
            item.insert("kind".to_owned(), kind.as_str().into());
            item.insert("apiVersion".to_owned(), version.clone());
        }
    }
    Ok(items)
}

/// Names texts by their content; no two sequences of texts give the same bytes to the hash.
pub(crate) fn digest<T: AsRef<[u8]>>(texts: &[T]) -> Hash {
    let mut hash = Sha256::new();
    hash.update((texts.len() as u64).to_le_bytes());
    for text in texts {
        hash.update((text.as_ref().len() as u64).to_le_bytes());
        hash.update(text.as_ref());
    }
    hash.finalize().into()
}

/// What is looked at in an object, which makes reading a text several times faster than parsing it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Probe<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    metadata: Option<Metadata>,
    items: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: Option<String>,
    generate_name: Option<String>,
    namespace: Option<String>,
    /// Read only to be sure that they are texts.
    #[serde(rename = "labels")]
    _labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
}

impl Probe<'_> {
    fn is_list(&self) -> bool {
        self.items.is_some() && self.kind.ends_with("List")
    }

    /// `None` for what [`Object::from_json`] has to judge.
    fn head(self) -> Option<Head> {
        let Metadata {
            name,
            generate_name,
            namespace,
            _labels: _,
            annotations,
        } = self.metadata?;
        let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
        let name = filled(name).or_else(|| filled(generate_name))?;
        if self.api_version.is_empty() || self.kind.is_empty() {
            return None;
        }
        let Gvk {
            group,
            version: _,
            kind,
        } = Gvk::parse(&self.api_version, &self.kind);
        let mut annotations = annotations.unwrap_or_default();
        let origin = Origin {
            file: annotations.remove(windlass_manifest::PATH_ANNOTATION),
            index: annotations
                .remove(windlass_manifest::INDEX_ANNOTATION)
                .and_then(|index| index.parse().ok()),
            step: None,
        };
        Some(Head {
            id: ObjectId {
                group,
                kind,
                namespace: filled(namespace),
                name,
            },
            origin,
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn set(values: &[Json]) -> Result<ObjectSet, BadObject> {
        ObjectSet::new(values.iter().map(Json::to_string).collect())
    }

    #[test]
    fn a_head_says_what_and_from_where() {
        let set = set(&[
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"items": []},
            "metadata": {"name": "a", "namespace": "n", "annotations": {
                "internal.config.kubernetes.io/path": "x.yaml",
                "internal.config.kubernetes.io/index": "2"}}}),
        ])
        .unwrap();
        assert_eq!(set.items[0].head.id.to_string(), "Deployment.apps n/a");
        assert_eq!(set.items[0].head.origin.to_string(), "x.yaml (document 3)");
    }

    #[test]
    fn lists_are_taken_apart_in_order() {
        let service = |name: &str| json!({"metadata": {"name": name}});
        let set = set(&[
            json!({"apiVersion": "v1", "kind": "ServiceList", "items": [service("a"), service("b")]}),
            json!({"apiVersion": "v1", "kind": "List", "items": [
                {"apiVersion": "v1", "kind": "List", "items": [
                    {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "c"}}]}]}),
        ])
        .unwrap();
        let names: Vec<String> = set.heads().map(|head| head.id.to_string()).collect();
        assert_eq!(names, ["Service a", "Service b", "Secret c"]);
    }

    #[test]
    fn places_are_those_after_lists_were_taken_apart() {
        let service =
            |name: &str| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}});
        let list = |items: Json| json!({"apiVersion": "v1", "kind": "List", "items": items});
        let given = [
            list(json!([service("a"), service("b")])),
            list(json!([])),
            service("c"),
        ];
        let given = given.iter().map(Json::to_string).collect();
        let (set, places) = ObjectSet::with_places(given).unwrap();
        assert_eq!((set.items.len(), places), (3, vec![0, 2, 2]));
    }

    #[test]
    fn a_kind_that_only_ends_in_list_stays() {
        let set =
            set(&[json!({"apiVersion": "x/v1", "kind": "AllowList", "metadata": {"name": "a"}})]);
        assert_eq!(set.unwrap().items[0].head.id.kind, "AllowList");
    }

    #[rstest]
    #[case::no_kind(json!({"apiVersion": "v1", "metadata": {"name": "a"}}), "`kind`")]
    #[case::no_name(json!({"apiVersion": "v1", "kind": "Service", "metadata": {}}), "`metadata.name`")]
    #[case::label(json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "a", "labels": {"n": 1}}}), "`metadata.labels.n`")]
    #[case::text(json!("a"), "a string")]
    fn what_is_no_object_is_named(#[case] value: Json, #[case] expected: &str) {
        let good = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}});
        let bad = set(&[good, value]).unwrap_err();
        assert_eq!(bad.index, 1);
        assert!(bad.reason.contains(expected), "{}", bad.reason);
    }

    #[test]
    fn the_border_between_texts_counts() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["", ""]), digest::<&str>(&[""]));
    }
}
