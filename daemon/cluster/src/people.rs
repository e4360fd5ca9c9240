//! What the commands of people ask the cluster: reads and small writes, outside the daemon's road.

use crate::Cluster;
use crate::cluster::{APPLY, refused};
use crate::error::ClusterError;
use crate::parents::ParentEvent;
use crate::resources::{API_VERSION, Environment, Repository, RepositorySpec};
use crate::transport::{Call, DEFAULT_CONCURRENCY, TransportError, encode};
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::time::Duration;
use tokio::sync::mpsc;
use windlass_engine::applyset::{Inventory, PART_OF, SetId};
use windlass_engine::drift::{MANAGER, is_in_force};

/// A list of our own objects, as far as it is read.
#[derive(Deserialize)]
struct List<K> {
    items: Vec<K>,
}

/// A patch that merges as JSON (RFC 7386).
const MERGE: &str = "application/merge-patch+json";

impl Cluster {
    /// Connects as kubectl would: a kubeconfig file and a context, or `$KUBECONFIG`,
    /// `~/.kube/config` or the pod's service account.
    ///
    /// # Errors
    /// The configuration cannot be read, or names nothing usable.
    pub async fn connect_as(
        kubeconfig: Option<&Path>,
        context: Option<&str>,
    ) -> Result<Cluster, ClusterError> {
        let unusable =
            |error: &dyn std::error::Error| ClusterError::Configuration(error.to_string());
        let options = kube::config::KubeConfigOptions {
            context: context.map(str::to_owned),
            ..kube::config::KubeConfigOptions::default()
        };
        let config = match (kubeconfig, context) {
            (Some(path), _) => {
                let file = kube::config::Kubeconfig::read_from(path).map_err(|e| unusable(&e))?;
                kube::Config::from_custom_kubeconfig(file, &options)
                    .await
                    .map_err(|e| unusable(&e))?
            }
            (None, Some(_)) => kube::Config::from_kubeconfig(&options)
                .await
                .map_err(|e| unusable(&e))?,
            (None, None) => return Cluster::connect(None).await,
        };
        let client = kube::Client::try_from(config).map_err(|e| unusable(&e))?;
        Ok(Cluster::over(client, DEFAULT_CONCURRENCY))
    }

    /// Reads the repositories of a namespace.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses.
    pub async fn repositories(&self, namespace: &str) -> Result<Vec<Repository>, ClusterError> {
        let path = format!(
            "/apis/{API_VERSION}/namespaces/{}/repositories",
            encode(namespace)
        );
        self.list_own(&path, "reading the repositories").await
    }

    /// Reads the environments of a namespace, or of all.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses.
    pub async fn environments(
        &self,
        namespace: Option<&str>,
    ) -> Result<Vec<Environment>, ClusterError> {
        let path = match namespace {
            Some(namespace) => {
                format!(
                    "/apis/{API_VERSION}/namespaces/{}/environments",
                    encode(namespace)
                )
            }
            None => format!("/apis/{API_VERSION}/environments"),
        };
        self.list_own(&path, "reading the environments").await
    }

    async fn list_own<K: DeserializeOwned>(
        &self,
        path: &str,
        what: &str,
    ) -> Result<Vec<K>, ClusterError> {
        let answer = self.transport().call(Call::get(path)).await?;
        if !answer.status.is_success() {
            return Err(refused(what.to_owned(), &answer));
        }
        let list: List<K> = serde_json::from_slice(&answer.body)
            .map_err(|error| TransportError::Unreadable(error.to_string()))?;
        Ok(list.items)
    }

    /// Reads the live members of a set, kind by kind; a kind that is not served has none.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses.
    pub async fn members(
        &self,
        set: &SetId,
        inventory: &Inventory,
    ) -> Result<Vec<Json>, ClusterError> {
        if self.served_nothing_yet() {
            self.discover().await?;
        }
        let selector = encode(&format!("{PART_OF}={set}")).to_string();
        let mut members = Vec::new();
        for kind in &inventory.kinds {
            let Some(served) = self.served(kind) else {
                continue;
            };
            let path = format!("{}?labelSelector={selector}", served.everywhere());
            let answer = self.transport().call(Call::get(&path)).await?;
            if !answer.status.is_success() {
                return Err(refused(format!("listing {kind}"), &answer));
            }
            let mut list = answer.json()?;
            let Some(items) = list.get_mut("items").and_then(Json::as_array_mut) else {
                continue;
            };
            for mut item in items.drain(..) {
                // The items of a typed list come without their type.
                if let Some(map) = item.as_object_mut() {
                    let api_version = match served.group.as_str() {
                        "" => served.version.clone(),
                        group => format!("{group}/{}", served.version),
                    };
                    map.entry("apiVersion")
                        .or_insert_with(|| Json::from(api_version));
                    map.entry("kind")
                        .or_insert_with(|| Json::from(served.kind.as_str()));
                }
                members.push(item);
            }
        }
        Ok(members)
    }

    /// Patches an `Environment` in the name of a person; `None` when there is no such object.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses.
    pub async fn patch_environment(
        &self,
        namespace: &str,
        name: &str,
        patch: &Json,
    ) -> Result<Option<()>, ClusterError> {
        let path = format!(
            "/apis/{API_VERSION}/namespaces/{}/environments/{}?fieldManager=windlass-cli",
            encode(namespace),
            encode(name)
        );
        let body = Bytes::from(patch.to_string());
        let answer = self
            .transport()
            .call(Call::new(Method::PATCH, &path, Some(MERGE), body))
            .await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(())),
            _ => Err(refused(
                format!("patching the Environment {namespace}/{name}"),
                &answer,
            )),
        }
    }

    /// Watches an `Environment` until it is as wanted; false when `timeout` passes before.
    ///
    /// # Errors
    /// The watch is refused.
    pub async fn wait_environment(
        &self,
        namespace: &str,
        name: &str,
        timeout: Duration,
        mut wanted: impl FnMut(&Environment) -> bool,
    ) -> Result<bool, ClusterError> {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let _watching = self.watch_environments(Some(namespace), sender);
        let until = async {
            while let Some(event) = receiver.recv().await {
                match event {
                    ParentEvent::Applied(environment)
                        if environment.metadata.name.as_deref() == Some(name)
                            && wanted(&environment) =>
                    {
                        return Ok(true);
                    }
                    ParentEvent::Failed { code, message } => {
                        let what = format!("watching the Environment {namespace}/{name}");
                        return Err(ClusterError::Refused {
                            what,
                            message,
                            code,
                        });
                    }
                    _ => {}
                }
            }
            Ok(false)
        };
        tokio::time::timeout(timeout, until)
            .await
            .unwrap_or(Ok(false))
    }

    /// Creates a namespace unless it is there.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses.
    pub async fn ensure_namespace(&self, name: &str) -> Result<(), ClusterError> {
        let path = format!("/api/v1/namespaces/{}", encode(name));
        let answer = self.transport().call(Call::get(&path)).await?;
        if answer.status.is_success() {
            return Ok(());
        }
        let body = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        self.apply_own(&path, &body, format!("creating the namespace {name}"))
            .await
    }

    /// Writes a `Repository` as the command line describes it, unless it is there like that already.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses.
    pub async fn write_repository(
        &self,
        namespace: &str,
        name: &str,
        spec: &RepositorySpec,
    ) -> Result<(), ClusterError> {
        let path = format!(
            "/apis/{API_VERSION}/namespaces/{}/repositories/{}",
            encode(namespace),
            encode(name)
        );
        let body = json!({
            "apiVersion": API_VERSION,
            "kind": "Repository",
            "metadata": { "name": name, "namespace": namespace },
            "spec": spec,
        });
        let live = self.transport().call(Call::get(&path)).await?;
        if live.status.is_success() && is_in_force(&live.json()?, &body) {
            return Ok(());
        }
        self.apply_own(
            &path,
            &body,
            format!("writing the Repository {namespace}/{name}"),
        )
        .await
    }

    async fn apply_own(&self, path: &str, body: &Json, what: String) -> Result<(), ClusterError> {
        let target = format!("{path}?fieldManager={MANAGER}&force=true&fieldValidation=Strict");
        let body = Bytes::from(body.to_string());
        let answer = self
            .transport()
            .call(Call::new(Method::PATCH, &target, Some(APPLY), body))
            .await?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(refused(what, &answer))
        }
    }

    fn served_nothing_yet(&self) -> bool {
        !self.discovery().is_complete()
    }
}
