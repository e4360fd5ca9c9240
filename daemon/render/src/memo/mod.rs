//! What was rendered before.
//!
//! Four things are remembered, each under the digest of all that it depends on except the tree:
//! the result of a step, with what it read; the answers of a step that handles each object as if it
//! were alone; the receipt of a whole render, which is a few digests; and the objects of a whole
//! render. A result is used when the tree gives the same answers again.
//! Nothing here ever holds a secret: plugins have references only.

mod disk;
mod entry;
mod lru;
mod objects;
mod writer;

pub(crate) use entry::{Receipt, StepResult};
pub(crate) use objects::{Answer, Answers};

use crate::finish::Scope;
use crate::rendered::Rendered;
use crate::set::{Hash, Item};
use disk::Disk;
use lru::Lru;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use windlass_source::Tree;
use writer::Writer;

/// The part of the memory for receipts: they are small, and the most useful of all.
const RECEIPTS: usize = 8;

/// How much larger the folder may be than the memory.
const FOLDER: u64 = 8;

/// Remembers results in memory and, if wished, in a folder. A memo is shared by all renders of a
/// [`Renderer`](crate::Renderer); what was used longest ago goes first.
pub struct Memo {
    steps: Mutex<Lru<Kept>>,
    receipts: Mutex<Lru<Receipt>>,
    renders: Mutex<Lru<Rendered>>,
    disk: Option<Arc<Disk>>,
    writer: Option<Writer>,
}

/// What is kept of a step: its result, or that for each object.
enum Kept {
    Result(Arc<StepResult>),
    Answers(Arc<Answers>),
}

impl Memo {
    /// Remembers nothing: every render runs every step.
    pub fn none() -> Self {
        Self::in_memory(0)
    }

    /// Remembers in memory, in about this many bytes.
    pub fn in_memory(capacity_bytes: usize) -> Self {
        let receipts = capacity_bytes / RECEIPTS;
        let rest = (capacity_bytes - receipts) / 2;
        Self {
            steps: Mutex::new(Lru::new(rest)),
            receipts: Mutex::new(Lru::new(receipts)),
            renders: Mutex::new(Lru::new(rest)),
            disk: None,
            writer: None,
        }
    }

    /// Remembers the results of steps in a folder too, so that the next process starts warm. The
    /// folder is made when it is not there, and takes up to eight times the memory. It is written
    /// to beside the renders; dropping the memo waits until all is written.
    ///
    /// It belongs to the user of the process alone: whoever can write into it decides what is
    /// rendered. What cannot be read there, or is damaged, is run again.
    pub fn with_folder(path: &Path, capacity_bytes: usize) -> Self {
        let capacity = (capacity_bytes as u64).saturating_mul(FOLDER);
        let disk = Disk::open(path, capacity).map(Arc::new);
        Self {
            writer: disk.as_ref().and_then(Writer::start),
            disk,
            ..Self::in_memory(capacity_bytes)
        }
    }

    /// Finds the result of a step that read what the tree holds.
    pub(crate) fn step(&self, key: &Hash, tree: &dyn Tree) -> Option<Arc<StepResult>> {
        let known = lock(&self.steps).get(key);
        for kept in known {
            if let Kept::Result(result) = &*kept
                && result.reads.holds(tree)
            {
                let (result, size) = (Arc::clone(result), result.size());
                lock(&self.steps).put(*key, kept, size);
                return Some(result);
            }
        }
        let stored = self.disk.as_ref()?.get(key);
        let found = stored.into_iter().find(|result| result.reads.holds(tree))?;
        let found = Arc::new(found);
        self.keep(*key, &found);
        Some(found)
    }

    /// Remembers the result of a step.
    pub(crate) fn keep_step(&self, key: Hash, result: &Arc<StepResult>) {
        self.store(key, result);
        self.keep(key, result);
    }

    fn keep(&self, key: Hash, result: &Arc<StepResult>) {
        let kept = Arc::new(Kept::Result(Arc::clone(result)));
        lock(&self.steps).put(key, kept, result.size());
    }

    /// Writes the result of a step into the folder, when there is one.
    pub(crate) fn store(&self, key: Hash, result: &Arc<StepResult>) {
        if let Some(writer) = &self.writer {
            writer.put(key, Arc::clone(result));
        }
    }

    /// Gives the answers that are known of a step that handles each object as if it were alone.
    pub(crate) fn answers(&self, step: &Hash) -> Option<Arc<Answers>> {
        let kept = lock(&self.steps).get(step);
        kept.iter().find_map(|kept| match &**kept {
            Kept::Answers(answers) => Some(Arc::clone(answers)),
            Kept::Result(_) => None,
        })
    }

    /// Remembers answers; `new` are the indices of those that were not known.
    pub(crate) fn keep_answers(
        &self,
        step: Hash,
        known: Option<Arc<Answers>>,
        objects: &[Arc<Item>],
        answers: &[Arc<Answer>],
        new: &[usize],
    ) {
        let capacity = lock(&self.steps).capacity();
        if capacity > 0 {
            let known = known.unwrap_or_default();
            let size = known.add(objects, answers, new, capacity);
            let mut steps = lock(&self.steps);
            steps.remove(&step);
            steps.put(step, Arc::new(Kept::Answers(known)), size);
        }
    }

    /// Finds the receipt of a render that read what the tree holds.
    pub(crate) fn receipt(
        &self,
        key: &Hash,
        tree: &dyn Tree,
        scope: &Scope<'_>,
    ) -> Option<Arc<Receipt>> {
        let known = lock(&self.receipts).get(key);
        let found = known
            .into_iter()
            .find(|receipt| receipt.holds(tree, scope))?;
        lock(&self.receipts).put(*key, Arc::clone(&found), found.size());
        Some(found)
    }

    /// Finds the render of a receipt.
    pub(crate) fn render(&self, receipt: &Receipt) -> Option<Arc<Rendered>> {
        lock(&self.renders).get(&receipt.render).into_iter().next()
    }

    /// Remembers a render; `size` is about what it takes in memory, in bytes.
    pub(crate) fn keep_render(&self, key: Hash, receipt: Receipt, render: Rendered, size: usize) {
        lock(&self.renders).put(receipt.render, Arc::new(render), size);
        let size = receipt.size();
        lock(&self.receipts).put(key, Arc::new(receipt), size);
    }

    /// Whether anything is remembered at all.
    pub(crate) fn is_on(&self) -> bool {
        lock(&self.steps).capacity() > 0
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
