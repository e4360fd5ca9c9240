//! The cases of kustomize's own suite: the same objects in the same order, and an error where kustomize has one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{fs, thread};

use serde::Deserialize;
use windlass_conformance::suite_folder;
use windlass_differential::build::native;
use windlass_differential::compare::compare;
use windlass_differential::tree::{Flags, Reorder, Tree};

/// What a case says about how it is built.
#[derive(Deserialize)]
struct Meta {
    path: String,
    load: String,
    reorder: String,
}

#[test]
fn every_case_passes() {
    let Some(suite) = suite_folder("kustomize") else {
        return;
    };
    let mut cases: Vec<PathBuf> = fs::read_dir(&suite)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "the suite holds cases");
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Some(failure) = failure(case) {
                        failures.lock().unwrap().push(failure);
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort();
    assert!(
        failures.is_empty(),
        "{} of {} fail:\n{}",
        failures.len(),
        cases.len(),
        failures.join("\n")
    );
}

/// How a case differs from what is expected.
fn failure(case: &Path) -> Option<String> {
    let text = |name: &str| fs::read_to_string(case.join(name));
    let meta: Meta = serde_json::from_str(&text("meta.json").unwrap()).unwrap();
    let mut tree = Tree::read(&case.join("input")).unwrap();
    tree.folder = meta
        .path
        .split('/')
        .filter(|part| !matches!(*part, "" | "."))
        .collect::<Vec<_>>()
        .join("/");
    tree.flags = Flags {
        reorder: match meta.reorder.as_str() {
            "none" => Some(Reorder::None),
            "legacy" => Some(Reorder::Legacy),
            "unspecified" => None,
            other => panic!("{}: reorder is {other}", case.display()),
        },
        unrestricted: meta.load == "LoadRestrictionsNone",
    };
    // A case without either file is one that has to fail.
    let expected = text("expected.yaml").map_err(|_| text("error.txt").unwrap_or_default());
    let difference = compare(&expected, &native(&tree))?;
    let name = case.file_name().unwrap_or_default().to_string_lossy();
    Some(format!("{name}: {}", difference.text))
}
