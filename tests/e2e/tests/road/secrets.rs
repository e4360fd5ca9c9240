//! Secrets reach the object that needs them, and nothing else ever holds them.

use anyhow::Result;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;
use windlass_test_support::{Daemon, watch_until};

use crate::rig::{PLAIN, Road, SOON, SYSTEM, config_map, files_with, written};

const FIRST: &str = "first-e7c1fd2a90";
const SECOND: &str = "second-5b8d07c4e3";

fn environment(store: &str) -> String {
    format!(
        "{PLAIN}  pipeline:\n    - plugin: manifests\n    - plugin: secrets\n      config:\n        secrets:\n          - name: {store}\n            stringData:\n              url: \"db://user:${{secret:{store}/db/password}}@host\"\n"
    )
}

async fn arrives(road: &Road, name: &str, value: &str) -> Result<()> {
    let secrets: Api<Secret> = Api::namespaced(road.client.clone(), "default");
    let wanted = format!("db://user:{value}@host");
    let what = "the value to arrive";
    watch_until(&secrets, name, SOON, what, |secret: &Secret| {
        let data = secret.data.as_ref();
        data.and_then(|data| data.get("url"))
            .is_some_and(|url| url.0 == wanted.as_bytes())
    })
    .await?;
    Ok(())
}

async fn store_in_cluster(road: &Road, key: &str, value: &str) -> Result<()> {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db" },
        "stringData": { key: value },
    });
    Api::<Secret>::namespaced(road.client.clone(), "vault")
        .patch("db", &PatchParams::apply("a-person"), &Patch::Apply(secret))
        .await?;
    Ok(())
}

/// Every text that a person or a program gets to see.
async fn everything_shown(road: &Road, daemon: &mut Daemon) -> Result<Vec<(String, String)>> {
    let mut shown = vec![("the log".to_owned(), daemon.log())];
    for path in [
        "/api/v1/environments",
        "/api/v1/environments/cluster",
        "/api/v1/environments/folder",
        "/metrics",
    ] {
        shown.push((path.to_owned(), daemon.get(path).await?.body));
    }
    let events: Api<k8s_openapi::api::core::v1::Event> = Api::all(road.client.clone());
    let events = events.list(&ListParams::default()).await?;
    shown.push(("events".to_owned(), serde_json::to_string(&events.items)?));
    for name in ["cluster", "folder"] {
        let path = format!("/apis/windlass.dev/v1alpha1/namespaces/{SYSTEM}/environments/{name}");
        let request = http::Request::get(path).body(Vec::new())?;
        let text = road.client.request_text(request).await?;
        shown.push((format!("the object {name}"), text));
    }
    let tree = road.scratch.path().join("tree");
    let folder = tree.join("cluster");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("environment.yaml"), environment("cluster"))?;
    std::fs::write(folder.join("map.yaml"), config_map("cluster", "changed"))?;
    let (tree, folder) = (tree.display().to_string(), folder.display().to_string());
    for command in [
        vec!["render", &folder, "--root", &tree],
        vec!["diff", &folder, "--root", &tree],
        vec!["status"],
        vec!["tree"],
    ] {
        let text = written(&road.windlass(&command).await?);
        assert_ne!(text, "", "{command:?} says something");
        shown.push((format!("{command:?}"), text));
    }
    Ok(shown)
}

#[tokio::test]
async fn a_secret_reaches_its_object_and_nothing_else() -> Result<()> {
    let road = Road::start("secrets").await?;
    road.namespace("vault").await?;
    store_in_cluster(&road, "password", FIRST).await?;
    road.file("store/db/password", FIRST)?;
    let commit = road.push(&[
        ("cluster/environment.yaml", Some(&environment("cluster"))),
        ("cluster/map.yaml", Some(&config_map("cluster", "1"))),
        ("folder/environment.yaml", Some(&environment("folder"))),
        ("folder/map.yaml", Some(&config_map("folder", "1"))),
    ])?;
    let files = format!(
        "folder=files:{}",
        road.scratch.path().join("store").display()
    );
    let stores = [
        "--secret-store",
        "cluster=kubernetes:vault",
        "--secret-store",
        &files,
    ];
    let mut daemon = road
        .daemon(&[&stores[..], &["--log", "info,windlass=trace"]].concat())
        .await?;
    for name in ["cluster", "folder"] {
        road.ready(name, &commit).await?;
        arrives(&road, name, FIRST).await?;
    }

    store_in_cluster(&road, "password", SECOND).await?;
    road.file("store/db/password", SECOND)?;
    for name in ["cluster", "folder"] {
        arrives(&road, name, SECOND).await?;
        road.ready(name, &commit).await?;
    }

    for (place, text) in everything_shown(&road, &mut daemon).await? {
        for value in [FIRST, SECOND] {
            assert!(!text.contains(value), "{place} holds a value: {text}");
            let encoded = base64::Engine::encode(
                &base64::engine::general_purpose::STANDARD,
                format!("db://user:{value}@host"),
            );
            assert!(!text.contains(&encoded), "{place} holds a value: {text}");
        }
    }
    for folder in [road.cache(), daemon.folder().to_owned()] {
        for value in [FIRST, SECOND] {
            let found = files_with(&folder, value.as_bytes())?;
            assert!(found.is_empty(), "a value is on the disk: {found:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_missing_secret_says_which_and_recovers() -> Result<()> {
    let road = Road::start("missing").await?;
    road.namespace("vault").await?;
    std::fs::create_dir_all(road.scratch.path().join("store"))?;
    let commit = road.push(&[
        ("cluster/environment.yaml", Some(&environment("cluster"))),
        ("folder/environment.yaml", Some(&environment("folder"))),
        ("good/environment.yaml", Some(PLAIN)),
        ("good/map.yaml", Some(&config_map("good", "1"))),
    ])?;
    let files = format!(
        "folder=files:{}",
        road.scratch.path().join("store").display()
    );
    let stores = [
        "--secret-store",
        "cluster=kubernetes:vault",
        "--secret-store",
        &files,
    ];
    let _daemon = road.daemon(&stores).await?;
    road.ready("good", &commit).await?;
    road.says("cluster", &["`cluster`", "db", "WL0801"]).await?;
    road.says("folder", &["`folder`", "secret db", "WL0801"])
        .await?;

    store_in_cluster(&road, "other", FIRST).await?;
    road.says("cluster", &["`cluster`", "password", "WL0802"])
        .await?;

    store_in_cluster(&road, "password", FIRST).await?;
    road.file("store/db/password", FIRST)?;
    for name in ["cluster", "folder"] {
        arrives(&road, name, FIRST).await?;
        road.ready(name, &commit).await?;
    }
    Ok(())
}
