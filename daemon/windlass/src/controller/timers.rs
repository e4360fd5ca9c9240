//! When which environment wants to be woken.

use std::collections::{BTreeSet, HashMap};

use windlass_engine::Time;

use super::Key;

/// Wake-up times, ordered. Setting, clearing and taking cost the logarithm of their number.
///
/// Every time that was asked for is kept, also behind a sooner one: who asked for it relies on it and
/// does not ask again.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    ordered: BTreeSet<(Time, Key)>,
    by_key: HashMap<Key, BTreeSet<Time>>,
}

impl Timers {
    /// Wakes `key` at `at`.
    pub(crate) fn set(&mut self, key: &Key, at: Time) {
        if self.by_key.entry(key.clone()).or_default().insert(at) {
            self.ordered.insert((at, key.clone()));
        }
    }

    /// The earliest time at which anything is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.ordered.first().map(|(at, _)| *at)
    }

    /// Takes everything that is due at `now`, each key once.
    pub(crate) fn due(&mut self, now: Time) -> Vec<Key> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.ordered.first() {
            if *at > now {
                break;
            }
            let Some((at, key)) = self.ordered.pop_first() else {
                break;
            };
            if let Some(times) = self.by_key.get_mut(&key) {
                times.remove(&at);
                if times.is_empty() {
                    self.by_key.remove(&key);
                }
            }
            due.push(key);
        }
        due.sort_unstable();
        due.dedup();
        due
    }

    /// Forgets `key`.
    pub(crate) fn clear(&mut self, key: &Key) {
        for at in self.by_key.remove(key).unwrap_or_default() {
            self.ordered.remove(&(at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_kept_and_taken_once() {
        let (a, b) = (Key::new("n", "a"), Key::new("n", "b"));
        let mut timers = Timers::default();
        timers.set(&a, Time(30));
        timers.set(&b, Time(20));
        timers.set(&a, Time(10));
        timers.set(&a, Time(40));
        assert_eq!(timers.next(), Some(Time(10)));
        assert_eq!(timers.due(Time(15)), vec![a.clone()]);
        assert_eq!(timers.due(Time(15)), Vec::<Key>::new());
        timers.clear(&b);
        assert_eq!(
            timers.next(),
            Some(Time(30)),
            "a sooner one hides no later one"
        );
        assert_eq!(timers.due(Time(50)), vec![a.clone()], "once, however many");
        timers.set(&a, Time(60));
        timers.clear(&a);
        assert_eq!(timers.next(), None);
    }
}
