//! When an object that was applied has to be healthy.
//!
//! Not being healthy is no failure for as long as the environment's timeout, counted from the
//! apply or from the moment at which the object stopped being healthy. After that the environment
//! has stalled; the watch stays, so that a later recovery is noticed. What is degraded does not
//! get better by waiting, and is not waited for.

use super::Environment;
use super::alarms::Alarm;
use super::entry::Key;
use crate::Time;
use crate::health::Health;

impl Health {
    /// Whether an environment with such an object may be ready. What a person has suspended is as
    /// that person wants it.
    pub(super) fn is_good(self) -> bool {
        matches!(self, Self::Healthy | Self::Suspended)
    }
}

impl Environment {
    pub(super) fn evaluate_wellness(&mut self, key: &Key, now: Time) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        let alarm = Alarm::Health(Key::clone(key));
        let health = entry.health();
        if !entry.standing.is_applied() || health.is_good() {
            if entry.unwell_since.take().is_some() || self.tally.unwell.contains(key) {
                self.tally.unwell.remove(key);
                self.tally.stuck.remove(key);
                self.alarms.clear(alarm);
            }
            return;
        }
        let since = *entry.unwell_since.get_or_insert(now);
        self.tally.unwell.insert(Key::clone(key));
        let limit = since + self.options.timeout;
        if health == Health::Degraded || limit <= now {
            self.tally.stuck.insert(Key::clone(key));
            self.alarms.clear(alarm);
        } else {
            self.tally.stuck.remove(key);
            self.alarms.set(alarm, limit);
        }
    }

    pub(super) fn overdue(&mut self, key: &Key) {
        if self.tally.unwell.contains(key) {
            self.tally.stuck.insert(Key::clone(key));
        }
    }
}
