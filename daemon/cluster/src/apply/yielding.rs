//! Leaving fields to the managers that own them: `windlass.dev/conflict: yield`.

use super::{Body, Mode, parse, wiped};
use crate::discovery::Served;
use crate::failure::Deed;
use crate::secrets::{Bound, Mask};
use crate::target::KubernetesTarget;
use crate::transport::Answer;
use serde_json::Value as Json;
use windlass_engine::{Desired, Failure};

/// Taking fields out can bring new conflicts to light, but not for ever.
const ROUNDS: usize = 4;

impl KubernetesTarget {
    /// Takes the fields of a conflict out of the body and sends the rest.
    pub(super) async fn send_yielding(
        &self,
        deed: Deed<'_>,
        served: &Served,
        object: &Desired,
        body: &mut Body,
        mut answer: Answer,
    ) -> Result<Answer, Failure> {
        let mode = Mode {
            force: false,
            dry_run: false,
        };
        for _ in 0..ROUNDS {
            let mut bound = match body.bound.take() {
                Some(bound) => bound,
                None => Bound::new(parse(deed, object)?, Mask::default()),
            };
            let mut any = false;
            for path in conflicting(&answer) {
                any |= remove(bound.object_mut(), &path);
            }
            body.bytes = wiped(bound.object());
            body.bound = Some(bound);
            if !any {
                break;
            }
            answer = self.send(deed, served, body, mode).await?;
            if answer.status != http::StatusCode::CONFLICT {
                break;
            }
        }
        Ok(answer)
    }
}

/// The paths of a conflict's causes.
fn conflicting(answer: &Answer) -> Vec<Vec<Step>> {
    let Ok(status) = answer.json() else {
        return Vec::new();
    };
    status
        .pointer("/details/causes")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter(|cause| cause.get("reason").and_then(Json::as_str) == Some("FieldManagerConflict"))
        .filter_map(|cause| cause.get("field").and_then(Json::as_str))
        .filter_map(parse_path)
        .collect()
}

/// One step of a path as structured-merge-diff prints it.
#[derive(Debug, PartialEq)]
enum Step {
    /// `.name`
    Field(String),
    /// `[name="web",port=80]`
    Keys(Vec<(String, Json)>),
    /// `[="value"]`
    Value(Json),
    /// `[3]`
    Index(usize),
}

/// Reads a path such as `.spec.containers[name="web"].image`.
fn parse_path(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (name, after) = after.split_at(end);
            steps.push(Step::Field(name.to_owned()));
            rest = after;
        } else {
            let inner = rest.strip_prefix('[')?;
            let end = closing(inner)?;
            let (inner, after) = inner.split_at(end);
            steps.push(selector(inner)?);
            rest = after.strip_prefix(']')?;
        }
    }
    (!steps.is_empty()).then_some(steps)
}

/// The place of the bracket that closes, outside of quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ']' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn selector(text: &str) -> Option<Step> {
    if let Ok(index) = text.parse() {
        return Some(Step::Index(index));
    }
    if let Some(value) = text.strip_prefix('=') {
        return serde_json::from_str(value).ok().map(Step::Value);
    }
    let mut keys = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let mut values = serde_json::Deserializer::from_str(after).into_iter::<Json>();
        let value = values.next()?.ok()?;
        let after = after.get(values.byte_offset()..)?;
        keys.push((name.to_owned(), value));
        rest = after.strip_prefix(',').unwrap_or(after);
    }
    (!keys.is_empty()).then_some(Step::Keys(keys))
}

fn remove(value: &mut Json, path: &[Step]) -> bool {
    let Some((step, rest)) = path.split_first() else {
        return false;
    };
    match (value, step) {
        (Json::Object(map), Step::Field(name)) => {
            if rest.is_empty() {
                return map.remove(name).is_some();
            }
            map.get_mut(name).is_some_and(|child| remove(child, rest))
        }
        (Json::Array(items), step) => {
            let Some(at) = items.iter().enumerate().position(|(at, item)| match step {
                Step::Index(index) => at == *index,
                Step::Value(value) => item == value,
                Step::Keys(keys) => keys.iter().all(|(name, value)| {
                    // A key that the body leaves out has its default in the path.
                    item.get(name).is_none_or(|has| has == value)
                }),
                Step::Field(_) => false,
            }) else {
                return false;
            };
            if rest.is_empty() {
                items.remove(at);
                return true;
            }
            items.get_mut(at).is_some_and(|child| remove(child, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(".spec.replicas", json!({"spec": {"replicas": 1, "paused": true}}), json!({"spec": {"paused": true}}))]
    #[case(".c[name=\"we]b\"].image", json!({"c": [{"name": "a", "image": 1}, {"name": "we]b", "image": 2}]}), json!({"c": [{"name": "a", "image": 1}, {"name": "we]b"}]}))]
    #[case(".p[port=80,protocol=\"TCP\"].nodePort", json!({"p": [{"port": 80, "nodePort": 1}]}), json!({"p": [{"port": 80}]}))]
    #[case(".f[=\"x\"]", json!({"f": ["w", "x"]}), json!({"f": ["w"]}))]
    #[case(".l[1]", json!({"l": [1, 2]}), json!({"l": [1]}))]
    #[case(".absent.deep", json!({"a": 1}), json!({"a": 1}))]
    fn removal(#[case] path: &str, #[case] mut value: Json, #[case] expected: Json) {
        let steps = parse_path(path).unwrap();
        remove(&mut value, &steps);
        assert_eq!(value, expected, "without {path}");
    }

    #[rstest]
    #[case("")]
    #[case("spec")]
    #[case(".a[name=")]
    #[case(".a[b]")]
    fn what_is_no_path_is_left_alone(#[case] text: &str) {
        assert_eq!(parse_path(text), None, "`{text}`");
    }
}
