//! What the decoder makes of a text, held against what kubectl's decoder makes of it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde::Deserialize;
use windlass_conformance::suite_file;
use windlass_manifest::{DecodeError, Json, Limits, Problem, decode, read_objects};

/// A manifest and the value of its field `v`, as kubectl's decoder prints it.
#[derive(Deserialize)]
struct Manifest {
    name: String,
    input: String,
    #[serde(default)]
    kubectl: Option<Vec<String>>,
    err: String,
}

#[test]
fn manifests_mean_what_they_mean_to_kubectl() {
    let Some(suite) = suite_file("yaml/kubectl-decoder.jsonl") else {
        return;
    };
    let mut wrong = Vec::new();
    for line in suite.lines().filter(|line| !line.is_empty()) {
        let case: Manifest = serde_json::from_str(line).unwrap();
        let read = read_objects("case.yaml", &bytes(&case.input), &Limits::default());
        let duplicate = matches!(&read, Err(error) if error.code() == "WL0302");
        // Deliberate: a key that stands twice is an error, which kubectl passes over.
        if duplicate && case.err.is_empty() {
            continue;
        }
        match read {
            Err(error) if case.err.is_empty() => wrong.push(format!("{}: {error}", case.name)),
            Err(_) => {}
            Ok(objects) if !case.err.is_empty() => {
                let objects: Vec<&Json> = objects.iter().map(|object| object.json()).collect();
                wrong.push(format!(
                    "{}: no error, but {objects:?} (kubectl: {})",
                    case.name, case.err
                ));
            }
            Ok(objects) => {
                // An indented line describes the entries of the mapping in the line before.
                let expected: Vec<&String> = case
                    .kubectl
                    .iter()
                    .flatten()
                    .filter(|line| !line.starts_with(' '))
                    .collect();
                let values: Vec<&Json> = objects
                    .iter()
                    .filter_map(|object| object.json().get("v"))
                    .collect();
                let same = expected.len() == values.len()
                    && expected
                        .iter()
                        .zip(&values)
                        .all(|(line, value)| is(line, value));
                if !same {
                    wrong.push(format!(
                        "{}: expected {expected:?}, found {values:?}",
                        case.name
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bytes of an input. The cases are kept as JSON, which has U+FFFD where a byte was no UTF-8.
fn bytes(input: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(input.len());
    for c in input.chars() {
        match c {
            char::REPLACEMENT_CHARACTER => bytes.push(0xff),
            other => bytes.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    bytes
}

/// Whether a value is what Go prints as its type and the value in JSON.
fn is(printed: &str, value: &Json) -> bool {
    let (kind, text) = printed.rsplit_once("{} ").map_or_else(
        || printed.split_once(' ').unwrap(),
        |(kind, text)| (kind, text),
    );
    let expected: Json = serde_json::from_str(text).unwrap();
    let same_kind = match kind {
        "int64" => value.is_i64(),
        // An integer beyond 63 bits is kept exactly, where kubectl rounds it.
        "float64" => value.is_f64() || value.as_u64().is_some_and(|value| value > i64::MAX as u64),
        _ => !value.is_number(),
    };
    same_kind && same(&expected, value)
}

/// Equal, with numbers compared as numbers.
fn same(expected: &Json, value: &Json) -> bool {
    match (expected, value) {
        (Json::Number(a), Json::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Json::Array(a), Json::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Json::Object(a), Json::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((a, x), (b, y))| a == b && same(x, y))
        }
        _ => expected == value,
    }
}

/// A case of the YAML test suite, with the documents that kubectl's decoder makes of it.
#[derive(Deserialize)]
struct Stream {
    id: String,
    yaml: String,
    kubectl: Vec<Json>,
    kubectl_err: String,
}

/// Cases where the answer differs from kubectl's, each with the reason.
const DIFFERENT: [(&str, &str); 0] = [];

#[test]
fn streams_mean_what_they_mean_to_kubectl() {
    let Some(suite) = suite_file("yaml/yaml-test-suite-kubectl.json") else {
        return;
    };
    let cases: Vec<Stream> = serde_json::from_str(&suite).unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        if DIFFERENT.iter().any(|(id, _)| *id == case.id) {
            continue;
        }
        let read = decode(case.yaml.as_bytes(), &Limits::default());
        // Deliberate: a key that stands twice is an error, which kubectl passes over.
        if matches!(
            &read,
            Err(DecodeError {
                problem: Problem::DuplicateKey { .. },
                ..
            })
        ) {
            continue;
        }
        match read {
            Err(error) if case.kubectl_err.is_empty() => {
                wrong.push(format!("{}: {error}\n{:?}", case.id, case.yaml));
            }
            Err(_) => {}
            Ok(documents) => {
                // kubectl passes over empty documents.
                let values: Vec<Json> = documents
                    .into_iter()
                    .map(|document| document.value)
                    .filter(|value| !value.is_null())
                    .collect();
                if !case.kubectl_err.is_empty() {
                    wrong.push(format!(
                        "{}: no error, but {values:?} (kubectl: {})\n{:?}",
                        case.id, case.kubectl_err, case.yaml
                    ));
                } else if values.len() != case.kubectl.len()
                    || !case.kubectl.iter().zip(&values).all(|(a, b)| same(a, b))
                {
                    let expected = &case.kubectl;
                    wrong.push(format!(
                        "{}: expected {expected:?}, found {values:?}\n{:?}",
                        case.id, case.yaml
                    ));
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
