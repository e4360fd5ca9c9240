//! What is known of the kinds that matter to the environment.
//!
//! Nothing is decided about an object before the watch on its kind has delivered what there is:
//! an absent object and one that has not been seen yet look the same until then.

use std::collections::{BTreeMap, BTreeSet};

use windlass_manifest::GroupKind;

use crate::Failure;

/// What is known of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum KindState {
    /// The driver has not been asked to watch it.
    New,
    /// The watch has not delivered everything yet.
    Asked,
    /// Everything there is has been seen.
    Listed,
    /// The API server does not serve it.
    Missing,
    /// It cannot be watched, and was never listed.
    Unwatched(Failure),
}

/// The kinds of the desired objects and of the inventory. A kind that was listed stays: its watch
/// goes on.
#[derive(Debug, Default)]
pub(super) struct Kinds {
    states: BTreeMap<GroupKind, KindState>,
    /// Kinds the watch on which fails, listed before or not.
    failing: BTreeSet<GroupKind>,
    fresh: BTreeSet<GroupKind>,
    open: usize,
}

impl Kinds {
    /// Makes a kind one that matters.
    pub(super) fn want(&mut self, kind: &GroupKind) {
        if !self.states.contains_key(kind) {
            self.set(kind, KindState::New);
        }
    }

    /// Sets what is known of a kind, and returns whether that is news.
    pub(super) fn set(&mut self, kind: &GroupKind, state: KindState) -> bool {
        if state == KindState::New {
            self.fresh.insert(kind.clone());
        }
        if state == KindState::Listed {
            self.failing.remove(kind);
        }
        let is_open = |state: &KindState| {
            matches!(
                state,
                KindState::New | KindState::Asked | KindState::Unwatched(_)
            )
        };
        self.open += usize::from(is_open(&state));
        let before = self.states.insert(kind.clone(), state.clone());
        self.open -= usize::from(before.as_ref().is_some_and(is_open));
        before != Some(state)
    }

    /// Notes that the watch on a kind fails. What was listed stays in force.
    pub(super) fn unwatched(&mut self, kind: &GroupKind, failure: Failure) -> bool {
        self.failing.insert(kind.clone());
        match self.states.get(kind) {
            Some(KindState::New | KindState::Asked | KindState::Unwatched(_)) => {
                self.set(kind, KindState::Unwatched(failure))
            }
            _ => false,
        }
    }

    pub(super) fn get(&self, kind: &GroupKind) -> Option<&KindState> {
        self.states.get(kind)
    }

    pub(super) fn is_listed(&self, kind: &GroupKind) -> bool {
        self.get(kind) == Some(&KindState::Listed)
    }

    /// Whether what the watch said of a kind is all there is at this moment.
    pub(super) fn is_watched(&self, kind: &GroupKind) -> bool {
        self.is_listed(kind) && !self.failing.contains(kind)
    }

    /// Whether every kind has been listed, or is known not to be served.
    pub(super) fn all_known(&self) -> bool {
        self.open == 0
    }

    /// Takes the kinds that the driver has to be asked for.
    pub(super) fn take_fresh(&mut self) -> BTreeSet<GroupKind> {
        let fresh = std::mem::take(&mut self.fresh);
        for kind in &fresh {
            if self.get(kind) == Some(&KindState::New) {
                self.set(kind, KindState::Asked);
            }
        }
        fresh
    }

    /// The kinds of which the watch has not told anything yet, in order.
    pub(super) fn awaited(&self) -> impl Iterator<Item = &GroupKind> {
        self.states
            .iter()
            .filter(|(_, state)| matches!(state, KindState::New | KindState::Asked))
            .map(|(kind, _)| kind)
    }
}
