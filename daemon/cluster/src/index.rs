//! What is known of the members of all sets: less than a kilobyte for each object.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap, HashSet};
use windlass_engine::{Live, compare_versions};
use windlass_manifest::{GroupKind, ObjectId};

/// Where a watch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// The list is not complete yet.
    Listing,
    /// Everything that is there is known.
    Listed,
    /// The kind is not served.
    Missing,
}

/// Place of an object within its kind.
type Name = (Option<String>, String);

fn name_of(id: &ObjectId) -> Name {
    (id.namespace.clone(), id.name.clone())
}

/// The objects of one kind.
struct Kind {
    standing: Standing,
    /// The version up to which the watch has told everything.
    version: String,
    objects: HashMap<Name, Live>,
    /// What the running list has named.
    listing: Option<HashSet<Name>>,
}

impl Kind {
    fn new() -> Self {
        Kind {
            standing: Standing::Listing,
            version: String::new(),
            objects: HashMap::new(),
            listing: None,
        }
    }
}

/// All kinds that are watched.
#[derive(Default)]
pub(crate) struct Index {
    kinds: BTreeMap<GroupKind, Kind>,
}

/// Whether `one` is known to be older than `other`.
fn is_older(one: &str, other: &str) -> bool {
    compare_versions(one, other) == Some(Ordering::Less)
}

impl Index {
    /// Starts to keep a kind; `false` when it is kept already.
    pub(crate) fn add(&mut self, kind: &GroupKind) -> bool {
        if self.kinds.contains_key(kind) {
            return false;
        }
        self.kinds.insert(kind.clone(), Kind::new());
        true
    }

    pub(crate) fn standing(&self, kind: &GroupKind) -> Option<Standing> {
        self.kinds.get(kind).map(|kind| kind.standing)
    }

    pub(crate) fn known(&self, kind: &GroupKind) -> Option<Vec<Live>> {
        let kind = self.kinds.get(kind)?;
        (kind.standing == Standing::Listed).then(|| kind.objects.values().cloned().collect())
    }

    pub(crate) fn get(&self, id: &ObjectId) -> Option<&Live> {
        self.kinds.get(&id.group_kind())?.objects.get(&name_of(id))
    }

    /// The number of objects that are known of each kind.
    pub(crate) fn counts(&self) -> BTreeMap<GroupKind, usize> {
        self.kinds
            .iter()
            .map(|(kind, state)| (kind.clone(), state.objects.len()))
            .collect()
    }

    /// A list begins.
    pub(crate) fn listing(&mut self, kind: &GroupKind) {
        if let Some(kind) = self.kinds.get_mut(kind) {
            kind.listing = Some(HashSet::new());
        }
    }

    /// The watch has seen an object; `true` when that is news.
    pub(crate) fn seen(&mut self, live: &Live) -> bool {
        let Some(kind) = self.kinds.get_mut(&live.id.group_kind()) else {
            return false;
        };
        let name = name_of(&live.id);
        match &mut kind.listing {
            Some(listing) => _ = listing.insert(name.clone()),
            None => kind.version.clone_from(&live.resource_version),
        }
        if let Some(known) = kind.objects.get(&name) {
            let known_already = known.uid == live.uid
                && (known == live || is_older(&live.resource_version, &known.resource_version));
            if known_already {
                return false;
            }
        }
        kind.objects.insert(name, live.clone());
        true
    }

    /// The watch has seen an object go; the incarnation that is gone, when that is news.
    pub(crate) fn deleted(&mut self, live: &Live) -> bool {
        let Some(kind) = self.kinds.get_mut(&live.id.group_kind()) else {
            return false;
        };
        kind.version.clone_from(&live.resource_version);
        let name = name_of(&live.id);
        let newer_is_known = kind
            .objects
            .get(&name)
            .is_some_and(|known| is_older(&live.resource_version, &known.resource_version));
        !newer_is_known && kind.objects.remove(&name).is_some()
    }

    /// The list is complete: what it did not name is gone, and returned.
    pub(crate) fn listed(&mut self, kind: &GroupKind, version: Option<String>) -> Vec<Live> {
        let Some(kind) = self.kinds.get_mut(kind) else {
            return Vec::new();
        };
        kind.standing = Standing::Listed;
        let seen = kind.listing.take().unwrap_or_default();
        if let Some(version) = version {
            kind.version = version;
        }
        let (objects, version) = (&mut kind.objects, &kind.version);
        objects
            .extract_if(|name, live| {
                // Applied after the list was made: the watch tells of it in a moment.
                !seen.contains(name) && !is_older(version, &live.resource_version)
            })
            .map(|(_, live)| live)
            .collect()
    }

    /// The kind is not served any more: all its objects are gone, and returned.
    pub(crate) fn missing(&mut self, kind: &GroupKind) -> Vec<Live> {
        let Some(kind) = self.kinds.get_mut(kind) else {
            return Vec::new();
        };
        kind.standing = Standing::Missing;
        kind.listing = None;
        kind.objects.drain().map(|(_, live)| live).collect()
    }

    /// The kind is served again.
    pub(crate) fn served(&mut self, kind: &GroupKind) {
        if let Some(kind) = self.kinds.get_mut(kind) {
            kind.standing = Standing::Listing;
        }
    }

    /// Takes over what a request of ours has made of an object.
    ///
    /// Only what the watch has not told yet: an answer that comes late must not bring back what is
    /// deleted since.
    pub(crate) fn applied(&mut self, live: &Live) {
        let Some(kind) = self.kinds.get_mut(&live.id.group_kind()) else {
            return;
        };
        let name = name_of(&live.id);
        let known = kind
            .objects
            .get(&name)
            .map(|known| known.resource_version.as_str());
        let news = known.map_or_else(
            || kind.version.is_empty() || is_older(&kind.version, &live.resource_version),
            |known| is_older(known, &live.resource_version),
        );
        if news && kind.standing != Standing::Missing {
            kind.objects.insert(name, live.clone());
        }
    }

    /// Replaces what is known of an object, whose fingerprint is computed in another way now.
    pub(crate) fn recomputed(&mut self, live: &Live) -> bool {
        let Some(kind) = self.kinds.get_mut(&live.id.group_kind()) else {
            return false;
        };
        match kind.objects.get_mut(&name_of(&live.id)) {
            Some(known) if !is_older(&live.resource_version, &known.resource_version) => {
                *known = live.clone();
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use windlass_engine::health::{Assessment, Health};

    fn live(name: &str, version: u64) -> Live {
        Live {
            id: ObjectId {
                group: String::new(),
                kind: "ConfigMap".into(),
                namespace: Some("shop".into()),
                name: name.into(),
            },
            uid: format!("uid-{name}"),
            resource_version: version.to_string(),
            part_of: None,
            owned: None,
            health: Assessment::new(Health::Healthy, ""),
            deleting: false,
            finalizers: Vec::new(),
            keep: false,
            other_manager: None,
        }
    }

    fn kind() -> GroupKind {
        GroupKind::new("", "ConfigMap")
    }

    fn names(mut objects: Vec<Live>) -> Vec<String> {
        objects.sort_by(|a, b| a.id.cmp(&b.id));
        objects.into_iter().map(|live| live.id.name).collect()
    }

    fn listed_with(names: &[(&str, u64)], version: u64) -> Index {
        let mut index = Index::default();
        index.add(&kind());
        index.listing(&kind());
        for (name, version) in names {
            index.seen(&live(name, *version));
        }
        index.listed(&kind(), Some(version.to_string()));
        index
    }

    #[test]
    fn nothing_is_known_before_the_list_is_complete() {
        let mut index = Index::default();
        assert!(index.add(&kind()) && !index.add(&kind()), "added once");
        index.listing(&kind());
        index.seen(&live("a", 1));
        assert_eq!(index.known(&kind()), None);
        index.listed(&kind(), Some("5".into()));
        assert_eq!(names(index.known(&kind()).unwrap()), ["a"]);
    }

    #[test]
    fn a_new_list_tells_what_is_gone_but_not_what_was_just_applied() {
        let mut index = listed_with(&[("a", 1), ("b", 2)], 5);
        index.listing(&kind());
        index.seen(&live("b", 2));
        index.applied(&live("c", 12));
        let gone = index.listed(&kind(), Some("10".into()));
        assert_eq!(names(gone), ["a"], "c was applied after version 10");
        assert_eq!(names(index.known(&kind()).unwrap()), ["b", "c"]);
    }

    #[test]
    fn old_news_is_none() {
        let mut index = listed_with(&[("a", 7)], 7);
        assert!(!index.seen(&live("a", 7)), "the same again");
        assert!(!index.seen(&live("a", 6)), "older");
        assert!(index.seen(&live("a", 8)), "newer");
    }

    #[test]
    fn a_late_answer_does_not_bring_a_deleted_object_back() {
        let mut index = listed_with(&[("a", 7)], 7);
        assert!(index.deleted(&live("a", 9)));
        index.applied(&live("a", 8));
        assert_eq!(names(index.known(&kind()).unwrap()), [""; 0]);
        index.applied(&live("a", 10));
        assert_eq!(names(index.known(&kind()).unwrap()), ["a"], "made anew");
    }

    #[test]
    fn a_kind_that_is_not_served_has_no_objects() {
        let mut index = listed_with(&[("a", 7)], 7);
        assert_eq!(names(index.missing(&kind())), ["a"]);
        assert_eq!(index.standing(&kind()), Some(Standing::Missing));
        assert_eq!(index.known(&kind()), None);
    }
}
