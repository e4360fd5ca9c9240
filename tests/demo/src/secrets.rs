//! The demo's secret store: what a repository lists as needed, with random values.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow, bail};
use k8s_openapi::api::core::v1::{Namespace, Secret};
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use serde::Deserialize;
use windlass_manifest::{Limits, decode};

/// The namespace that holds the store.
pub(crate) const NAMESPACE: &str = "windlass-demo-secrets";

/// Bytes of a value; as hexadecimal digits it fits a URL and everything else that asks for a password.
const VALUE_BYTES: usize = 16;

/// The file `secrets-needed.yaml` of a repository.
#[derive(Debug, Deserialize)]
pub(crate) struct SecretsNeeded {
    /// What environments call the store.
    pub(crate) store: String,
    pub(crate) secrets: Vec<NeededSecret>,
}

/// One secret with its keys.
#[derive(Debug, Deserialize)]
pub(crate) struct NeededSecret {
    pub(crate) name: String,
    pub(crate) keys: Vec<NeededKey>,
}

/// One value.
#[derive(Debug, Deserialize)]
pub(crate) struct NeededKey {
    pub(crate) key: String,
}

impl SecretsNeeded {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("reading {}", path.display()))
    }

    fn parse(text: &[u8]) -> Result<Self> {
        let documents = decode(text, &Limits::default()).map_err(|error| anyhow!("{error}"))?;
        let [document] = documents.as_slice() else {
            bail!("one document is expected, not {}", documents.len());
        };
        Ok(serde_json::from_value(document.value.clone())?)
    }
}

/// Makes the namespace and every Secret in it.
pub(crate) async fn fill(client: &Client, needed: &SecretsNeeded) -> Result<()> {
    let namespace = Namespace {
        metadata: named(NAMESPACE),
        ..Namespace::default()
    };
    Api::<Namespace>::all(client.clone())
        .create(&PostParams::default(), &namespace)
        .await
        .with_context(|| format!("making the namespace {NAMESPACE}"))?;
    let api = Api::<Secret>::namespaced(client.clone(), NAMESPACE);
    for secret in &needed.secrets {
        let values = secret.keys.iter().map(|key| (key.key.clone(), value()));
        let object = Secret {
            metadata: named(&secret.name),
            string_data: Some(values.collect::<BTreeMap<_, _>>()),
            ..Secret::default()
        };
        api.create(&PostParams::default(), &object)
            .await
            .with_context(|| format!("making the Secret {NAMESPACE}/{}", secret.name))?;
    }
    Ok(())
}

fn named(name: &str) -> ObjectMeta {
    ObjectMeta {
        name: Some(name.to_owned()),
        ..ObjectMeta::default()
    }
}

/// A random value, also for what else the demo keeps secret.
pub(crate) fn value() -> String {
    hex::encode(rand::random::<[u8; VALUE_BYTES]>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use windlass_test_support::build::workspace;

    /// Every `${secret:STORE/NAME/KEY}` below a folder.
    fn references(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                references(&path, found)?;
            } else if path
                .extension()
                .is_some_and(|extension| extension == "yaml")
            {
                let text = fs::read_to_string(&path)?;
                let starts = text
                    .match_indices("${secret:")
                    .map(|(at, start)| at + start.len());
                found
                    .extend(starts.filter_map(|at| Some(text[at..].split_once('}')?.0.to_owned())));
            }
        }
        Ok(())
    }

    #[test]
    fn the_example_lists_exactly_the_secrets_that_it_refers_to() -> Result<()> {
        let example = workspace().join("repo-example");
        let needed = SecretsNeeded::read(&example.join("secrets-needed.yaml"))?;
        let listed: BTreeSet<String> = needed
            .secrets
            .iter()
            .flat_map(|secret| secret.keys.iter().map(move |key| (secret, key)))
            .map(|(secret, key)| format!("{}/{}/{}", needed.store, secret.name, key.key))
            .collect();
        let mut referred = BTreeSet::new();
        references(&example, &mut referred)?;
        assert!(!referred.is_empty(), "the example uses secrets");
        assert_eq!(listed, referred);
        Ok(())
    }

    #[test]
    fn what_is_no_list_of_secrets_is_refused() {
        for text in [
            "",
            "store: demo",
            "store: demo\nsecrets: 5",
            "[",
            "a: 1\n---\nb: 2",
        ] {
            assert!(SecretsNeeded::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }

    #[test]
    fn values_are_random_and_need_no_escape_in_a_url() {
        let (one, other) = (value(), value());
        assert_ne!(one, other);
        assert!(
            one.len() == 2 * VALUE_BYTES && one.chars().all(|c| c.is_ascii_hexdigit()),
            "{one}"
        );
    }
}
