//! What the controller holds of one environment, beside its state machine.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use windlass_cluster::Target;
use windlass_cluster::resources::{EnvironmentSpec, EnvironmentStatus};
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::{Environment as Machine, Ticket, Time};
use windlass_manifest::{GroupKind, ObjectId};

use super::Key;
use super::render::DEFAULT_NAMESPACE;
use super::status::FindingView;
use crate::config::ConfigError;

/// One environment.
pub(crate) struct EnvironmentState {
    pub(crate) key: Key,
    pub(crate) set: SetId,
    /// The repository that it comes from.
    pub(crate) repository: Key,
    /// Its folder in the repository's tree.
    pub(crate) folder: String,
    /// What Git (or the cluster, for one made there) says of it.
    pub(crate) spec: Result<Arc<EnvironmentSpec>, ConfigError>,
    pub(crate) machine: Machine,
    /// Where its objects go; `None` until the first render.
    pub(crate) target: Option<Target>,
    /// Kinds that the machine asked to be watched while there was no target.
    pub(crate) unwatched: BTreeSet<GroupKind>,
    pub(crate) parent: Parent,
    pub(crate) render: RenderState,
    pub(crate) status: StatusState,
    /// What a person sets on the object in the cluster.
    pub(crate) wishes: Wishes,
    /// The reason the machine was last told to hold, so that it is told changes only.
    pub(crate) hold: Option<String>,
    /// The ids of the render in force by kind, to look up owners when a kind's list arrives.
    pub(crate) wanted: BTreeMap<GroupKind, Vec<ObjectId>>,
    /// Its folder left Git; the objects stay until a person decides.
    pub(crate) removed: bool,
    /// The digest of the prune that `onRemove: prune` has confirmed.
    pub(crate) confirmed: Option<String>,
    /// Nothing is left of it, and its object is being deleted.
    pub(crate) retiring: bool,
}

impl EnvironmentState {
    /// The namespace of objects that name none.
    pub(crate) fn default_namespace(&self) -> String {
        let named = self
            .spec
            .as_ref()
            .ok()
            .and_then(|spec| spec.namespace.clone());
        named.unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned())
    }
}

/// The `Environment` object in the cluster.
#[derive(Debug, Default)]
pub(crate) struct Parent {
    /// It is known to exist.
    pub(crate) exists: bool,
    /// `metadata.generation`, for `observedGeneration`.
    pub(crate) generation: Option<i64>,
    /// The fields that Git speaks of, as last written or read, in canonical JSON.
    pub(crate) written: Option<String>,
    /// A write is under way.
    pub(crate) writing: bool,
    /// Writes that wait for it, in order.
    pub(crate) next: VecDeque<(Inventory, Option<Ticket>)>,
    /// It was made in the cluster, with `spec.source`; its spec is not ours to write.
    pub(crate) made_in_cluster: bool,
}

/// How far rendering is.
#[derive(Debug, Default)]
pub(crate) struct RenderState {
    /// A render is under way.
    pub(crate) running: bool,
    /// Something changed meanwhile; render again when it ends.
    pub(crate) again: bool,
    /// The digest of the objects in force.
    pub(crate) digest: Option<String>,
    /// The commit of the render in force.
    pub(crate) revision: Option<String>,
    /// Why what was rendered may not be applied at all.
    pub(crate) refused: Option<(&'static str, String)>,
    /// That may pass, so it is tried again.
    pub(crate) refused_for_now: bool,
    /// What the last render said, if it failed.
    pub(crate) error: Option<(&'static str, String)>,
    pub(crate) findings: Vec<FindingView>,
    /// When the render in force became known; taken when it has been applied in full.
    pub(crate) since: Option<Time>,
}

/// How far the status in the cluster is behind.
#[derive(Debug, Default)]
pub(crate) struct StatusState {
    /// What the cluster holds.
    pub(crate) written: Option<EnvironmentStatus>,
    /// A write is under way.
    pub(crate) writing: bool,
    /// When the last write was made.
    pub(crate) at: Option<Time>,
    /// Failed writes in a row.
    pub(crate) failures: u32,
    /// Ready was true when it was last looked at.
    pub(crate) ready: bool,
    /// Whether people were told last that it is Ready, or that it is not; `None` when they are to be told anew.
    pub(crate) announced: Option<bool>,
    /// This process has found out how the environment is; until then what the status says stays.
    pub(crate) settled: bool,
    /// A commit with the content of another one, under whose name people know it.
    pub(crate) same_content: Option<(String, String)>,
    pub(crate) corrections: u64,
}

impl StatusState {
    /// The commit at which the content of a revision last changed, as far as that is known.
    pub(crate) fn shown(&self, revision: Option<&String>) -> Option<String> {
        match (&self.same_content, revision) {
            (Some((head, content)), Some(revision)) if head == revision => Some(content.clone()),
            (_, revision) => revision.cloned(),
        }
    }
}

/// What a person writes on the `Environment` object, beside what Git says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) suspend: bool,
    pub(crate) pin: Option<String>,
    pub(crate) confirm_prune: Option<String>,
    /// The value of the annotation that asks for a sync.
    pub(crate) sync_requested: Option<String>,
}
