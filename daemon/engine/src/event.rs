//! What an environment hears and what it asks for.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use windlass_manifest::{GroupKind, ObjectId};

use crate::applyset::Inventory;
use crate::{Blocked, Desired, Fingerprint, Live, Options, Time};

/// Something that happened. The driver hands events over in the order in which they happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A revision was rendered, and no validator objects: this is what is wanted from now on.
    ///
    /// A revision other than the one before closes the prune gate; the driver opens it again with
    /// [`Event::PruneGate`].
    Rendered {
        /// The commit.
        revision: String,
        /// Everything that is wanted, without duplicates ([`desired_set`](crate::desired_set)).
        objects: Vec<Desired>,
        /// How to sync.
        options: Options,
    },
    /// A revision could not be rendered: the last render stays in force.
    RenderFailed {
        /// The commit.
        revision: String,
        /// The code of the page that explains the error.
        code: &'static str,
        /// What went wrong, for a person to read.
        message: String,
    },
    /// The value of a secret of one object changed, appeared or went away.
    Rebound {
        /// The object.
        id: ObjectId,
        /// What the body claims with the new value; `None` while one is missing.
        expected: Option<Fingerprint>,
        /// What is missing.
        blocked: Option<Blocked>,
    },
    /// An object was seen: one that carries this environment's set, or one that it desires.
    Observed(Live),
    /// An object is gone, or has lost its label of membership.
    Vanished {
        /// The object.
        id: ObjectId,
        /// The incarnation that is gone; any when it is not known.
        uid: Option<String>,
    },
    /// The watch on a kind has delivered all there was.
    Listed(GroupKind),
    /// The API server has begun to serve a kind.
    KindServed(GroupKind),
    /// The API server does not serve a kind.
    KindMissing(GroupKind),
    /// The watch on a kind fails. What was seen stays in force; [`Event::Listed`] ends it.
    KindUnwatched {
        /// The kind.
        kind: GroupKind,
        /// Why.
        failure: Failure,
    },
    /// Whether every environment of the repository has been rendered at this revision, so that an
    /// object that moved between two of them is known not to have left.
    PruneGate(bool),
    /// The environment waits for another or is suspended, and why; `None` lifts it.
    Hold(Option<String>),
    /// A person confirmed the refused prune with this digest.
    Confirmed {
        /// The digest of the refusal.
        digest: String,
    },
    /// A person asked for a sync now: waits end, and reported drift is corrected.
    Resync,
    /// A command was carried out, or was not.
    Done {
        /// The command's ticket.
        ticket: Ticket,
        /// How it ended.
        outcome: Outcome,
    },
    /// Time has passed; sent at the moment that [`Command::WakeAt`] asked for. Early or
    /// superfluous ones do no harm.
    Tick,
}

/// A request of the environment to its driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Watch these kinds as well, and tell all that is known of them. Idempotent.
    Watch(BTreeSet<GroupKind>),
    /// Write the inventory on the parent object, replacing what it says.
    WriteParent {
        /// To answer with.
        ticket: Ticket,
        /// All that the parent has to name.
        inventory: Inventory,
    },
    /// Apply an object.
    Apply {
        /// To answer with.
        ticket: Ticket,
        /// The object.
        object: Arc<Desired>,
        /// Whether to take fields that others own.
        force: bool,
        /// Whether the object is known to exist.
        exists: bool,
    },
    /// Delete an object, if it is still exactly the one that was seen.
    Delete {
        /// To answer with.
        ticket: Ticket,
        /// The object.
        id: ObjectId,
        /// Precondition: this incarnation.
        uid: String,
        /// Precondition: this version.
        resource_version: String,
        /// Why, for the log and the event.
        reason: String,
    },
    /// Send [`Event::Tick`] at this moment. Replaces what was asked for before.
    WakeAt(Time),
}

/// Ties an [`Event::Done`] to its command; never used twice by one machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "an outcome is handed over once and taken apart at once"
)]
pub enum Outcome {
    /// The parent was written.
    Written,
    /// The object was applied, and this is what it is now.
    Applied(Live),
    /// The deletion was accepted, or there was nothing to delete any more.
    Deleted,
    /// It was not done, or nobody knows whether it was.
    Failed(Failure),
}

/// Why a request failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What to do about it.
    pub class: FailureClass,
    /// The code of the page that explains it.
    pub code: &'static str,
    /// The API server's or our own words, for a person to read.
    pub message: String,
}

/// Kinds of failures, by what is to be done about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FailureClass {
    /// It passes by itself. The request may have been carried out all the same.
    Transient {
        /// How long the API server asked to wait.
        retry_after: Option<Duration>,
    },
    /// The API server refuses the content.
    Rejected,
    /// The API server refuses the right.
    Forbidden,
    /// Other managers own fields of the object.
    Conflict {
        /// Who.
        managers: Vec<String>,
    },
    /// The API server does not know the kind.
    KindMissing,
    /// The object's namespace is not there.
    NamespaceMissing,
    /// A secret that the body refers to is not there.
    SecretMissing,
    /// The object has changed since it was seen.
    Stale,
}

impl FailureClass {
    /// Whether waiting a little is likely to be enough.
    pub(crate) fn is_brief(&self) -> bool {
        match self {
            Self::Transient { .. } | Self::KindMissing | Self::NamespaceMissing | Self::Stale => {
                true
            }
            Self::Rejected | Self::Forbidden | Self::Conflict { .. } | Self::SecretMissing => false,
        }
    }
}

impl fmt::Display for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
