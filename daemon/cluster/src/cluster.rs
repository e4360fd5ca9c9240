//! One connection to a cluster.

use crate::discovery::{Discovery, Served};
use crate::error::ClusterError;
use crate::failure::Status;
use crate::resources;
use crate::target::{KubernetesTarget, Observation};
use crate::transport::{Answer, Call, DEFAULT_CONCURRENCY, Transport};
use crate::watching::{Note, Subject, watch};
use bytes::Bytes;
use http::Method;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde_json::Value as Json;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use windlass_engine::FingerprintKey;
use windlass_engine::drift::{MANAGER, is_in_force};
use windlass_manifest::GroupKind;

pub(crate) const APPLY: &str = "application/apply-patch+yaml";

/// How long a definition may take to become established.
const ESTABLISH: Duration = Duration::from_secs(30);

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// A connection to a cluster under one identity. Cheap to clone; clones share connections,
/// discovery and the bound on requests in flight.
#[derive(Clone)]
pub struct Cluster {
    transport: Transport,
    discovery: Arc<Discovery>,
}

impl Cluster {
    /// Prepares a connection; the first request opens it.
    ///
    /// Without a configuration it is taken from KUBECONFIG, `~/.kube/config` or the pod's service
    /// account, in this order.
    ///
    /// # Errors
    /// There is no usable configuration.
    pub async fn connect(config: Option<kube::Config>) -> Result<Cluster, ClusterError> {
        let unusable =
            |error: &dyn std::error::Error| ClusterError::Configuration(error.to_string());
        let config = match config {
            Some(config) => config,
            None => kube::Config::infer().await.map_err(|e| unusable(&e))?,
        };
        let client = kube::Client::try_from(config).map_err(|e| unusable(&e))?;
        Ok(Self::over(client, DEFAULT_CONCURRENCY))
    }

    /// Uses a client that is there already, with at most `concurrency` requests in flight; watches
    /// do not count.
    pub fn over(client: kube::Client, concurrency: usize) -> Cluster {
        Cluster {
            transport: Transport::new(client, concurrency),
            discovery: Arc::new(Discovery::new()),
        }
    }

    /// kube's client over the same connections, without the bound on requests.
    pub fn client(&self) -> &kube::Client {
        self.transport.client()
    }

    /// The same connection with the rights of a service account, by impersonation.
    pub fn acting_as(&self, namespace: &str, account: &str) -> Cluster {
        Cluster {
            transport: self.transport.acting_as(namespace, account),
            discovery: Arc::clone(&self.discovery),
        }
    }

    pub(crate) fn transport(&self) -> &Transport {
        &self.transport
    }

    pub(crate) fn discovery(&self) -> &Arc<Discovery> {
        &self.discovery
    }

    /// Reads which kinds are served; until then no kind is known.
    ///
    /// # Errors
    /// The API server cannot be reached, refuses, or is too old.
    pub async fn discover(&self) -> Result<(), ClusterError> {
        self.discovery.refresh(&self.transport).await
    }

    /// Whether objects of a kind are in namespaces; `None` for a kind that is not served.
    pub fn is_namespaced(&self, kind: &GroupKind) -> Option<bool> {
        self.discovery
            .preferred(kind)
            .map(|served| served.namespaced)
    }

    /// How a kind is served in its preferred version.
    pub fn served(&self, kind: &GroupKind) -> Option<Served> {
        self.discovery.preferred(kind)
    }

    /// The cluster as a target of environments, which tells what it sees to `sender`.
    ///
    /// Starts the watch on the definitions of custom kinds; has to be called within a runtime.
    pub fn target(
        &self,
        key: FingerprintKey,
        sender: mpsc::UnboundedSender<Observation>,
    ) -> KubernetesTarget {
        KubernetesTarget::new(self.clone(), key, sender)
    }

    /// Installs our custom resource definitions and waits until they are served.
    ///
    /// What is installed already is not written.
    ///
    /// # Errors
    /// The API server cannot be reached or refuses, or a definition does not become established.
    pub async fn install(&self) -> Result<(), ClusterError> {
        for definition in resources::crds() {
            self.install_one(&definition).await?;
        }
        Ok(())
    }

    async fn install_one(&self, definition: &CustomResourceDefinition) -> Result<(), ClusterError> {
        let mut body = serde_json::to_value(definition)
            .map_err(|error| ClusterError::Configuration(error.to_string()))?;
        // A status is the API server's to write; sent along it would be claimed for nothing.
        if let Some(map) = body.as_object_mut() {
            map.remove("status");
        }
        let name = definition.metadata.name.clone().unwrap_or_default();
        let path = format!("{DEFINITIONS}/{name}");
        let live = self.transport.call(Call::get(&path)).await?;
        let installed = match live.status.as_u16() {
            404 => false,
            200 => {
                let live = live.json()?;
                let same = is_in_force(&live, &body);
                if same && is_established(&live) {
                    return Ok(());
                }
                same
            }
            _ => return Err(refused(format!("reading the definition {name}"), &live)),
        };
        if !installed {
            let target = format!("{path}?fieldManager={MANAGER}&force=true&fieldValidation=Strict");
            let call = Call::new(
                Method::PATCH,
                &target,
                Some(APPLY),
                Bytes::from(body.to_string()),
            );
            let answer = self.transport.call(call).await?;
            if !answer.status.is_success() {
                return Err(refused(
                    format!("installing the definition {name}"),
                    &answer,
                ));
            }
        }
        self.wait_established(&name).await
    }

    async fn wait_established(&self, name: &str) -> Result<(), ClusterError> {
        let subject = Subject {
            path: DEFINITIONS.to_owned(),
            selector: format!(
                "fieldSelector={}",
                crate::transport::encode(&format!("metadata.name={name}"))
            ),
        };
        let mut message = String::from("nothing was seen of it");
        let established = watch(&self.transport, &subject, |note| match note {
            Note::Seen(definition) if is_established(&definition) => {
                self.discovery.defined(&definition);
                ControlFlow::Break(())
            }
            Note::Seen(definition) => {
                message = windlass_engine::health::assess(&definition, None).message;
                ControlFlow::Continue(())
            }
            Note::Failed { message: why, .. } => {
                message = why;
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        });
        let in_time = tokio::time::timeout(ESTABLISH, established).await.is_ok();
        if in_time {
            return Ok(());
        }
        Err(ClusterError::NotEstablished {
            name: name.to_owned(),
            seconds: ESTABLISH.as_secs(),
            message,
        })
    }

    /// Follows the definitions of custom kinds for ever.
    pub(crate) async fn follow_definitions(&self) {
        let subject = Subject {
            path: DEFINITIONS.to_owned(),
            selector: String::new(),
        };
        let mut listed: Option<std::collections::HashSet<GroupKind>> = None;
        watch(&self.transport, &subject, |note| {
            match note {
                Note::Listing => listed = Some(std::collections::HashSet::new()),
                Note::Seen(definition) => {
                    if let (Some(listed), Some(kind)) =
                        (&mut listed, crate::discovery::defined_kind(&definition))
                    {
                        listed.insert(kind);
                    }
                    self.discovery.defined(&definition);
                }
                Note::Deleted(definition) => self.discovery.undefined(&definition),
                Note::Listed(_) => {
                    if let Some(kinds) = listed.take() {
                        self.discovery.defined_are(&kinds);
                    }
                }
                Note::Failed { message, .. } => {
                    tracing::warn!(
                        code = "WL0717",
                        "the watch on custom kinds fails: {message}"
                    );
                }
                Note::NotServed | Note::Recovered => {}
            }
            ControlFlow::Continue(())
        })
        .await;
    }
}

pub(crate) fn refused(what: String, answer: &Answer) -> ClusterError {
    let status = Status::read(answer);
    ClusterError::Refused {
        what,
        code: match status.code {
            401 => "WL0711",
            403 => "WL0702",
            404 => "WL0705",
            400..=499 => "WL0703",
            _ => "WL0701",
        },
        message: status.message,
    }
}

fn is_established(definition: &Json) -> bool {
    definition
        .pointer("/status/conditions")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .any(|condition| {
            condition.get("type").and_then(Json::as_str) == Some("Established")
                && condition.get("status").and_then(Json::as_str) == Some("True")
        })
}
