//! kstatus: the statuses that sigs.k8s.io/cli-utils computes.
//!
//! Runs when the folder of cases is present; see the crate's documentation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value as Json;
use std::fs;
use std::path::{Path, PathBuf};
use windlass_engine::health::kstatus::{augment, compute};
use windlass_manifest::{Limits, decode};

const NOW: &str = "2026-01-01T00:00:30Z";
const NOW_UNIX: i64 = 1_767_225_630;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conditions: Vec<Condition>,
    #[serde(default)]
    absent: Vec<String>,
    /// The case is about the conditions that are put onto the object.
    #[serde(default)]
    augment: bool,
    /// Conditions that the object has before.
    #[serde(default)]
    with_conditions: Vec<Json>,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
}

fn at_now(text: &str) -> String {
    text.replace("@NOW@", NOW).replace("@TIMESTAMP@", NOW)
}

/// Reads an object. One case repeats a line, which its own reader takes and ours refuses on
/// purpose; the repetition says nothing else, so it is left out.
fn object(path: &Path) -> Result<Json> {
    let text = at_now(&fs::read_to_string(path)?);
    let mut lines: Vec<&str> = Vec::new();
    let mut seen: Vec<&str> = Vec::new();
    for line in text.lines() {
        let repeated = line.trim_start().starts_with("observedGeneration:") && seen.contains(&line);
        if !repeated {
            lines.push(line);
        }
        seen.push(line);
    }
    let documents = decode(lines.join("\n").as_bytes(), &Limits::default())?;
    let first = documents.into_iter().next().context("no document")?;
    Ok(first.value)
}

fn check(case: &Path) -> Result<()> {
    let mut object = object(&case.join("object.yaml"))?;
    let expected = at_now(&fs::read_to_string(case.join("expected.json"))?);
    let expected: Expected = serde_json::from_str(&expected)?;
    let found: Vec<(String, String, String)> = if expected.augment {
        if !expected.with_conditions.is_empty() {
            object["status"]["conditions"] = Json::from(expected.with_conditions);
        }
        let augmented = augment(&object, NOW)?;
        let conditions = augmented["status"]["conditions"].as_array().cloned();
        let conditions = conditions.context("no conditions after augmenting")?;
        ensure!(
            conditions.len() == expected.conditions.len(),
            "{} conditions instead of {}",
            conditions.len(),
            expected.conditions.len()
        );
        let text =
            |condition: &Json, field: &str| condition[field].as_str().unwrap_or("").to_owned();
        conditions
            .iter()
            .map(|c| (text(c, "type"), text(c, "status"), text(c, "reason")))
            .collect()
    } else {
        let computed = compute(&object, Some(NOW_UNIX))?;
        if let Some(status) = &expected.status {
            ensure!(
                computed.status.as_str() == status,
                "status {} instead of {status}: {}",
                computed.status,
                computed.message
            );
        }
        computed
            .conditions
            .into_iter()
            .map(|c| (c.kind.as_str().to_owned(), "True".to_owned(), c.reason))
            .collect()
    };
    for wanted in &expected.conditions {
        let wanted = (&wanted.kind, &wanted.status, &wanted.reason);
        ensure!(
            found
                .iter()
                .any(|(kind, status, reason)| (kind, status, reason) == wanted),
            "no condition {wanted:?} in {found:?}"
        );
    }
    if let Some((kind, ..)) = found
        .iter()
        .find(|(kind, ..)| expected.absent.contains(kind))
    {
        bail!("the condition {kind} should be absent");
    }
    Ok(())
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for test in fs::read_dir(folder).unwrap() {
        for case in fs::read_dir(test.unwrap().path()).unwrap() {
            found.push(case.unwrap().path());
        }
    }
    found.sort();
    found
}

#[test]
fn every_case_has_the_status_that_kstatus_computes() {
    let Some(folder) = windlass_conformance::suite_folder("kstatus") else {
        return;
    };
    let cases = cases(&folder);
    assert!(!cases.is_empty(), "{} is empty", folder.display());
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let error = check(case).err()?;
            let name = case.strip_prefix(&folder).unwrap_or(case);
            Some(format!("{}: {error:#}", name.display()))
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}
