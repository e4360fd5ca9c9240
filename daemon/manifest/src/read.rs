//! From the text of a file to the objects in it.

use serde_json::Value;

use crate::decode::{DecodeError, Document, Limits, decode};
use crate::object::type_name;
use crate::origin::{INDEX_ANNOTATION, PATH_ANNOTATION};
use crate::{Json, Object, ObjectError};

/// Why a file has no objects to give.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The text is no YAML and no JSON, or one of those that are refused.
    #[error("{file}:{}:{}: {}", .source.position.line, .source.position.column, .source.problem)]
    Decode {
        /// The file.
        file: String,
        /// What is wrong with the text, and where.
        source: DecodeError,
    },
    /// A document is no Kubernetes object.
    #[error("{file}:{line}: {source}")]
    Object {
        /// The file.
        file: String,
        /// The line in which the document begins, from 1.
        line: usize,
        /// What is wrong with the document.
        source: ObjectError,
    },
    /// The `items` of a kind that ends in `List` are no list.
    #[error("{file}:{line}: `items` of {kind} is {found}, but a list is expected")]
    Items {
        /// The file.
        file: String,
        /// The line in which the document begins, from 1.
        line: usize,
        /// The kind.
        kind: String,
        /// What `items` is.
        found: &'static str,
    },
}

impl ReadError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Decode { source, .. } => source.code(),
            Self::Object { source, .. } => source.code(),
            Self::Items { .. } => "WL0313",
        }
    }
}

/// Reads the objects of a file, in order, each with the annotations of its [`crate::Origin`].
///
/// Empty documents are left out. A kind that ends in `List` and has `items` stands for its items, as
/// in kubectl; lists in lists too.
///
/// # Errors
/// [`ReadError`] with the file and the place of the first thing that is wrong.
pub fn read_objects(file: &str, text: &[u8], limits: &Limits) -> Result<Vec<Object>, ReadError> {
    let documents = decode(text, limits).map_err(|source| ReadError::Decode {
        file: file.to_owned(),
        source,
    })?;
    let mut objects = Vec::with_capacity(documents.len());
    for Document {
        value, index, line, ..
    } in documents
    {
        if !value.is_null() {
            let place = Place {
                file,
                line,
                index: index.to_string(),
            };
            flatten(value, &place, &mut objects)?;
        }
    }
    Ok(objects)
}

struct Place<'a> {
    file: &'a str,
    line: usize,
    index: String,
}

// The depth of the recursion is that of the value, which decoding has bounded.
fn flatten(mut value: Json, place: &Place<'_>, objects: &mut Vec<Object>) -> Result<(), ReadError> {
    if let Some(kind) = list_kind(&value)
        && let Some(items) = value.get_mut("items")
    {
        return match items.take() {
            Value::Array(items) => items
                .into_iter()
                .try_for_each(|item| flatten(item, place, objects)),
            Value::Null => Ok(()),
            other => Err(ReadError::Items {
                file: place.file.to_owned(),
                line: place.line,
                kind,
                found: type_name(&other),
            }),
        };
    }
    let mut object = Object::from_json(value).map_err(|source| ReadError::Object {
        file: place.file.to_owned(),
        line: place.line,
        source,
    })?;
    object.set_annotation(PATH_ANNOTATION, place.file);
    object.set_annotation(INDEX_ANNOTATION, &place.index);
    objects.push(object);
    Ok(())
}

/// The kind of a list. A custom kind may end in `List` too: what has no `items` is an object.
fn list_kind(value: &Json) -> Option<String> {
    let kind = value.get("kind")?.as_str()?;
    (kind.ends_with("List") && value.get("items").is_some()).then(|| kind.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    fn read(text: &str) -> Result<Vec<Object>, ReadError> {
        read_objects("base/a.yaml", text.as_bytes(), &Limits::default())
    }

    #[test]
    fn objects_know_where_they_came_from() {
        let text = "# licence\n---\napiVersion: v1\nkind: A\nmetadata: {name: a}\n---\n\n---\napiVersion: v1\nkind: B\nmetadata: {name: b}\n";
        let origins: Vec<String> = read(text)
            .unwrap()
            .iter()
            .map(|object| object.origin().to_string())
            .collect();
        assert_eq!(origins, ["base/a.yaml", "base/a.yaml (document 2)"]);
    }

    #[test]
    fn lists_stand_for_their_items() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: A, metadata: {name: a}}\n- apiVersion: x/v1\n  kind: BList\n  items: [{apiVersion: x/v1, kind: B, metadata: {name: b}}]\n- {apiVersion: x/v1, kind: AccessList, metadata: {name: c}, spec: {}}\n";
        let ids: Vec<String> = read(text)
            .unwrap()
            .iter()
            .map(|object| object.id().to_string())
            .collect();
        assert_eq!(ids, ["A a", "B.x b", "AccessList.x c"]);
    }

    #[rstest]
    #[case("a: 1\nb: [\n", "base/a.yaml:3:1: ", "WL0301")]
    #[case(
        "a: 1\na: 2\n",
        "base/a.yaml:2:1: the key `a` is already set at line 1, column 1; remove one of the two",
        "WL0302"
    )]
    #[case(
        "a: 1\n---\nb: 1\n",
        "base/a.yaml:1: the object has no `apiVersion`",
        "WL0310"
    )]
    #[case(
        "# x\n---\n- a\n",
        "base/a.yaml:3: a Kubernetes object is a mapping, not a list",
        "WL0310"
    )]
    #[case(
        "kind: List\nitems: 5\n",
        "base/a.yaml:1: `items` of List is a number, but a list is expected",
        "WL0313"
    )]
    fn errors_name_the_place(#[case] text: &str, #[case] message: &str, #[case] code: &str) {
        let error = read(text).unwrap_err();
        assert!(error.to_string().starts_with(message), "{error}");
        assert_eq!(error.code(), code);
    }
}
