//! What is wanted: a new render replaces what has not been sent.
//!
//! Requests that are on their way end as they end; what was queued for the render before is
//! queued no more. A revision that cannot be rendered changes nothing: the last one stays in
//! force, and its drift is corrected.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_manifest::{GroupKind, ObjectId};

use super::Environment;
use super::entry::Key;
use crate::{Blocked, Claims, Desired, DriftMode, Fingerprint, Options, Time};

/// Which revisions there are to tell about.
#[derive(Debug, Default)]
pub(super) struct Render {
    /// The revision in force.
    pub(super) revision: Option<String>,
    /// The newest revision, rendered or not.
    pub(super) attempted: Option<String>,
    /// The newest revision that was applied in full.
    pub(super) applied: Option<String>,
    /// Why the newest revision is not in force.
    pub(super) failure: Option<(&'static str, String)>,
    resumed: Option<String>,
}

impl Render {
    pub(super) fn exists(&self) -> bool {
        self.revision.is_some()
    }

    pub(super) fn resume(&mut self, applied: Option<String>) {
        self.applied.clone_from(&applied);
        self.resumed = applied;
    }

    pub(super) fn failed(&mut self, revision: String, code: &'static str, message: String) {
        self.attempted = Some(revision);
        self.failure = Some((code, message));
    }
}

impl Environment {
    pub(super) fn rendered(
        &mut self,
        revision: String,
        objects: Vec<Desired>,
        options: Options,
        now: Time,
        claims: &Claims,
    ) {
        let is_new = self.render.revision.as_ref() != Some(&revision);
        if is_new {
            self.gate = false;
        }
        // Whatever differs at the revision that was applied in full before the restart is drift.
        let resumes = self.render.resumed.take().as_ref() == Some(&revision)
            && options.drift == DriftMode::Report;
        self.options = options;
        self.render.failure = None;
        self.render.attempted = Some(revision.clone());
        self.render.revision = Some(revision);
        self.prune.new_render();

        let wanted: BTreeMap<Key, Arc<Desired>> = objects
            .into_iter()
            .map(|desired| (self.remember(&desired.id), Arc::new(desired)))
            .collect();
        let keys: Vec<Key> = self.entries.keys().cloned().collect();
        for key in keys {
            let desired = wanted.get(&key).cloned();
            self.want(&key, desired, resumes);
            self.evaluate(&key, now, claims);
        }
    }

    fn want(&mut self, key: &Key, desired: Option<Arc<Desired>>, resumes: bool) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let before = entry.expected();
        entry.desired = desired;
        entry.trouble = None;
        self.tally.troubled.remove(key);
        let expected = entry.expected();
        if resumes {
            entry.reached = expected;
        } else if expected.is_none() || before != expected {
            entry.reached = None;
        }
        if entry.desired.is_none() {
            entry.fighting = None;
            self.tally.fighting.remove(key);
        }
    }

    /// A secret's value changed: that is a change of the environment, not drift.
    pub(super) fn rebound(
        &mut self,
        id: &ObjectId,
        expected: Option<Fingerprint>,
        blocked: Option<Blocked>,
        now: Time,
        claims: &Claims,
    ) {
        let Some((key, _)) = self.entries.get_key_value(id) else {
            return;
        };
        let key = Key::clone(key);
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let Some(desired) = &mut entry.desired else {
            return;
        };
        if desired.expected == expected && desired.blocked == blocked {
            return;
        }
        if desired.expected != expected {
            entry.reached = None;
        }
        let desired = Arc::make_mut(desired);
        desired.expected = expected;
        desired.blocked = blocked;
        entry.trouble = None;
        self.tally.troubled.remove(&key);
        self.evaluate(&key, now, claims);
    }

    /// A revision counts as applied at the first moment at which every object is as it wants.
    pub(super) fn note_applied(&mut self) {
        if self.render.exists()
            && self.tally.all_applied()
            && self.render.applied != self.render.revision
        {
            self.render.applied.clone_from(&self.render.revision);
        }
    }

    /// The desired objects of one kind and the live members of it.
    pub(super) fn keys_of(&self, kind: &GroupKind) -> BTreeSet<Key> {
        let first = ObjectId {
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            namespace: None,
            name: String::new(),
        };
        self.entries
            .range(first..)
            .map(|(key, _)| key)
            .take_while(|key| key.group == kind.group && key.kind == kind.kind)
            .cloned()
            .collect()
    }
}
