//! The cases of Kubernetes' own tests for strategic merge patches and plain merge patches.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde::Deserialize;
use serde_json::{Value, json};
use windlass_manifest::strategic::{
    Conflicts, Field, PatchError, Schema, Strategy, apply, diff, plain, sort_merging_lists,
    three_way,
};

/// The type of every object of the cases, and of everything in it.
struct MergeItem;

impl Schema for MergeItem {
    type Type = ();

    fn root(&self, _: &str, _: &str) -> Option<()> {
        Some(())
    }

    fn field(&self, of: Option<()>, name: &str) -> Field<()> {
        let field = Field {
            child: of,
            ..Field::default()
        };
        let by_name = Field {
            strategy: Strategy::ByKey("name"),
            ..field
        };
        match name {
            "mergingList" | "mergeItemPtr" => by_name,
            "retainKeysMergingList" => Field {
                retain_keys: true,
                ..by_name
            },
            "retainKeysMap" => Field {
                retain_keys: true,
                ..field
            },
            "mergingIntList" => Field {
                strategy: Strategy::Set,
                ..field
            },
            "replacingItem" => Field {
                replace: true,
                ..field
            },
            _ => field,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Case {
    suite: String,
    group: String,
    description: String,
    #[serde(default = "empty")]
    original: Value,
    modified: Option<Value>,
    #[serde(default = "empty")]
    current: Value,
    two_way: Option<Value>,
    three_way: Option<Value>,
    two_way_result: Option<Value>,
    result: Option<Value>,
    sorted: Option<Value>,
    expected_error: Option<String>,
    original_obj: Option<Value>,
    expected_with_null: Option<Value>,
    expected_without_null: Option<Value>,
    #[serde(rename = "fieldTypes")]
    _field_types: Option<Value>,
}

fn empty() -> Value {
    json!({})
}

impl Case {
    fn run(&self) -> Result<(), String> {
        match (self.suite.as_str(), self.group.as_str()) {
            ("jsonmergepatch", _) => self.plain(),
            (_, group) if group.starts_with("sort") => {
                let sorted = sort_merging_lists(&self.original, &MergeItem);
                same("the sorted object", &sorted, self.sorted.as_ref())
            }
            // The group has patches that no one would make, only to be applied.
            (_, group) if group.starts_with("custom") => self.applies(),
            _ => {
                self.two_ways()?;
                self.three_ways()
            }
        }
    }

    fn applies(&self) -> Result<(), String> {
        let applied = apply(&self.original, self.two_way.as_ref().unwrap(), &MergeItem);
        if self.expected_error.is_some() {
            return applied.map_or(Ok(()), |value| {
                Err(format!("an error is expected: {value}"))
            });
        }
        self.same("the applied patch", &applied, self.modified.as_ref())
    }

    fn two_ways(&self) -> Result<(), String> {
        let Some(two_way) = &self.two_way else {
            return Ok(());
        };
        let modified = self.modified.as_ref().unwrap();
        let patch = diff(&self.original, modified, &MergeItem);
        self.same("the patch of two", &patch, Some(two_way))?;
        let applied = apply(&self.original, two_way, &MergeItem);
        let expected = self.two_way_result.as_ref().unwrap_or(modified);
        self.same("the patch of two, applied", &applied, Some(expected))
    }

    fn three_ways(&self) -> Result<(), String> {
        let Some(expected) = &self.three_way else {
            return Ok(());
        };
        let modified = self.modified.as_ref().unwrap();
        let patch = |conflicts| {
            three_way(
                &self.original,
                modified,
                &self.current,
                conflicts,
                &MergeItem,
            )
        };
        // The suite says by a case's description whether there is a conflict.
        let is_conflict = matches!(patch(Conflicts::Refuse), Err(PatchError::Conflict { .. }));
        if is_conflict != self.description.contains("conflict") {
            return Err(format!("conflict: {is_conflict}"));
        }
        self.same(
            "the patch of three",
            &patch(Conflicts::Overwrite),
            Some(expected),
        )?;
        let applied = apply(&self.current, expected, &MergeItem);
        self.same(
            "the patch of three, applied",
            &applied,
            self.result.as_ref(),
        )
    }

    fn plain(&self) -> Result<(), String> {
        if let Some(patch) = &self.original_obj {
            let deletions = plain::only_deletions(patch);
            same("what deletes", &deletions, self.expected_with_null.as_ref())?;
            let others = plain::without_deletions(patch);
            return same("what adds", &others, self.expected_without_null.as_ref());
        }
        let modified = self.modified.as_ref().unwrap();
        let patch = plain::three_way(&self.original, modified, &self.current);
        same("the patch of three", &patch, self.three_way.as_ref())?;
        let applied = plain::apply(&self.current, patch.as_ref().unwrap());
        same(
            "the patch of three, applied",
            &applied,
            self.result.as_ref(),
        )
    }

    /// Compares exactly in the groups that are about order, which are named raw, and otherwise
    /// without the order of merging lists.
    fn same(
        &self,
        what: &str,
        found: &Result<Value, PatchError>,
        expected: Option<&Value>,
    ) -> Result<(), String> {
        if self.group.contains("Raw") {
            return same(what, found, expected);
        }
        let sorted = |value: &Value| sort_merging_lists(value, &MergeItem);
        let found = found.as_ref().map_err(Clone::clone).and_then(sorted);
        same(
            what,
            &found,
            expected.map(|value| sorted(value).unwrap()).as_ref(),
        )
    }
}

fn same(
    what: &str,
    found: &Result<Value, PatchError>,
    expected: Option<&Value>,
) -> Result<(), String> {
    let expected = expected.ok_or_else(|| format!("the case does not say {what}"))?;
    match found {
        Ok(found) if found == expected => Ok(()),
        Ok(found) => Err(format!(
            "{what}:\n  found    {found}\n  expected {expected}"
        )),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

#[test]
fn every_case_passes() {
    let path = "strategic-merge-patch/cases.json";
    let Some(text) = windlass_conformance::suite_file(path) else {
        return;
    };
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert!(!cases.is_empty(), "{path} holds cases");
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let failure = case.run().err()?;
            Some(format!("{}, {}: {failure}", case.group, case.description))
        })
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}
