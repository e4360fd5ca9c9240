//! A folder as a target.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;
use tokio::sync::mpsc;
use windlass_cluster::{DirectoryTarget, Observation, Secrets, Target};
use windlass_engine::applyset::{Inventory, SetId};
use windlass_engine::health::Health;
use windlass_engine::{Desired, FailureClass, FingerprintKey, Live};
use windlass_manifest::{GroupKind, Object};

struct Room {
    folder: tempfile::TempDir,
    target: Target,
    observations: mpsc::UnboundedReceiver<Observation>,
    set: SetId,
}

impl Room {
    fn new() -> Room {
        let folder = tempfile::tempdir().unwrap();
        let (sender, observations) = mpsc::unbounded_channel();
        let key = FingerprintKey::new([1; 32]);
        let target = DirectoryTarget::open(&folder.path().join("out"), key, sender).unwrap();
        Room {
            folder,
            target: Target::Directory(target),
            observations,
            set: SetId::of_parent("shop", "system", "Environment", "windlass.dev"),
        }
    }

    fn desired(&self, body: Json) -> Desired {
        let object = Object::from_json(body).unwrap();
        Desired::new(&object, object.origin(), &self.set).unwrap()
    }

    fn config_map(&self, data: Json) -> Desired {
        self.desired(json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "settings", "namespace": "shop"}, "data": data}))
    }

    async fn apply(&self, object: &Desired) -> Result<Live, windlass_engine::Failure> {
        let secrets = Secrets::none();
        self.target
            .apply(object, &self.set, true, false, &secrets, "shop")
            .await
    }

    fn file(&self, path: &str) -> PathBuf {
        self.folder.path().join("out").join(path)
    }

    async fn observe<T>(&mut self, filter: impl Fn(Observation) -> Option<T>) -> T {
        let found = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let seen = self.observations.recv().await.expect("the target is alive");
                if let Some(found) = filter(seen) {
                    return found;
                }
            }
        });
        found.await.expect("an observation in time")
    }
}

const PLACE: &str = "shop/core_ConfigMap/settings.yaml";

#[tokio::test]
async fn an_object_is_a_file_with_its_references() {
    let room = Room::new();
    let token = "windlass~vault~db~password~end";
    let wanted = room.config_map(json!({"mode": "0644", "password": token}));
    let live = room.apply(&wanted).await.unwrap();
    let text = fs::read_to_string(room.file(PLACE)).unwrap();
    assert!(
        text.contains(token),
        "the reference is written, not a value: {text}"
    );
    let expected = room
        .target
        .expected(&wanted, &Secrets::none(), "shop")
        .await
        .unwrap();
    assert_eq!(live.owned, Some(expected), "in sync after one write");
    assert_eq!(live.health.health, Health::Healthy);
    assert_eq!(
        room.apply(&wanted).await.unwrap(),
        live,
        "the same file again"
    );
}

#[tokio::test]
async fn members_are_listed_and_changes_by_others_are_seen() {
    let mut room = Room::new();
    let wanted = room.config_map(json!({"a": "1"}));
    let applied = room.apply(&wanted).await.unwrap();
    let kind = GroupKind::new("", "ConfigMap");
    fs::create_dir_all(room.file("shop/core_ConfigMap")).unwrap();
    fs::write(
        room.file("shop/core_ConfigMap/mine.yaml"),
        "apiVersion: v1\n",
    )
    .unwrap();
    room.target.watch(&BTreeSet::from([kind.clone()]));
    room.observe(|seen| matches!(seen, Observation::Listed(_)).then_some(()))
        .await;
    assert_eq!(
        room.target.known(&kind),
        Some(vec![applied.clone()]),
        "a person's file is no member"
    );

    let changed = fs::read_to_string(room.file(PLACE))
        .unwrap()
        .replace('1', "2");
    fs::write(room.file(PLACE), changed).unwrap();
    let version = applied.owned;
    let seen = room
        .observe(|seen| match seen {
            Observation::Live(live) if live.owned != version => Some(live),
            _ => None,
        })
        .await;
    assert_eq!(seen.id, wanted.id, "drift");

    let stale = room
        .target
        .delete(&wanted.id, &applied.uid, &applied.resource_version)
        .await;
    assert_eq!(
        stale.unwrap_err().class,
        FailureClass::Stale,
        "it has changed since"
    );
    room.target
        .delete(&wanted.id, &seen.uid, &seen.resource_version)
        .await
        .unwrap();
    room.observe(|seen| matches!(seen, Observation::Vanished { .. }).then_some(()))
        .await;
    assert!(
        room.file("shop/core_ConfigMap/mine.yaml").exists(),
        "a person's file stays"
    );

    room.apply(&wanted).await.unwrap();
    fs::remove_dir_all(room.file("shop")).unwrap();
    room.observe(|seen| matches!(seen, Observation::Vanished { .. }).then_some(()))
        .await;
}

#[tokio::test]
async fn a_file_of_a_person_is_not_overwritten() {
    let room = Room::new();
    fs::create_dir_all(room.file("shop/core_ConfigMap")).unwrap();
    fs::write(room.file(PLACE), "hands off").unwrap();
    let failure = room.apply(&room.config_map(json!({}))).await.unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::Rejected, "WL0722")
    );
    assert_eq!(fs::read_to_string(room.file(PLACE)).unwrap(), "hands off");
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_does_not_lead_out() {
    let room = Room::new();
    let outside = room.folder.path().join("outside");
    fs::create_dir_all(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, room.file("shop")).unwrap();
    let failure = room.apply(&room.config_map(json!({}))).await.unwrap_err();
    assert_eq!(failure.code, "WL0723", "{}", failure.message);
}

#[tokio::test]
async fn the_inventory_is_kept_beside_the_files() {
    let room = Room::new();
    let read = async || room.target.read_inventory(&room.set).await.unwrap();
    assert_eq!(read().await, Some(Inventory::default()), "nothing yet");
    let inventory = Inventory {
        kinds: BTreeSet::from([GroupKind::new("", "ConfigMap")]),
        namespaces: BTreeSet::from(["shop".to_owned()]),
    };
    assert!(
        room.target
            .write_inventory(&room.set, &inventory)
            .await
            .unwrap()
    );
    assert_eq!(read().await, Some(inventory));
}

#[tokio::test]
async fn a_dry_run_writes_nothing() {
    let room = Room::new();
    let wanted = room.config_map(json!({"a": "1"}));
    let (live, result) = room
        .target
        .dry_run(&wanted, &Secrets::none(), "shop")
        .await
        .unwrap();
    assert_eq!(live, None);
    assert_eq!(result["data"]["a"], "1");
    assert!(!room.file(PLACE).exists());
}
