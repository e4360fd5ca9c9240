//! From a push to the cluster, and nothing more than that.

use anyhow::Result;
use windlass_test_support::{Daemon, GitHttp, GitHttpOptions};

use crate::rig::{PLAIN, Road, config_map, is_ready, signature};

const SECRET: &str = "the webhook's secret";

async fn renders(daemon: &mut Daemon, environment: &str) -> Result<Option<f64>> {
    let labels = [("environment", environment), ("result", "ran")];
    daemon.metric("windlass_renders_total", &labels).await
}

#[tokio::test]
async fn a_push_renders_what_it_touches_and_leaves_the_rest_alone() -> Result<()> {
    let road = Road::start("push").await?;
    let server = GitHttp::start(&road.repositories(), GitHttpOptions::default()).await?;
    let mut changes = Vec::new();
    for name in ["a", "b", "c"] {
        changes.push((format!("{name}/environment.yaml"), PLAIN.to_owned()));
        changes.push((format!("{name}/map.yaml"), config_map(name, "1")));
    }
    let changes: Vec<(&str, Option<&str>)> = changes
        .iter()
        .map(|(path, text)| (path.as_str(), Some(text.as_str())))
        .collect();
    let first = road.push(&changes)?;
    let secret = road.file("webhook-secret", SECRET)?;
    let secret = secret.display().to_string();
    let mut daemon = road
        .daemon_for(&server.url("main.git"), &["--webhook-secret-file", &secret])
        .await?;
    let mut versions = Vec::new();
    for name in ["a", "b", "c"] {
        road.ready(name, &first).await?;
        versions.push(road.value_is(name, "1").await?.metadata.resource_version);
        assert_eq!(renders(&mut daemon, name).await?, Some(1.0), "{name}");
    }

    let second = road.push(&[("b/map.yaml", Some(&config_map("b", "2")))])?;
    let body = format!(
        r#"{{"url":"{}","ref":"refs/heads/main"}}"#,
        server.url("main.git")
    );
    let signature = signature(SECRET, body.as_bytes());
    let headers = [("x-windlass-signature", signature.as_str())];
    let answer = daemon.post("/webhook/generic", &headers, body).await?;
    assert_eq!(answer.status, 202, "{}", answer.body);
    assert_eq!(answer.json()?["repositories"], 1, "{}", answer.body);
    road.value_is("b", "2").await?;
    road.ready("b", &second).await?;

    for (name, version, count) in [
        ("a", &versions[0], 1.0),
        ("b", &None, 2.0),
        ("c", &versions[2], 1.0),
    ] {
        let status = road.environment(name, "being Ready", is_ready).await?;
        assert_eq!(
            renders(&mut daemon, name).await?,
            Some(count),
            "{name} was rendered again only when its files had changed: {status}"
        );
        let now = road
            .config_maps()
            .get(name)
            .await?
            .metadata
            .resource_version;
        if version.is_some() {
            assert_eq!(&now, version, "the object of {name} was not touched");
        }
    }
    Ok(())
}
