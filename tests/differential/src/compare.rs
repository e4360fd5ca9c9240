//! What two builds of a tree gave, held against each other.

use std::fmt::Write as _;

use windlass_manifest::{Json, Limits, decode};

use crate::oracle::Built;

/// How many places of a difference are told.
const PLACES: usize = 12;

/// What Windlass made of a tree.
pub type Ours = Result<Vec<Json>, String>;

/// How two builds differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What kind of difference it is: while a tree is made smaller, this stays.
    pub class: Class,
    /// For people: where, and what there is on both sides.
    pub text: String,
}

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The oracle refuses what Windlass builds.
    OnlyTheirsFails,
    /// Windlass refuses what the oracle builds.
    OnlyOursFails,
    /// Windlass stops with a panic.
    Panic,
    /// The same number of objects, under the same names in the same order, with other content.
    Content,
    /// Other objects, or another order.
    Objects,
    /// What the oracle printed cannot be read.
    Unreadable,
}

/// Reads what a build printed, as kubectl would.
///
/// # Errors
/// It is no YAML.
pub fn read(text: &str) -> Result<Vec<Json>, String> {
    let documents =
        decode(text.as_bytes(), &Limits::default()).map_err(|error| error.to_string())?;
    Ok(documents
        .into_iter()
        .map(|document| document.value)
        .filter(|value| !value.is_null())
        .collect())
}

/// How the two differ; `None` when they do not.
pub fn compare(theirs: &Built, ours: &Ours) -> Option<Difference> {
    let different = |class, text: String| Some(Difference { class, text });
    match (theirs, ours) {
        (Err(_), Err(message)) if message.starts_with(crate::build::PANIC) => {
            different(Class::Panic, message.clone())
        }
        (Err(_), Err(_)) => None,
        (Err(theirs), Ok(ours)) => different(
            Class::OnlyTheirsFails,
            format!(
                "kustomize fails: {theirs}\nWindlass builds {}",
                names(ours).join(", ")
            ),
        ),
        (Ok(_), Err(ours)) if ours.starts_with(crate::build::PANIC) => {
            different(Class::Panic, ours.clone())
        }
        (Ok(_), Err(ours)) => different(
            Class::OnlyOursFails,
            format!("Windlass fails: {ours}\nkustomize builds it"),
        ),
        (Ok(theirs), Ok(ours)) => match read(theirs) {
            Err(error) => different(Class::Unreadable, format!("{error} in\n{theirs}")),
            Ok(theirs) => documents(&theirs, ours),
        },
    }
}

/// How two lists of objects differ; `None` when they do not.
pub fn documents(theirs: &[Json], ours: &[Json]) -> Option<Difference> {
    let (expected, found) = (names(theirs), names(ours));
    if expected != found {
        let mut text = String::from("other objects, or another order\n");
        for line in similar_lines(&expected, &found) {
            let _ = writeln!(text, "  {line}");
        }
        return Some(Difference {
            class: Class::Objects,
            text,
        });
    }
    let mut places = Vec::new();
    for ((theirs, ours), name) in theirs.iter().zip(ours).zip(&expected) {
        values(Some(theirs), Some(ours), &format!("{name}: "), &mut places);
    }
    if places.is_empty() {
        return None;
    }
    let more = places.len().saturating_sub(PLACES);
    places.truncate(PLACES);
    if more > 0 {
        places.push(format!("and {more} more"));
    }
    Some(Difference {
        class: Class::Content,
        text: places.join("\n"),
    })
}

/// Kind, namespace and name of each object.
fn names(objects: &[Json]) -> Vec<String> {
    objects
        .iter()
        .map(|object| {
            let text = |pointer| match object.pointer(pointer) {
                Some(Json::String(text)) => text.clone(),
                Some(other) => other.to_string(),
                None => String::new(),
            };
            let namespace = text("/metadata/namespace");
            format!(
                "{} {} {}{}{}",
                text("/apiVersion"),
                text("/kind"),
                namespace,
                if namespace.is_empty() { "" } else { "/" },
                text("/metadata/name"),
            )
        })
        .collect()
}

/// The names of both, with a sign before those that only one side has at this place.
fn similar_lines(theirs: &[String], ours: &[String]) -> Vec<String> {
    let same_start = theirs.iter().zip(ours).take_while(|(a, b)| a == b).count();
    let mut lines: Vec<String> = Vec::new();
    if same_start > 0 {
        lines.push(format!("  ({same_start} the same)"));
    }
    lines.extend(
        theirs
            .iter()
            .skip(same_start)
            .map(|name| format!("kustomize: {name}")),
    );
    lines.extend(
        ours.iter()
            .skip(same_start)
            .map(|name| format!("Windlass:  {name}")),
    );
    lines
}

fn values(theirs: Option<&Json>, ours: Option<&Json>, at: &str, places: &mut Vec<String>) {
    match (theirs, ours) {
        (Some(Json::Object(a)), Some(Json::Object(b))) => {
            for (key, value) in a {
                values(Some(value), b.get(key), &format!("{at}/{key}"), places);
            }
            for (key, value) in b {
                if !a.contains_key(key) {
                    values(None, Some(value), &format!("{at}/{key}"), places);
                }
            }
        }
        (Some(Json::Array(a)), Some(Json::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                values(a.get(index), b.get(index), &format!("{at}/{index}"), places);
            }
        }
        // The API server reads what is no integer of 64 bits with a sign as a float.
        (Some(Json::Number(a)), Some(Json::Number(b)))
            if (a.as_i64().is_none() || b.as_i64().is_none()) && a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        (a, b) => {
            let show =
                |value: Option<&Json>| value.map_or_else(|| "nothing".to_owned(), Json::to_string);
            places.push(format!("{at}: kustomize {}, Windlass {}", show(a), show(b)));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, value: Json) -> Json {
        json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": name}, "value": value})
    }

    #[test]
    fn a_difference_says_where_it_is() {
        let theirs = [object("a", json!(1)), object("b", json!([1, {"x": "y"}]))];
        let ours = [object("a", json!(1)), object("b", json!([1, {"x": 2}]))];
        assert_eq!(
            documents(&theirs, &theirs),
            None,
            "the same is no difference"
        );
        let found = documents(&theirs, &ours).unwrap();
        assert_eq!(found.class, Class::Content, "{}", found.text);
        assert_eq!(
            found.text, "v1 A b: /value/1/x: kustomize \"y\", Windlass 2",
            "the place and both values"
        );
    }

    #[test]
    fn the_order_counts() {
        let (a, b) = (object("a", json!(1)), object("b", json!(2)));
        let found = documents(&[a.clone(), b.clone()], &[b, a]).unwrap();
        assert_eq!(found.class, Class::Objects, "{}", found.text);
    }
}
