//! The parents of the sets, and the repositories they come from: our own custom resources.

use crate::Cluster;
use crate::cluster::APPLY;
use crate::failure::{Deed, refused, unanswered};
use crate::resources::{
    API_VERSION, Environment, EnvironmentSpec, EnvironmentStatus, GROUP, RepositoryStatus,
};
use crate::secrets::Mask;
use crate::tasks::Task;
use crate::transport::{Answer, Call, encode};
use crate::watching::{Note, Subject, watch};
use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json, json};
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use tokio::sync::mpsc;
use windlass_engine::applyset::{ID, Inventory, NAMESPACES, SetId, TOOLING};
use windlass_engine::drift::MANAGER;
use windlass_engine::{Failure, FailureClass};
use windlass_manifest::ObjectId;

/// What the watch on one of our own kinds has to say.
#[derive(Clone, Debug)]
pub enum ParentEvent<K> {
    /// The object as it is now.
    Applied(Box<K>),
    /// The object is gone.
    Deleted {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// The object does not fit the schema, as after a downgrade; it is left as it is.
    Unreadable {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// What does not fit.
        message: String,
    },
    /// All that is there has been told.
    Listed,
    /// The watch fails, and is tried again.
    Failed {
        /// Code of the page that explains it.
        code: &'static str,
        /// Why.
        message: String,
    },
    /// The watch works again.
    Recovered,
}

/// A watch that ends when this is dropped.
#[derive(Debug)]
#[must_use = "the watch ends when this is dropped"]
pub struct Watching(#[expect(dead_code, reason = "held for its end")] Task);

fn path(plural: &str, namespace: &str, name: &str) -> String {
    format!(
        "/apis/{API_VERSION}/namespaces/{}/{plural}/{}",
        encode(namespace),
        encode(name)
    )
}

fn id(kind: &str, namespace: &str, name: &str) -> ObjectId {
    ObjectId {
        group: GROUP.to_owned(),
        kind: kind.to_owned(),
        namespace: Some(namespace.to_owned()),
        name: name.to_owned(),
    }
}

fn unreadable(deed: Deed<'_>, error: &serde_json::Error) -> Failure {
    Failure {
        class: FailureClass::Transient { retry_after: None },
        code: "WL0708",
        message: format!("{deed}: the API server's answer could not be read: {error}"),
    }
}

impl Cluster {
    /// Writes an environment's object with what Git says and where its members are: one request.
    ///
    /// By server-side apply, so that what a person has set beside it stays. Without `spec` only
    /// the membership is written, for an environment that was made in the cluster. The object is
    /// the ApplySet parent (KEP-3659) of `set`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn write_environment(
        &self,
        namespace: &str,
        name: &str,
        spec: Option<&EnvironmentSpec>,
        set: &SetId,
        inventory: &Inventory,
        labels: &BTreeMap<String, String>,
    ) -> Result<Environment, Failure> {
        let id = id("Environment", namespace, name);
        let deed = Deed {
            verb: "cannot be written",
            id: &id,
        };
        let mut annotations: Map<String, Json> = inventory
            .annotations(namespace)
            .into_iter()
            .filter(|(annotation, value)| *annotation != NAMESPACES || !value.is_empty())
            .map(|(annotation, value)| (annotation.to_owned(), Json::from(value)))
            .collect();
        annotations.insert(
            TOOLING.to_owned(),
            concat!("windlass/", env!("CARGO_PKG_VERSION")).into(),
        );
        let mut all_labels: Map<String, Json> = labels
            .iter()
            .map(|(label, value)| (label.clone(), Json::from(value.as_str())))
            .collect();
        all_labels.insert(ID.to_owned(), set.as_str().into());
        let mut body = json!({
            "apiVersion": API_VERSION,
            "kind": "Environment",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "labels": all_labels,
                "annotations": annotations,
            },
        });
        if let Some(spec) = spec {
            body["spec"] = serde_json::to_value(spec).map_err(|error| unreadable(deed, &error))?;
        }
        let answer = self
            .patch_own(deed, &path("environments", namespace, name), &body)
            .await?;
        serde_json::from_slice(&answer.body).map_err(|error| unreadable(deed, &error))
    }

    /// Writes an environment's status: one request.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn write_environment_status(
        &self,
        namespace: &str,
        name: &str,
        status: &EnvironmentStatus,
    ) -> Result<(), Failure> {
        self.write_status("Environment", "environments", namespace, name, status)
            .await
    }

    /// Writes a repository's status: one request.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn write_repository_status(
        &self,
        namespace: &str,
        name: &str,
        status: &RepositoryStatus,
    ) -> Result<(), Failure> {
        self.write_status("Repository", "repositories", namespace, name, status)
            .await
    }

    /// Deletes an environment's object, whose members are gone or given up; gone is a success.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete_environment(&self, namespace: &str, name: &str) -> Result<(), Failure> {
        let id = id("Environment", namespace, name);
        let deed = Deed {
            verb: "cannot be deleted",
            id: &id,
        };
        let path = path("environments", namespace, name);
        let call = Call::new(Method::DELETE, &path, None, Bytes::new());
        let answer = self
            .transport()
            .call(call)
            .await
            .map_err(|e| unanswered(deed, &e))?;
        if answer.status.is_success() || answer.status == http::StatusCode::NOT_FOUND {
            return Ok(());
        }
        Err(refused(deed, &answer, &Mask::default()))
    }

    async fn write_status(
        &self,
        kind: &str,
        plural: &str,
        namespace: &str,
        name: &str,
        status: &impl Serialize,
    ) -> Result<(), Failure> {
        let id = id(kind, namespace, name);
        let deed = Deed {
            verb: "cannot get its status",
            id: &id,
        };
        let status = serde_json::to_value(status).map_err(|error| unreadable(deed, &error))?;
        let body = json!({
            "apiVersion": API_VERSION,
            "kind": kind,
            "metadata": { "name": name, "namespace": namespace },
            "status": status,
        });
        let path = format!("{}/status", path(plural, namespace, name));
        self.patch_own(deed, &path, &body).await?;
        Ok(())
    }

    async fn patch_own(&self, deed: Deed<'_>, path: &str, body: &Json) -> Result<Answer, Failure> {
        let target = format!("{path}?fieldManager={MANAGER}&force=true&fieldValidation=Strict");
        let call = Call::new(
            Method::PATCH,
            &target,
            Some(APPLY),
            Bytes::from(body.to_string()),
        );
        let answer = self
            .transport()
            .call(call)
            .await
            .map_err(|e| unanswered(deed, &e))?;
        if answer.status.is_success() {
            return Ok(answer);
        }
        Err(refused(deed, &answer, &Mask::default()))
    }

    /// Follows the environments of all namespaces, or of one.
    pub fn watch_environments(
        &self,
        namespace: Option<&str>,
        sender: mpsc::UnboundedSender<ParentEvent<Environment>>,
    ) -> Watching {
        self.watch_own("environments", namespace, sender)
    }

    /// Follows the repositories of all namespaces, or of one.
    pub fn watch_repositories(
        &self,
        namespace: Option<&str>,
        sender: mpsc::UnboundedSender<ParentEvent<crate::resources::Repository>>,
    ) -> Watching {
        self.watch_own("repositories", namespace, sender)
    }

    fn watch_own<K: DeserializeOwned + Send + 'static>(
        &self,
        plural: &str,
        namespace: Option<&str>,
        sender: mpsc::UnboundedSender<ParentEvent<K>>,
    ) -> Watching {
        let path = match namespace {
            Some(namespace) => {
                format!(
                    "/apis/{API_VERSION}/namespaces/{}/{plural}",
                    encode(namespace)
                )
            }
            None => format!("/apis/{API_VERSION}/{plural}"),
        };
        let transport = self.transport().clone();
        Watching(Task::spawn(async move {
            let subject = Subject {
                path,
                selector: String::new(),
            };
            let mut follower = Follower {
                known: HashSet::new(),
                listing: None,
                sender,
            };
            watch(&transport, &subject, |note| follower.note(note)).await;
        }))
    }
}

type Name = (String, String);

/// Turns a watch's notes into events, and finds out what went while nobody watched.
struct Follower<K> {
    known: HashSet<Name>,
    listing: Option<HashSet<Name>>,
    sender: mpsc::UnboundedSender<ParentEvent<K>>,
}

fn name_of(object: &Json) -> Option<Name> {
    let metadata = object.get("metadata")?;
    let text = |field: &str| {
        metadata
            .get(field)
            .and_then(Json::as_str)
            .map(str::to_owned)
    };
    Some((text("namespace").unwrap_or_default(), text("name")?))
}

impl<K: DeserializeOwned> Follower<K> {
    fn tell(&self, event: ParentEvent<K>) -> ControlFlow<()> {
        match self.sender.send(event) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    fn gone(&mut self, name: Name) -> ControlFlow<()> {
        if !self.known.remove(&name) {
            return ControlFlow::Continue(());
        }
        let (namespace, name) = name;
        self.tell(ParentEvent::Deleted { namespace, name })
    }

    fn note(&mut self, note: Note) -> ControlFlow<()> {
        match note {
            Note::Listing => self.listing = Some(HashSet::new()),
            Note::Seen(object) => {
                let Some(name) = name_of(&object) else {
                    return ControlFlow::Continue(());
                };
                self.known.insert(name.clone());
                if let Some(listing) = &mut self.listing {
                    listing.insert(name.clone());
                }
                return self.tell(match serde_json::from_value(object) {
                    Ok(object) => ParentEvent::Applied(Box::new(object)),
                    Err(error) => ParentEvent::Unreadable {
                        namespace: name.0,
                        name: name.1,
                        message: error.to_string(),
                    },
                });
            }
            Note::Deleted(object) => {
                if let Some(name) = name_of(&object) {
                    return self.gone(name);
                }
            }
            Note::Listed(_) => {
                let seen = self.listing.take().unwrap_or_default();
                let gone: Vec<Name> = self.known.difference(&seen).cloned().collect();
                for name in gone {
                    self.gone(name)?;
                }
                return self.tell(ParentEvent::Listed);
            }
            Note::NotServed => {
                return self.tell(ParentEvent::Failed {
                    code: "WL0705",
                    message: "our custom resources are not installed".to_owned(),
                });
            }
            Note::Failed { code, message, .. } => {
                return self.tell(ParentEvent::Failed { code, message });
            }
            Note::Recovered => return self.tell(ParentEvent::Recovered),
        }
        ControlFlow::Continue(())
    }
}
