//! The answers of steps that handle each object as if it were alone, object by object.

use crate::reads::ReadSet;
use crate::set::{Hash, Item};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_plugin_host::{Finding, LogLine};

/// What a step made of one object.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The objects in its place; `None` when the step only checks.
    pub(crate) objects: Option<Vec<Arc<Item>>>,
    /// What was found about them, or about the object itself; they are counted in `objects`.
    pub(crate) findings: Vec<Finding>,
    /// What was logged in the call, which other objects may have been a part of.
    pub(crate) log: Arc<Vec<LogLine>>,
    /// What was read in the call.
    pub(crate) reads: Arc<ReadSet>,
}

impl Answer {
    /// About how much memory it takes, in bytes. What it shares with others is counted for each.
    fn size(&self) -> usize {
        let objects = self.objects.iter().flatten();
        let findings = self.findings.iter();
        objects.map(|item| item.size()).sum::<usize>()
            + findings.map(|it| it.message.len() + 256).sum::<usize>()
            + 256
    }
}

/// The answers of one step, by the digest of the object that it was given.
#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_object: HashMap<Hash, Arc<Answer>, BuildHasherDefault<Leading>>,
    size: usize,
}

/// How many answers are kept beyond twice those of the last render: objects of another branch, and
/// those that a revert brings back.
const SPARE: usize = 1000;

impl Answers {
    /// Finds what is known about each of the objects.
    pub(crate) fn find(&self, objects: &[Arc<Item>]) -> Vec<Option<Arc<Answer>>> {
        let known = self.lock();
        let find = |item: &Arc<Item>| known.by_object.get(&item.digest).map(Arc::clone);
        objects.iter().map(find).collect()
    }

    /// Adds answers to the objects with these indices, and gives the size of all, in bytes. There
    /// is an answer for each of the objects. When there are too many, those stay that the last
    /// render used.
    pub(crate) fn add(
        &self,
        objects: &[Arc<Item>],
        answers: &[Arc<Answer>],
        new: &[usize],
        capacity: usize,
    ) -> usize {
        let mut known = self.lock();
        let all = || objects.iter().zip(answers);
        let surplus = known.by_object.len() + new.len() > 2 * objects.len() + SPARE;
        if surplus {
            *known = Known::default();
            all().for_each(|(item, answer)| known.insert(item.digest, answer));
        } else {
            for index in new {
                if let Some((item, answer)) = objects.get(*index).zip(answers.get(*index)) {
                    known.insert(item.digest, answer);
                }
            }
        }
        if known.size > capacity {
            *known = Known::default();
        }
        known.size
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn insert(&mut self, digest: Hash, answer: &Arc<Answer>) {
        self.size += answer.size();
        if let Some(old) = self.by_object.insert(digest, Arc::clone(answer)) {
            self.size -= old.size();
        }
    }
}

/// Takes the first bytes of a digest for its hash: they are as good as any, unless somebody looks for
/// objects whose SHA-256 begins alike, who slows down only his own environment.
#[derive(Default)]
struct Leading(u64);

impl Hasher for Leading {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(Ok(first)) = bytes.get(..8).map(TryInto::try_into) {
            self.0 = u64::from_le_bytes(first);
        }
    }

    // The length of the array comes first.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::set::ObjectSet;

    fn objects(names: std::ops::Range<usize>) -> Vec<Arc<Item>> {
        let object = |name: usize| {
            format!(r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"n{name}"}}}}"#)
        };
        ObjectSet::new(names.map(object).collect()).unwrap().items
    }

    fn answers(objects: &[Arc<Item>]) -> Vec<Arc<Answer>> {
        let answer = |item: &Arc<Item>| {
            Arc::new(Answer {
                objects: Some(vec![Arc::clone(item)]),
                findings: Vec::new(),
                log: Arc::default(),
                reads: Arc::default(),
            })
        };
        objects.iter().map(answer).collect()
    }

    fn add(known: &Answers, objects: &[Arc<Item>], capacity: usize) -> usize {
        let new: Vec<usize> = (0..objects.len()).collect();
        known.add(objects, &answers(objects), &new, capacity)
    }

    fn found(known: &Answers, objects: &[Arc<Item>]) -> usize {
        known.find(objects).iter().flatten().count()
    }

    #[test]
    fn answers_are_found_by_their_objects() {
        let known = Answers::default();
        let size = add(&known, &objects(0..10), usize::MAX);
        assert!(size > 10 * 256, "{size}");
        assert_eq!(add(&known, &objects(0..10), usize::MAX), size, "replaced");
        assert_eq!(found(&known, &objects(5..15)), 5);
    }

    #[test]
    fn old_answers_go_when_they_are_many() {
        let known = Answers::default();
        let mut largest = 0;
        for round in 0..20 {
            let now = objects(round * 500..round * 500 + 500);
            largest = largest.max(add(&known, &now, usize::MAX));
            assert_eq!(
                found(&known, &now),
                500,
                "those of the last render are there"
            );
        }
        let one = add(&Answers::default(), &objects(0..500), usize::MAX);
        assert!(largest <= 5 * one, "{largest} of {one} each");
    }

    #[test]
    fn more_than_the_memory_holds_is_not_kept() {
        let known = Answers::default();
        assert_eq!(add(&known, &objects(0..10), 1000), 0);
        assert_eq!(found(&known, &objects(0..10)), 0);
    }
}
