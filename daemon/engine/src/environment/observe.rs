//! What the watch brings.
//!
//! Events of one object may come late or twice, and from two sides: the watch and the answers to
//! our own requests. Of two views the one with the higher resource version counts. A view that
//! decides nothing new, a status that moved for example, ends here.

use windlass_manifest::{GroupKind, ObjectId};

use super::entry::{Key, Seen, Trouble, Vanished};
use super::kinds::KindState;
use super::{Command, Environment};
use crate::{Claims, Failure, Live, Time};

impl Environment {
    pub(super) fn observed(&mut self, live: Live, now: Time, claims: &Claims) {
        let known = self
            .entries
            .get_key_value(&live.id)
            .map(|(key, _)| Key::clone(key));
        let ours = live.part_of.as_deref() == Some(self.set.as_str()) && live.owned.is_some();
        let Some(key) = known.or_else(|| ours.then(|| self.remember(&live.id))) else {
            return;
        };
        if self.see(&key, live, now) {
            self.evaluate(&key, now, claims);
        }
    }

    /// Takes a view of an object over unless an equal or newer one is known already, and returns
    /// whether there is something to decide.
    pub(super) fn see(&mut self, key: &Key, live: Live, now: Time) -> bool {
        let Some(entry) = self.entries.get_mut(key) else {
            return false;
        };
        if entry
            .seen
            .as_ref()
            .is_some_and(|seen| seen.is_newer_than(&live.resource_version))
        {
            return false;
        }
        let seen = Seen::of(live, &self.set);
        let mut news = entry
            .seen
            .as_ref()
            .is_none_or(|before| !before.says_the_same_as(&seen));
        if let Some(trouble) = &mut entry.trouble
            && trouble
                .stale
                .as_ref()
                .is_some_and(|stale| *stale != seen.version)
        {
            trouble.stale = None;
            trouble.not_before = now;
            news = true;
        }
        entry.vanished = None;
        entry.seen = Some(Box::new(seen));
        news
    }

    pub(super) fn vanished(
        &mut self,
        id: &ObjectId,
        uid: Option<&str>,
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
        if entry.flight.is_some() {
            // The answer to the request may be about this very incarnation, and come later.
            entry.vanished = Some(match uid {
                Some(uid) => Vanished::Incarnation(uid.into()),
                None => Vanished::Any,
            });
        }
        let is_it = |seen: &Seen| uid.is_none_or(|uid| *seen.uid == *uid);
        if entry.seen.as_deref().is_some_and(is_it) {
            // A watch that lags may tell of a label that was lost before we put it back.
            let is_doubtful = entry.seen.take().is_some_and(|seen| seen.ahead);
            entry.deleted = None;
            if is_doubtful {
                self.doubt(&key, now);
            }
            self.evaluate(&key, now, claims);
        }
    }

    pub(super) fn listed(&mut self, kind: &GroupKind, now: Time, claims: &Claims) {
        self.ledger.loosen();
        let before = self.kinds.get(kind).cloned();
        if self.kinds.set(kind, KindState::Listed) {
            self.prune.reconsider();
        }
        for key in self.keys_of(kind) {
            if let Some(KindState::Unwatched(failure)) = &before {
                self.clear_trouble(&key, |trouble| trouble.failure == *failure);
            }
            self.drop_unlisted(&key, now);
            self.evaluate(&key, now, claims);
        }
    }

    /// What is known only from an answer, or from a watch that has ended, and is not in a list,
    /// may be gone without anybody ever telling so. Applying it again does no harm if it is not.
    fn drop_unlisted(&mut self, key: &Key, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let is_known = entry.seen.is_some();
        if entry.seen.as_ref().is_some_and(|seen| !seen.ahead) {
            return;
        }
        if entry.flight.is_some() {
            entry.vanished = Some(Vanished::Any);
        } else if is_known {
            entry.seen = None;
            entry.deleted = None;
            self.doubt(key, now);
        }
    }

    /// A kind that is served again is watched again; its objects are decided about when the watch
    /// has delivered.
    pub(super) fn kind_served(&mut self, kind: &GroupKind, now: Time, claims: &Claims) {
        let is_back = self.kinds.get(kind) == Some(&KindState::Missing);
        if is_back {
            self.kinds.set(kind, KindState::New);
        }
        for key in self.keys_of(kind) {
            if is_back && let Some(seen) = self.entries.get_mut(&key).and_then(|e| e.seen.as_mut())
            {
                seen.ahead = true;
            }
            self.clear_trouble(&key, |trouble| {
                trouble.failure.class == crate::FailureClass::KindMissing
            });
            self.evaluate(&key, now, claims);
        }
    }

    pub(super) fn kind_missing(&mut self, kind: &GroupKind, now: Time, claims: &Claims) {
        if self.kinds.get(kind).is_some() && self.kinds.set(kind, KindState::Missing) {
            self.prune.reconsider();
            for key in self.keys_of(kind) {
                self.evaluate(&key, now, claims);
            }
        }
    }

    pub(super) fn kind_unwatched(
        &mut self,
        kind: &GroupKind,
        failure: &Failure,
        now: Time,
        claims: &Claims,
    ) {
        if !self.kinds.unwatched(kind, failure.clone()) {
            return;
        }
        for key in self.keys_of(kind) {
            if let Some(entry) = self.entries.get_mut(&key)
                && entry.desired.is_some()
            {
                entry.trouble = Some(Box::new(Trouble {
                    failure: failure.clone(),
                    attempt: 0,
                    not_before: now,
                    stale: None,
                }));
                self.tally.troubled.insert(Key::clone(&key));
            }
            self.evaluate(&key, now, claims);
        }
    }

    pub(super) fn watch(&mut self, commands: &mut Vec<Command>) {
        let fresh = self.kinds.take_fresh();
        if !fresh.is_empty() {
            commands.push(Command::Watch(fresh));
        }
    }
}
