//! What a test asks the API server itself, past the proxy.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result, bail, ensure};
use kube::Client;
use serde_json::Value;

use crate::manifests::{Revision, Site};

/// Everything that either revision holds in its namespace, and what might be there besides.
const PATHS: [&str; 5] = [
    "/api/v1/namespaces/{}/configmaps",
    "/api/v1/namespaces/{}/services",
    "/api/v1/namespaces/{}/serviceaccounts",
    "/api/v1/namespaces/{}/secrets",
    "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles",
];

const WINDLASS: &str = "/apis/windlass.dev/v1alpha1";
const PART_OF: &str = "applyset.kubernetes.io/part-of";
const ID: &str = "applyset.kubernetes.io/id";
const CONTAINS: &str = "applyset.kubernetes.io/contains-group-kinds";

pub(crate) struct Cluster {
    client: Client,
}

impl Cluster {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    async fn get(&self, path: &str) -> Result<Value> {
        let request = http::Request::get(path).body(Vec::new())?;
        let answer = self.client.request(request).await;
        answer.with_context(|| format!("asking for {path}"))
    }

    async fn items(&self, path: &str) -> Result<Vec<Value>> {
        let mut list = self.get(path).await?;
        match list["items"].take() {
            Value::Array(items) => Ok(items),
            _ => bail!("{path} is no list"),
        }
    }

    /// The live objects of a site by `kind/name`, its namespace included.
    async fn objects(&self, site: &Site) -> Result<BTreeMap<String, Value>> {
        let namespace = site.namespace();
        let path = format!("/api/v1/namespaces/{namespace}");
        let mut objects =
            BTreeMap::from([(format!("Namespace/{namespace}"), self.get(&path).await?)]);
        for path in PATHS {
            let path = path.replace("{}", &namespace);
            let plural = path.rsplit('/').next().unwrap_or_default();
            for item in self.items(&path).await? {
                let name = text(&item, "/metadata/name")?;
                objects.insert(format!("{}/{name}", kind_of(plural)?), item);
            }
        }
        Ok(objects)
    }

    /// The uids of the live objects of a site by `kind/name`.
    pub(crate) async fn uids(&self, site: &Site) -> Result<BTreeMap<String, String>> {
        let objects = self.objects(site).await?;
        objects
            .iter()
            .map(|(key, object)| Ok((key.clone(), text(object, "/metadata/uid")?.to_owned())))
            .collect()
    }

    async fn parent(&self, site: &Site) -> Result<Value> {
        let path = format!("{WINDLASS}/namespaces/{}/environments", site.home());
        let mut found = self.items(&path).await?;
        match found.pop() {
            Some(one) if found.is_empty() => Ok(one),
            _ => bail!("there is not exactly one Environment in {}", site.home()),
        }
    }

    /// Whether the Environment says that a commit is applied in full and that all is well.
    pub(crate) async fn ready(&self, site: &Site, commit: &str) -> Result<Option<()>> {
        let parent = self.parent(site).await?;
        let status = &parent["status"];
        let conditions = status["conditions"].as_array();
        let ready = conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        if !ready || status["revision"] != commit {
            bail!("the Environment's status is {status}");
        }
        Ok(Some(()))
    }

    /// Fails unless the cluster holds a revision and nothing else, and the inventory knows all of it.
    pub(crate) async fn check(&self, site: &Site, revision: Revision) -> Result<()> {
        let live = self.objects(site).await?;
        let mut wanted = BTreeMap::new();
        for object in site.objects(revision) {
            let (kind, name) = (text(&object, "/kind")?, text(&object, "/metadata/name")?);
            wanted.insert(format!("{kind}/{name}"), object);
        }
        let names = |of: &BTreeMap<String, Value>| of.keys().cloned().collect::<Vec<_>>();
        ensure!(
            names(&live) == names(&wanted),
            "the objects are {:?} and should be {:?}",
            names(&live),
            names(&wanted)
        );

        let parent = self.parent(site).await?;
        let id = parent["metadata"]["labels"][ID].as_str();
        let id = id.context("the Environment has no id of a set")?;
        let contains = parent["metadata"]["annotations"][CONTAINS].as_str();
        let contains: BTreeSet<&str> = contains.unwrap_or_default().split(',').collect();
        for (key, wanted) in &wanted {
            let live = &live[key];
            for field in ["data", "spec", "rules"] {
                ensure!(
                    holds(&live[field], &wanted[field]),
                    "{key}: {field} is {} and should be {}",
                    live[field],
                    wanted[field]
                );
            }
            ensure!(
                live["metadata"]["labels"][PART_OF] == id,
                "{key} is not labelled as part of {id}: {}",
                live["metadata"]["labels"]
            );
            ensure!(
                live["metadata"]["deletionTimestamp"].is_null(),
                "{key} is being deleted"
            );
            let kind = group_kind(wanted)?;
            ensure!(
                contains.contains(kind.as_str()),
                "{key} is a member, and its parent names only {contains:?}"
            );
        }
        Ok(())
    }

    /// Removes every Repository and Environment, so that the next daemon has nothing to do with them.
    pub(crate) async fn forget_all(&self) -> Result<()> {
        for plural in ["repositories", "environments"] {
            for item in self.items(&format!("{WINDLASS}/{plural}")).await? {
                let (namespace, name) = (
                    text(&item, "/metadata/namespace")?,
                    text(&item, "/metadata/name")?,
                );
                let path = format!("{WINDLASS}/namespaces/{namespace}/{plural}/{name}");
                let request = http::Request::delete(&path).body(Vec::new())?;
                let _gone: Value = self.client.request(request).await?;
            }
        }
        Ok(())
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> Result<&'a str> {
    let found = object.pointer(pointer).and_then(Value::as_str);
    found.with_context(|| format!("there is no text at {pointer}"))
}

fn kind_of(plural: &str) -> Result<&'static str> {
    Ok(match plural {
        "configmaps" => "ConfigMap",
        "services" => "Service",
        "serviceaccounts" => "ServiceAccount",
        "secrets" => "Secret",
        "roles" => "Role",
        _ => bail!("{plural} are of no known kind"),
    })
}

/// A kind as the annotation of a parent names it (KEP-3659): `Role.rbac.authorization.k8s.io`, `Service`.
fn group_kind(object: &Value) -> Result<String> {
    let kind = text(object, "/kind")?;
    Ok(match text(object, "/apiVersion")?.split_once('/') {
        Some((group, _)) => format!("{kind}.{group}"),
        None => kind.to_owned(),
    })
}

/// Whether all that is wanted is there; the API server adds defaults, in lists to their entries.
fn holds(live: &Value, wanted: &Value) -> bool {
    match (live, wanted) {
        (_, Value::Null) => true,
        (Value::Object(live), Value::Object(wanted)) => wanted
            .iter()
            .all(|(key, wanted)| live.get(key).is_some_and(|live| holds(live, wanted))),
        (Value::Array(live), Value::Array(wanted)) => {
            live.len() == wanted.len()
                && live
                    .iter()
                    .zip(wanted)
                    .all(|(live, wanted)| holds(live, wanted))
        }
        _ => live == wanted,
    }
}
