//! What is applied, rank by rank, and what the answers mean.
//!
//! A rank begins when every object of the ranks before is settled: applied, in sync, failed, or
//! waiting for something that is not there. Inside a rank everything goes in parallel. Correcting
//! drift is nothing else: the drifted object is the only one that is queued.

use std::sync::Arc;
use std::time::Duration;

use super::Environment;
use super::alarms::Alarm;
use super::entry::{Accepted, Entry, Flight, Key, Seen, Vanished};
use crate::{Claims, Command, Conflict, Failure, FailureClass, Live, Outcome, Ticket, Time};

/// How long an apply whose answer was lost may still be carried out: twice the time after which an
/// API server gives a request up (60 s), so that the watch has told of it by then.
///
/// For as long after its start an environment narrows nothing either: requests of a process that
/// was killed may be carried out as late.
const LATE_ANSWER: Duration = Duration::from_mins(2);

impl Environment {
    /// Widens or narrows the inventory on the parent, when that is to be done.
    pub(super) fn write_parent(&mut self, now: Time, commands: &mut Vec<Command>) {
        if self.ledger.flight.is_some()
            || self.ledger.not_before > now
            || self.breaker.room(now, 1) == 0
        {
            return;
        }
        let tidy_from = self.started.unwrap_or(now) + LATE_ANSWER;
        let inventory = if !self.ledger.is_covered() {
            self.ledger.widened()
        } else if self.is_quiet() {
            match self.ledger.narrowed(&self.kinds) {
                Some(inventory) if tidy_from <= now => inventory,
                Some(_) => {
                    self.alarms.set(Alarm::Parent, tidy_from);
                    return;
                }
                None => return,
            }
        } else {
            return;
        };
        let ticket = self.ticket();
        self.ledger.sent(ticket, &inventory);
        commands.push(Command::WriteParent { ticket, inventory });
    }

    /// Whether everything is as wanted and nothing is on its way: the moment to tidy up.
    fn is_quiet(&self) -> bool {
        self.flights.is_empty()
            && self.tally.all_applied()
            && self.kinds.all_known()
            && self.prune.is_idle()
    }

    pub(super) fn send_applies(&mut self, now: Time, claims: &Claims, out: &mut Vec<Command>) {
        if !self.ledger.is_covered() {
            return;
        }
        while self.flights.len() < self.breaker.room(now, self.options.max_in_flight) {
            let Some(key) = self.tally.next().cloned() else {
                return;
            };
            let Some(entry) = self.entries.get(&key) else {
                return;
            };
            if self.contest(&key, entry, claims).is_some() {
                self.evaluate(&key, now, claims);
                continue;
            }
            self.send_apply(&key, now, claims, out);
        }
    }

    fn send_apply(&mut self, key: &Key, now: Time, claims: &Claims, out: &mut Vec<Command>) {
        let ticket = self.ticket();
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let Some(object) = entry.desired.clone() else {
            return;
        };
        entry.flight = Some(Flight::Apply {
            ticket,
            expected: object.expected,
        });
        entry.vanished = None;
        let corrects = entry.reached.is_some() && entry.reached == object.expected;
        self.corrections += u64::from(corrects);
        self.flights.insert(ticket, Key::clone(key));
        out.push(Command::Apply {
            ticket,
            force: object.conflict == Conflict::Force,
            exists: entry.seen.is_some(),
            object,
        });
        self.evaluate(key, now, claims);
    }

    pub(super) fn done(&mut self, ticket: Ticket, outcome: Outcome, now: Time, claims: &Claims) {
        if self
            .ledger
            .flight
            .as_ref()
            .is_some_and(|(sent, _)| *sent == ticket)
        {
            self.parent_done(outcome, now);
            return;
        }
        // An answer to nothing that was asked comes from a driver that outlived a machine.
        let Some(key) = self.flights.remove(&ticket) else {
            return;
        };
        let Some(entry) = self.entries.get_mut(&key) else {
            return;
        };
        let flight = entry.flight.take_if(|flight| flight.ticket() == ticket);
        if matches!(flight, Some(Flight::Delete { .. })) {
            let rank = entry.rank;
            self.deletion_landed(rank);
        }
        match (flight, outcome) {
            (Some(Flight::Apply { expected, .. }), Outcome::Applied(live)) => {
                self.breaker.answered();
                self.applied(&key, live, expected, now);
            }
            (Some(Flight::Delete { uid, .. }), Outcome::Deleted) => {
                self.breaker.answered();
                self.deletion_accepted(&key, uid);
            }
            (Some(flight), Outcome::Failed(failure)) => {
                self.count_failure(&failure, now);
                self.failed(&key, &flight, failure, now);
            }
            (Some(flight), _) => self.failed(&key, &flight, unexpected(), now),
            (None, _) => {}
        }
        self.evaluate(&key, now, claims);
    }

    fn applied(&mut self, key: &Key, live: Live, expected: Option<crate::Fingerprint>, now: Time) {
        self.clear_trouble(key, |_| true);
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.accepted = Some(Accepted {
            expected,
            owned: live.owned,
        });
        entry.unwell_since = None;
        let is_ours = live.part_of.as_deref() == Some(self.set.as_str());
        let current = entry.expected() == expected && entry.desired.is_some();
        if is_ours && current {
            entry.reached = expected;
        }
        let is_gone = match entry.vanished.take() {
            Some(Vanished::Incarnation(uid)) => *uid == *live.uid,
            Some(Vanished::Any) => true,
            None => false,
        };
        if !is_gone {
            let version = live.resource_version.clone();
            let told = |seen: &Seen| !seen.ahead && *seen.version == *version;
            let is_told = entry.seen.as_deref().is_some_and(told);
            self.see(key, live, now);
            if let Some(seen) = self.entries.get_mut(key).and_then(|e| e.seen.as_mut())
                && *seen.version == *version
            {
                seen.ahead = !is_told;
            }
        }
        if !is_ours && current {
            let failure = Failure {
                class: FailureClass::Rejected,
                code: "WL0612",
                message: format!(
                    "{key} was applied, but its label applyset.kubernetes.io/part-of is not what \
                     was sent. Look for an admission webhook or policy that changes labels"
                ),
            };
            self.set_trouble(key, failure, now);
        }
    }

    /// A request about an object failed, or its answer was lost.
    fn failed(&mut self, key: &Key, flight: &Flight, failure: Failure, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let unclear = matches!(failure.class, FailureClass::Transient { .. });
        match flight {
            Flight::Apply { expected, .. } => {
                let is_wanted = entry.desired.is_some();
                let is_current = entry.expected() == *expected;
                if unclear {
                    self.doubt(key, now);
                }
                // What was wrong with a body that has been replaced says nothing of the new one.
                if !is_wanted || !(is_current || unclear) {
                    return;
                }
                self.set_trouble(key, failure, now);
            }
            Flight::Delete { uid, version, .. } => {
                let is_stale = failure.class == FailureClass::Stale;
                if entry.desired.is_some() || !same_incarnation(entry, uid) {
                    return;
                }
                let moved_on = entry
                    .seen
                    .as_ref()
                    .is_some_and(|seen| seen.version != *version);
                if is_stale && moved_on {
                    return;
                }
                let version = Arc::clone(version);
                self.set_trouble(key, failure, now);
                if let Some(trouble) = self
                    .entries
                    .get_mut(key)
                    .and_then(|entry| entry.trouble.as_mut())
                    && is_stale
                {
                    trouble.stale = Some(version);
                }
            }
        }
    }

    /// Remembers for a while an object that may be there though nothing tells so.
    pub(super) fn doubt(&mut self, key: &Key, now: Time) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.doubtful = true;
            self.alarms
                .set(Alarm::Doubt(Key::clone(key)), now + LATE_ANSWER);
        }
    }

    fn parent_done(&mut self, outcome: Outcome, now: Time) {
        let failure = match outcome {
            Outcome::Written => {
                self.breaker.answered();
                self.ledger.written();
                self.alarms.clear(Alarm::Parent);
                return;
            }
            Outcome::Failed(failure) => failure,
            Outcome::Applied(_) | Outcome::Deleted => unexpected(),
        };
        self.count_failure(&failure, now);
        self.ledger.attempt = self.ledger.attempt.saturating_add(1);
        let retry = &self.options.retry;
        let wait = super::retry::wait(retry, &failure.class, &self.set, None, self.ledger.attempt);
        self.ledger.failed(failure, now + wait);
        self.alarms.set(Alarm::Parent, now + wait);
    }

    fn count_failure(&mut self, failure: &Failure, now: Time) {
        if !matches!(failure.class, FailureClass::Transient { .. }) {
            self.breaker.answered();
        } else if let Some(until) = self.breaker.failed(now, &self.options.retry, &self.set) {
            self.alarms.set(Alarm::Breaker, until);
        }
    }
}

fn same_incarnation(entry: &Entry, uid: &str) -> bool {
    entry.seen.as_ref().is_some_and(|seen| *seen.uid == *uid)
}

fn unexpected() -> Failure {
    Failure {
        class: FailureClass::Transient { retry_after: None },
        code: "WL0617",
        message: "the answer does not fit the request; it is asked again".to_owned(),
    }
}
