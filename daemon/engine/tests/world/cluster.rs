//! A cluster as a map: it carries commands out and tells the watches.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::health::{Assessment, Health};
use windlass_engine::{Desired, Failure, FailureClass, Fingerprint, FingerprintKey, Live, Outcome};
use windlass_manifest::{GroupKind, ObjectId};

pub fn print(value: &str) -> Fingerprint {
    Fingerprint::of(&json!(value), &FingerprintKey::new([5; 32]))
}

/// What the API server makes of the fields that we own: of some kinds it changes the spelling.
pub fn normalised(id: &ObjectId, value: Fingerprint) -> Fingerprint {
    if id.kind == "Deployment" {
        print(&format!("normalised {value}"))
    } else {
        value
    }
}

/// Something the watch on a kind tells.
#[derive(Debug, Clone)]
pub enum Told {
    Live(Live),
    Gone { id: ObjectId, uid: String },
    Listed(GroupKind),
    Served(GroupKind),
    Missing(GroupKind),
}

#[derive(Default)]
pub struct Cluster {
    pub objects: BTreeMap<ObjectId, Live>,
    pub parents: BTreeMap<SetId, Inventory>,
    pub unserved: BTreeSet<GroupKind>,
    /// Changes that have not been handed to the watches yet.
    pub told: Vec<(GroupKind, Told)>,
    /// Objects that were deleted by us, by uid.
    pub deleted: BTreeSet<String>,
    pub secret: u32,
    version: u64,
}

impl Cluster {
    fn version(&mut self) -> String {
        self.version += 1;
        self.version.to_string()
    }

    pub fn of_kind(&self, kind: &GroupKind) -> Vec<Live> {
        let labelled = |live: &&Live| live.part_of.is_some() && live.id.group_kind() == *kind;
        self.objects.values().filter(labelled).cloned().collect()
    }

    /// What the desired object's fields are once the secret is put in.
    pub fn expected(&self, value: &str, id: &ObjectId) -> Fingerprint {
        let secret = if id.kind == "Secret" { self.secret } else { 0 };
        print(&format!("{value} {secret}"))
    }

    pub fn apply(&mut self, object: &Desired, value: &str, set: &SetId) -> Outcome {
        let id = &object.id;
        if self.unserved.contains(&id.group_kind()) {
            return failed(FailureClass::KindMissing);
        }
        let owned = Some(normalised(id, self.expected(value, id)));
        let part_of = Some(set.as_str().to_owned());
        if let Some(live) = self.objects.get(id)
            && live.owned == owned
            && live.part_of == part_of
        {
            return Outcome::Applied(live.clone());
        }
        let is_new = !self.objects.contains_key(id);
        if is_new {
            let uid = format!("uid-{}", self.version());
            let finalizers = if id.name.ends_with('f') {
                vec!["hold".to_owned()]
            } else {
                Vec::new()
            };
            self.objects.insert(
                id.clone(),
                Live {
                    id: id.clone(),
                    uid,
                    resource_version: String::new(),
                    part_of: None,
                    owned: None,
                    health: Assessment::new(Health::Healthy, ""),
                    deleting: false,
                    finalizers,
                    keep: object.keep,
                    other_manager: None,
                },
            );
        }
        self.change(id, |live| {
            live.owned = owned;
            live.part_of = part_of;
        });
        self.objects
            .get(id)
            .cloned()
            .map_or_else(|| failed(FailureClass::Rejected), Outcome::Applied)
    }

    pub fn delete(&mut self, id: &ObjectId, uid: &str, version: &str) -> Outcome {
        match self.objects.get(id) {
            None => Outcome::Deleted,
            Some(live) if live.uid != uid => Outcome::Deleted,
            Some(live) if live.resource_version != version => failed(FailureClass::Stale),
            Some(_) => {
                self.deleted.insert(uid.to_owned());
                self.remove(id);
                Outcome::Deleted
            }
        }
    }

    /// Deletes as the API server does: what has finalizers only begins to go.
    pub fn remove(&mut self, id: &ObjectId) {
        if self
            .objects
            .get(id)
            .is_some_and(|live| !live.finalizers.is_empty())
        {
            self.change(id, |live| live.deleting = true);
        } else if let Some(live) = self.objects.remove(id) {
            self.gone(&live);
        }
    }

    pub fn finalize(&mut self, id: &ObjectId) {
        if self.objects.get(id).is_some_and(|live| live.deleting)
            && let Some(live) = self.objects.remove(id)
        {
            self.gone(&live);
        }
    }

    pub fn change(&mut self, id: &ObjectId, change: impl FnOnce(&mut Live)) {
        let version = self.version();
        let Some(live) = self.objects.get_mut(id) else {
            return;
        };
        let was_labelled = live.part_of.is_some();
        live.resource_version = version;
        change(live);
        let live = live.clone();
        if live.part_of.is_some() {
            self.told.push((id.group_kind(), Told::Live(live)));
        } else if was_labelled {
            self.gone(&live);
        }
    }

    fn gone(&mut self, live: &Live) {
        let told = Told::Gone {
            id: live.id.clone(),
            uid: live.uid.clone(),
        };
        self.told.push((live.id.group_kind(), told));
    }

    /// The definition of a kind goes, and its objects with it; or comes back.
    pub fn serve(&mut self, kind: &GroupKind, serve: bool) {
        if serve {
            if self.unserved.remove(kind) {
                self.told.push((kind.clone(), Told::Served(kind.clone())));
            }
        } else if self.unserved.insert(kind.clone()) {
            let ids: Vec<ObjectId> = self
                .objects
                .keys()
                .filter(|id| id.group_kind() == *kind)
                .cloned()
                .collect();
            for id in ids {
                if let Some(live) = self.objects.remove(&id) {
                    self.gone(&live);
                }
            }
            self.told.push((kind.clone(), Told::Missing(kind.clone())));
        }
    }

    /// The members of a set that its parent does not lead to.
    pub fn orphans(&self, set: &SetId) -> Vec<&ObjectId> {
        let parent = self.parents.get(set);
        let is_named = |live: &Live| {
            parent.is_some_and(|inventory| {
                inventory.kinds.contains(&live.id.group_kind())
                    && live
                        .id
                        .namespace
                        .iter()
                        .all(|name| inventory.namespaces.contains(name))
            })
        };
        self.members(set)
            .filter(|live| !is_named(live))
            .map(|live| &live.id)
            .collect()
    }

    pub fn members(&self, set: &SetId) -> impl Iterator<Item = &Live> {
        self.objects
            .values()
            .filter(|live| live.part_of.as_deref() == Some(set.as_str()) && live.owned.is_some())
    }
}

pub fn failed(class: FailureClass) -> Outcome {
    Outcome::Failed(Failure {
        class,
        code: "WL0799",
        message: "as the test says".to_owned(),
    })
}

pub fn lost() -> Outcome {
    failed(FailureClass::Transient { retry_after: None })
}
