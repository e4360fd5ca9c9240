//! The operations of a JSON patch, as kustomize's library does them.
//!
//! It is not the one of RFC 6902 in every respect (`gopkg.in/evanphx/json-patch.v4`): `replace` adds
//! a field that is missing, a field that is null counts as missing, an operation without a value has
//! null, negative indexes count from the end, and what stands before the first slash of a path is not
//! looked at.

use serde_json::{Number, Value};
use windlass_plugin_sdk::Json;

use super::is_resource;
use crate::error::{Error, Result};

/// How deep a document may become.
const MAX_DEPTH: usize = 128;

/// How many values the copies of one patch may make, as a document can be copied into itself.
const MAX_COPIED: usize = 1_000_000;

/// The largest whole number up to which a float holds all of them.
const EXACT: u64 = 1 << 53;

/// An operation. What is missing or no text counts only when the operation is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Operation {
    pub(super) kind: Option<String>,
    pub(super) path: Option<String>,
    pub(super) from: Option<String>,
    pub(super) value: Option<Json>,
}

/// Does all operations.
///
/// # Errors
/// Names the operation, from 1, and its path.
pub(super) fn apply(document: &mut Json, operations: &[Operation]) -> Result<()> {
    let mut copied = 0;
    for (index, operation) in operations.iter().enumerate() {
        operation.apply(document, &mut copied).map_err(|reason| {
            let kind = operation.kind.as_deref().unwrap_or("unknown");
            let path = operation.path.as_deref().unwrap_or_default();
            Error::new(format_args!(
                "operation {} (`{kind}` at `{path}`): {reason}",
                index + 1
            ))
        })?;
    }
    if !is_resource(document) {
        return Err(Error::new("the patch leaves no mapping but another value"));
    }
    round(document);
    Ok(())
}

type Done<T> = std::result::Result<T, String>;

impl Operation {
    fn apply(&self, document: &mut Json, copied: &mut usize) -> Done<()> {
        let value = || self.value.clone().unwrap_or_default();
        match self.kind.as_deref() {
            Some("add") => {
                let path = self.path()?;
                fits(path, self.value.as_ref())?;
                let (container, key) = find(document, path)?;
                add(container, &key, value())
            }
            Some("remove") => {
                let (container, key) = find(document, self.path()?)?;
                remove(container, &key).map(drop)
            }
            Some("replace") => {
                let path = self.path()?;
                fits(path, self.value.as_ref())?;
                if path.is_empty() {
                    return match value() {
                        value @ (Value::Object(_) | Value::Array(_)) => {
                            *document = value;
                            Ok(())
                        }
                        _ => Err("the document can only be replaced by a mapping".to_owned()),
                    };
                }
                let (container, key) = find(document, path)?;
                replace(container, &key, value())
            }
            Some("move") => {
                let (container, key) = find(document, self.from()?)?;
                get(container, &key)?;
                let value = remove(container, &key)?;
                let path = self.path()?;
                fits(path, Some(&value))?;
                let (container, key) = find(document, path)?;
                add(container, &key, value)
            }
            Some("copy") => {
                let (container, key) = find(document, self.from()?)?;
                let value = get(container, &key)?.cloned().unwrap_or_default();
                *copied += size(&value).1;
                if *copied > MAX_COPIED {
                    return Err(format!("the patch copies more than {MAX_COPIED} values"));
                }
                let path = self.path()?;
                fits(path, Some(&value))?;
                let (container, key) = find(document, path)?;
                add(container, &key, value)
            }
            Some("test") => {
                let path = self.path()?;
                let expected = self.value.as_ref().filter(|value| !value.is_null());
                let found = if path.is_empty() {
                    Some(&*document)
                } else {
                    let (container, key) = find(document, path)?;
                    get(container, &key)?
                };
                match (found, expected) {
                    (None, None) => Ok(()),
                    (Some(found), Some(expected)) if equal(found, expected) => Ok(()),
                    _ => Err("the value is not the one that is expected".to_owned()),
                }
            }
            _ => Err(
                "there is no such operation; expected one of `add`, `copy`, `move`, `remove`, \
                 `replace`, `test`"
                    .to_owned(),
            ),
        }
    }

    fn path(&self) -> Done<&str> {
        self.path
            .as_deref()
            .ok_or_else(|| "`path` is missing or no text".to_owned())
    }

    fn from(&self) -> Done<&str> {
        self.from
            .as_deref()
            .ok_or_else(|| "`from` is missing or no text".to_owned())
    }
}

/// The mapping or list in which the last step of a path is to be found, and that step.
fn find<'d>(document: &'d mut Json, path: &str) -> Done<(&'d mut Json, String)> {
    let missing = |step: &str| format!("there is no `{step}` on the way to `{path}`");
    let mut steps: Vec<&str> = path.split('/').skip(1).collect();
    let Some(last) = steps.pop() else {
        return Err(format!("`{path}` is no path to a field; expected `/field`"));
    };
    let mut container = document;
    for step in steps {
        let key = unescape(step);
        let next = match container {
            Value::Object(fields) => fields.get_mut(&key),
            Value::Array(items) => {
                let at = place(&key, items.len()).map_err(|_| missing(step))?;
                items.get_mut(at)
            }
            _ => None,
        };
        container = match next {
            Some(next @ (Value::Object(_) | Value::Array(_))) => next,
            _ => return Err(missing(step)),
        };
    }
    Ok((container, unescape(last)))
}

fn unescape(step: &str) -> String {
    step.replace("~1", "/").replace("~0", "~")
}

/// The place of an index in a list of that length; negative ones count from the end.
fn place(key: &str, length: usize) -> Done<usize> {
    let wrong = || format!("`{key}` is no index of a list with {length} items");
    let index: i64 = key.parse().map_err(|_| wrong())?;
    let at = if index < 0 {
        usize::try_from(index.unsigned_abs())
            .ok()
            .and_then(|back| length.checked_sub(back))
    } else {
        usize::try_from(index).ok().filter(|at| *at < length)
    };
    at.ok_or_else(wrong)
}

/// A field or item; `None` for a field that is missing or null.
fn get<'d>(container: &'d Json, key: &str) -> Done<Option<&'d Json>> {
    let found = match container {
        Value::Object(fields) => fields.get(key),
        Value::Array(items) => items.get(place(key, items.len())?),
        _ => None,
    };
    Ok(found.filter(|value| !value.is_null()))
}

fn add(container: &mut Json, key: &str, value: Json) -> Done<()> {
    match container {
        Value::Object(fields) => {
            fields.insert(key.to_owned(), value);
        }
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => {
            let at = place(key, items.len() + 1)?;
            items.insert(at, value);
        }
        _ => {}
    }
    Ok(())
}

fn replace(container: &mut Json, key: &str, value: Json) -> Done<()> {
    match container {
        Value::Object(fields) => {
            fields.insert(key.to_owned(), value);
        }
        Value::Array(items) => {
            let at = place(key, items.len())?;
            if let Some(item) = items.get_mut(at) {
                *item = value;
            }
        }
        _ => {}
    }
    Ok(())
}

fn remove(container: &mut Json, key: &str) -> Done<Json> {
    match container {
        Value::Object(fields) => fields
            .remove(key)
            .ok_or_else(|| "there is nothing at this path".to_owned()),
        Value::Array(items) => {
            let at = place(key, items.len())?;
            Ok(items.remove(at))
        }
        _ => Err("there is nothing at this path".to_owned()),
    }
}

fn fits(path: &str, value: Option<&Json>) -> Done<()> {
    let steps = path.bytes().filter(|byte| *byte == b'/').count();
    if steps + value.map_or(0, |value| size(value).0) > MAX_DEPTH {
        return Err(format!(
            "the resource would be nested deeper than {MAX_DEPTH} levels"
        ));
    }
    Ok(())
}

/// The levels of a value and the number of values in it. Values here are no deeper than [`MAX_DEPTH`].
fn size(value: &Json) -> (usize, usize) {
    let children: &mut dyn Iterator<Item = &Json> = match value {
        Value::Array(items) => &mut items.iter(),
        Value::Object(fields) => &mut fields.values(),
        _ => return (0, 1),
    };
    let (mut depth, mut nodes) = (0, 1);
    for child in children {
        let below = size(child);
        depth = depth.max(below.0);
        nodes += below.1;
    }
    (depth + 1, nodes)
}

/// Whether two values are equal, numbers by their value.
fn equal(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || ((left.is_f64() || right.is_f64()) && left.as_f64() == right.as_f64())
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| equal(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| equal(left, right)))
        }
        (left, right) => left == right,
    }
}

/// Rounds the whole numbers that a float does not hold: kustomize reads the patched document with
/// floats for numbers.
fn round(value: &mut Json) {
    match value {
        Value::Number(number) => {
            let large = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
            if large.is_some_and(|large| large > EXACT)
                && let Some(rounded) = rounded(number)
            {
                *number = rounded;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(round),
        Value::Object(fields) => fields.values_mut().for_each(round),
        _ => {}
    }
}

/// The nearest number that a float holds, as a whole number where that is possible.
fn rounded(number: &Number) -> Option<Number> {
    let float = number.as_f64()?;
    // Floats of this size have no fraction, so their text is that of a whole number.
    let text = format!("{float:.0}");
    if let Ok(whole) = text.parse::<u64>() {
        return Some(whole.into());
    }
    match text.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => Number::from_f64(float),
    }
}
