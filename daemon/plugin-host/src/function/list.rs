//! What a function wrote.

use super::results::{self, Result as Said};
use crate::{Limits, text};
use serde_json::Value as Json;
use windlass_manifest::{INDEX_ANNOTATION, PATH_ANNOTATION, decode};

/// The version of the list that a function is given.
pub(super) const API_VERSION: &str = "config.kubernetes.io/v1";
/// Its kind.
pub(super) const KIND: &str = "ResourceList";

/// The annotations by which older functions know where an object came from. Go's kyaml copies the
/// new ones into them, and counts on its caller to take them out.
const LEGACY_PATH: &str = "config.kubernetes.io/path";
const LEGACY_INDEX: &str = "config.kubernetes.io/index";
const LEGACY_ID: &str = "config.k8s.io/id";
/// What begins so is between a function and its caller, and never meant for the cluster.
const INTERNAL: &str = "internal.config.kubernetes.io/";

/// The documents that are looked at: one list, and a few empty ones around it.
const DOCUMENTS: usize = 16;

/// How much is shown of what is no list, in bytes.
const SHOWN: usize = 200;

/// A list as a function wrote it.
#[derive(Debug)]
pub(super) struct ResourceList {
    pub(super) items: Vec<Json>,
    pub(super) results: Vec<Said>,
}

impl ResourceList {
    /// Reads what stands on standard output. The error says what is wrong with it.
    pub(super) fn read(output: &[u8], limits: &Limits) -> Result<Self, String> {
        if output.trim_ascii().is_empty() {
            return Err("its standard output is empty, and a ResourceList is expected".to_owned());
        }
        let bounds = windlass_manifest::Limits {
            bytes: usize::try_from(limits.output_bytes).unwrap_or(usize::MAX),
            documents: DOCUMENTS,
            ..windlass_manifest::Limits::default()
        };
        let documents = decode(output, &bounds)
            .map_err(|error| format!("its standard output is no YAML: {error}{}", begin(output)))?;
        let mut values = documents
            .into_iter()
            .map(|document| document.value)
            .filter(|value| !value.is_null());
        let (Some(mut list), None) = (values.next(), values.next()) else {
            return Err(format!(
                "its standard output is not one ResourceList{}",
                begin(output)
            ));
        };
        let version = list["apiVersion"].as_str().unwrap_or_default();
        if list["kind"] != KIND || !version.starts_with("config.kubernetes.io/") {
            return Err(format!(
                "its standard output is no ResourceList of `config.kubernetes.io`{}",
                begin(output)
            ));
        }
        let mut items = match list.get_mut("items").map(Json::take) {
            Some(Json::Array(items)) => items,
            Some(Json::Null) => Vec::new(),
            Some(_) => return Err("the `items` of its ResourceList are no list".to_owned()),
            None => return Err("its ResourceList has no `items`".to_owned()),
        };
        items.iter_mut().for_each(clean);
        Ok(Self {
            items,
            results: results::read(&list["results"], limits)?,
        })
    }
}

/// Takes the annotations out that are between a function and its caller, and keeps where the object
/// came from.
fn clean(object: &mut Json) {
    let Some(Json::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    let Some(Json::Object(annotations)) = metadata.get_mut("annotations") else {
        return;
    };
    let mut renew = |old: &str, new: &str| {
        if let Some(value) = annotations.remove(old)
            && !annotations.contains_key(new)
        {
            annotations.insert(new.to_owned(), value);
        }
    };
    renew(LEGACY_PATH, PATH_ANNOTATION);
    renew(LEGACY_INDEX, INDEX_ANNOTATION);
    let has_path = annotations.contains_key(PATH_ANNOTATION);
    annotations.retain(|key, _| match key.as_str() {
        LEGACY_ID => false,
        PATH_ANNOTATION => true,
        // The number of a document says nothing without its file.
        INDEX_ANNOTATION => has_path,
        key => !key.starts_with(INTERNAL),
    });
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
}

fn begin(output: &[u8]) -> String {
    let shown = output.get(..SHOWN * 4).unwrap_or(output);
    let shown = String::from_utf8_lossy(shown);
    format!("; it begins with: {}", text::clean(shown.trim(), SHOWN))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn read(output: &str) -> Result<ResourceList, String> {
        ResourceList::read(output.as_bytes(), &Limits::default())
    }

    #[test]
    fn a_list_is_read_by_the_rules_of_kubectl() {
        let list = read(
            "---\napiVersion: config.kubernetes.io/v1beta1\nkind: ResourceList\nitems:\n- kind: A\n  on: yes\n---\n",
        );
        assert_eq!(list.unwrap().items, [json!({"kind": "A", "true": true})]);
    }

    #[rstest]
    #[case::empty(" \n", "is empty")]
    #[case::text(
        "hello",
        "no ResourceList of `config.kubernetes.io`; it begins with: hello"
    )]
    #[case::broken("a: [", "is no YAML")]
    #[case::bytes("a\u{0}", "is no YAML")]
    #[case::two("{}\n---\n{}", "not one ResourceList")]
    #[case::object("apiVersion: v1\nkind: List\nitems: []", "no ResourceList")]
    #[case::no_items(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList",
        "no `items`"
    )]
    #[case::no_list(
        "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: a",
        "no list"
    )]
    fn what_is_no_list_is_named(#[case] output: &str, #[case] says: &str) {
        let reason = read(output).unwrap_err();
        assert!(reason.contains(says), "says `{says}`: {reason}");
    }

    #[rstest]
    #[case::legacy(
        json!({"config.kubernetes.io/path": "a.yaml", "config.kubernetes.io/index": "1",
            "config.k8s.io/id": "7", "mine": "b"}),
        json!({"annotations": {"internal.config.kubernetes.io/path": "a.yaml",
            "internal.config.kubernetes.io/index": "1", "mine": "b"}})
    )]
    #[case::both(
        json!({"config.kubernetes.io/path": "old.yaml",
            "internal.config.kubernetes.io/path": "new.yaml",
            "internal.config.kubernetes.io/seqindent": "wide"}),
        json!({"annotations": {"internal.config.kubernetes.io/path": "new.yaml"}})
    )]
    #[case::index_alone(json!({"internal.config.kubernetes.io/index": "0"}), json!({}))]
    fn annotations_between_function_and_caller_are_taken_out(
        #[case] annotations: Json,
        #[case] expected: Json,
    ) {
        let mut object = json!({"metadata": {"annotations": annotations}});
        clean(&mut object);
        assert_eq!(object["metadata"], expected);
    }
}
