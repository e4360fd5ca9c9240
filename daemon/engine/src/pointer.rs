//! JSON pointers (RFC 6901): how a person names a field that is left to others.

use std::fmt;
use std::str::FromStr;

use windlass_manifest::Json;

/// A field of an object, as in `/spec/replicas` (RFC 6901); never the whole object.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer {
    tokens: Box<[Box<str>]>,
}

/// A text that is not a pointer to a field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a path to a field: {why}. Write it as a JSON pointer (RFC 6901), for example \
     `/spec/replicas`, with `~1` for a slash inside a name"
)]
pub struct PointerError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl PointerError {
    /// The code of the page that explains the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "WL0604"
    }
}

impl Pointer {
    /// The longest pointer that is read, in bytes.
    pub const MAX_LENGTH: usize = 1024;

    /// The names on the way to the field, from the outermost, unescaped.
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = &str> {
        self.tokens.iter().map(AsRef::as_ref)
    }

    /// Returns the field's value.
    #[must_use]
    pub fn get<'v>(&self, value: &'v Json) -> Option<&'v Json> {
        self.tokens().try_fold(value, |at, token| match at {
            Json::Object(map) => map.get(token),
            Json::Array(items) => items.get(index(token)?),
            _ => None,
        })
    }

    /// Takes the field out of `value`, with each map around it that becomes empty by that.
    ///
    /// The emptied maps go too because a manager that owns nothing inside a map does not own the
    /// map: a body without the field and a projection without it must look the same.
    /// Returns whether the field was there.
    pub fn remove(&self, value: &mut Json) -> bool {
        remove(value, &self.tokens)
    }
}

fn remove(value: &mut Json, tokens: &[Box<str>]) -> bool {
    let Some((first, rest)) = tokens.split_first() else {
        return false;
    };
    match value {
        Json::Object(map) => {
            if rest.is_empty() {
                return map.remove(first.as_ref()).is_some();
            }
            let Some(inner) = map.get_mut(first.as_ref()) else {
                return false;
            };
            let removed = remove(inner, rest);
            if removed && inner.as_object().is_some_and(serde_json::Map::is_empty) {
                map.remove(first.as_ref());
            }
            removed
        }
        Json::Array(items) => {
            let Some(at) = index(first).filter(|at| *at < items.len()) else {
                return false;
            };
            if rest.is_empty() {
                items.remove(at);
                return true;
            }
            items.get_mut(at).is_some_and(|item| remove(item, rest))
        }
        _ => false,
    }
}

fn index(token: &str) -> Option<usize> {
    let canonical = token == "0" || !token.starts_with(['0', '+']);
    token.parse().ok().filter(|_| canonical)
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        let wrong = |why| PointerError {
            text: text.chars().take(80).collect(),
            why,
        };
        if text.len() > Self::MAX_LENGTH {
            return Err(wrong("it is longer than 1024 bytes"));
        }
        let Some(path) = text.strip_prefix('/') else {
            return Err(wrong(if text.is_empty() {
                "it is empty, which would mean the whole object"
            } else {
                "it does not begin with a slash"
            }));
        };
        let tokens = path
            .split('/')
            .map(unescape)
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("a `~` is not followed by 0 or 1"))?;
        Ok(Self { tokens })
    }
}

fn unescape(token: &str) -> Option<Box<str>> {
    let mut plain = String::with_capacity(token.len());
    let mut chars = token.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '~' => match chars.next()? {
                '0' => '~',
                '1' => '/',
                _ => return None,
            },
            other => other,
        });
    }
    Some(plain.into_boxed_str())
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tokens
            .iter()
            .try_for_each(|token| write!(f, "/{}", token.replace('~', "~0").replace('/', "~1")))
    }
}

impl fmt::Debug for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pointer({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]

    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case::a_field("/spec/replicas", json!({"spec": {"replicas": 1, "paused": true}}), json!({"spec": {"paused": true}}))]
    #[case::emptied_maps_go("/spec/a/b", json!({"spec": {"a": {"b": 1}}, "x": 1}), json!({"x": 1}))]
    #[case::an_empty_map_beside_stays("/spec/a", json!({"spec": {"a": 1, "b": {}}}), json!({"spec": {"b": {}}}))]
    #[case::absent("/spec/a", json!({"spec": {}}), json!({"spec": {}}))]
    #[case::list_item("/l/1", json!({"l": [1, 2, 3]}), json!({"l": [1, 3]}))]
    #[case::in_a_list_item("/l/0/a", json!({"l": [{"a": 1, "b": 2}]}), json!({"l": [{"b": 2}]}))]
    #[case::escaped("/a~1b/c~0d", json!({"a/b": {"c~d": 1, "e": 2}}), json!({"a/b": {"e": 2}}))]
    fn removes_the_field(#[case] pointer: &str, #[case] mut value: Json, #[case] expected: Json) {
        let parsed: Pointer = pointer.parse().unwrap();
        let there = parsed.get(&value).is_some();
        assert_eq!(
            parsed.remove(&mut value),
            there,
            "{pointer}: says whether it was there"
        );
        assert_eq!(value, expected, "{pointer}");
        assert_eq!(parsed.to_string(), pointer, "prints as it was written");
    }

    #[rstest]
    #[case("")]
    #[case("spec/replicas")]
    #[case("/a~2")]
    #[case("/a~")]
    fn refuses_what_is_no_field(#[case] text: &str) {
        let error = text.parse::<Pointer>().unwrap_err();
        assert_eq!(error.code(), "WL0604");
        assert!(
            error.to_string().contains("/spec/replicas"),
            "says how to write it: {error}"
        );
    }
}
