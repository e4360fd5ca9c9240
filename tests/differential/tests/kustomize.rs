//! Random kustomizations, built by the plugin and by the real kustomize.
//!
//! `WINDLASS_SEED` and `WINDLASS_TREES` choose which trees and how many; `cargo run -p windlass-differential -- --help`
//! has more to look with.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::env;

use windlass_differential::oracle::{Kustomize, kustomize_process};
use windlass_differential::{campaign, generate};

/// As many trees as fit into a few seconds.
const TREES: u64 = 150;

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    let number = value.parse();
    assert!(
        number.is_ok(),
        "{variable} is `{value}`, which is no number"
    );
    number.ok()
}

#[test]
fn random_trees_are_built_as_kustomize_builds_them() {
    let trees = number("WINDLASS_TREES").unwrap_or(TREES);
    // The same trees every time: what fails in one change fails because of it.
    let seed = number("WINDLASS_SEED").unwrap_or(1);
    eprintln!("{trees} trees from the seed {seed}");
    let report = campaign::run(seed..seed.saturating_add(trees), 5).unwrap();
    eprintln!("{report}");
    assert!(
        report.found.is_empty(),
        "{} trees are built differently (WINDLASS_SEED={seed} WINDLASS_TREES={trees})",
        report.found.len()
    );
    assert!(
        2 * report.built >= report.refused,
        "most trees are no errors, or little is compared:\n{report}"
    );
}

#[test]
fn the_oracle_answers_as_the_command_does() {
    let mut server = Kustomize::start().unwrap();
    for seed in 1..=40 {
        let tree = generate::tree(seed);
        let answer = server.build(&tree).unwrap();
        let process = kustomize_process(&tree).unwrap();
        assert_eq!(
            answer.is_ok(),
            process.is_ok(),
            "seed {seed}: {answer:?} and {process:?}"
        );
        if let (Ok(answer), Ok(process)) = (answer, process) {
            assert_eq!(answer, process, "seed {seed}");
        }
    }
}
