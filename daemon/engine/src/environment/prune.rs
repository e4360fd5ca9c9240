//! What is deleted, what never is, and when a person is asked.
//!
//! Deleted are members of the set, by label and by our entry in `managedFields`, that are not
//! desired. Only in a sync that was applied in full; only when every kind has been listed and
//! every environment of the repository is rendered, so that nothing that moved is taken for gone;
//! each only if it is still exactly the object that was seen. Never namespaces, custom resource
//! definitions and volume claims, nor what is marked to be kept.
//!
//! An empty render, and a prune of more than the limit, is refused until a person confirms the
//! digest of what would be deleted. What was approved once is deleted without asking again.

use std::collections::BTreeMap;
use std::sync::Arc;

use windlass_manifest::ObjectId;
use windlass_manifest::rank::Rank;

use super::Environment;
use super::entry::{Entry, Flight, Key, Keys};
use crate::fingerprint::sha256;
use crate::status::{LISTED, PruneRefusal};
use crate::{Claims, Command, Time};

/// What becomes of a member that is not desired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    Delete,
    Leaving,
    Kept(String),
}

/// The members that are not desired, and the plan for them.
#[derive(Debug, Default)]
pub(super) struct Prune {
    extras: Keys,
    /// Extras that are on their way out with nothing to hold them up.
    leaving: Keys,
    /// Extras that are on their way out, held up by finalizers.
    held_up: Keys,
    /// Extras that are to be deleted.
    pending: Keys,
    members: usize,
    is_stale: bool,
    /// What the plan was made for, by incarnation.
    considered: BTreeMap<Key, Arc<str>>,
    /// What may be deleted, by incarnation.
    approved: BTreeMap<Key, Arc<str>>,
    /// How many objects have been approved since the last render, and the most members there
    /// were: deleting one by one must not get around the limit.
    approved_count: usize,
    most_members: usize,
    queue: BTreeMap<Rank, Keys>,
    in_flight: BTreeMap<Rank, usize>,
    pub(super) refusal: Option<PruneRefusal>,
    confirmed: Option<String>,
    pub(super) pruned: u64,
}

impl Prune {
    /// Something changed that the plan depends on.
    pub(super) fn reconsider(&mut self) {
        self.is_stale = true;
    }

    pub(super) fn confirm(&mut self, digest: String) {
        self.confirmed = Some(digest);
        self.is_stale = true;
    }

    pub(super) fn new_render(&mut self) {
        self.is_stale = true;
        self.refusal = None;
        self.queue.clear();
        self.approved_count = 0;
        self.most_members = 0;
    }

    /// Whether nothing is about to be deleted or being deleted.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.values().all(Keys::is_empty) && self.in_flight.is_empty()
    }

    /// Whether members are being deleted that nothing holds up.
    pub(super) fn is_under_way(&self) -> bool {
        !self.is_idle() || !self.leaving.is_empty()
    }

    pub(super) fn extras(&self) -> &Keys {
        &self.extras
    }

    /// How many deleted members nothing holds up, and are still there.
    pub(super) fn leaving_count(&self) -> usize {
        self.leaving.len()
    }

    /// How many members are to be deleted once that is allowed.
    pub(super) fn pending_count(&self) -> usize {
        self.pending.len()
    }

    /// How many deleted members wait for finalizers.
    pub(super) fn held_up_count(&self) -> usize {
        self.held_up.len()
    }

    fn drop_queued(&mut self, key: &Key, rank: Rank) {
        if let Some(keys) = self.queue.get_mut(&rank) {
            keys.remove(key);
        }
    }

    /// The next object to delete: of the last rank, unless a later one is not through yet.
    fn next(&self) -> Option<&Key> {
        let (rank, keys) = self.queue.iter().rev().find(|(_, keys)| !keys.is_empty())?;
        let is_before_its_turn = self.in_flight.range(rank..).any(|(later, _)| later > rank);
        if is_before_its_turn {
            None
        } else {
            keys.first()
        }
    }

    fn landed(&mut self, rank: Rank) {
        if let Some(count) = self.in_flight.get_mut(&rank) {
            *count -= 1;
            if *count == 0 {
                self.in_flight.remove(&rank);
            }
        }
    }
}

impl Environment {
    /// Keeps the list of members that are not desired up to date with one object.
    pub(super) fn evaluate_extra(&mut self, key: &Key, now: Time, claims: &Claims) {
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        let is_member = entry.is_member();
        // What is desired and was no extra before is in none of the lists.
        if entry.desired.is_some() && entry.fate.is_none() && entry.counted == is_member {
            return;
        }
        let is_extra = is_member && entry.desired.is_none();
        let fate = is_extra.then(|| self.fate(key, entry, claims));
        // A deletion that is not wanted any more cannot fail any more.
        let is_moot = entry.desired.is_none() && fate != Some(Fate::Delete);
        let rank = entry.rank;
        let uid = entry.seen.as_ref().map(|seen| Arc::clone(&seen.uid));
        let held_up = entry
            .seen
            .as_ref()
            .is_some_and(|seen| !seen.finalizers.is_empty());
        let may_go = entry.flight.is_none()
            && entry
                .trouble
                .as_ref()
                .is_none_or(|trouble| trouble.not_before <= now);

        if is_moot {
            self.clear_trouble(key, |_| true);
        }
        let prune = &mut self.prune;
        let is_leaving = fate == Some(Fate::Leaving);
        put(&mut prune.leaving, key, is_leaving && !held_up);
        put(&mut prune.held_up, key, is_leaving && held_up);
        put(&mut prune.pending, key, fate == Some(Fate::Delete));
        let deletes = fate == Some(Fate::Delete);
        let is_in = |of: &BTreeMap<Key, Arc<str>>| uid.is_some() && of.get(key) == uid.as_ref();
        let is_approved = is_in(&prune.approved);
        if deletes {
            prune.is_stale |= !is_in(&prune.considered);
        } else if prune.considered.remove(key).is_some() {
            prune.is_stale |= prune.refusal.is_some();
        }
        put(&mut prune.extras, key, is_extra);
        if !is_extra {
            prune.approved.remove(key);
        }
        if is_approved && deletes && may_go {
            prune.queue.entry(rank).or_default().insert(Key::clone(key));
        } else {
            prune.drop_queued(key, rank);
        }
        if let Some(entry) = self.entries.get_mut(key) {
            entry.fate = fate;
            if entry.counted != is_member {
                entry.counted = is_member;
                self.prune.members = if is_member {
                    self.prune.members + 1
                } else {
                    self.prune.members.saturating_sub(1)
                };
            }
        }
    }

    /// Whether a prune may be planned and carried out now.
    fn may_prune(&self) -> bool {
        self.options.prune
            && self.gate
            && self.render.failure.is_none()
            && self.tally.all_applied()
            && self.kinds.all_known()
    }

    fn fate(&self, id: &ObjectId, entry: &Entry, claims: &Claims) -> Fate {
        if entry.is_leaving() {
            return Fate::Leaving;
        }
        if let Some(owner) = claims.owner(id).filter(|owner| **owner != self.set) {
            let owner = claims.name(owner);
            return Fate::Kept(format!("it has moved to {owner}, which takes it over"));
        }
        if !self.options.prune {
            return Fate::Kept("pruning is off in this environment".to_owned());
        }
        if entry.seen.as_ref().is_some_and(|seen| seen.keep) {
            return Fate::Kept("an annotation on it says that it is never pruned".to_owned());
        }
        match (id.group.as_str(), id.kind.as_str()) {
            ("", "Namespace" | "PersistentVolumeClaim")
            | ("apiextensions.k8s.io", "CustomResourceDefinition") => Fate::Kept(format!(
                "a {} is never pruned, because what is in it would be lost",
                id.kind
            )),
            _ => Fate::Delete,
        }
    }

    /// Plans the prune anew: which objects go, and whether a person has to be asked first.
    fn plan_prune(&mut self, now: Time, claims: &Claims) {
        self.prune.is_stale = false;
        self.prune.refusal = None;
        let extras: Vec<Key> = self.prune.extras.iter().cloned().collect();
        let mut considered: BTreeMap<Key, Arc<str>> = BTreeMap::new();
        for key in &extras {
            if let Some(entry) = self.entries.get(key)
                && let Some(seen) = &entry.seen
                && self.fate(key, entry, claims) == Fate::Delete
            {
                considered.insert(Key::clone(key), Arc::clone(&seen.uid));
            }
        }
        let fresh: Vec<(Key, Arc<str>)> = considered
            .iter()
            .filter(|(key, uid)| self.prune.approved.get(*key) != Some(*uid))
            .map(|(key, uid)| (Key::clone(key), Arc::clone(uid)))
            .collect();
        self.prune.considered = considered;
        if !fresh.is_empty() {
            self.prune.refusal = self.refusal(&fresh);
        }
        if self.prune.refusal.is_none() {
            self.prune.approved_count += fresh.len();
            self.prune.approved.extend(fresh);
        }
        for key in &extras {
            self.evaluate_extra(key, now, claims);
        }
        self.prune.is_stale = false;
    }

    /// Whether a person has to be asked before these objects are deleted.
    fn refusal(&mut self, fresh: &[(Key, Arc<str>)]) -> Option<PruneRefusal> {
        let prune = &mut self.prune;
        prune.most_members = prune.most_members.max(prune.members);
        let (count, of) = (prune.approved_count + fresh.len(), prune.most_members);
        let limit = self.options.prune_limit;
        let share = count.saturating_mul(100) > of.saturating_mul(usize::from(limit.percent));
        let why = if self.tally.total() == 0 {
            format!("the render is empty, and all {of} objects of the environment would be deleted")
        } else if share && count > limit.objects {
            format!(
                "{count} of {of} objects would be deleted, which is more than {} % and more than \
                 {} objects",
                limit.percent, limit.objects
            )
        } else {
            return None;
        };
        let digest = digest(fresh);
        if prune.confirmed.as_ref() == Some(&digest) {
            prune.confirmed = None;
            return None;
        }
        Some(PruneRefusal {
            why: format!(
                "{why}. If that is meant, confirm it with the digest {digest}: \
                 `spec.confirmPrune` of the Environment"
            ),
            digest,
            objects: fresh
                .iter()
                .take(LISTED)
                .map(|(key, _)| ObjectId::clone(key))
                .collect(),
            count: fresh.len(),
            of,
        })
    }

    pub(super) fn send_deletes(&mut self, now: Time, claims: &Claims, out: &mut Vec<Command>) {
        if !self.may_prune() {
            return;
        }
        if self.prune.is_stale {
            self.plan_prune(now, claims);
        }
        while self.flights.len() < self.breaker.room(now, self.options.max_in_flight) {
            let Some(key) = self.prune.next().cloned() else {
                return;
            };
            self.send_delete(&key, claims, out);
            self.evaluate(&key, now, claims);
        }
    }

    fn send_delete(&mut self, key: &Key, claims: &Claims, out: &mut Vec<Command>) {
        let ticket = self.ticket();
        let Some(entry) = self.entries.get(key) else {
            return;
        };
        self.prune.drop_queued(key, entry.rank);
        // Claims may have changed since it was queued.
        if self.fate(key, entry, claims) != Fate::Delete {
            return;
        }
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let Some(seen) = &entry.seen else {
            return;
        };
        let (uid, version) = (Arc::clone(&seen.uid), Arc::clone(&seen.version));
        out.push(Command::Delete {
            ticket,
            id: ObjectId::clone(key),
            uid: uid.to_string(),
            resource_version: version.to_string(),
            reason: match &self.render.revision {
                Some(revision) => format!("it is not in revision {revision} any more"),
                None => "it is not wanted any more".to_owned(),
            },
        });
        entry.flight = Some(Flight::Delete {
            ticket,
            uid,
            version,
        });
        *self.prune.in_flight.entry(entry.rank).or_default() += 1;
        self.flights.insert(ticket, Key::clone(key));
    }

    /// The answer to a deletion is there, whatever it says.
    pub(super) fn deletion_landed(&mut self, rank: Rank) {
        self.prune.landed(rank);
    }

    pub(super) fn deletion_accepted(&mut self, key: &Key, uid: Arc<str>) {
        self.clear_trouble(key, |_| true);
        if let Some(entry) = self.entries.get_mut(key) {
            entry.deleted = Some(uid);
            self.prune.pruned += 1;
        }
    }
}

fn put(keys: &mut Keys, key: &Key, belongs: bool) {
    if belongs {
        keys.insert(Key::clone(key));
    } else {
        keys.remove(key);
    }
}

/// Names a plan by what it deletes, incarnations included: a confirmation is for these objects,
/// not for others that are made later under the same names.
fn digest(objects: &[(Key, Arc<str>)]) -> String {
    let mut text = String::new();
    for (key, uid) in objects {
        text.push_str(&format!("{key} {uid}\n"));
    }
    let mut digest = hex::encode(sha256(text.as_bytes()));
    digest.truncate(16);
    digest
}
