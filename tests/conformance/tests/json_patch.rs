//! The cases of json-patch-tests: RFC 6902, those marked as disabled too.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use windlass_manifest::{Limits, decode, jsonpatch};

#[derive(Deserialize)]
struct Case {
    comment: Option<String>,
    doc: Value,
    /// As text: two cases have a member twice, which a value no longer tells.
    patch: Box<RawValue>,
    expected: Option<Value>,
    error: Option<String>,
}

/// What the product makes of a case: it decodes the patch, then applies it.
fn outcome(case: &Case) -> Result<Value, String> {
    let documents = decode(case.patch.get().as_bytes(), &Limits::default());
    let documents = documents.map_err(|error| error.to_string())?;
    let patch = documents
        .first()
        .map(|document| &document.value)
        .ok_or("an empty patch")?;
    let mut document = case.doc.clone();
    jsonpatch::apply(&mut document, patch).map_err(|error| error.to_string())?;
    Ok(document)
}

#[test]
fn every_case_passes() {
    let mut failures = Vec::new();
    let mut count = 0;
    for file in ["tests.json", "spec_tests.json"] {
        let path = format!("json-patch/{file}");
        let Some(text) = windlass_conformance::suite_file(&path) else {
            return;
        };
        let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
        for (index, case) in cases.iter().enumerate() {
            count += 1;
            let outcome = outcome(case);
            let passes = match (&case.expected, &case.error) {
                (_, Some(_)) => outcome.is_err(),
                (Some(expected), None) => outcome.as_ref() == Ok(expected),
                // A case with neither only asks that the patch applies.
                (None, None) => outcome.is_ok(),
            };
            if !passes {
                let comment = case.comment.as_deref().unwrap_or("no comment");
                failures.push(format!("{file} {index} ({comment}): {outcome:?}"));
            }
        }
    }
    assert!(count > 0, "the suite holds cases");
    assert!(
        failures.is_empty(),
        "{} of {count} fail:\n{}",
        failures.len(),
        failures.join("\n")
    );
}
