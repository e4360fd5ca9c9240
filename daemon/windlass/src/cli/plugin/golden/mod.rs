//! Golden files: what goes into a plugin and what has to come out, as files that people read.
//!
//! A case is a folder below `tests`. What came out of a run and what the files say are values of the
//! same shape, [`Outcome`], so that a difference is one between texts.

mod case;
mod compare;
mod run;

pub(super) use case::{Case, cases};
pub(super) use compare::{Verdict, compare, update};
pub(super) use run::run;

use std::collections::BTreeMap;

/// The objects that go in.
const INPUT: &str = "input.yaml";
/// The configuration of the step.
const CONFIG: &str = "config.yaml";
/// The files that the plugin sees, as if they were the environment's folder.
const FILES: &str = "files";
/// The objects that have to come out.
const EXPECTED: &str = "expected.yaml";
/// What has to be found.
const FINDINGS: &str = "findings.yaml";
/// The health of the one object that goes in.
const HEALTH: &str = "health.yaml";
/// What a plugin that refuses has to say.
const ERROR: &str = "error.txt";

/// The files that say what has to come out.
const GOLDEN: [&str; 4] = [EXPECTED, FINDINGS, HEALTH, ERROR];

/// What comes out, or has to: the texts of golden files by their names.
type Outcome = BTreeMap<&'static str, String>;
