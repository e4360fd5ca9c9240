//! What is remembered of one object.

use std::collections::BTreeSet;
use std::sync::Arc;

use windlass_manifest::ObjectId;
use windlass_manifest::rank::{Rank, rank_of};

use super::fight::Fighting;
use super::prune::Fate;
use crate::applyset::SetId;
use crate::health::{Assessment, Health};
use crate::live::compare_versions;
use crate::{Desired, Failure, Fingerprint, Live, Ticket, Time};

/// An object's identity, shared by all the queues that hold it.
pub(super) type Key = Arc<ObjectId>;

/// Objects in the order in which they are listed everywhere.
pub(super) type Keys = BTreeSet<Key>;

/// One object: what is wanted of it, what was seen of it, what is being done about the two.
///
/// There is an entry for each desired object, each live member, and each object with a request
/// whose effect is not known yet; so the entries' kinds are what the inventory has to name.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) rank: Rank,
    pub(super) desired: Option<Arc<Desired>>,
    pub(super) seen: Option<Box<Seen>>,
    pub(super) standing: Standing,
    pub(super) flight: Option<Flight>,
    /// What the API server made of what we sent last: defaulting and normalising may give other
    /// owned fields than the body claims, and that is not drift.
    pub(super) accepted: Option<Accepted>,
    /// The expectation that this object has met once; a difference after that is drift.
    pub(super) reached: Option<Fingerprint>,
    pub(super) trouble: Option<Box<Trouble>>,
    pub(super) fighting: Option<Box<Fighting>>,
    /// The incarnation that vanished while a request was on its way.
    pub(super) vanished: Option<Vanished>,
    /// The incarnation whose deletion was accepted.
    pub(super) deleted: Option<Arc<str>>,
    /// What prune makes of it, when it is not desired.
    pub(super) fate: Option<Fate>,
    /// Whether it is counted as a member.
    pub(super) counted: bool,
    /// Since when it is applied and not healthy.
    pub(super) unwell_since: Option<Time>,
    /// An apply of it may still be carried out though nobody wants it any more.
    pub(super) doubtful: bool,
}

/// What was seen of a live object.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) uid: Arc<str>,
    pub(super) version: Arc<str>,
    pub(super) holder: Holder,
    pub(super) owned: Option<Fingerprint>,
    pub(super) health: Assessment,
    pub(super) deleting: bool,
    pub(super) finalizers: Box<[String]>,
    pub(super) keep: bool,
    pub(super) other_manager: Option<Box<str>>,
    /// Known from the answer to our own request, or from a watch that has ended: what the watch
    /// tells may still be older.
    pub(super) ahead: bool,
}

/// Whose member an object says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Holder {
    Nobody,
    Us,
    Other(Arc<SetId>),
}

/// Where an object stands, compared with what is wanted of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Standing {
    /// Nothing is wanted of it.
    Unwanted,
    /// Its kind has not been listed.
    Unlisted,
    /// To be applied when its rank's turn comes.
    Queued,
    /// A request for it is on its way.
    InFlight,
    /// As wanted.
    InSync,
    /// It was as wanted and is not any more, and that is only reported.
    Drifted,
    /// The same, and corrected later, because somebody changes it back each time.
    Fought,
    /// The API server does not serve its kind.
    KindMissing,
    /// Its old incarnation is on its way out.
    Terminating,
    /// A secret that it needs is not there.
    Blocked,
    /// Another set holds or claims it.
    Contested,
    /// It could not be applied, and is tried again later.
    Failed,
}

impl Standing {
    /// Whether the ranks after this object's may begin.
    pub(super) fn is_settled(self) -> bool {
        !matches!(self, Self::Unlisted | Self::Queued | Self::InFlight)
    }

    /// Whether the object was applied as it is wanted now.
    pub(super) fn is_applied(self) -> bool {
        matches!(self, Self::InSync | Self::Drifted | Self::Fought)
    }
}

#[derive(Debug, Clone)]
pub(super) enum Flight {
    Apply {
        ticket: Ticket,
        expected: Option<Fingerprint>,
    },
    Delete {
        ticket: Ticket,
        uid: Arc<str>,
        version: Arc<str>,
    },
}

impl Flight {
    pub(super) fn ticket(&self) -> Ticket {
        match self {
            Self::Apply { ticket, .. } | Self::Delete { ticket, .. } => *ticket,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    pub(super) expected: Option<Fingerprint>,
    pub(super) owned: Option<Fingerprint>,
}

/// A failure that stands, and when to try again.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) failure: Failure,
    pub(super) attempt: u32,
    pub(super) not_before: Time,
    /// The version that was too old; a newer one ends the wait.
    pub(super) stale: Option<Arc<str>>,
}

#[derive(Debug)]
pub(super) enum Vanished {
    Incarnation(Box<str>),
    Any,
}

impl Entry {
    pub(super) fn new(id: &ObjectId) -> Self {
        Self {
            rank: rank_of(&id.group_kind()),
            desired: None,
            seen: None,
            standing: Standing::Unwanted,
            flight: None,
            accepted: None,
            reached: None,
            trouble: None,
            fighting: None,
            vanished: None,
            deleted: None,
            fate: None,
            counted: false,
            unwell_since: None,
            doubtful: false,
        }
    }

    /// The fingerprint that the live object has to have.
    pub(super) fn expected(&self) -> Option<Fingerprint> {
        self.desired.as_ref().and_then(|desired| desired.expected)
    }

    /// Whether the live object is ours and as wanted: its owned fields are what the body claims,
    /// or what the API server made of the very same claim.
    pub(super) fn is_in_sync(&self) -> bool {
        let (Some(expected), Some(seen)) = (self.expected(), &self.seen) else {
            return false;
        };
        let as_accepted = self.accepted.is_some_and(|accepted| {
            accepted.expected == Some(expected) && accepted.owned == seen.owned
        });
        seen.holder == Holder::Us && (seen.owned == Some(expected) || as_accepted)
    }

    /// Whether the object is a member of our set: it has our label, and we applied it. A label
    /// alone does not count: operators copy labels onto what they make.
    pub(super) fn is_member(&self) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|seen| seen.holder == Holder::Us && seen.owned.is_some())
    }

    /// Whether there is a reason to remember the object.
    pub(super) fn is_needed(&self) -> bool {
        self.desired.is_some() || self.is_member() || self.flight.is_some() || self.doubtful
    }

    /// Whether the object's deletion has begun, as far as we know.
    pub(super) fn is_leaving(&self) -> bool {
        self.seen
            .as_ref()
            .is_some_and(|seen| seen.deleting || self.deleted.as_ref() == Some(&seen.uid))
    }

    pub(super) fn health(&self) -> Health {
        self.seen
            .as_ref()
            .map_or(Health::Missing, |seen| seen.health.health)
    }
}

impl Seen {
    pub(super) fn of(live: Live, ours: &SetId) -> Self {
        Self {
            uid: live.uid.into(),
            version: live.resource_version.into(),
            holder: match live.part_of {
                None => Holder::Nobody,
                Some(set) if set == ours.as_str() => Holder::Us,
                Some(set) => Holder::Other(Arc::new(SetId::from_label(set))),
            },
            owned: live.owned,
            health: live.health,
            deleting: live.deleting,
            finalizers: live.finalizers.into(),
            keep: live.keep,
            other_manager: live.other_manager.map(Into::into),
            ahead: false,
        }
    }

    /// Whether a live object is certainly an older view than this one.
    pub(super) fn is_newer_than(&self, version: &str) -> bool {
        compare_versions(version, &self.version).is_some_and(std::cmp::Ordering::is_lt)
    }

    /// Whether another view of the object decides nothing else than this one.
    pub(super) fn says_the_same_as(&self, other: &Seen) -> bool {
        self.uid == other.uid
            && self.holder == other.holder
            && self.owned == other.owned
            && self.health.health == other.health.health
            && self.deleting == other.deleting
            && self.keep == other.keep
    }
}
