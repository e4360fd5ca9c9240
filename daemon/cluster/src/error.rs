//! What can go wrong with the cluster as a whole.

use crate::transport::TransportError;

/// Why something about the cluster could not be done.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No configuration for a connection could be found or read.
    #[error(
        "there is no usable configuration for a Kubernetes cluster: {0}. Set KUBECONFIG, or run in a pod with a service account"
    )]
    Configuration(String),
    /// The API server gave no answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The API server refused.
    #[error("{what} failed: {message}")]
    Refused {
        /// What was tried.
        what: String,
        /// The API server's words.
        message: String,
        /// Code of the page that explains the refusal.
        code: &'static str,
    },
    /// The API server does not speak the discovery that is needed.
    #[error(
        "the API server does not answer with aggregated discovery: {0}. Kubernetes 1.30 or newer is needed"
    )]
    Discovery(String),
    /// A definition was written, and does not become established.
    #[error("the CustomResourceDefinition {name} is not established after {seconds} s: {message}")]
    NotEstablished {
        /// Name of the definition.
        name: String,
        /// How long was waited.
        seconds: u64,
        /// What its conditions say.
        message: String,
    },
}

impl ClusterError {
    /// The code of the page that explains this error.
    pub fn code(&self) -> &'static str {
        match self {
            ClusterError::Configuration(_) => "WL0709",
            ClusterError::Transport(error) => error.code(),
            ClusterError::Refused { code, .. } => code,
            ClusterError::Discovery(_) => "WL0715",
            ClusterError::NotEstablished { .. } => "WL0710",
        }
    }
}
