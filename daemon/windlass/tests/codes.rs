//! Every error code in the source has a page, so that `windlass explain` never shrugs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs")
            && !path.to_string_lossy().contains("tests")
        {
            found.push(path);
        }
    }
}

#[test]
fn every_code_has_a_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = Vec::new();
    for room in fs::read_dir(root.join("daemon")).unwrap() {
        sources(&room.unwrap().path().join("src"), &mut files);
    }
    let mut missing = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        for (at, _) in text.match_indices("\"WL") {
            let Some(code) = text.get(at + 1..at + 7) else {
                continue;
            };
            let closed = text[at + 7..].starts_with('"');
            let page = root.join(format!("docs/errors/{code}.md"));
            if closed && code[2..].chars().all(|c| c.is_ascii_digit()) && !page.exists() {
                missing.insert(format!("{code} in {}", file.display()));
            }
        }
    }
    assert!(missing.is_empty(), "codes without a page: {missing:#?}");
}
