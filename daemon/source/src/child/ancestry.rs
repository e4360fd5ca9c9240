//! Whether a branch was moved on or moved away.

use std::collections::{HashSet, VecDeque};

use git2::{ObjectType, Odb, Oid};

/// How many commits are looked at before the question is given up.
const MAX_COMMITS: usize = 50_000;
/// How many ancestors of the known commit are collected.
const MAX_ANCESTORS: usize = 5_000;

/// Tells whether `new` does not follow `known`: `Some(false)` when `known` is one of its ancestors,
/// `Some(true)` when it surely is not, and `None` when the history at hand ends too early to tell.
///
/// An ancestor of `known` cannot have `known` as its own ancestor, so the walk stops there: with
/// that, a short history is often enough to be sure of both answers.
pub(crate) fn forced(odb: &Odb<'_>, known: Oid, new: Oid) -> Option<bool> {
    if known == new {
        return Some(false);
    }
    let before = ancestors(odb, known);
    let mut seen = HashSet::from([new]);
    let mut todo = VecDeque::from([new]);
    let mut ends_early = false;
    while let Some(id) = todo.pop_front() {
        if id == known {
            return Some(false);
        }
        if before.contains(&id) {
            continue;
        }
        match parents(odb, id) {
            Some(parents) => todo.extend(parents.into_iter().filter(|parent| seen.insert(*parent))),
            None => ends_early = true,
        }
        if seen.len() > MAX_COMMITS {
            return None;
        }
    }
    (!ends_early).then_some(true)
}

fn ancestors(odb: &Odb<'_>, commit: Oid) -> HashSet<Oid> {
    let mut found = HashSet::new();
    let mut todo = VecDeque::from([commit]);
    while let Some(id) = todo.pop_front() {
        for parent in parents(odb, id).unwrap_or_default() {
            if found.len() >= MAX_ANCESTORS {
                return found;
            }
            if found.insert(parent) {
                todo.push_back(parent);
            }
        }
    }
    found
}

/// A commit's parents as its object names them, past what a shallow mirror hides; `None` when the
/// object is not there.
fn parents(odb: &Odb<'_>, commit: Oid) -> Option<Vec<Oid>> {
    let object = odb
        .read(commit)
        .ok()
        .filter(|object| object.kind() == ObjectType::Commit)?;
    let header = object
        .data()
        .split(|&byte| byte == b'\n')
        .take_while(|line| !line.is_empty());
    let parents = header
        .filter_map(|line| line.strip_prefix(b"parent "))
        .filter_map(|id| std::str::from_utf8(id).ok())
        .filter_map(|id| Oid::from_str(id).ok());
    Some(parents.collect())
}
