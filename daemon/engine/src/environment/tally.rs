//! The counters and queues that make every decision cheap: no event looks at more than the
//! objects that it concerns.

use std::collections::BTreeMap;

use windlass_manifest::rank::Rank;

use super::entry::{Key, Keys, Standing};

/// Where all the desired objects stand.
#[derive(Debug, Default)]
pub(super) struct Tally {
    ranks: BTreeMap<Rank, RankTally>,
    /// Objects by standing; those in sync are only counted, for they are most of all.
    by_standing: BTreeMap<Standing, Keys>,
    total: usize,
    applied: usize,
    pub(super) unwell: Keys,
    pub(super) stuck: Keys,
    pub(super) troubled: Keys,
    pub(super) fighting: Keys,
}

#[derive(Debug, Default)]
struct RankTally {
    unsettled: usize,
    queue: Keys,
}

impl Tally {
    /// Moves an object from one standing to another.
    pub(super) fn shift(&mut self, key: &Key, rank: Rank, from: Standing, to: Standing) {
        if from == to {
            return;
        }
        self.take(key, rank, from);
        self.put(key, rank, to);
    }

    /// Drops an object that is not remembered any more.
    pub(super) fn forget(&mut self, key: &Key) {
        self.unwell.remove(key);
        self.stuck.remove(key);
        self.troubled.remove(key);
        self.fighting.remove(key);
    }

    fn put(&mut self, key: &Key, rank: Rank, standing: Standing) {
        if standing == Standing::Unwanted {
            return;
        }
        self.total += 1;
        self.applied += usize::from(standing.is_applied());
        if standing != Standing::InSync {
            self.by_standing
                .entry(standing)
                .or_default()
                .insert(Key::clone(key));
        }
        if !standing.is_settled() {
            let tally = self.ranks.entry(rank).or_default();
            tally.unsettled += 1;
            if standing == Standing::Queued {
                tally.queue.insert(Key::clone(key));
            }
        }
    }

    fn take(&mut self, key: &Key, rank: Rank, standing: Standing) {
        if standing == Standing::Unwanted {
            return;
        }
        self.total -= 1;
        self.applied -= usize::from(standing.is_applied());
        if let Some(keys) = self.by_standing.get_mut(&standing) {
            keys.remove(key);
        }
        if !standing.is_settled()
            && let Some(tally) = self.ranks.get_mut(&rank)
        {
            tally.unsettled -= 1;
            tally.queue.remove(key);
        }
    }

    /// The next object to apply: of the first rank that has an unsettled object, unless all that
    /// are unsettled there are waited for already.
    pub(super) fn next(&self) -> Option<&Key> {
        let (_, tally) = self.ranks.iter().find(|(_, tally)| tally.unsettled > 0)?;
        tally.queue.first()
    }

    pub(super) fn keys(&self, standing: Standing) -> impl Iterator<Item = &Key> {
        self.by_standing.get(&standing).into_iter().flatten()
    }

    pub(super) fn count(&self, standing: Standing) -> usize {
        match standing {
            Standing::InSync => {
                self.applied - self.count(Standing::Drifted) - self.count(Standing::Fought)
            }
            other => self.by_standing.get(&other).map_or(0, Keys::len),
        }
    }

    pub(super) fn total(&self) -> usize {
        self.total
    }

    pub(super) fn applied(&self) -> usize {
        self.applied
    }

    /// Whether every desired object was applied as it is wanted now.
    pub(super) fn all_applied(&self) -> bool {
        self.applied == self.total
    }
}
