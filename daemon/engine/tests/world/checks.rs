//! What must hold at every moment, and what at rest.

use std::collections::BTreeSet;

use windlass_engine::{Command, Event, Time};
use windlass_manifest::{GroupKind, ObjectId};

use super::{Place, World, cluster};

impl World {
    pub(super) fn check_orphans(&self) {
        for place in &self.places {
            let orphans = self.cluster.orphans(&place.set);
            assert!(
                orphans.is_empty(),
                "not in the parent's inventory: {orphans:?}"
            );
        }
    }

    pub(super) fn check_command(&self, at: usize, command: &Command) {
        let place = &self.places[at];
        assert!(
            !place.held || matches!(command, Command::Watch(_) | Command::WakeAt(_)),
            "held, and asks for {command:?}"
        );
        match command {
            Command::Apply { object, .. } => {
                let parent = self
                    .cluster
                    .parents
                    .get(&place.set)
                    .cloned()
                    .unwrap_or_default();
                assert!(
                    parent.kinds.contains(&object.id.group_kind())
                        && object
                            .id
                            .namespace
                            .iter()
                            .all(|name| parent.namespaces.contains(name)),
                    "{} is applied before the parent names it: {parent:?}",
                    object.id
                );
            }
            Command::Delete { id, uid, .. } => self.check_delete(place, id, uid),
            Command::WriteParent { .. } | Command::Watch(_) | Command::WakeAt(_) => {}
        }
    }

    fn check_delete(&self, place: &Place, id: &ObjectId, uid: &str) {
        assert!(!place.deleted.contains(uid), "{id} {uid} is deleted twice");
        assert!(id.kind != "Namespace", "{id} is never deleted");
        let commit = place.rendered.and_then(|n| self.commits.get(n));
        let wanted = commit.is_some_and(|c| c.iter().any(|objects| objects.contains_key(id)));
        assert!(
            !wanted,
            "{id} is deleted though the revision wants it somewhere"
        );
        assert_eq!(
            self.claims.owner(id),
            None,
            "{id} is deleted though it is claimed"
        );
        let status = place.env.status(self.now);
        assert_eq!(
            status.objects.applied, status.objects.total,
            "{id} is deleted in a sync that was not applied in full"
        );
    }

    /// What must hold at rest.
    pub fn check_rest(&mut self) {
        let commit = self.commits.last().cloned().unwrap_or_default();
        for (place, wanted) in self.places.iter().zip(&commit) {
            let mut there: BTreeSet<&ObjectId> = BTreeSet::new();
            for live in self.cluster.members(&place.set) {
                let kept = live.keep || live.id.kind == "Namespace";
                assert!(
                    kept || wanted.contains_key(&live.id),
                    "{} is neither wanted nor kept; {:#?}",
                    live.id,
                    place.env.status(self.now)
                );
                there.insert(&live.id);
            }
            for (id, value) in wanted {
                assert!(
                    there.contains(id),
                    "{id} is wanted: {:#?}",
                    place.env.status(self.now)
                );
                let expected = cluster::normalised(id, self.cluster.expected(value, id));
                assert_eq!(
                    self.cluster.objects.get(id).and_then(|live| live.owned),
                    Some(expected),
                    "{id} is as it is wanted"
                );
            }
            let status = place.env.status(self.now);
            assert!(status.ready, "{status:#?}");
            assert_eq!(status.applied, Some((self.commits.len() - 1).to_string()));
            let kinds: BTreeSet<GroupKind> = there.iter().map(|id| id.group_kind()).collect();
            let parent = self
                .cluster
                .parents
                .get(&place.set)
                .cloned()
                .unwrap_or_default();
            assert_eq!(
                parent.kinds, kinds,
                "the inventory is as narrow as it can be"
            );
        }
        for at in 0..self.places.len() {
            for later in [1, 1_000, 1_000_000] {
                let commands =
                    self.places[at]
                        .env
                        .handle(Event::Tick, Time(self.now.0 + later), &self.claims);
                assert_eq!(commands, [], "nothing is asked for at rest");
            }
        }
    }
}
