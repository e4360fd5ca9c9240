//! Merging lists whose items cannot be told apart by their merge keys.
//!
//! Items without a key, several items with the same keys, and ports of which only some name their
//! protocol: kustomize drops some items of such lists, depending on their order. There is no rule to
//! be stated shorter than its steps, so these are done one by one, on references to the items.

use std::collections::HashSet;

use windlass_plugin_sdk::Json;

use super::list::{Items, Merging, is_empty};
use super::problem::{Problem, Step};
use super::scalar::text;
use super::walk::{Outcome, Walk};

/// How many items such a list may have. The steps are quadratic, and a real list has a dozen.
const MAX_ITEMS: usize = 1000;

/// An item, by the list that holds it and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ref {
    Object(usize),
    Patch(usize),
}

/// The items of both lists; references stay valid, whatever happens to the lists.
struct Pool<'p> {
    object: Vec<Json>,
    patch: &'p mut [Json],
}

/// The keys and values that items are looked up by.
type Criteria<'k> = (Vec<&'k str>, Vec<String>);

/// Merges the items of such a list.
pub(super) fn merge_items<'s>(
    walk: Walk<'s>,
    list: &mut Vec<Json>,
    patch: Items<'_>,
    how: &Merging<'s>,
) -> Step<()> {
    let same = matches!(patch, Items::Same);
    let changes = match patch {
        Items::Other(changes) => &mut changes[..],
        Items::None | Items::Same => &mut [],
    };
    if list.len() + changes.len() > MAX_ITEMS {
        return Err(Problem::new(format_args!(
            "the list has more than {MAX_ITEMS} items, and some of them cannot be told apart by {}",
            how.keys.join(" and ")
        )));
    }
    let mut pool = Pool {
        object: std::mem::take(list),
        patch: changes,
    };
    let mut old: Vec<Ref> = (0..pool.object.len()).map(Ref::Object).collect();
    let new: Vec<Ref> = (0..pool.patch.len()).map(Ref::Patch).collect();

    let mut tuples = pool.key_values(new.iter().chain(&old), &how.keys);
    if how.keys.len() > 1 {
        unite(&mut tuples);
    }
    let mut merged: Vec<Ref> = Vec::new();
    let mut keys = Vec::new();
    for values in &tuples {
        let (used, values) = project(&tuples, values, &how.keys);
        keys = used;
        let (narrow, wanted) = project(std::slice::from_ref(&values), &values, &keys);
        let item = pool.find(&old, &narrow, &wanted);
        let change = if same {
            item
        } else {
            pool.find(&new, &narrow, &wanted)
        };
        match pool.merge(walk, item, change, how)? {
            Some(result) => {
                pool.complete(result, &keys, &values);
                pool.set(&mut merged, Some(result), &keys, &values)?;
            }
            None => pool.set(&mut old, None, &keys, &values)?,
        }
    }
    if !tuples.is_empty() {
        for item in old {
            pool.append(&mut merged, item, &keys)?;
        }
        old = merged;
    }
    *list = old.into_iter().map(|item| pool.get(item).clone()).collect();
    Ok(())
}

impl Pool<'_> {
    fn get(&self, item: Ref) -> &Json {
        let found = match item {
            Ref::Object(at) => self.object.get(at),
            Ref::Patch(at) => self.patch.get(at),
        };
        found.unwrap_or(&Json::Null)
    }

    /// The values of the keys of all items, every combination once. What has no value is empty.
    fn key_values<'r>(
        &self,
        items: impl Iterator<Item = &'r Ref>,
        keys: &[&str],
    ) -> Vec<Vec<String>> {
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for item in items {
            let item = self.get(*item);
            let values: Vec<String> = keys
                .iter()
                .map(|key| match item.get(key) {
                    None | Some(Json::Null) => String::new(),
                    Some(value) => text(value).into_owned(),
                })
                .collect();
            if seen.insert(values.clone()) {
                found.push(values);
            }
        }
        found
    }

    /// The first item that has the keys with exactly these values.
    fn find(&self, items: &[Ref], keys: &[&str], values: &[String]) -> Option<Ref> {
        let fits = |item: &Json| {
            keys.iter()
                .zip(values)
                .all(|(key, wanted)| item.get(key).is_some_and(|value| text(value) == **wanted))
        };
        items
            .iter()
            .copied()
            .find(|item| self.get(*item).is_object() && fits(self.get(*item)))
    }

    /// Merges two items; `None` when nothing is left of them.
    fn merge<'s>(
        &mut self,
        walk: Walk<'s>,
        item: Option<Ref>,
        change: Option<Ref>,
        how: &Merging<'s>,
    ) -> Step<Option<Ref>> {
        let known = how.items;
        let result = match (item, change) {
            (None, None) => None,
            (Some(Ref::Object(at)), Some(Ref::Patch(with))) => {
                // The item of the patch may be wanted again for another item of the object.
                let mut change = self.get(Ref::Patch(with)).clone();
                let item = self.object.get_mut(at);
                let outcome = item.map_or(Ok(Outcome::Nothing), |item| {
                    walk.pair(item, &mut change, known)
                });
                match outcome? {
                    Outcome::Object => Some(Ref::Object(at)),
                    Outcome::Patch => {
                        if let Some(place) = self.patch.get_mut(with) {
                            *place = change;
                        }
                        Some(Ref::Patch(with))
                    }
                    Outcome::Nothing => None,
                }
            }
            (Some(one), other) => {
                let value = match one {
                    Ref::Object(at) => self.object.get_mut(at),
                    Ref::Patch(at) => self.patch.get_mut(at),
                };
                let stays = match (value, other) {
                    (None, _) => false,
                    (Some(value), Some(_)) => walk.twin(value, known)?,
                    (Some(value), None) => {
                        walk.alone(value, known)?;
                        true
                    }
                };
                stays.then_some(one)
            }
            (None, Some(change)) => {
                let value = match change {
                    Ref::Object(at) => self.object.get_mut(at),
                    Ref::Patch(at) => self.patch.get_mut(at),
                };
                let stays = value.map_or(Ok(false), |value| walk.added(value, known))?;
                stays.then_some(change)
            }
        };
        Ok(result.filter(|result| !is_empty(self.get(*result))))
    }

    /// Gives an item the keys that it was found by.
    fn complete(&mut self, item: Ref, keys: &[&str], values: &[String]) {
        let value = match item {
            Ref::Object(at) => self.object.get_mut(at),
            Ref::Patch(at) => self.patch.get_mut(at),
        };
        let Some(fields) = value.and_then(Json::as_object_mut) else {
            return;
        };
        for (key, value) in keys.iter().zip(values) {
            if !value.is_empty() && !fields.contains_key(*key) {
                fields.insert((*key).to_owned(), value.as_str().into());
            }
        }
    }

    /// Puts an item in the place of those with these values, or behind all; without an item, takes
    /// those away. Empty items always go, and without values so do all others.
    fn set(
        &self,
        items: &mut Vec<Ref>,
        item: Option<Ref>,
        keys: &[&str],
        values: &[String],
    ) -> Step<()> {
        let tells = values.first().is_some_and(|value| !value.is_empty());
        let mut kept = Vec::with_capacity(items.len() + 1);
        let mut placed = false;
        for other in items.drain(..) {
            let value = self.get(other);
            if is_empty(value) {
                continue;
            }
            if !value.is_object() && tells {
                kept.push(other);
                continue;
            }
            if !value.is_object() && !values.is_empty() {
                return Err(Problem::item(value));
            }
            // An empty value stands for any; keys beyond the values are not looked at.
            let fits = !values.is_empty()
                && keys.iter().zip(values).all(|(key, wanted)| {
                    let found = value.get(key);
                    found.is_some_and(|found| wanted.is_empty() || text(found) == **wanted)
                });
            if fits {
                placed = true;
                kept.extend(item);
            } else if !values.is_empty() {
                kept.push(other);
            }
        }
        *items = kept;
        if let Some(item) = item
            && !placed
            && !self.get(item).is_null()
        {
            items.push(item);
        }
        Ok(())
    }

    /// Puts an item of the object over the merged one.
    fn append(&self, merged: &mut Vec<Ref>, item: Ref, keys: &[&str]) -> Step<()> {
        let value = self.get(item);
        if !value.is_object() && !value.is_null() {
            return Err(Problem::item(value));
        }
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            match value.get(key) {
                Some(value) => values.push(text(value).into_owned()),
                None => merged.push(item),
            }
        }
        if keys.len() > 1 {
            self.set(merged, None, keys, &values)?;
        }
        self.set(merged, Some(item), keys, &values)
    }
}

/// Makes those combinations equal that differ only in that one lacks a value.
fn unite(tuples: &mut [Vec<String>]) {
    for at in 0..tuples.len() {
        let Some(one) = tuples.get(at).cloned() else {
            continue;
        };
        for with in 0..tuples.len() {
            let Some(united) = tuples.get(with).and_then(|other| united(&one, other)) else {
                continue;
            };
            for place in [at, with] {
                if let Some(tuple) = tuples.get_mut(place) {
                    tuple.clone_from(&united);
                }
            }
        }
    }
}

fn united(one: &[String], other: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut united = Vec::with_capacity(one.len());
    for (one, other) in one.iter().zip(other) {
        if one == other {
            common = true;
        } else if !one.is_empty() && !other.is_empty() {
            return None;
        }
        united.push(if one.is_empty() { other } else { one }.clone());
    }
    common.then_some(united)
}

/// The keys that have a value in any of the combinations, and the values of one of them; all keys
/// when none has.
fn project<'k>(tuples: &[Vec<String>], values: &[String], keys: &[&'k str]) -> Criteria<'k> {
    let used = |at: usize| {
        tuples
            .iter()
            .any(|tuple| tuple.get(at).is_some_and(|value| !value.is_empty()))
    };
    if !(0..keys.len()).any(used) {
        return (keys.to_vec(), values.to_vec());
    }
    let pairs = keys.iter().copied().zip(values).enumerate();
    pairs
        .filter(|(at, _)| used(*at))
        .map(|(_, (key, value))| (key, value.clone()))
        .unzip()
}
