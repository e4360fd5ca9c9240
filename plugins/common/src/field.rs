//! Paths to fields of an object, as people write them.

use std::fmt::{self, Write as _};
use windlass_plugin_sdk::Json;

/// The most segments of a path. Kubernetes objects are less deep.
const MAX_SEGMENTS: usize = 64;

/// A path to a field: `spec.template.spec.containers[name=app].image`,
/// `metadata.annotations["example.com/team"]`, or a JSON pointer (RFC 6901) such as
/// `/spec/replicas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldPath(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
    /// The element of a list whose `key` is `value`.
    Item {
        key: String,
        value: String,
    },
    /// A part of a JSON pointer: a key of a mapping or an index of a list, whichever is there.
    Either(String),
}

impl FieldPath {
    /// Reads a path.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn new(text: &str) -> Result<Self, String> {
        let segments = if text.starts_with('/') {
            text.split('/')
                .skip(1)
                .map(|part| Segment::Either(part.replace("~1", "/").replace("~0", "~")))
                .collect()
        } else {
            parse(text).map_err(|reason| format!("`{text}` is not a path to a field: {reason}"))?
        };
        match segments.len() {
            0 => Err("an empty path names no field".to_owned()),
            1..=MAX_SEGMENTS => Ok(Self(segments)),
            _ => Err(format!("a path has at most {MAX_SEGMENTS} parts")),
        }
    }

    /// Puts a value at the path. Mappings on the way that are not there are made; elements of
    /// lists are not.
    ///
    /// # Errors
    /// Names the part of the path that is not there or is something else.
    pub fn set(&self, object: &mut Json, value: Json) -> Result<(), String> {
        let mut at = object;
        let mut place = String::new();
        for segment in &self.0 {
            at = step(at, segment, &mut place)?;
        }
        *at = value;
        Ok(())
    }
}

fn step<'a>(
    value: &'a mut Json,
    segment: &Segment,
    place: &mut String,
) -> Result<&'a mut Json, String> {
    let from = if place.is_empty() {
        "the object".to_owned()
    } else {
        format!("`{place}`")
    };
    let wrong =
        |value: &Json, expected: &str| Err(format!("{from} is {}, not {expected}", kind_of(value)));
    match (value, segment) {
        (value @ (Json::Null | Json::Object(_)), Segment::Key(key))
        | (value @ (Json::Null | Json::Object(_)), Segment::Either(key)) => {
            push_key(place, key);
            if value.is_null() {
                *value = Json::Object(serde_json::Map::new());
            }
            match value {
                Json::Object(map) => Ok(map.entry(key.as_str()).or_insert(Json::Null)),
                _ => Err(format!("{from} cannot hold a field")),
            }
        }
        (Json::Array(items), Segment::Either(text)) => {
            push_key(place, text);
            if text == "-" {
                items.push(Json::Null);
                return items.last_mut().ok_or_else(|| format!("{from} is empty"));
            }
            let length = items.len();
            text.parse::<usize>()
                .ok()
                .and_then(|index| items.get_mut(index))
                .ok_or_else(|| format!("{from} has {length} elements, and none is at `{text}`"))
        }
        (Json::Array(items), Segment::Index(index)) => {
            push_index(place, *index);
            let length = items.len();
            items
                .get_mut(*index)
                .ok_or_else(|| format!("{from} has {length} elements, and none is at {index}"))
        }
        (Json::Array(items), Segment::Item { key, value }) => {
            let _ = write!(place, "[{key}={value}]");
            items
                .iter_mut()
                .find(|item| text_of(&item[key.as_str()]).as_deref() == Some(value))
                .ok_or_else(|| format!("{from} has no element whose `{key}` is `{value}`"))
        }
        (value, Segment::Key(_)) => wrong(value, "a mapping"),
        (value, Segment::Either(_)) => wrong(value, "a mapping or a list"),
        (value, Segment::Index(_) | Segment::Item { .. }) => wrong(value, "a list"),
    }
}

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(bool) => Some(bool.to_string()),
        _ => None,
    }
}

fn parse(text: &str) -> Result<Vec<Segment>, String> {
    let mut segments = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (segment, after) = bracket(inside)?;
            segments.push(segment);
            rest = after;
            continue;
        }
        if !segments.is_empty() {
            rest = rest
                .strip_prefix('.')
                .ok_or("a `.` is missing after a `]`")?;
            if rest.starts_with('[') {
                continue;
            }
        }
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        if end == 0 {
            return Err("a part of it is empty".to_owned());
        }
        segments.push(Segment::Key(rest[..end].to_owned()));
        rest = &rest[end..];
        if rest == "." {
            return Err("it ends with a `.`".to_owned());
        }
    }
    Ok(segments)
}

/// Reads what is in brackets: `0`, `name=app`, `"a.b/c"` or `a.b/c`.
fn bracket(inside: &str) -> Result<(Segment, &str), String> {
    for quote in ['"', '\''] {
        if let Some(quoted) = inside.strip_prefix(quote) {
            let (key, after) = quoted.split_once(quote).ok_or("a quote is never closed")?;
            let after = after.strip_prefix(']').ok_or("a `[` is never closed")?;
            return Ok((Segment::Key(key.to_owned()), after));
        }
    }
    let (content, after) = inside.split_once(']').ok_or("a `[` is never closed")?;
    let segment = match (content.parse::<usize>(), content.split_once('=')) {
        _ if content.is_empty() => return Err("there is nothing in `[]`".to_owned()),
        (Ok(index), _) => Segment::Index(index),
        (_, Some((key, value))) => Segment::Item {
            key: key.to_owned(),
            value: value.trim_matches('"').to_owned(),
        },
        _ => Segment::Key(content.to_owned()),
    };
    Ok((segment, after))
}

/// Adds a key to a path for people: `.key`, or `["k.e/y"]` when it would be misread otherwise.
pub fn push_key(path: &mut String, key: &str) {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_alphanumeric() || "-_$".contains(c));
    if !plain {
        let _ = write!(path, "[\"{key}\"]");
        return;
    }
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(key);
}

/// Adds an index to a path for people: `[0]`.
pub fn push_index(path: &mut String, index: usize) {
    let _ = write!(path, "[{index}]");
}

/// Says what a value is, with its article: `a list`.
pub fn kind_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "text",
        Json::Array(_) => "a list",
        Json::Object(_) => "a mapping",
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        for segment in &self.0 {
            match segment {
                Segment::Key(key) | Segment::Either(key) => push_key(&mut path, key),
                Segment::Index(index) => push_index(&mut path, *index),
                Segment::Item { key, value } => write!(path, "[{key}={value}]")?,
            }
        }
        f.write_str(&path)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn object() -> Json {
        json!({"spec": {"list": [{"name": "a", "port": 80}, {"name": "b"}], "text": "x"}})
    }

    #[rstest]
    #[case::key("spec.text", "/spec/text")]
    #[case::made("metadata.labels.team", "/metadata/labels/team")]
    #[case::quoted("metadata.annotations[\"a.b/c\"]", "/metadata/annotations/a.b~1c")]
    #[case::bracketed("metadata.annotations.[a.b/c]", "/metadata/annotations/a.b~1c")]
    #[case::item("spec.list[name=b].port", "/spec/list/1/port")]
    #[case::item_by_number("spec.list[port=80].name", "/spec/list/0/name")]
    #[case::index("spec.list[0].port", "/spec/list/0/port")]
    #[case::pointer("/spec/list/0/port", "/spec/list/0/port")]
    #[case::pointer_append("/spec/list/-", "/spec/list/2")]
    #[case::pointer_escape("/metadata/annotations/a.b~1c", "/metadata/annotations/a.b~1c")]
    fn a_value_is_put_in_place(#[case] path: &str, #[case] pointer: &str) {
        let mut object = object();
        FieldPath::new(path)
            .unwrap()
            .set(&mut object, json!("new"))
            .unwrap();
        assert_eq!(object.pointer(pointer), Some(&json!("new")), "{object}");
    }

    #[rstest]
    #[case(
        "spec.list[name=c].port",
        "`spec.list` has no element whose `name` is `c`"
    )]
    #[case("spec.list[7]", "`spec.list` has 2 elements, and none is at 7")]
    #[case("spec.list.name", "`spec.list` is a list, not a mapping")]
    #[case("spec.text[0]", "`spec.text` is text, not a list")]
    #[case("/spec/text/a", "`spec.text` is text, not a mapping or a list")]
    #[case("/spec/list/a", "`spec.list` has 2 elements, and none is at `a`")]
    fn what_is_not_there_is_named(#[case] path: &str, #[case] expected: &str) {
        let error = FieldPath::new(path)
            .unwrap()
            .set(&mut object(), json!(1))
            .unwrap_err();
        assert_eq!(error, expected);
    }

    #[rstest]
    #[case("", "an empty path names no field")]
    #[case("a..b", "`a..b` is not a path to a field: a part of it is empty")]
    #[case("a.", "`a.` is not a path to a field: it ends with a `.`")]
    #[case("a[", "`a[` is not a path to a field: a `[` is never closed")]
    #[case("a[]", "`a[]` is not a path to a field: there is nothing in `[]`")]
    #[case(
        "a[0]b",
        "`a[0]b` is not a path to a field: a `.` is missing after a `]`"
    )]
    fn wrong_paths_are_named(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(FieldPath::new(path).unwrap_err(), expected);
    }

    #[test]
    fn a_path_reads_back() {
        let text = "spec.list[name=b].env[0][\"a.b/c\"]";
        assert_eq!(FieldPath::new(text).unwrap().to_string(), text);
    }
}
