//! The objects of an environment, one by one, for people to look at.

use std::sync::Arc;

use windlass_manifest::{GroupKind, ObjectId};

use super::Environment;
use super::entry::{Entry, Key, Seen, Standing};
use super::prune::Fate;
use crate::Desired;
use crate::applyset::Inventory;
use crate::health::{Assessment, Health};
use crate::status::{ObjectState, ObjectView};

impl Environment {
    /// The inventory that covers every member and every object on its way.
    ///
    /// For a driver who writes the parent for reasons of its own: written with less, the parent
    /// would lose track of objects.
    #[must_use]
    pub fn inventory(&self) -> Inventory {
        self.ledger.widened()
    }

    /// Says whether anything was asked of the cluster but to look.
    ///
    /// Until then a machine that was made after a restart is finding out how things are, and what
    /// the parent's status says is the best that is known.
    #[must_use]
    pub fn has_acted(&self) -> bool {
        self.last_ticket > 0
    }

    /// Says whether the object is desired, a member, or has a request on its way.
    #[must_use]
    pub fn knows(&self, id: &ObjectId) -> bool {
        self.entries.contains_key(id)
    }

    /// Says whether the kind matters to the environment.
    #[must_use]
    pub fn concerns(&self, kind: &GroupKind) -> bool {
        self.kinds.get(kind).is_some()
    }

    /// The objects that are wanted, sorted by identity.
    pub fn desired(&self) -> impl Iterator<Item = &Arc<Desired>> {
        self.entries
            .values()
            .filter_map(|entry| entry.desired.as_ref())
    }

    /// Lists the desired objects and the members that are not desired, sorted by identity.
    pub fn objects(&self) -> impl Iterator<Item = ObjectView<'_>> {
        self.entries
            .iter()
            .filter(|(_, entry)| entry.desired.is_some() || entry.is_member())
            .map(|(key, entry)| ObjectView {
                id: key,
                origin: entry.desired.as_ref().map(|desired| &desired.origin),
                state: self.state(key, entry),
                health: entry.seen.as_ref().map_or_else(
                    || Assessment::new(Health::Missing, "it is not in the cluster"),
                    |seen| seen.health.clone(),
                ),
                uid: entry.seen.as_ref().map(|seen| &*seen.uid),
            })
    }

    fn state(&self, key: &Key, entry: &Entry) -> ObjectState {
        if let Some(trouble) = &entry.trouble {
            return ObjectState::Failed {
                code: trouble.failure.code,
                message: trouble.failure.message.clone(),
            };
        }
        let waiting = |text: &str| ObjectState::Waiting(text.to_owned());
        match entry.standing {
            Standing::Unwanted => extra(entry),
            Standing::Unlisted => waiting("its kind has not been listed yet"),
            Standing::Queued => match &self.hold {
                Some(reason) => ObjectState::Waiting(reason.clone()),
                None if !self.ledger.sure_of(key) => {
                    waiting("the inventory has to name its kind and namespace first")
                }
                None => waiting("for its turn"),
            },
            Standing::InFlight => ObjectState::Applying,
            Standing::InSync => ObjectState::InSync,
            Standing::Drifted => ObjectState::Drifted(changed_by(entry)),
            Standing::Fought => ObjectState::Drifted(format!(
                "{}; it is corrected more slowly because this happens again and again",
                changed_by(entry)
            )),
            Standing::KindMissing => ObjectState::Waiting(format!(
                "for the kind {}, which the API server does not serve",
                key.group_kind()
            )),
            Standing::Terminating => ObjectState::Waiting(format!(
                "for its old incarnation to be gone{}",
                held_up_by(entry.seen.as_deref())
            )),
            Standing::Blocked => {
                let (code, message) = blocked(entry);
                ObjectState::Failed { code, message }
            }
            Standing::Contested => waiting("for another environment to give it up"),
            Standing::Failed => waiting("to be tried again"),
        }
    }
}

fn extra(entry: &Entry) -> ObjectState {
    match &entry.fate {
        Some(Fate::Kept(why)) => ObjectState::Kept(why.clone()),
        Some(Fate::Leaving) => {
            ObjectState::Pruning(format!("deleted{}", held_up_by(entry.seen.as_deref())))
        }
        Some(Fate::Delete) | None => ObjectState::Pruning("it left Git".to_owned()),
    }
}

fn held_up_by(seen: Option<&Seen>) -> String {
    match seen.map(|seen| &*seen.finalizers) {
        Some(names) if !names.is_empty() => format!(", held up by {}", names.join(", ")),
        _ => String::new(),
    }
}

fn changed_by(entry: &Entry) -> String {
    match &entry.seen {
        None => "it was deleted".to_owned(),
        Some(seen) => match &seen.other_manager {
            Some(manager) => format!("it was changed, last by {manager}"),
            None => "it was changed".to_owned(),
        },
    }
}

/// Why a desired object cannot be sent.
pub(super) fn blocked(entry: &Entry) -> (&'static str, String) {
    match entry
        .desired
        .as_ref()
        .and_then(|desired| desired.blocked.clone())
    {
        Some(blocked) => (blocked.code, blocked.message),
        None => {
            let secrets = entry.desired.iter().flat_map(|desired| &desired.secrets);
            let names: Vec<String> = secrets
                .map(|s| format!("{}/{}/{}", s.store, s.name, s.key))
                .collect();
            (
                "WL0616",
                format!("a secret that it needs is not there: {}", names.join(", ")),
            )
        }
    }
}
