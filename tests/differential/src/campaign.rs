//! Many trees, built by both and compared.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, anyhow};

use crate::allowed::{SPELLING, allowed, allowed_if_small, respelled};
use crate::build::native;
use crate::compare::{Difference, compare};
use crate::generate;
use crate::oracle::Kustomize;
use crate::shrink::shrink;
use crate::tree::Tree;

/// What a worker may put on its stack: as much as a program's first thread.
const STACK: usize = 8 << 20;

/// What many trees showed.
#[derive(Debug, Default)]
pub struct Report {
    /// Trees that both built, to the same objects.
    pub built: usize,
    /// Trees that both refused.
    pub refused: usize,
    /// Trees that differ in a way that is meant, by its name.
    pub allowed: BTreeMap<&'static str, usize>,
    /// Trees that differ, by their seeds in order.
    pub found: Vec<Found>,
}

/// A tree that the two build differently.
#[derive(Debug)]
pub struct Found {
    /// Makes the tree as it was.
    pub seed: u64,
    /// The tree, as small as it could be made.
    pub tree: Tree,
    /// How the two differ about the small tree.
    pub difference: Difference,
}

impl Report {
    /// How many trees there were.
    pub fn trees(&self) -> usize {
        self.built + self.refused + self.allowed.values().sum::<usize>() + self.found.len()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for found in &self.found {
            writeln!(
                f,
                "==== seed {}: {:?}\n{}\n{}",
                found.seed,
                found.difference.class,
                found.difference.text,
                found.tree.show()
            )?;
        }
        writeln!(
            f,
            "{} trees: {} built alike, {} refused by both, {} different",
            self.trees(),
            self.built,
            self.refused,
            self.found.len()
        )?;
        for (name, count) in &self.allowed {
            writeln!(f, "{count} different as is meant: {name}")?;
        }
        Ok(())
    }
}

/// Builds the trees of the seeds with both and compares; stops early when `most` differences have been found.
///
/// # Errors
/// The oracle cannot be built or asked.
pub fn run(seeds: Range<u64>, most: usize) -> Result<Report> {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let report = Mutex::new(Report::default());
    let workers = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| -> Result<()> {
        let mut handles = Vec::new();
        for _ in 0..workers {
            let work = || -> Result<()> {
                let mut oracle = Kustomize::start()?;
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    let outcome =
                        one(&mut oracle, seed).with_context(|| format!("the tree of seed {seed}"));
                    if outcome.is_err() {
                        stop.store(true, Ordering::Relaxed);
                    }
                    let mut report = report.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome? {
                        Outcome::Built => report.built += 1,
                        Outcome::Refused => report.refused += 1,
                        Outcome::Allowed(name) => *report.allowed.entry(name).or_default() += 1,
                        Outcome::Found(found) => report.found.push(*found),
                    }
                    if report.found.len() >= most {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
                Ok(())
            };
            let thread = thread::Builder::new().stack_size(STACK);
            handles.push(
                thread
                    .spawn_scoped(scope, work)
                    .context("starting a thread")?,
            );
        }
        for handle in handles {
            handle.join().map_err(|_| anyhow!("a worker panicked"))??;
        }
        Ok(())
    })?;
    let mut report = report.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.found.sort_by_key(|found| found.seed);
    Ok(report)
}

enum Outcome {
    Built,
    Refused,
    Allowed(&'static str),
    Found(Box<Found>),
}

fn one(oracle: &mut Kustomize, seed: u64) -> Result<Outcome> {
    let tree = generate::tree(seed);
    let theirs = oracle.build(&tree)?;
    let ours = native(&tree);
    let Some(difference) = compare(&theirs, &ours) else {
        return Ok(if theirs.is_ok() {
            Outcome::Built
        } else {
            Outcome::Refused
        });
    };
    if let Some(name) = allowed(&tree, &theirs, &ours) {
        return Ok(Outcome::Allowed(name));
    }
    let tree = shrink(&tree, |tree| {
        let Ok(theirs) = oracle.build(tree) else {
            return false;
        };
        let ours = native(tree);
        compare(&theirs, &ours).is_some_and(|found| found.class == difference.class)
            && allowed(tree, &theirs, &ours).is_none()
    });
    let theirs = oracle.build(&tree)?;
    let ours = native(&tree);
    if let Some(name) = allowed_if_small(&tree, &theirs, &ours) {
        return Ok(Outcome::Allowed(name));
    }
    if let Some(plain) = respelled(&tree)
        && compare(&oracle.build(&plain)?, &native(&plain)).is_none()
    {
        return Ok(Outcome::Allowed(SPELLING));
    }
    let difference = compare(&theirs, &ours).unwrap_or(difference);
    Ok(Outcome::Found(Box::new(Found {
        seed,
        tree,
        difference,
    })))
}
