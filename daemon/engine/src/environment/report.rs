//! What the environment says of itself.

use windlass_manifest::ObjectId;

use super::Environment;
use super::entry::{Entry, Key, Standing};
use super::view::blocked;
use crate::Time;
use crate::health::Health;
use crate::status::{Counts, Fight, LISTED, ObjectFailure, Phase, Stall, Status, UnhealthyObject};

impl Environment {
    /// Says how the environment is at `now`.
    ///
    /// Costs what the lists in it hold, not what the environment holds.
    #[must_use]
    pub fn status(&self, now: Time) -> Status {
        let phase = self.phase();
        let stalled = self.stall(phase, now);
        Status {
            phase,
            attempted: self.render.attempted.clone(),
            applied: self.render.applied.clone(),
            ready: self.is_ready(),
            reconciling: stalled.is_none()
                && matches!(
                    phase,
                    Phase::Pending
                        | Phase::Applying
                        | Phase::Pruning
                        | Phase::Waiting
                        | Phase::Failed
                ),
            healthy: self.tally.unwell.is_empty(),
            unhealthy: self.unhealthy(),
            drifted: [Standing::Drifted, Standing::Fought]
                .into_iter()
                .flat_map(|standing| self.tally.keys(standing))
                .take(LISTED)
                .map(|key| ObjectId::clone(key))
                .collect(),
            fights: self.fights(),
            objects: self.counts(),
            failures: self.failures(),
            refusal: self.prune.refusal.clone(),
            message: self.message(phase, stalled.as_ref()),
            stalled,
            corrections: self.corrections,
            pruned: self.prune.pruned,
        }
    }

    /// Whether everything is applied, pruned and healthy at the newest revision.
    ///
    /// Members that wait for other environments to be rendered do not count: another environment's
    /// trouble is not this one's.
    fn is_ready(&self) -> bool {
        self.render.exists()
            && self.render.failure.is_none()
            && self.kinds.all_known()
            && self.tally.all_applied()
            && self.tally.unwell.is_empty()
            && self.tally.troubled.is_empty()
            && self.ledger.failure.is_none()
            && self.prune.refusal.is_none()
            && !self.prune.is_under_way()
    }

    fn phase(&self) -> Phase {
        if self.render.failure.is_some() {
            Phase::RenderFailed
        } else if self.hold.is_some() {
            Phase::Held
        } else if !self.render.exists() || self.kinds.awaited().next().is_some() {
            Phase::Pending
        } else if self.is_applying() {
            Phase::Applying
        } else if !self.tally.troubled.is_empty()
            || !self.tally.stuck.is_empty()
            || self.ledger.failure.is_some()
            || self.tally.count(Standing::Blocked) > 0
        {
            Phase::Failed
        } else if self.prune.refusal.is_some() {
            Phase::PruneRefused
        } else if self.prune.is_under_way() {
            Phase::Pruning
        } else if !self.tally.all_applied() || !self.tally.unwell.is_empty() {
            Phase::Waiting
        } else {
            Phase::Ready
        }
    }

    /// Whether something is being applied that has not just failed: a second attempt is not news.
    fn is_applying(&self) -> bool {
        let is_moving = |standing: Standing| !standing.is_settled();
        let moving: usize = [Standing::Unlisted, Standing::Queued, Standing::InFlight]
            .into_iter()
            .map(|standing| self.tally.count(standing))
            .sum();
        let again = self
            .tally
            .troubled
            .iter()
            .filter_map(|key| self.entries.get(key))
            .filter(|entry| is_moving(entry.standing))
            .count();
        moving > again && self.ledger.failure.is_none()
    }

    fn stall(&self, phase: Phase, now: Time) -> Option<Stall> {
        if phase == Phase::Held {
            return None;
        }
        if let Some((code, message)) = &self.render.failure {
            return Some(Stall {
                code,
                message: message.clone(),
            });
        }
        if phase == Phase::Applying {
            return None;
        }
        let parent = self.ledger.failure.iter();
        let objects = self.troubles().map(|(_, entry)| entry);
        let failure = objects
            .filter_map(|entry| entry.trouble.as_ref().map(|trouble| &trouble.failure))
            .chain(parent)
            .find(|failure| !failure.class.is_brief());
        if let Some(failure) = failure {
            return Some(Stall {
                code: failure.code,
                message: failure.message.clone(),
            });
        }
        if let Some((key, entry)) = self.first(Standing::Blocked) {
            let (code, message) = blocked(entry);
            return Some(Stall {
                code,
                message: format!("{key}: {message}"),
            });
        }
        if let Some(key) = self.tally.stuck.first() {
            let entry = self.entries.get(key)?;
            return Some(self.stuck(key, entry, now));
        }
        let refusal = self.prune.refusal.as_ref()?;
        Some(Stall {
            code: "WL0615",
            message: format!("prune refused: {}", refusal.why),
        })
    }

    fn stuck(&self, key: &Key, entry: &Entry, now: Time) -> Stall {
        let (health, why) = health_of(entry);
        let others = match self.tally.stuck.len().saturating_sub(1) {
            0 => String::new(),
            n => format!(" ({n} more)"),
        };
        if health == Health::Degraded {
            return Stall {
                code: "WL0614",
                message: format!("{key} is degraded: {why}{others}"),
            };
        }
        let since = entry
            .unwell_since
            .map_or(self.options.timeout, |since| now - since);
        Stall {
            code: "WL0613",
            message: format!(
                "{key} is not healthy after {} s, it is {health}: {why}{others}",
                since.as_secs()
            ),
        }
    }

    fn message(&self, phase: Phase, stalled: Option<&Stall>) -> String {
        if let Some(stall) = stalled {
            return stall.message.clone();
        }
        let counts = self.counts();
        match phase {
            Phase::Held => self.hold.clone().unwrap_or_default(),
            Phase::Pending if !self.render.exists() => "not rendered yet".to_owned(),
            Phase::Pending => {
                let kinds: Vec<String> = self
                    .kinds
                    .awaited()
                    .take(3)
                    .map(ToString::to_string)
                    .collect();
                format!("waiting for the list of {}", kinds.join(", "))
            }
            Phase::Applying => format!("{} of {} objects applied", counts.applied, counts.total),
            Phase::Failed => match self.failures().first() {
                Some(failure) => failure.message.clone(),
                None => "failed".to_owned(),
            },
            Phase::Pruning => match self.prune.leaving_count() {
                0 => "deleting objects that left Git".to_owned(),
                n => format!("waiting for {n} deleted objects to be gone"),
            },
            Phase::Waiting => self.waiting(),
            Phase::Ready => self.ready(counts),
            // Both stall, and are told above.
            Phase::RenderFailed | Phase::PruneRefused => String::new(),
        }
    }

    fn waiting(&self) -> String {
        if let Some((key, _)) = self.first(Standing::KindMissing) {
            return format!("{key} waits for its kind, which the API server does not serve");
        }
        if let Some((key, _)) = self.first(Standing::Terminating) {
            return format!("{key} waits for its old incarnation to be gone");
        }
        if let Some((key, _)) = self.first(Standing::Contested) {
            return format!("{key} waits for another environment to give it up");
        }
        let Some((key, entry)) = self
            .tally
            .unwell
            .first()
            .and_then(|key| Some((key, self.entries.get(key)?)))
        else {
            return "waiting".to_owned();
        };
        let (health, why) = health_of(entry);
        let colon = if why.is_empty() { "" } else { ": " };
        format!(
            "{} not healthy yet; {key} is {health}{colon}{why}",
            self.tally.unwell.len()
        )
    }

    fn ready(&self, counts: Counts) -> String {
        let objects = format!("{} objects in sync", counts.total);
        if counts.drifted > 0 {
            return format!("{objects}, {} of them drifted", counts.drifted);
        }
        let pending = self.prune.pending_count();
        if pending > 0 && !self.gate {
            return format!(
                "{objects}; {pending} left Git and wait for the other environments to be rendered"
            );
        }
        match self.prune.held_up_count() {
            0 => objects,
            n => format!("{objects}; {n} deleted ones are held up by finalizers"),
        }
    }

    fn counts(&self) -> Counts {
        let tally = &self.tally;
        Counts {
            total: tally.total(),
            ready: tally.applied() - tally.unwell.len(),
            applied: tally.applied(),
            failed: tally.troubled.len(),
            waiting: [
                Standing::KindMissing,
                Standing::Terminating,
                Standing::Blocked,
                Standing::Contested,
            ]
            .into_iter()
            .map(|standing| tally.count(standing))
            .sum(),
            drifted: tally.count(Standing::Drifted) + tally.count(Standing::Fought),
            extra: self.prune.extras().len(),
        }
    }

    fn failures(&self) -> Vec<ObjectFailure> {
        let parent = self.ledger.failure.iter().map(|failure| ObjectFailure {
            id: None,
            origin: None,
            code: failure.code,
            message: format!("the inventory cannot be written: {}", failure.message),
        });
        let objects = self.troubles().filter_map(|(key, entry)| {
            let failure = &entry.trouble.as_ref()?.failure;
            Some(object_failure(
                key,
                entry,
                failure.code,
                failure.message.clone(),
            ))
        });
        let blocked = self.tally.keys(Standing::Blocked).filter_map(|key| {
            let entry = self
                .entries
                .get(key)
                .filter(|entry| entry.trouble.is_none())?;
            let (code, message) = blocked(entry);
            Some(object_failure(key, entry, code, message))
        });
        parent.chain(objects).chain(blocked).take(LISTED).collect()
    }

    fn unhealthy(&self) -> Vec<UnhealthyObject> {
        let object = |key: &Key| {
            let (health, message) = health_of(self.entries.get(key)?);
            Some(UnhealthyObject {
                id: ObjectId::clone(key),
                health,
                message,
                stuck: self.tally.stuck.contains(key),
            })
        };
        self.tally
            .unwell
            .iter()
            .take(LISTED)
            .filter_map(object)
            .collect()
    }

    fn fights(&self) -> Vec<Fight> {
        let fight = |key: &Key| {
            let seen = self.entries.get(key).and_then(|entry| entry.seen.as_ref());
            Fight {
                id: ObjectId::clone(key),
                manager: seen
                    .and_then(|seen| seen.other_manager.as_deref())
                    .map(str::to_owned),
            }
        };
        self.tally.fighting.iter().take(LISTED).map(fight).collect()
    }

    fn troubles(&self) -> impl Iterator<Item = (&Key, &Entry)> {
        self.tally
            .troubled
            .iter()
            .filter_map(|key| Some((key, self.entries.get(key)?)))
    }

    fn first(&self, standing: Standing) -> Option<(&Key, &Entry)> {
        let key = self.tally.keys(standing).next()?;
        Some((key, self.entries.get(key)?))
    }
}

fn health_of(entry: &Entry) -> (Health, String) {
    match &entry.seen {
        Some(seen) => (seen.health.health, seen.health.message.clone()),
        None => (Health::Missing, "it is not in the cluster".to_owned()),
    }
}

fn object_failure(key: &Key, entry: &Entry, code: &'static str, message: String) -> ObjectFailure {
    ObjectFailure {
        id: Some(ObjectId::clone(key)),
        origin: entry.desired.as_ref().map(|desired| desired.origin.clone()),
        code,
        message,
    }
}
