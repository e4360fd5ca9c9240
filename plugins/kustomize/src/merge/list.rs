//! Lists whose items merge by their keys.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use windlass_plugin_sdk::Json;

use super::problem::{Problem, Step};
use super::walk::{DIRECTIVE, Outcome, Walk};
use super::{irregular, scalar};
use crate::schema::{Known, MergeKeys};

/// How the items of a list merge.
pub(super) struct Merging<'s> {
    /// The keys that tell the items; none for a set of scalars.
    pub(super) keys: MergeKeys<'s>,
    /// What is known of the items.
    pub(super) items: Option<Known<'s>>,
}

/// What the patch has for a list.
pub(super) enum Items<'p> {
    /// Nothing.
    None,
    /// The list itself, because the patch has added it.
    Same,
    /// Another list.
    Other(&'p mut Vec<Json>),
}

/// Merges the items of a list.
pub(super) fn merge_items<'s>(
    walk: Walk<'s>,
    list: &mut Vec<Json>,
    mut patch: Items<'_>,
    how: &Merging<'s>,
) -> Step<()> {
    if how.keys.is_empty() {
        return merge_scalars(list, patch);
    }
    let changes: &[Json] = match &patch {
        Items::Other(changes) => changes,
        Items::None | Items::Same => &[],
    };
    match Plan::new(list, changes, &how.keys) {
        Some(plan) => plan.run(walk, list, &mut patch, how.items),
        None => irregular::merge_items(walk, list, patch, how),
    }
}

/// How the items of two lists come together when all of them can be told apart.
struct Plan {
    /// For every item of the patch, the item of the list that it changes.
    partners: Vec<Option<usize>>,
    /// Whether more than one key tells the items.
    several_keys: bool,
}

impl Plan {
    /// `None` when the items cannot be told apart: one is no mapping, has a key that others have
    /// not, or the same keys as another.
    fn new(list: &[Json], changes: &[Json], keys: &[&str]) -> Option<Self> {
        let sample = list.first().or(changes.first());
        let used: Vec<&str> = match sample {
            Some(item) => keys
                .iter()
                .copied()
                .filter(|key| item.get(key).is_some())
                .collect(),
            None => Vec::new(),
        };
        if used.is_empty() && sample.is_some() {
            return None;
        }
        let name = |item| identity(item, keys, &used);
        let mut places = HashMap::with_capacity(list.len());
        for (at, item) in list.iter().enumerate() {
            if places.insert(name(item)?, at).is_some() {
                return None;
            }
        }
        let mut partners = Vec::with_capacity(changes.len());
        let mut seen = HashSet::with_capacity(changes.len());
        for item in changes {
            let name = name(item)?;
            partners.push(places.get(&name).copied());
            if !seen.insert(name) {
                return None;
            }
        }
        Some(Self {
            partners,
            several_keys: used.len() > 1,
        })
    }

    fn run<'s>(
        self,
        walk: Walk<'s>,
        list: &mut Vec<Json>,
        patch: &mut Items<'_>,
        known: Option<Known<'s>>,
    ) -> Step<()> {
        let Items::Other(changes) = patch else {
            let same = matches!(patch, Items::Same);
            for item in &mut *list {
                if !same {
                    walk.alone(item, known)?;
                } else if !walk.twin(item, known)? || is_empty(item) {
                    *item = Json::Null;
                }
            }
            list.retain(|item| !item.is_null());
            return Ok(());
        };
        let mut touched = vec![false; list.len()];
        for (change, partner) in changes.iter_mut().zip(&self.partners) {
            let Some((item, touched)) =
                partner.and_then(|at| Some((list.get_mut(at)?, touched.get_mut(at)?)))
            else {
                if !walk.added(change, known)? || is_empty(change) {
                    *change = Json::Null;
                }
                continue;
            };
            *touched = true;
            // An item that `$patch: replace` would replace comes back as it was: kustomize puts the
            // old items over the new ones at the end.
            match walk.pair(item, change, known)? {
                Outcome::Object if is_empty(item) => *item = Json::Null,
                Outcome::Object | Outcome::Patch => {}
                Outcome::Nothing => *item = Json::Null,
            }
        }
        for (item, touched) in list.iter_mut().zip(touched) {
            if !touched {
                walk.alone(item, known)?;
            }
        }
        self.arrange(list, changes);
        Ok(())
    }

    /// Puts the items in kustomize's order. Those that are null are gone.
    fn arrange(&self, list: &mut Vec<Json>, changes: &mut [Json]) {
        let mut merged = Vec::with_capacity(list.len() + changes.len());
        for (change, partner) in changes.iter_mut().zip(&self.partners) {
            match partner.and_then(|at| list.get_mut(at)) {
                // With several keys the items of the object come last, in their own order.
                Some(_) if self.several_keys => {}
                Some(item) => merged.push(item.take()),
                None => merged.push(change.take()),
            }
        }
        merged.append(list);
        merged.retain(|item| !item.is_null());
        *list = merged;
    }
}

/// What tells an item from others: the texts of its keys. `None` when `used` are not exactly the keys
/// that it has, or one is empty or no scalar.
fn identity<'i>(item: &'i Json, keys: &[&str], used: &[&str]) -> Option<Cow<'i, str>> {
    let fields = item.as_object()?;
    let mut identity: Option<Cow<'i, str>> = None;
    for key in keys {
        let value = fields.get(*key);
        if value.is_some() != used.contains(key) {
            return None;
        }
        let Some(value) = value else { continue };
        let text = scalar::text(value);
        if text.is_empty() || value.is_null() {
            return None;
        }
        identity = Some(match identity {
            None => text,
            Some(before) => Cow::Owned(format!("{before}\0{text}")),
        });
    }
    identity
}

pub(super) fn is_empty(value: &Json) -> bool {
    match value {
        Json::Null => true,
        Json::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Merges a set of scalars: those of the patch first, every text once.
fn merge_scalars(list: &mut Vec<Json>, patch: Items<'_>) -> Step<()> {
    let mut places: HashMap<String, usize> = HashMap::with_capacity(list.len());
    let mut merged: Vec<Json> = Vec::with_capacity(list.len());
    let changes = match patch {
        Items::Other(changes) => std::mem::take(changes),
        Items::None | Items::Same => Vec::new(),
    };
    for item in changes.into_iter().chain(list.drain(..)) {
        match item {
            Json::Null => {}
            // Nothing is left of a directive once it is taken out.
            Json::Object(item) if item.keys().all(|key| key == DIRECTIVE) => {}
            Json::Array(_) | Json::Object(_) => {
                return Err(Problem::new(
                    "an item of the list is no scalar, and the list is a set of scalars",
                ));
            }
            item => match places.get(&*scalar::text(&item)) {
                // Equal texts can be of different types; that of the object stays.
                Some(&at) => merged[at] = item,
                None => {
                    places.insert(scalar::text(&item).into_owned(), merged.len());
                    merged.push(item);
                }
            },
        }
    }
    *list = merged;
    Ok(())
}
