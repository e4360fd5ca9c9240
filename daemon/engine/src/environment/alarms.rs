//! Moments at which something has to be looked at again. A wait is an entry here, never a task.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::Key;
use crate::Time;

/// What to look at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Alarm {
    /// The parent's inventory may be written again.
    Parent,
    /// Requests may be sent again.
    Breaker,
    /// An object may be applied or deleted again.
    Retry(Key),
    /// An object has not become healthy in time.
    Health(Key),
    /// An apply that nobody wants any more cannot be carried out any more.
    Doubt(Key),
}

/// One moment at most for each alarm, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    at: BTreeMap<Alarm, Time>,
    queue: BTreeSet<(Time, Alarm)>,
}

impl Alarms {
    pub(super) fn set(&mut self, alarm: Alarm, at: Time) {
        if let Some(before) = self.at.insert(alarm.clone(), at) {
            self.queue.remove(&(before, alarm.clone()));
        }
        self.queue.insert((at, alarm));
    }

    pub(super) fn clear(&mut self, alarm: Alarm) {
        if let Some(before) = self.at.remove(&alarm) {
            self.queue.remove(&(before, alarm));
        }
    }

    /// Takes the earliest alarm whose moment has come.
    pub(super) fn due(&mut self, now: Time) -> Option<Alarm> {
        let (at, _) = self.queue.first()?;
        if *at > now {
            return None;
        }
        let (_, alarm) = self.queue.pop_first()?;
        self.at.remove(&alarm);
        Some(alarm)
    }

    pub(super) fn next(&self) -> Option<Time> {
        self.queue.first().map(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_has_one_moment() {
        let mut alarms = Alarms::default();
        alarms.set(Alarm::Parent, Time(10));
        alarms.set(Alarm::Breaker, Time(15));
        alarms.set(Alarm::Parent, Time(20));
        assert_eq!(alarms.next(), Some(Time(15)), "the parent's was moved");
        assert_eq!(alarms.due(Time(14)), None);
        assert_eq!(alarms.due(Time(30)), Some(Alarm::Breaker));
        alarms.clear(Alarm::Parent);
        assert_eq!(alarms.due(Time(30)), None);
        assert_eq!(alarms.next(), None);
    }
}
