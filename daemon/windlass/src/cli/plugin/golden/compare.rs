//! What has to come out against what came out.

use std::fs;

use similar::TextDiff;

use super::run::unchanged;
use super::{Case, ERROR, EXPECTED, FINDINGS, GOLDEN, Outcome};
use crate::cli::Failed;

/// How a case ended.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli::plugin) enum Verdict {
    /// What came out is what the files say.
    Same,
    /// Unified diffs from the files to what came out.
    Differs(String),
    /// There is no file that says what has to come out.
    Nothing,
}

/// Compares what came out with what has to.
///
/// Without `expected.yaml` the objects have to come out as they went in, which is what a policy does;
/// what is found without `findings.yaml` and said without `error.txt` is a difference.
pub(in crate::cli::plugin) fn compare(case: &Case, got: &Outcome) -> Verdict {
    if case.wanted.is_empty() {
        return Verdict::Nothing;
    }
    let mut wanted = case.wanted.clone();
    if got.contains_key(EXPECTED) && !wanted.contains_key(ERROR) {
        wanted
            .entry(EXPECTED)
            .or_insert_with(|| unchanged(&case.input));
    }
    // Of a plugin that refused nothing else is there, and what else was wanted says nothing.
    let refused = got.contains_key(ERROR) || wanted.contains_key(ERROR);
    let diffs: String = GOLDEN
        .into_iter()
        .filter(|name| !refused || *name == ERROR)
        .map(|name| diff(name, wanted.get(name), got.get(name)))
        .collect();
    if diffs.is_empty() {
        Verdict::Same
    } else {
        Verdict::Differs(diffs)
    }
}

fn diff(name: &str, wanted: Option<&String>, got: Option<&String>) -> String {
    if wanted == got {
        return String::new();
    }
    let side = |text: Option<&String>| text.map_or("", String::as_str).to_owned();
    let header = |text: Option<&String>, what: &str| match text {
        Some(_) => what.to_owned(),
        None => "nothing".to_owned(),
    };
    TextDiff::from_lines(side(wanted), side(got))
        .unified_diff()
        .context_radius(3)
        .header(&header(wanted, name), &header(got, "what came out"))
        .to_string()
}

/// Makes the files say what came out, and gives the names of those that changed.
///
/// Comments in a file that changes are lost; one that says the same already stays as it is.
pub(in crate::cli::plugin) fn update(
    case: &Case,
    got: &Outcome,
) -> Result<Vec<&'static str>, Failed> {
    let mut wanted = got.clone();
    // A policy leaves the objects alone, and what it found says all.
    if wanted.contains_key(FINDINGS) && wanted.get(EXPECTED) == Some(&unchanged(&case.input)) {
        wanted.remove(EXPECTED);
    }
    let mut changed = Vec::new();
    for name in GOLDEN {
        let (before, after) = (case.wanted.get(name), wanted.get(name));
        if before == after {
            continue;
        }
        let path = case.folder.join(name);
        let done = match after {
            Some(text) => fs::write(&path, text),
            None => fs::remove_file(&path),
        };
        done.map_err(|error| {
            Failed::new(
                "WL0424",
                format!("{} cannot be written: {error}", path.display()),
            )
        })?;
        changed.push(name);
    }
    Ok(changed)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::cli::plugin::golden::cases;
    use rstest::rstest;
    use tempfile::TempDir;

    const OBJECT: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n";
    const OTHER: &str = "apiVersion: v1\nkind: Service\nmetadata:\n  name: b\n";

    fn case(files: &[(&str, &str)]) -> (TempDir, Case) {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("tests/one");
        fs::create_dir_all(&place).unwrap();
        for (name, text) in files {
            fs::write(place.join(name), text).unwrap();
        }
        let case = cases(folder.path()).unwrap().remove(0);
        (folder, case)
    }

    fn outcome(texts: &[(&'static str, &str)]) -> Outcome {
        texts
            .iter()
            .map(|(name, text)| (*name, (*text).to_owned()))
            .collect()
    }

    #[rstest]
    #[case::same(&[("expected.yaml", OBJECT)], &[("expected.yaml", OBJECT)], None)]
    #[case::other(
        &[("expected.yaml", OBJECT)],
        &[("expected.yaml", OTHER)],
        Some("-  name: a\n+  name: b")
    )]
    #[case::policy(
        &[("input.yaml", OBJECT), ("findings.yaml", "- message: m\n")],
        &[("expected.yaml", OBJECT), ("findings.yaml", "- message: m\n")],
        None
    )]
    #[case::policy_that_changes(
        &[("input.yaml", OBJECT), ("findings.yaml", "- message: m\n")],
        &[("expected.yaml", OTHER), ("findings.yaml", "- message: m\n")],
        Some("+  name: b")
    )]
    #[case::found_and_not_wanted(
        &[("expected.yaml", OBJECT)],
        &[("expected.yaml", OBJECT), ("findings.yaml", "- message: m\n")],
        Some("--- nothing")
    )]
    #[case::refused(&[("error.txt", "no")], &[("error.txt", "no\n")], None)]
    #[case::refused_and_not_wanted(
        &[("expected.yaml", OBJECT)],
        &[("error.txt", "no\n")],
        Some("+no")
    )]
    #[case::not_refused(&[("error.txt", "no")], &[("expected.yaml", OBJECT)], Some("-no"))]
    fn a_difference_is_one_of_texts(
        #[case] files: &[(&str, &str)],
        #[case] got: &[(&'static str, &str)],
        #[case] expected: Option<&str>,
    ) {
        let (_folder, case) = case(files);
        match (compare(&case, &outcome(got)), expected) {
            (Verdict::Same, None) => {}
            (Verdict::Differs(diff), Some(part)) => assert!(diff.contains(part), "{diff}"),
            (verdict, _) => assert_eq!(verdict, Verdict::Same, "expected: {expected:?}"),
        }
    }

    #[test]
    fn a_case_without_golden_files_is_no_test() {
        let (_folder, case) = case(&[("input.yaml", OBJECT)]);
        let got = outcome(&[("expected.yaml", OBJECT)]);
        assert_eq!(compare(&case, &got), Verdict::Nothing);
    }

    #[test]
    fn an_update_writes_what_came_out_and_takes_away_the_rest() {
        let (folder, case) = case(&[("input.yaml", OBJECT), ("error.txt", "no\n")]);
        let got = outcome(&[("expected.yaml", OTHER)]);
        assert_eq!(update(&case, &got).unwrap(), [EXPECTED, ERROR]);
        let case = cases(folder.path()).unwrap().remove(0);
        assert_eq!(compare(&case, &got), Verdict::Same);
        assert_eq!(update(&case, &got).unwrap(), [""; 0]);
    }
}
