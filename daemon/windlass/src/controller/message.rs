//! Everything that can happen to the controller.

use tokio::sync::oneshot;
use windlass_cluster::resources::{Environment, EnvironmentStatus, Repository};
use windlass_cluster::{Observation, ParentEvent, SecretChanged};
use windlass_engine::{Blocked, Failure, Fingerprint, Outcome, Ticket};
use windlass_manifest::ObjectId;
use windlass_source::{Repository as Mirror, Snapshot};

use super::Key;
use super::render::RenderOutcome;
use super::repository::RepositoryError;
use super::status::Detail;
use crate::config::{ConfigError, Found};

/// Whose watch an observation comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TargetId {
    /// The cluster, shared by every environment that applies to it.
    Kubernetes,
    /// The folder of one environment.
    Directory(Key),
}

/// A commit of a repository with the environments found in it.
#[derive(Debug)]
pub(crate) struct Revision {
    pub(crate) repository: Key,
    pub(crate) mirror: Mirror,
    pub(crate) snapshot: Snapshot,
    /// The branch's history was rewritten: the commit before is no ancestor of this one.
    pub(crate) forced: bool,
    pub(crate) found: Result<Vec<Found>, ConfigError>,
}

/// A secret's value changed: the fingerprint that the object is now expected to have.
#[derive(Debug)]
pub(crate) struct Rebound {
    pub(crate) id: ObjectId,
    pub(crate) expected: Option<Fingerprint>,
    pub(crate) blocked: Option<Blocked>,
}

/// One thing that happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// A live object, as a watch brings it.
    Observation(TargetId, Observation),
    /// An `Environment` object appeared, changed or went.
    Environments(ParentEvent<Environment>),
    /// A `Repository` object appeared, changed or went.
    Repositories(ParentEvent<Repository>),
    /// A repository is at a new commit.
    Revision(Box<Revision>),
    /// A fetch ended without a new commit: nothing new, or an error.
    Fetched {
        repository: Key,
        result: Result<String, RepositoryError>,
    },
    /// A render ended.
    Rendered {
        environment: Key,
        outcome: Box<RenderOutcome>,
    },
    /// A command of an environment's state machine was carried out.
    Done {
        environment: Key,
        ticket: Ticket,
        outcome: Outcome,
    },
    /// The `Environment` object was written.
    ParentWritten {
        environment: Key,
        result: Box<Result<Environment, Failure>>,
    },
    /// The `Environment` object's status was written.
    StatusWritten {
        environment: Key,
        result: Result<EnvironmentStatus, Failure>,
    },
    /// The `Environment` object of an environment that is no more was deleted.
    Retired {
        environment: Key,
        result: Result<(), Failure>,
    },
    /// A store holds another value than before.
    SecretChanged {
        repository: Key,
        change: SecretChanged,
    },
    /// The objects that use a changed secret, with their new fingerprints.
    Rebound {
        environment: Key,
        changes: Vec<Rebound>,
    },
    /// Somebody asks for everything about one environment.
    Detail {
        namespace: Option<String>,
        name: String,
        reply: oneshot::Sender<Option<Detail>>,
    },
    /// SIGTERM.
    Stop,
}
