//! Labels and annotations that kustomize, once it has added them, keeps in step.
//!
//! Where kustomize adds a label to several fields of an object (its own labels, its selector, those
//! of its template), all of them get one and the same node of the tree. From then on a change of one
//! in place, be it by another label, a strategic merge patch, a replacement or a variable, changes
//! all: an overlay that gives the label another value without `includeSelectors` still changes the
//! selector. This is nothing that anyone asked for, but results depend on it, so it is kept. Only
//! what builds the tree anew, as a JSON patch does, ends it.

use windlass_plugin_sdk::Json;

use super::{FieldPath, Trail};
use crate::resource::Resource;

/// Where an entry was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    path: FieldPath,
    trail: Box<Trail>,
}

impl Place {
    /// The mapping at a path, by the elements of lists that were entered on the way.
    pub(crate) fn new(path: &FieldPath, trail: &Trail) -> Self {
        Self {
            path: path.clone(),
            trail: trail.into(),
        }
    }

    /// The value of an entry; null is none.
    fn value<'j>(&self, object: &'j Json, key: &str) -> Option<&'j Json> {
        let mut value = object;
        let mut trail = self.trail.iter().peekable();
        for (number, part) in self.path.parts().ok()?.iter().enumerate() {
            while let Some((_, index)) = trail.next_if(|(at, _)| *at == number) {
                value = value.get(index)?;
            }
            if let Some(name) = part.field().ok()? {
                value = value.get(name)?;
            }
        }
        value.get(key).filter(|value| !value.is_null())
    }

    fn set(&self, object: &mut Json, key: &str, new: &Json) {
        let mut value = object;
        let mut trail = self.trail.iter().peekable();
        for (number, part) in self.path.parts().unwrap_or_default().iter().enumerate() {
            while let Some((_, index)) = trail.next_if(|(at, _)| *at == number) {
                let Some(element) = value.get_mut(index) else {
                    return;
                };
                value = element;
            }
            if let Ok(Some(name)) = part.field() {
                let Some(field) = value.get_mut(name) else {
                    return;
                };
                value = field;
            }
        }
        if let Some(value) = value.get_mut(key) {
            value.clone_from(new);
        }
    }
}

/// More places than any object gives a label; what lies beyond is on its own.
const MAX_PLACES: usize = u64::BITS as usize;

/// What is kept in step in one object.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shared(Vec<Group>);

/// Entries that were added to the same places.
#[derive(Clone, Debug)]
struct Group {
    /// In the order in which a patch would come to them.
    places: Vec<Place>,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    key: String,
    value: Json,
    /// The places that still have it, one bit each.
    live: u64,
}

impl Shared {
    /// Remembers entries that were added to `places`.
    pub(crate) fn add(&mut self, mut places: Vec<Place>, entries: Vec<(String, Json)>) {
        places.sort_by(|a, b| a.path.as_str().cmp(b.path.as_str()));
        places.truncate(MAX_PLACES);
        if places.len() < 2 {
            return;
        }
        let live = u64::MAX >> (MAX_PLACES - places.len());
        let entries = entries
            .into_iter()
            .map(|(key, value)| Entry { key, value, live })
            .collect();
        self.0.push(Group { places, entries });
    }

    /// Takes a mapping that is written anew out of those that are kept in step.
    pub(crate) fn leave(&mut self, path: &str) {
        for Group { places, entries } in &mut self.0 {
            let at = places
                .iter()
                .position(|place| place.path.as_str() == path && place.trail.is_empty());
            if let Some(at) = at {
                for entry in entries {
                    entry.live &= !(1 << at);
                }
            }
        }
    }

    /// What a strategic merge patch writes into entries. It comes to the fields in the order of
    /// their names, and what it writes last is what all places have in the end, also when that is
    /// the old value.
    pub(crate) fn written_by(&self, patch: &Json) -> Written {
        let mut written = Vec::new();
        for (group, Group { places, entries }) in self.0.iter().enumerate() {
            for (at, entry) in entries.iter().enumerate() {
                let last = entry
                    .live(places)
                    .filter(|place| place.trail.is_empty())
                    .filter_map(|place| place.value(patch, &entry.key))
                    .last();
                if let Some(value) = last {
                    written.push((group, at, value.clone()));
                }
            }
        }
        Written(written)
    }

    fn settle(&mut self, object: &mut Json, from: &Cause<'_>) {
        for (group, Group { places, entries }) in self.0.iter_mut().enumerate() {
            for (at, entry) in entries.iter_mut().enumerate() {
                let last = match from {
                    Cause::Written(Written(list)) => list
                        .iter()
                        .find(|(of, entry, _)| (*of, *entry) == (group, at))
                        .map(|(_, _, value)| value.clone()),
                    Cause::Anything | Cause::Entries => None,
                };
                entry.settle(places, object, last, matches!(from, Cause::Entries));
            }
        }
    }
}

/// What has changed an object.
enum Cause<'w> {
    /// Something that changes single values of mappings; elements of lists may have been replaced.
    Anything,
    /// A transformer of entries, which leaves lists as they are.
    Entries,
    /// A patch that writes these values.
    Written(&'w Written),
}

/// What a patch writes into entries that are kept in step: of which group, which entry, and what.
#[derive(Debug)]
pub(crate) struct Written(Vec<(usize, usize, Json)>);

impl Entry {
    fn live<'p>(&self, places: &'p [Place]) -> impl Iterator<Item = &'p Place> + use<'p> {
        let live = self.live;
        let is_live = move |(bit, _): &(usize, &Place)| live & (1 << bit) != 0;
        let live = places.iter().enumerate().filter(is_live);
        live.map(|(_, place)| place)
    }

    fn settle(&mut self, places: &[Place], object: &mut Json, last: Option<Json>, elements: bool) {
        let mut changed = None;
        for (bit, place) in places.iter().enumerate() {
            match place.value(object, &self.key) {
                None => self.live &= !(1 << bit),
                Some(value)
                    if self.live & (1 << bit) != 0
                        && *value != self.value
                        && (elements || place.trail.is_empty()) =>
                {
                    changed = Some(value.clone());
                }
                Some(_) => {}
            }
        }
        let new = last.or(changed).unwrap_or_else(|| self.value.clone());
        for (bit, place) in places.iter().enumerate() {
            if self.live & (1 << bit) == 0 {
                continue;
            }
            match place.value(object, &self.key) {
                // An element with another value is another element.
                Some(value) if !place.trail.is_empty() && *value != self.value && *value != new => {
                    self.live &= !(1 << bit);
                }
                Some(value) if *value != new => place.set(object, &self.key, &new),
                _ => {}
            }
        }
        self.value = new;
    }
}

impl Resource {
    /// Gives the new value of an entry to the others that kustomize keeps in step with it; to be
    /// called after whatever changes single values of the object in place: a replacement, a
    /// variable.
    pub(crate) fn settle_shared(&mut self) {
        self.shared.settle(&mut self.json, &Cause::Anything);
    }

    /// As [`Resource::settle_shared`], after a transformer has set entries.
    pub(crate) fn settle_entries(&mut self) {
        self.shared.settle(&mut self.json, &Cause::Entries);
    }

    /// As [`Resource::settle_shared`], after a strategic merge patch; see [`Shared::written_by`].
    pub(crate) fn settle_written(&mut self, written: &Written) {
        self.shared.settle(&mut self.json, &Cause::Written(written));
    }

    /// Puts an end to entries that are kept in step; to be called after whatever builds the object
    /// anew, as a JSON patch does.
    pub(crate) fn forget_shared(&mut self) {
        self.shared = Shared::default();
    }
}
