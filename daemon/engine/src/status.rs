//! What an environment says of itself: a value that the controller turns into conditions.

use windlass_manifest::{ObjectId, Origin};

use crate::health::{Assessment, Health};

/// How many entries a list in a [`Status`] holds; counts are always of everything.
pub const LISTED: usize = 100;

/// What the environment is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// There is no render yet, or the cluster has not been seen yet.
    Pending,
    /// A dependency is not ready, or a person suspended the environment.
    Held,
    /// Objects are being applied.
    Applying,
    /// Objects that left Git are being deleted.
    Pruning,
    /// Everything is applied; not everything is healthy yet.
    Waiting,
    /// Everything is applied and healthy.
    Ready,
    /// Something could not be applied, or did not become healthy.
    Failed,
    /// The newest revision could not be rendered.
    RenderFailed,
    /// A prune waits for a person.
    PruneRefused,
}

/// The state of an environment at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// What it is doing.
    pub phase: Phase,
    /// The newest revision, rendered or not.
    pub attempted: Option<String>,
    /// The newest revision of which every object was applied.
    pub applied: Option<String>,
    /// Whether everything is applied, pruned and healthy at the newest revision.
    pub ready: bool,
    /// Whether the environment is on its way and nobody has to do anything.
    pub reconciling: bool,
    /// Why it does not get further by itself, when it does not.
    pub stalled: Option<Stall>,
    /// Whether every object that was applied is healthy.
    pub healthy: bool,
    /// Applied objects that are not healthy.
    pub unhealthy: Vec<UnhealthyObject>,
    /// Objects that differ from what was applied, and are not being corrected at this moment.
    pub drifted: Vec<ObjectId>,
    /// Objects that somebody changes again as often as we correct them.
    pub fights: Vec<Fight>,
    /// How many objects there are.
    pub objects: Counts,
    /// What could not be applied or deleted.
    pub failures: Vec<ObjectFailure>,
    /// The prune that waits for a person.
    pub refusal: Option<PruneRefusal>,
    /// One sentence for a printer column.
    pub message: String,
    /// Corrections of drift by this process.
    pub corrections: u64,
    /// Objects that were pruned by this process.
    pub pruned: u64,
}

/// Why an environment does not get further by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stall {
    /// The code of the page that explains it.
    pub code: &'static str,
    /// What stalls, for a person to read.
    pub message: String,
}

/// An applied object that is not healthy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnhealthyObject {
    /// The object.
    pub id: ObjectId,
    /// Its health.
    pub health: Health,
    /// Why.
    pub message: String,
    /// Whether it is so for longer than the environment's timeout, or does not get better by
    /// waiting.
    pub stuck: bool,
}

/// An object that another writer changes as often as we correct it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fight {
    /// The object.
    pub id: ObjectId,
    /// The other field manager, where the object tells.
    pub manager: Option<String>,
}

/// How many objects an environment has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Desired objects.
    pub total: usize,
    /// Of these: applied and healthy.
    pub ready: usize,
    /// Of these: applied.
    pub applied: usize,
    /// Objects that could not be applied or deleted.
    pub failed: usize,
    /// Of the desired: waiting for something that is not there, a kind or a secret for example.
    pub waiting: usize,
    /// Of the desired: different from what was applied.
    pub drifted: usize,
    /// Members that are not desired any more: being deleted, or kept.
    pub extra: usize,
}

/// An object that could not be applied or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectFailure {
    /// The object; the environment itself where its inventory could not be written.
    pub id: Option<ObjectId>,
    /// Where it was rendered from; nothing for one that left Git.
    pub origin: Option<Origin>,
    /// The code of the page that explains it.
    pub code: &'static str,
    /// What went wrong.
    pub message: String,
}

/// A prune that is not begun without a person's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PruneRefusal {
    /// Names exactly these objects in exactly these incarnations. A confirmation repeats it.
    pub digest: String,
    /// The objects that would be deleted, sorted; the first [`LISTED`].
    pub objects: Vec<ObjectId>,
    /// How many objects would be deleted.
    pub count: usize,
    /// How many members the environment has.
    pub of: usize,
    /// Why it is refused, and what to do.
    pub why: String,
}

/// What is being done with one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectState {
    /// It will be applied when this has come.
    Waiting(String),
    /// It is about to be applied or being applied.
    Applying,
    /// It is as it is wanted.
    InSync,
    /// It could not be applied or deleted; it is tried again.
    Failed {
        /// The code of the page that explains it.
        code: &'static str,
        /// What went wrong.
        message: String,
    },
    /// It differs from what was applied.
    Drifted(String),
    /// It left Git and is being deleted.
    Pruning(String),
    /// It left Git and stays, and why.
    Kept(String),
}

/// One object of an environment, for people to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectView<'e> {
    /// The object.
    pub id: &'e ObjectId,
    /// Where it was rendered from; nothing for one that left Git.
    pub origin: Option<&'e Origin>,
    /// What is being done with it.
    pub state: ObjectState,
    /// How well it is.
    pub health: Assessment,
    /// The incarnation that was seen.
    pub uid: Option<&'e str>,
}
