//! From the text of a file to the resources in it.

use std::collections::VecDeque;
use std::rc::Rc;

use serde_json::Value;
use windlass_manifest::{Document, Limits, Rules, decode_by};
use windlass_plugin_sdk::Json;

use crate::error::{Error, Result};
use crate::resource::{Resource, Source};

/// Reads the documents of a file that are not empty, whatever they are.
///
/// # Errors
/// Names the file, the line and what is wrong there.
pub(crate) fn values(file: &str, text: &[u8]) -> Result<Vec<Json>> {
    let documents = documents(file, text)?.into_iter();
    let values = documents.map(|document| document.value);
    Ok(values.filter(|value| !value.is_null()).collect())
}

/// Reads the resources of a file, in the order in which kustomize keeps them.
///
/// What is empty is left out. A kind that ends in `List` and has `items` stands for its items, which
/// come behind everything else in the file; the items of a `List` that is the only document stand in
/// its place. Every resource has a kind and a name; only what is called a list needs no name.
///
/// # Errors
/// Names the file, the line in which the document begins and what is wrong with it.
pub(crate) fn resources(file: &str, text: &[u8]) -> Result<Vec<Resource>> {
    let documents = documents(file, text)?;
    let only = documents.len() == 1;
    let file: Rc<str> = file.into();
    let mut open: VecDeque<(Json, Source)> = VecDeque::with_capacity(documents.len());
    for Document {
        value, index, line, ..
    } in documents
    {
        let source = Source {
            file: Rc::clone(&file),
            index,
            line,
        };
        let values = if only {
            unwrapped(value)
        } else {
            Ok(vec![value])
        };
        add(values, &source, &mut open)?;
    }
    let mut resources = Vec::with_capacity(open.len());
    while let Some((mut value, source)) = open.pop_front() {
        if list_kind(&value).is_none() {
            resources.push(Resource::new(value, source));
            continue;
        }
        let items = taken_items(&mut value).and_then(|items| {
            let unwrapped: Result<Vec<Vec<Json>>> = items.into_iter().map(unwrapped).collect();
            Ok(unwrapped?.into_iter().flatten().collect())
        });
        add(items, &source, &mut open)?;
    }
    Ok(resources)
}

fn documents(file: &str, text: &[u8]) -> Result<Vec<Document>> {
    decode_by(Rules::Kustomize, text, &Limits::default()).map_err(|error| {
        Error::new(error.problem)
            .file(file)
            .line(error.position.line)
    })
}

fn add(
    values: Result<Vec<Json>>,
    source: &Source,
    open: &mut VecDeque<(Json, Source)>,
) -> Result<()> {
    let located = |error: Error| error.file(&*source.file).line(source.line);
    for value in values.map_err(located)? {
        if let Some(value) = checked(value).map_err(located)? {
            open.push_back((value, source.clone()));
        }
    }
    Ok(())
}

/// Takes the items out of a `List` that is the only document of a text, as kustomize's reader does.
/// The items of a list are texts of one document to it too.
fn unwrapped(mut value: Json) -> Result<Vec<Json>> {
    let wraps = matches!(kind(&value), Some("List" | "ResourceList"))
        && (value.get("items").is_some() || value.get("functionConfig").is_some());
    if wraps {
        taken_items(&mut value)
    } else {
        Ok(vec![value])
    }
}

fn taken_items(list: &mut Json) -> Result<Vec<Json>> {
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(other) => Err(Error::new(format_args!(
            "`items` of {} is {}, but a list is expected",
            kind(list).unwrap_or_default(),
            named_type(&other)
        ))),
    }
}

/// A resource of which kustomize can say what it is; `None` for what is empty.
fn checked(mut value: Json) -> Result<Option<Json>> {
    let map = match &mut value {
        Value::Null => return Ok(None),
        Value::Array(items) if items.is_empty() => return Ok(None),
        Value::Object(map) if map.is_empty() => return Ok(None),
        Value::Object(map) => map,
        other => {
            return Err(Error::new(format_args!(
                "an object is a mapping, not {}",
                named_type(other)
            )));
        }
    };
    // A name of digits is a text to kustomize, and nothing else is to the API server.
    if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
        for field in ["name", "namespace"] {
            if let Some(value @ (Value::Number(_) | Value::Bool(_))) = metadata.get_mut(field) {
                *value = Value::String(value.to_string());
            }
        }
    }
    let Some(kind) = kind(&value).filter(|kind| !kind.is_empty()) else {
        return Err(Error::new("the object has no `kind`")
            .hint("every object needs `apiVersion`, `kind` and `metadata.name`"));
    };
    let metadata = value.get("metadata");
    let text = |field| metadata.and_then(|metadata| metadata.get(field)?.as_str());
    let named = text("name").is_some_and(|name| !name.is_empty());
    if named || kind.ends_with("List") {
        return Ok(Some(value));
    }
    let error = Error::new(format_args!("the {kind} has no `metadata.name`"));
    Err(match text("generateName") {
        Some(_) => error.hint("`generateName` does not do; every object here needs a name"),
        None => error,
    })
}

/// The kind of what stands for its items.
fn list_kind(value: &Json) -> Option<&str> {
    kind(value).filter(|kind| kind.ends_with("List") && value.get("items").is_some())
}

fn kind(value: &Json) -> Option<&str> {
    value.get("kind")?.as_str()
}

/// What a value is, for a message.
pub(crate) fn named_type(value: &Json) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    fn names(text: &str) -> Result<Vec<String>> {
        let resources = resources("base/a.yaml", text.as_bytes())?;
        Ok(resources
            .iter()
            .map(|resource| format!("{}/{}", resource.kind(), resource.name()))
            .collect())
    }

    #[rstest]
    #[case::documents(
        "# x\n---\nkind: A\nmetadata: {name: a}\n---\n# y\n---\n{}\n---\n[]\n---\nkind: B\nmetadata: {name: b}\n",
        &["A/a", "B/b"]
    )]
    #[case::a_list_alone(
        "kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- null\n- {kind: B, metadata: {name: b}}\n",
        &["A/a", "B/b"]
    )]
    #[case::a_list_among_others(
        "kind: AList\nitems: [{kind: A, metadata: {name: a}}]\n---\nkind: B\nmetadata: {name: b}\n",
        &["B/b", "A/a"]
    )]
    #[case::a_list_in_a_list(
        "kind: AList\nitems:\n- kind: BList\n  items: [{kind: B, metadata: {name: b}}]\n- kind: List\n  items: [{kind: C, metadata: {name: c}}]\n- {kind: A, metadata: {name: a}}\n",
        &["C/c", "A/a", "B/b"]
    )]
    #[case::a_list_without_items("kind: AccessList\nspec: {}\n", &["AccessList/"])]
    #[case::no_items("kind: AList\nitems:\n", &[])]
    #[case::digits("kind: A\nmetadata: {name: 12}\n", &["A/12"])]
    #[case::a_boolean_word("kind: A\nmetadata: {name: yes}\n", &["A/yes"])]
    fn a_file_has_resources(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(names(text).unwrap(), expected, "the resources of\n{text}");
    }

    #[rstest]
    #[case("a: [\n", "base/a.yaml:2: expected a value")]
    #[case(
        "kind: A\nkind: B\n",
        "base/a.yaml:2: the key `kind` is already set at line 1, column 1; remove one of the two"
    )]
    #[case("# x\n---\n- a\n", "base/a.yaml:3: an object is a mapping, not a list")]
    #[case(
        "metadata: {name: a}\n",
        "base/a.yaml:1: the object has no `kind`; every object needs `apiVersion`, `kind` and `metadata.name`"
    )]
    #[case("kind: A\n", "base/a.yaml:1: the A has no `metadata.name`")]
    #[case(
        "kind: A\nmetadata: {generateName: a-}\n",
        "base/a.yaml:1: the A has no `metadata.name`; `generateName` does not do; every object here needs a name"
    )]
    #[case(
        "kind: AList\nitems: 5\n",
        "base/a.yaml:1: `items` of AList is a number, but a list is expected"
    )]
    fn errors_name_the_place(#[case] text: &str, #[case] message: &str) {
        assert_eq!(names(text).unwrap_err().to_string(), message, "in\n{text}");
    }

    #[test]
    fn a_resource_knows_where_it_was_read() {
        let text =
            "# x\n---\nkind: A\nmetadata: {name: a}\n---\n\n---\nkind: B\nmetadata: {name: b}\n";
        let found = resources("a.yaml", text.as_bytes()).unwrap();
        let places: Vec<(usize, usize)> = found
            .iter()
            .map(|resource| (resource.source.index, resource.source.line))
            .collect();
        assert_eq!(places, [(0, 3), (1, 8)], "the indexes and lines");
    }
}
