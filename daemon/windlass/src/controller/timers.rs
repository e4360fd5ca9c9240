//! When which environment wants to be woken. One entry an environment: the earliest counts.

use std::collections::{BTreeSet, HashMap};

use windlass_engine::Time;

use super::Key;

/// Wake-up times, ordered. Setting, clearing and taking cost the logarithm of their number.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    ordered: BTreeSet<(Time, Key)>,
    by_key: HashMap<Key, Time>,
}

impl Timers {
    /// Wakes `key` at `at`, unless it is to be woken sooner.
    pub(crate) fn set(&mut self, key: &Key, at: Time) {
        match self.by_key.get(key) {
            Some(sooner) if *sooner <= at => return,
            Some(later) => {
                self.ordered.remove(&(*later, key.clone()));
            }
            None => {}
        }
        self.ordered.insert((at, key.clone()));
        self.by_key.insert(key.clone(), at);
    }

    /// The earliest time at which anything is due.
    pub(crate) fn next(&self) -> Option<Time> {
        self.ordered.first().map(|(at, _)| *at)
    }

    /// Takes everything that is due at `now`.
    pub(crate) fn due(&mut self, now: Time) -> Vec<Key> {
        let mut due = Vec::new();
        while let Some((at, _)) = self.ordered.first() {
            if *at > now {
                break;
            }
            if let Some((_, key)) = self.ordered.pop_first() {
                self.by_key.remove(&key);
                due.push(key);
            }
        }
        due
    }

    /// Forgets `key`.
    pub(crate) fn clear(&mut self, key: &Key) {
        if let Some(at) = self.by_key.remove(key) {
            self.ordered.remove(&(at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_counts_and_is_taken_once() {
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
        assert_eq!(timers.next(), None);
    }
}
