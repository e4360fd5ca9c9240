//! JSON pointers (RFC 6901): the paths of fields that are left to others.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::fmt;
use std::str::FromStr;

/// A path into an object such as `/spec/replicas`; an item of a list is named by its index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pointer(Vec<String>);

/// A text that is not a pointer to a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a JSON pointer: write it as `/spec/replicas`, with `~1` for `/` and `~0` for `~` in a name")]
pub struct PointerError(pub String);

impl Pointer {
    /// Builds a pointer from unescaped names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Pointer {
        Pointer(names.into_iter().map(str::to_owned).collect())
    }

    /// The unescaped names from the root on.
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The value at this path.
    pub fn get<'a>(&self, value: &'a Json) -> Option<&'a Json> {
        self.0.iter().try_fold(value, |value, name| match value {
            Json::Object(map) => map.get(name),
            Json::Array(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// Removes the value at this path, and the maps that become empty by it.
    ///
    /// An item of a list becomes null rather than moving the items behind it.
    pub fn remove(&self, value: &mut Json) {
        remove(value, &self.0);
    }

    /// Puts a value at this path and makes the maps on the way; `false` where a list on the way
    /// has no such item or a scalar stands in the way.
    pub fn set(&self, target: &mut Json, value: Json) -> bool {
        let mut place = target;
        for name in &self.0 {
            if place.is_null() {
                *place = Json::Object(serde_json::Map::new());
            }
            let next = match place {
                Json::Object(map) => map.entry(name.clone()).or_insert(Json::Null),
                Json::Array(items) => {
                    match name.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                        Some(item) => item,
                        None => return false,
                    }
                }
                _ => return false,
            };
            place = next;
        }
        *place = value;
        true
    }
}

fn remove(value: &mut Json, names: &[String]) {
    let Some((name, rest)) = names.split_first() else {
        return;
    };
    match value {
        Json::Object(map) => {
            if rest.is_empty() {
                map.remove(name);
            } else if let Some(child) = map.get_mut(name) {
                remove(child, rest);
                if child.as_object().is_some_and(serde_json::Map::is_empty) {
                    map.remove(name);
                }
            }
        }
        Json::Array(items) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|i| items.get_mut(i)) {
                if rest.is_empty() {
                    *item = Json::Null;
                } else {
                    remove(item, rest);
                }
            }
        }
        _ => {}
    }
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || PointerError(text.chars().take(200).collect());
        let names = text.strip_prefix('/').ok_or_else(refused)?;
        names
            .split('/')
            .map(|name| {
                let lone_tilde = name
                    .match_indices('~')
                    .any(|(at, _)| !matches!(name.as_bytes().get(at + 1), Some(b'0' | b'1')));
                (!lone_tilde).then(|| name.replace("~1", "/").replace("~0", "~"))
            })
            .collect::<Option<Vec<_>>>()
            .map(Pointer)
            .ok_or_else(refused)
    }
}

impl TryFrom<String> for Pointer {
    type Error = PointerError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Pointer> for String {
    fn from(pointer: Pointer) -> String {
        pointer.to_string()
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for name in &self.0 {
            write!(f, "/{}", name.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("/spec/replicas", Some(json!(3)))]
    #[case("/metadata/annotations/a~1b~0c", Some(json!("x")))]
    #[case("/list/1", Some(json!(20)))]
    #[case("/list/7", None)]
    #[case("/spec/replicas/deep", None)]
    fn a_pointer_reads_and_prints(#[case] text: &str, #[case] expected: Option<Json>) {
        let value = json!({"spec": {"replicas": 3}, "metadata": {"annotations": {"a/b~c": "x"}}, "list": [10, 20]});
        let pointer: Pointer = text.parse().unwrap();
        assert_eq!(pointer.get(&value), expected.as_ref(), "value at {text}");
        assert_eq!(pointer.to_string(), text, "prints as it was written");
    }

    #[rstest]
    #[case("")]
    #[case("spec/replicas")]
    #[case("/a~2b")]
    #[case("/a~")]
    fn what_is_no_pointer_is_refused(#[case] text: &str) {
        assert!(text.parse::<Pointer>().is_err(), "`{text}` should be refused");
    }

    #[test]
    fn removing_takes_empty_maps_along_and_keeps_the_places_of_items() {
        let mut value = json!({"spec": {"a": {"b": 1}}, "list": [1, 2, 3]});
        Pointer::of(["spec", "a", "b"]).remove(&mut value);
        Pointer::of(["list", "0"]).remove(&mut value);
        assert_eq!(value, json!({"list": [null, 2, 3]}));
    }

    #[test]
    fn setting_makes_maps_and_refuses_missing_items() {
        let mut value = json!({"list": [1]});
        assert!(Pointer::of(["spec", "replicas"]).set(&mut value, json!(5)));
        assert!(!Pointer::of(["list", "4"]).set(&mut value, json!(5)));
        assert_eq!(value, json!({"list": [1], "spec": {"replicas": 5}}));
    }
}
