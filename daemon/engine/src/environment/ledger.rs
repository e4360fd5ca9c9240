//! The inventory on the parent: widened before anything is applied, narrowed only when it is
//! certain that nothing is left (KEP-3659).
//!
//! An answer can get lost, so what the parent names is known as two bounds: `sure` is what it
//! names whatever became of the writes, `maybe` what it may name. An object is only applied when
//! its kind and namespace are in `sure`; the inventory is only as narrow as it should be when
//! `maybe` is.

use std::collections::BTreeMap;

use windlass_manifest::{GroupKind, ObjectId};

use super::kinds::Kinds;
use crate::applyset::Inventory;
use crate::{Failure, Ticket, Time};

#[derive(Debug)]
pub(super) struct Ledger {
    sure: Inventory,
    maybe: Inventory,
    /// How many objects of each kind and in each namespace there are to remember.
    kinds: BTreeMap<GroupKind, usize>,
    namespaces: BTreeMap<String, usize>,
    pub(super) flight: Option<(Ticket, Inventory)>,
    pub(super) failure: Option<Failure>,
    pub(super) attempt: u32,
    pub(super) not_before: Time,
    covered: Option<bool>,
    /// Whether there may be something to narrow.
    loose: bool,
}

impl Ledger {
    pub(super) fn new(inventory: Inventory) -> Self {
        Self {
            sure: inventory.clone(),
            maybe: inventory,
            kinds: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            flight: None,
            failure: None,
            attempt: 0,
            not_before: Time::default(),
            covered: None,
            loose: true,
        }
    }

    /// An object has to be remembered from now on.
    pub(super) fn add(&mut self, id: &ObjectId) {
        let mut first = bump(&mut self.kinds, id.group_kind());
        if let Some(namespace) = &id.namespace {
            first |= bump(&mut self.namespaces, namespace.clone());
        }
        if first {
            self.covered = None;
        }
    }

    /// Nothing has to be remembered of an object any more.
    pub(super) fn remove(&mut self, id: &ObjectId) {
        self.loose |= drop_one(&mut self.kinds, &id.group_kind());
        if let Some(namespace) = &id.namespace {
            self.loose |= drop_one(&mut self.namespaces, namespace);
        }
    }

    /// Whether the parent names everything that is there or is going to be.
    pub(super) fn is_covered(&mut self) -> bool {
        *self.covered.get_or_insert_with(|| {
            self.kinds.keys().all(|kind| self.sure.kinds.contains(kind))
                && self
                    .namespaces
                    .keys()
                    .all(|name| self.sure.namespaces.contains(name))
        })
    }

    /// The inventory with which everything is covered, and nothing that may be named is lost.
    pub(super) fn widened(&self) -> Inventory {
        self.needed().union(&self.maybe)
    }

    /// The inventory that is enough, when the parent may name more than that.
    ///
    /// A kind that is not served now may have members when it is served again, so it stays, and
    /// with it the namespaces, whose members nobody can count then.
    pub(super) fn narrowed(&mut self, kinds: &Kinds) -> Option<Inventory> {
        if !self.loose {
            return None;
        }
        let mut enough = self.needed();
        let unseen: Vec<GroupKind> = self
            .maybe
            .kinds
            .iter()
            .filter(|kind| !kinds.is_watched(kind))
            .cloned()
            .collect();
        if !unseen.is_empty() {
            enough
                .namespaces
                .extend(self.maybe.namespaces.iter().cloned());
            enough.kinds.extend(unseen);
        }
        if enough.covers(&self.maybe) {
            self.loose = false;
            return None;
        }
        Some(enough)
    }

    /// Something may have changed that kept the inventory from being narrowed.
    pub(super) fn loosen(&mut self) {
        self.loose = true;
    }

    /// Whether the parent names an object's kind and namespace.
    pub(super) fn sure_of(&self, id: &ObjectId) -> bool {
        self.sure.kinds.contains(&id.group_kind())
            && id
                .namespace
                .as_ref()
                .is_none_or(|name| self.sure.namespaces.contains(name))
    }

    pub(super) fn sent(&mut self, ticket: Ticket, inventory: &Inventory) {
        self.maybe = self.maybe.union(inventory);
        self.sure
            .kinds
            .retain(|kind| inventory.kinds.contains(kind));
        self.sure
            .namespaces
            .retain(|name| inventory.namespaces.contains(name));
        self.covered = None;
        self.flight = Some((ticket, inventory.clone()));
    }

    pub(super) fn written(&mut self) {
        if let Some((_, inventory)) = self.flight.take() {
            self.sure = inventory.clone();
            self.maybe = inventory;
            self.covered = None;
            self.loose = true;
        }
        self.failure = None;
        self.attempt = 0;
    }

    /// The write failed, or its answer was lost: both bounds stay as they are.
    pub(super) fn failed(&mut self, failure: Failure, not_before: Time) {
        self.flight = None;
        self.failure = Some(failure);
        self.not_before = not_before;
        self.loose = true;
    }

    fn needed(&self) -> Inventory {
        Inventory {
            kinds: self.kinds.keys().cloned().collect(),
            namespaces: self.namespaces.keys().cloned().collect(),
        }
    }
}

fn bump<K: Ord>(counts: &mut BTreeMap<K, usize>, key: K) -> bool {
    let count = counts.entry(key).or_default();
    *count += 1;
    *count == 1
}

fn drop_one<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) -> bool {
    match counts.get_mut(key) {
        Some(count) if *count > 1 => {
            *count -= 1;
            false
        }
        Some(_) => counts.remove(key).is_some(),
        None => false,
    }
}
