//! Where each object stands.
//!
//! A standing is worked out from what is known now, and from nothing else: what is wanted, what
//! was seen, what is on its way, and what failed. So it does not matter in which order things
//! became known, nor whether a machine before this one did part of the work.

use windlass_manifest::ObjectId;

use super::Environment;
use super::alarms::Alarm;
use super::entry::{Entry, Holder, Key, Standing, Trouble};
use super::kinds::KindState;
use crate::applyset::SetId;
use crate::{Claims, DriftMode, Failure, FailureClass, Time};

/// Another set has a right to the object.
pub(super) enum Contest<'a> {
    /// The live object is a member of it, and it does not give it away.
    Held(&'a SetId),
    /// It wants the object as well, and wanted it first.
    Claimed(&'a SetId),
}

const HELD: &str = "WL0610";
const CLAIMED: &str = "WL0611";

impl Environment {
    /// Works out where an object stands, and moves it into the queues and counters of that.
    pub(super) fn evaluate(&mut self, key: &Key, now: Time, claims: &Claims) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let before = entry.standing;
        let rank = entry.rank;
        let after = self.standing_of(key, entry, now, claims);
        let after = self.pace(key, before, after, now);

        self.tally.shift(key, rank, before, after);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.standing = after;
            if after == Standing::InSync {
                entry.reached = entry.expected();
            }
        }
        match after {
            Standing::InSync => self.clear_trouble(key, |_| true),
            Standing::Contested => self.report_contest(key, now, claims),
            _ => self.clear_trouble(key, is_contest),
        }
        self.set_retry_alarm(key, after, now);
        self.evaluate_wellness(key, now);
        self.evaluate_extra(key, now, claims);
        if self
            .entries
            .get(key)
            .is_some_and(|entry| !entry.is_needed())
        {
            self.forget(key);
        }
    }

    fn standing_of(&self, key: &Key, entry: &Entry, now: Time, claims: &Claims) -> Standing {
        let Some(desired) = &entry.desired else {
            return Standing::Unwanted;
        };
        if entry.flight.is_some() {
            return Standing::InFlight;
        }
        match self.kinds.get(&key.group_kind()) {
            Some(KindState::Listed) => {}
            Some(KindState::Missing) => return Standing::KindMissing,
            Some(KindState::Unwatched(_)) => return Standing::Failed,
            Some(KindState::New | KindState::Asked) | None => return Standing::Unlisted,
        }
        if desired.expected.is_none() || desired.blocked.is_some() {
            return Standing::Blocked;
        }
        if entry.is_leaving() {
            return Standing::Terminating;
        }
        if self.contest(key, entry, claims).is_some() {
            return Standing::Contested;
        }
        if entry.is_in_sync() {
            return Standing::InSync;
        }
        let waits = |trouble: &Trouble| trouble.not_before > now && !is_contest(trouble);
        if entry.trouble.as_deref().is_some_and(waits) {
            return Standing::Failed;
        }
        if entry.reached.is_none() || entry.reached != desired.expected {
            return Standing::Queued;
        }
        // It was as it is wanted, and is not any more: drift.
        match self.options.drift {
            DriftMode::Report => Standing::Drifted,
            DriftMode::Correct
                if entry
                    .fighting
                    .as_ref()
                    .is_some_and(|fighting| fighting.until() > now) =>
            {
                Standing::Fought
            }
            DriftMode::Correct => Standing::Queued,
        }
    }

    /// Counts a drift that begins, and puts its correction off when there were too many.
    fn pace(&mut self, key: &Key, before: Standing, after: Standing, now: Time) -> Standing {
        let begins = after == Standing::Queued
            && matches!(
                before,
                Standing::InSync | Standing::InFlight | Standing::Terminating
            );
        if !begins {
            return after;
        }
        let Some(entry) = self.entries.get_mut(key) else {
            return after;
        };
        if entry.trouble.is_some() || entry.reached.is_none() || entry.reached != entry.expected() {
            return after;
        }
        let fighting = entry.fighting.get_or_insert_default();
        let until = fighting.drifted(now);
        if fighting.is_slowed() {
            self.tally.fighting.insert(Key::clone(key));
        } else {
            self.tally.fighting.remove(key);
        }
        if until > now { Standing::Fought } else { after }
    }

    /// Whether another set has a right to an object that we want.
    ///
    /// The set that holds the live object has it, until it says that it does not want the object
    /// any more; a set of nobody we know never says so. Where nobody holds it, the first claimant
    /// has it.
    pub(super) fn contest<'a>(
        &self,
        id: &ObjectId,
        entry: &'a Entry,
        claims: &'a Claims,
    ) -> Option<Contest<'a>> {
        match entry.seen.as_ref().map(|seen| &seen.holder) {
            Some(Holder::Us) => None,
            Some(Holder::Other(set)) if !claims.knows(set) || claims.claims(set, id) => {
                Some(Contest::Held(set))
            }
            _ => claims
                .owner(id)
                .filter(|owner| **owner != self.set)
                .map(Contest::Claimed),
        }
    }

    /// An object that another environment is about to let go is waited for; when every environment
    /// has been rendered and none lets go, it is a failure that names the other.
    fn report_contest(&mut self, key: &Key, now: Time, claims: &Claims) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let failure = match self.contest(key, entry, claims) {
            Some(Contest::Held(set)) if self.gate => rejected(
                HELD,
                format!(
                    "{key} belongs to {other}: its label applyset.kubernetes.io/part-of says so, \
                     and {other} has not given it up. Remove it there, or here",
                    other = claims.name(set)
                ),
            ),
            Some(Contest::Claimed(set)) if self.gate => rejected(
                CLAIMED,
                format!(
                    "{key} is wanted by {us} and by {other}, which was first. An object can be in \
                     one environment only: remove it from one of the two",
                    us = claims.name(&self.set),
                    other = claims.name(set)
                ),
            ),
            _ => {
                self.clear_trouble(key, is_contest);
                return;
            }
        };
        self.set_trouble(key, failure, now);
    }

    /// Notes a failure of an object, and when to try again.
    pub(super) fn set_trouble(&mut self, key: &Key, failure: Failure, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let attempt = entry
            .trouble
            .as_ref()
            .map_or(0, |before| before.attempt)
            .saturating_add(1);
        let retry = &self.options.retry;
        let wait = super::retry::wait(retry, &failure.class, &self.set, Some(key), attempt);
        entry.trouble = Some(Box::new(Trouble {
            failure,
            attempt,
            not_before: now + wait,
            stale: None,
        }));
        self.tally.troubled.insert(Key::clone(key));
    }

    pub(super) fn clear_trouble(&mut self, key: &Key, which: impl Fn(&Trouble) -> bool) {
        if let Some(entry) = self.entries.get_mut(key)
            && entry.trouble.as_deref().is_some_and(which)
        {
            entry.trouble = None;
            self.tally.troubled.remove(key);
        }
    }

    fn set_retry_alarm(&mut self, key: &Key, standing: Standing, now: Time) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let at = match standing {
            Standing::Fought => entry.fighting.as_ref().map(|fighting| fighting.until()),
            Standing::Failed | Standing::Contested | Standing::Unwanted => {
                entry.trouble.as_ref().map(|trouble| trouble.not_before)
            }
            _ => None,
        };
        let alarm = Alarm::Retry(Key::clone(key));
        match at.filter(|at| *at > now) {
            Some(at) => self.alarms.set(alarm, at),
            None => self.alarms.clear(alarm),
        }
    }
}

/// Whether the failure is that another set has a right to the object.
fn is_contest(trouble: &Trouble) -> bool {
    matches!(trouble.failure.code, HELD | CLAIMED)
}

fn rejected(code: &'static str, message: String) -> Failure {
    Failure {
        class: FailureClass::Rejected,
        code,
        message,
    }
}
