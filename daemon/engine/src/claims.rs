//! Which environment of this daemon wants which object.
//!
//! Two environments that render the same object would overwrite each other for ever, and an object
//! that moves from one to the other must not be deleted on the way. Both are decided here: the
//! controller owns one [`Claims`] for all environments, updates it at each render and passes it to
//! [`Environment::handle`](crate::Environment::handle).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_manifest::ObjectId;

use crate::applyset::SetId;

/// The claims of all environments of a daemon.
#[derive(Debug, Default)]
pub struct Claims {
    /// Who claims an object, in the order in which they claimed it: the first one owns it.
    claimants: BTreeMap<Arc<ObjectId>, Vec<Arc<SetId>>>,
    sets: BTreeMap<Arc<SetId>, Claimed>,
    generation: u64,
}

#[derive(Debug, Default)]
struct Claimed {
    name: Option<String>,
    rendered: bool,
    ids: BTreeSet<Arc<ObjectId>>,
}

/// An object that another environment has claimed before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimConflict {
    /// The object.
    pub id: ObjectId,
    /// The set that owns it.
    pub owner: SetId,
}

impl Claims {
    /// Makes a book of claims without any.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how messages call a set, for example `environment shop/production`.
    pub fn set_name(&mut self, set: &SetId, name: impl Into<String>) {
        self.sets.entry(Arc::new(set.clone())).or_default().name = Some(name.into());
    }

    /// Replaces all that `set` claims by `ids`, and returns those that others claimed before.
    ///
    /// What it claimed before and does not any more goes to the next claimant. A set that claims
    /// nothing is known by this all the same: its objects may be handed over.
    pub fn claim_all(
        &mut self,
        set: &SetId,
        ids: impl IntoIterator<Item = ObjectId>,
    ) -> Vec<ClaimConflict> {
        let set = Arc::new(set.clone());
        let wanted: BTreeSet<Arc<ObjectId>> = ids.into_iter().map(Arc::new).collect();
        let entry = self.sets.entry(Arc::clone(&set)).or_default();
        let first = !std::mem::replace(&mut entry.rendered, true);
        if !first && entry.ids == wanted {
            return self.conflicts_of(&set);
        }
        self.generation += 1;
        let before = std::mem::take(&mut entry.ids);
        for id in before.difference(&wanted) {
            self.withdraw(&set, id);
        }
        for id in wanted.difference(&before) {
            let claimants = self.claimants.entry(Arc::clone(id)).or_default();
            claimants.push(Arc::clone(&set));
        }
        if let Some(entry) = self.sets.get_mut(&set) {
            entry.ids = wanted;
        }
        self.conflicts_of(&set)
    }

    /// Withdraws all that `set` claims; it stays known, so that others may take its objects over.
    pub fn release(&mut self, set: &SetId) {
        if self.sets.contains_key(set) {
            self.claim_all(set, []);
        }
    }

    /// Forgets `set`: what still carries its label belongs to a stranger from now on.
    pub fn forget(&mut self, set: &SetId) {
        self.release(set);
        if self.sets.remove(set).is_some() {
            self.generation += 1;
        }
    }

    /// Returns the set that owns an object: the first one that claimed it.
    #[must_use]
    pub fn owner(&self, id: &ObjectId) -> Option<&SetId> {
        self.claimants.get(id)?.first().map(AsRef::as_ref)
    }

    /// Returns whether `set` claims `id`, as the owner or behind another.
    #[must_use]
    pub fn claims(&self, set: &SetId, id: &ObjectId) -> bool {
        self.sets
            .get(set)
            .is_some_and(|claimed| claimed.ids.contains(id))
    }

    /// Returns whether `set` is of this daemon and has said what it claims.
    #[must_use]
    pub fn knows(&self, set: &SetId) -> bool {
        self.sets.get(set).is_some_and(|claimed| claimed.rendered)
    }

    /// Returns how messages call a set.
    #[must_use]
    pub fn name<'a>(&'a self, set: &'a SetId) -> &'a str {
        self.sets
            .get(set)
            .and_then(|claimed| claimed.name.as_deref())
            .unwrap_or(set.as_str())
    }

    /// A number that changes with every change of a claim.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    fn withdraw(&mut self, set: &Arc<SetId>, id: &Arc<ObjectId>) {
        if let Some(claimants) = self.claimants.get_mut(id) {
            claimants.retain(|claimant| claimant != set);
            if claimants.is_empty() {
                self.claimants.remove(id);
            }
        }
    }

    fn conflicts_of(&self, set: &SetId) -> Vec<ClaimConflict> {
        let Some(claimed) = self.sets.get(set) else {
            return Vec::new();
        };
        let conflict = |id: &Arc<ObjectId>| {
            let owner = self.owner(id).filter(|owner| *owner != set)?;
            Some(ClaimConflict {
                id: ObjectId::clone(id),
                owner: owner.clone(),
            })
        };
        claimed.ids.iter().filter_map(conflict).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ObjectId {
        ObjectId {
            group: String::new(),
            kind: "ConfigMap".into(),
            namespace: Some("shop".into()),
            name: name.into(),
        }
    }

    fn set(name: &str) -> SetId {
        SetId::of_parent(name, "windlass", "Environment", "windlass.dev")
    }

    #[test]
    fn the_first_claimant_owns_until_it_lets_go() {
        let (a, b) = (set("a"), set("b"));
        let mut claims = Claims::new();
        assert_eq!(claims.claim_all(&a, [id("x"), id("y")]), []);
        let conflicts = claims.claim_all(&b, [id("x"), id("z")]);
        assert_eq!(conflicts.len(), 1, "x is claimed twice");
        assert_eq!(conflicts.first().map(|c| &c.owner), Some(&a));
        assert_eq!(claims.owner(&id("x")), Some(&a));
        assert_eq!(claims.claim_all(&a, [id("y")]), []);
        assert_eq!(
            claims.owner(&id("x")),
            Some(&b),
            "a let go of x, b was next"
        );
        assert_eq!(claims.owner(&id("z")), Some(&b));
    }

    #[test]
    fn a_released_set_is_known_and_a_forgotten_one_is_not() {
        let a = set("a");
        let mut claims = Claims::new();
        claims.set_name(&a, "environment a");
        assert!(!claims.knows(&a), "it has not said what it claims");
        claims.claim_all(&a, [id("x")]);
        claims.release(&a);
        assert!(claims.knows(&a));
        assert_eq!(claims.owner(&id("x")), None);
        assert_eq!(claims.name(&a), "environment a");
        claims.forget(&a);
        assert!(!claims.knows(&a));
    }

    #[test]
    fn the_generation_tells_changes_from_repetitions() {
        let a = set("a");
        let mut claims = Claims::new();
        claims.claim_all(&a, [id("x")]);
        let generation = claims.generation();
        claims.claim_all(&a, [id("x")]);
        assert_eq!(claims.generation(), generation, "nothing changed");
        claims.claim_all(&a, []);
        assert_ne!(claims.generation(), generation);
    }
}
