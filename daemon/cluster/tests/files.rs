//! Files as a secret store.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use windlass_cluster::{SecretChanged, SecretError, Secrets, Store};
use windlass_manifest::SecretRef;

struct Vault {
    secrets: Secrets,
    changes: mpsc::UnboundedReceiver<SecretChanged>,
}

fn vault(root: &Path) -> Vault {
    let (sender, changes) = mpsc::unbounded_channel();
    let store = Store::Files {
        root: root.to_owned(),
    };
    Vault {
        secrets: Secrets::new(None, BTreeMap::from([("files".to_owned(), store)]), sender),
        changes,
    }
}

impl Vault {
    async fn get(&self, name: &str, key: &str) -> Result<Vec<u8>, SecretError> {
        let reference = SecretRef::new("files", name, key).unwrap();
        let value = self.secrets.get(&reference, "shop").await?;
        Ok(value.reveal().to_vec())
    }

    async fn changed(&mut self) {
        let change = tokio::time::timeout(Duration::from_secs(20), self.changes.recv()).await;
        assert_eq!(change.expect("a change in time").unwrap().name, "database");
    }
}

/// Swaps the content of a mounted Secret as the kubelet does.
fn mount(folder: &Path, version: &str, value: &str) {
    let data = folder.join(version);
    fs::create_dir_all(&data).unwrap();
    fs::write(data.join("password"), value).unwrap();
    symlink(version, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    if !folder.join("password").exists() {
        symlink("..data/password", folder.join("password")).unwrap();
    }
}

#[tokio::test]
async fn a_mounted_secret_is_missing_then_there_then_swapped() {
    let root = tempfile::tempdir().unwrap();
    let mut vault = vault(root.path());
    let error = vault.get("database", "password").await.unwrap_err();
    assert_eq!(error.code(), "WL0801", "{error}");
    let folder = root.path().join("database");
    mount(&folder, "..one", "first");
    vault.changed().await;
    assert_eq!(vault.get("database", "password").await.unwrap(), b"first");
    mount(&folder, "..two", "second");
    vault.changed().await;
    assert_eq!(vault.get("database", "password").await.unwrap(), b"second");
    let error = vault.get("database", "absent").await.unwrap_err();
    assert_eq!(error.code(), "WL0802", "{error}");
}

#[tokio::test]
async fn a_value_stays_in_the_folder_and_is_bounded() {
    let root = tempfile::tempdir().unwrap();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("password"), "x").unwrap();
    for name in ["linked", "large"] {
        fs::create_dir(root.path().join(name)).unwrap();
    }
    symlink(
        outside.path().join("password"),
        root.path().join("linked/password"),
    )
    .unwrap();
    fs::write(
        root.path().join("large/password"),
        vec![b'x'; (1 << 20) + 1],
    )
    .unwrap();
    let vault = vault(root.path());
    let code = async |name: &str| vault.get(name, "password").await.unwrap_err().code();
    assert_eq!(code("linked").await, "WL0803");
    assert_eq!(code("large").await, "WL0806");
    assert!(
        SecretRef::new("files", "..", "password").is_err(),
        "no way out by name"
    );
}
