//! Secrets of the cluster, bound late.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use windlass_cluster::{SecretChanged, Store};
use windlass_engine::FailureClass;
use windlass_manifest::SecretRef;

const VALUE: &str = "hunter22-and-more";

struct Vault {
    secrets: Secrets,
    changes: mpsc::UnboundedReceiver<SecretChanged>,
    reference: SecretRef,
}

impl Room {
    fn vault(&self) -> Vault {
        let (sender, changes) = mpsc::unbounded_channel();
        let store = Store::Kubernetes { namespace: None };
        let stores = BTreeMap::from([("cluster".to_owned(), store)]);
        Vault {
            secrets: Secrets::new(Some(self.cluster().clone()), stores, sender),
            changes,
            reference: SecretRef::new("cluster", "database", "password").unwrap(),
        }
    }

    async fn put_secret(&self, value: &str) {
        let body = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database"},
            "data": {"password": STANDARD.encode(value)}});
        let path = format!(
            "{}?fieldManager=person&force=true",
            self.path("/api/v1", "secrets", "database")
        );
        self.send("PATCH", &path, "application/apply-patch+yaml", &body)
            .await
            .unwrap();
    }
}

impl Vault {
    async fn changed(&mut self) -> SecretChanged {
        tokio::time::timeout(DEADLINE, self.changes.recv())
            .await
            .expect("a change")
            .unwrap()
    }
}

#[tokio::test]
async fn a_secret_is_missing_then_there_then_changed() {
    let room = Room::new("secret").await;
    let mut vault = room.vault();
    let body = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": "app", "namespace": room.namespace},
        "data": {"url": format!("pg://u:{}@db", vault.reference.token())}});
    let wanted = room.desired(body);
    let failure = room
        .apply_with(&wanted, true, false, &vault.secrets)
        .await
        .unwrap_err();
    assert_eq!(
        (failure.class, failure.code),
        (FailureClass::SecretMissing, "WL0801")
    );
    assert!(failure.message.contains("database"), "{}", failure.message);

    room.put_secret(VALUE).await;
    let changed = vault.changed().await;
    assert_eq!(
        (changed.name.as_str(), changed.namespace.as_str()),
        ("database", room.namespace.as_str())
    );
    let expected = vault
        .secrets
        .expected(&wanted, &room.namespace, &key())
        .await
        .unwrap();
    let live = room
        .apply_with(&wanted, true, false, &vault.secrets)
        .await
        .unwrap();
    assert_eq!(
        live.owned,
        Some(expected),
        "the fingerprint is that of the value"
    );
    let object = room
        .get(&room.path("/api/v1", "configmaps", "app"))
        .await
        .unwrap();
    assert_eq!(object["data"]["url"], format!("pg://u:{VALUE}@db"));

    room.put_secret("another value").await;
    vault.changed().await;
    let after = vault
        .secrets
        .expected(&wanted, &room.namespace, &key())
        .await
        .unwrap();
    assert_ne!(after, expected, "another value is another expectation");

    let key = SecretRef::new("cluster", "database", "absent").unwrap();
    let error = vault
        .secrets
        .get(&key, &room.namespace)
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "WL0802");
    let store = SecretRef::new("elsewhere", "database", "password").unwrap();
    let error = vault
        .secrets
        .get(&store, &room.namespace)
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "WL0800");
    assert!(
        error.to_string().contains("cluster"),
        "names the stores there are: {error}"
    );

    room.send(
        "DELETE",
        &room.path("/api/v1", "secrets", "database"),
        "application/json",
        &json!({}),
    )
    .await
    .unwrap();
    vault.changed().await;
    let error = vault
        .secrets
        .get(&vault.reference, &room.namespace)
        .await
        .err()
        .unwrap();
    assert_eq!(error.code(), "WL0801");
}

#[tokio::test]
async fn a_refused_value_is_not_repeated() {
    let room = Room::new("mask").await;
    let vault = room.vault();
    room.put_secret(VALUE).await;
    let body = json!({"apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "app", "namespace": room.namespace},
        "spec": {"type": vault.reference.token(), "ports": [{"port": 80}]}});
    let wanted = room.desired(body);
    let failure = room
        .apply_with(&wanted, true, false, &vault.secrets)
        .await
        .unwrap_err();
    assert_eq!(failure.class, FailureClass::Rejected);
    assert!(failure.message.contains("spec.type"), "{}", failure.message);
    assert!(!failure.message.contains(VALUE), "{}", failure.message);
}

#[tokio::test]
async fn a_dry_run_hides_new_and_old_values() {
    let room = Room::new("hide").await;
    let mut vault = room.vault();
    room.put_secret(VALUE).await;
    let body = json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "app", "namespace": room.namespace},
        "stringData": {"password": vault.reference.token()}});
    let wanted = room.desired(body);
    let before = room
        .apply_with(&wanted, true, false, &vault.secrets)
        .await
        .unwrap();
    let expected = vault
        .secrets
        .expected(&wanted, &room.namespace, &key())
        .await
        .unwrap();
    assert_eq!(before.owned, Some(expected));
    room.put_secret("another value").await;
    vault.changed().await;
    let (live, result) = room
        .target
        .dry_run(&wanted, &vault.secrets, &room.namespace)
        .await
        .unwrap();
    let live = live.unwrap();
    assert_ne!(live["data"], result["data"], "that it changes is told");
    for shown in [live.to_string(), result.to_string()] {
        for value in [VALUE, "another value"] {
            assert!(!shown.contains(value), "{shown}");
            assert!(!shown.contains(&STANDARD.encode(value)), "{shown}");
        }
    }
}
