//! The only room that knows kube: discovery, apply, watch, secrets; and the directory target.
//!
//! [`Cluster`] is one connection. A [`Target`] is where the objects of environments go: a
//! [`KubernetesTarget`], which also watches them, or a [`DirectoryTarget`]. [`Secrets`] hold the
//! values that are put in as a request is sent. [`resources`] are our own kinds.

mod apply;
mod cluster;
mod directory;
mod discovery;
mod error;
mod events;
mod failure;
mod index;
mod parents;
mod people;
pub mod resources;
mod secrets;
mod target;
mod tasks;
mod transport;
mod watching;

pub use cluster::Cluster;
pub use directory::{DirectoryError, DirectoryTarget};
pub use discovery::Served;
pub use error::ClusterError;
pub use events::EventKind;
pub use k8s_openapi::api::core::v1::ObjectReference;
pub use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
/// The types of the connection, so that the daemon needs no kube of its own.
pub use kube::{Client, Config};
pub use parents::{ParentEvent, Watching};
pub use secrets::{Bound, SecretChanged, SecretError, SecretValue, Secrets, Store};
pub use target::{KubernetesTarget, Observation, Target};
pub use transport::{DEFAULT_CONCURRENCY, TransportError};
