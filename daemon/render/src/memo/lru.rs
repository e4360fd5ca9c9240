//! A bounded map that forgets what was used longest ago.

use crate::set::Hash;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// How many values one key may have: the same step over trees that differ in what it reads, such
/// as two branches.
const CANDIDATES: usize = 8;

/// Values under digests, several to a key, the latest first.
pub(super) struct Lru<V> {
    capacity: usize,
    size: usize,
    slots: HashMap<Hash, Slot<V>>,
    by_use: BTreeMap<u64, Hash>,
    clock: u64,
}

struct Slot<V> {
    values: Vec<(Arc<V>, usize)>,
    used: u64,
}

impl<V> Lru<V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            capacity,
            size: 0,
            slots: HashMap::new(),
            by_use: BTreeMap::new(),
            clock: 0,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Gives the values of a key.
    pub(super) fn get(&mut self, key: &Hash) -> Vec<Arc<V>> {
        self.clock += 1;
        let Some(slot) = self.slots.get_mut(key) else {
            return Vec::new();
        };
        self.by_use.remove(&slot.used);
        slot.used = self.clock;
        self.by_use.insert(slot.used, *key);
        slot.values
            .iter()
            .map(|(value, _)| Arc::clone(value))
            .collect()
    }

    /// Forgets the values of a key.
    pub(super) fn remove(&mut self, key: &Hash) {
        if let Some(slot) = self.slots.remove(key) {
            self.by_use.remove(&slot.used);
            self.size -= slot.values.iter().map(|(_, size)| size).sum::<usize>();
        }
    }

    /// Puts a value in front of the others of its key. What is larger than everything is not kept.
    pub(super) fn put(&mut self, key: Hash, value: Arc<V>, size: usize) {
        if size > self.capacity {
            return;
        }
        self.clock += 1;
        let used = self.clock;
        let slot = self.slots.entry(key).or_insert_with(|| Slot {
            values: Vec::new(),
            used,
        });
        self.by_use.remove(&slot.used);
        slot.used = used;
        self.by_use.insert(used, key);
        slot.values.retain(|(known, size)| {
            let other = !Arc::ptr_eq(known, &value);
            self.size -= if other { 0 } else { *size };
            other
        });
        slot.values.insert(0, (value, size));
        self.size += size;
        for (_, size) in slot.values.drain(CANDIDATES.min(slot.values.len())..) {
            self.size -= size;
        }
        while self.size > self.capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else {
                break;
            };
            if let Some(slot) = self.slots.remove(&oldest) {
                self.size -= slot.values.iter().map(|(_, size)| size).sum::<usize>();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u8) -> Hash {
        [number; 32]
    }

    fn values(lru: &mut Lru<u32>, number: u8) -> Vec<u32> {
        lru.get(&key(number)).iter().map(|value| **value).collect()
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let mut lru = Lru::new(30);
        for number in 1..=3_u8 {
            lru.put(key(number), Arc::new(u32::from(number)), 10);
        }
        assert_eq!(
            values(&mut lru, 1),
            [1],
            "looking at it makes it the latest"
        );
        lru.put(key(4), Arc::new(4), 10);
        assert_eq!(values(&mut lru, 2), [0_u32; 0], "it was the oldest");
        assert_eq!(values(&mut lru, 1), [1]);
        assert_eq!(values(&mut lru, 3), [3]);
        assert_eq!(lru.size, 30);
    }

    #[test]
    fn a_key_keeps_its_latest_values() {
        let mut lru = Lru::new(1000);
        for number in 0..20 {
            lru.put(key(1), Arc::new(number), 10);
        }
        assert_eq!(values(&mut lru, 1), [19, 18, 17, 16, 15, 14, 13, 12]);
        assert_eq!(lru.size, 80);
    }

    #[test]
    fn putting_the_same_value_again_only_moves_it() {
        let mut lru = Lru::new(1000);
        let (one, two) = (Arc::new(1), Arc::new(2));
        lru.put(key(1), Arc::clone(&one), 10);
        lru.put(key(1), two, 10);
        lru.put(key(1), one, 10);
        assert_eq!(values(&mut lru, 1), [1, 2]);
        assert_eq!(lru.size, 20);
    }

    #[test]
    fn what_is_removed_takes_no_room() {
        let mut lru = Lru::new(1000);
        lru.put(key(1), Arc::new(1), 10);
        lru.put(key(1), Arc::new(2), 10);
        lru.put(key(2), Arc::new(3), 10);
        lru.remove(&key(1));
        lru.remove(&key(7));
        assert_eq!(values(&mut lru, 1), [0_u32; 0]);
        assert_eq!((lru.size, lru.by_use.len()), (10, 1));
    }

    #[test]
    fn what_is_too_large_is_not_kept() {
        let mut lru = Lru::new(10);
        lru.put(key(1), Arc::new(1), 11);
        assert_eq!(values(&mut lru, 1), [0_u32; 0]);
        assert!(Lru::<u32>::new(0).slots.is_empty());
    }
}
