//! JSON Patch, RFC 6902.

use json_patch::jsonptr::Pointer;
use json_patch::{PatchErrorKind, PatchOperation};

use crate::Json;
use crate::depth::{MAX_DEPTH, measure};
use crate::object::type_name;

/// How many values the `copy` and `move` operations of one patch may touch.
///
/// A copy of the whole document into itself doubles it, so a few dozen operations would fill any
/// memory.
const MAX_TOUCHED: usize = 2_000_000;

/// Why a patch could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is no list of operations.
    #[error("not a JSON patch (RFC 6902): {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
    /// An operation does not fit the document.
    #[error("operation {number} at `{path}`: {reason}")]
    Operation {
        /// The operation, from 1.
        number: usize,
        /// Its path.
        path: String,
        /// Why it cannot be done.
        reason: String,
    },
}

impl PatchError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "WL0320",
            Self::Operation { .. } => "WL0321",
        }
    }
}

/// Applies a patch to a document, whole or not at all.
///
/// `test` compares numbers by their value, as RFC 6902 §4.6 asks: `1` and `1.0` are equal.
///
/// # Errors
/// [`PatchError::Malformed`] for what is no patch, [`PatchError::Operation`] for an operation that
/// the document does not allow; the document is then as before.
pub fn apply(document: &mut Json, patch: &Json) -> Result<(), PatchError> {
    let operations = parse(patch)?;
    if measure(document).depth > MAX_DEPTH {
        return Err(PatchError::Operation {
            number: 1,
            path: String::new(),
            reason: format!("the document is nested deeper than {MAX_DEPTH} levels"),
        });
    }
    // Works on a copy: the crate's own way back from a half-applied patch can fail.
    let mut changed = document.clone();
    let mut touched = 0;
    for (index, operation) in operations.iter().enumerate() {
        one(&mut changed, operation, &mut touched).map_err(|reason| PatchError::Operation {
            number: index + 1,
            path: operation.path().to_string(),
            reason,
        })?;
    }
    *document = changed;
    Ok(())
}

fn parse(patch: &Json) -> Result<Vec<PatchOperation>, PatchError> {
    let malformed = |reason: String| PatchError::Malformed { reason };
    let Json::Array(operations) = patch else {
        return Err(malformed(format!(
            "a list of operations is expected, not {}",
            type_name(patch)
        )));
    };
    if measure(patch).depth > MAX_DEPTH {
        return Err(malformed(format!(
            "it is nested deeper than {MAX_DEPTH} levels"
        )));
    }
    let numbered = operations.iter().enumerate();
    numbered
        .map(|(index, operation)| {
            serde_json::from_value(operation.clone())
                .map_err(|error| malformed(format!("operation {}: {error}", index + 1)))
        })
        .collect()
}

fn one(document: &mut Json, operation: &PatchOperation, touched: &mut usize) -> Result<(), String> {
    match operation {
        PatchOperation::Test(test) => {
            let found = document.pointer(test.path.as_str());
            let found = found.ok_or_else(|| reason_of(&PatchErrorKind::InvalidPointer))?;
            return if equal(found, &test.value) {
                Ok(())
            } else {
                Err(reason_of(&PatchErrorKind::TestFailed))
            };
        }
        PatchOperation::Add(add) => fits(&add.path, &add.value)?,
        PatchOperation::Replace(replace) => fits(&replace.path, &replace.value)?,
        PatchOperation::Move(from) => touch(document, &from.from, &from.path, touched)?,
        PatchOperation::Copy(from) => touch(document, &from.from, &from.path, touched)?,
        PatchOperation::Remove(_) => {}
    }
    if let PatchOperation::Move(within) = operation
        && within.path == within.from
    {
        // RFC 6902 §4.4 forbids only a move into a child; this one changes nothing, at the root too.
        return document
            .pointer(within.from.as_str())
            .map(|_| ())
            .ok_or_else(|| reason_of(&PatchErrorKind::InvalidFromPointer));
    }
    json_patch::patch_unsafe(document, std::slice::from_ref(operation))
        .map_err(|error| reason_of(&error.kind))
}

/// Counts what a `copy` or `move` touches, and refuses it where it would grow without bound.
fn touch(
    document: &Json,
    from: &Pointer,
    path: &Pointer,
    touched: &mut usize,
) -> Result<(), String> {
    let Some(source) = document.pointer(from.as_str()) else {
        return Err(reason_of(&PatchErrorKind::InvalidFromPointer));
    };
    *touched += measure(source).nodes;
    if *touched > MAX_TOUCHED {
        return Err(format!(
            "the patch copies and moves more than {MAX_TOUCHED} values"
        ));
    }
    fits(path, source)
}

fn fits(path: &Pointer, value: &Json) -> Result<(), String> {
    if path.count() + measure(value).depth > MAX_DEPTH {
        return Err(format!(
            "the document would be nested deeper than {MAX_DEPTH} levels"
        ));
    }
    Ok(())
}

fn reason_of(kind: &PatchErrorKind) -> String {
    match kind {
        PatchErrorKind::TestFailed => "the value is not the one that `test` expects".to_owned(),
        PatchErrorKind::InvalidPointer => "there is nothing at this path".to_owned(),
        PatchErrorKind::InvalidFromPointer => "there is nothing at `from`".to_owned(),
        PatchErrorKind::CannotMoveInsideItself => {
            "`from` is a part of the path: a value cannot be moved into itself".to_owned()
        }
        other => other.to_string(),
    }
}

/// Equality of RFC 6902 §4.6.
fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            left == right || ((left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64())
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        (left, right) => left == right,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::numbers_by_value(json!({"a": 1}), json!([{"op": "test", "path": "/a", "value": 1.0}]), json!({"a": 1}))]
    #[case::large_numbers_exactly(
        json!({"a": [1]}),
        json!([{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/-", "value": 2}]),
        json!({"a": [1], "b": [1, 2]})
    )]
    #[case::root_onto_itself(json!({"a": 1}), json!([{"op": "move", "from": "", "path": ""}]), json!({"a": 1}))]
    fn a_patch_changes_a_document(#[case] before: Json, #[case] patch: Json, #[case] after: Json) {
        let mut document = before;
        assert_eq!(apply(&mut document, &patch), Ok(()), "{patch} fits");
        assert_eq!(document, after, "the document after {patch}");
    }

    #[rstest]
    #[case::no_list(json!({}), "not a JSON patch (RFC 6902): a list of operations is expected, not a mapping")]
    #[case::no_value(
        json!([{"op": "add", "path": "/a"}]),
        "not a JSON patch (RFC 6902): operation 1: missing field `value`"
    )]
    #[case::into_itself(
        json!([{"op": "move", "from": "/a", "path": "/a/b"}]),
        "operation 1 at `/a/b`: `from` is a part of the path: a value cannot be moved into itself"
    )]
    #[case::integers_beyond_floats(
        json!([{"op": "test", "path": "/big", "value": 9_007_199_254_740_993_u64}]),
        "operation 1 at `/big`: the value is not the one that `test` expects"
    )]
    #[case::half_applied(
        json!([
            {"op": "move", "from": "/a/list/0", "path": "/a/list"},
            {"op": "remove", "path": "/none"},
        ]),
        "operation 2 at `/none`: there is nothing at this path"
    )]
    #[case::beyond_the_end(
        json!([{"op": "remove", "path": "/a/list/-"}]),
        "operation 1 at `/a/list/-`: there is nothing at this path"
    )]
    fn a_refused_patch_changes_nothing(#[case] patch: Json, #[case] message: &str) {
        let before = json!({"a": {"list": [1, 2]}, "big": 9_007_199_254_740_992_u64});
        let mut document = before.clone();
        let error = apply(&mut document, &patch).map_err(|error| error.to_string());
        assert_eq!(error, Err(message.to_owned()), "why {patch} is refused");
        assert_eq!(document, before, "the document stays as it was");
    }

    #[test]
    fn a_document_cannot_be_doubled_forever() {
        let double = json!({"op": "copy", "from": "", "path": "/-"});
        let mut document = json!([1, 2, 3]);
        let error = apply(&mut document, &Json::Array(vec![double; 60]));
        assert!(error.is_err(), "sixty doublings are refused");
        assert_eq!(document, json!([1, 2, 3]), "the document stays as it was");
    }
}
