//! Which cluster a command talks to: the rules of kubectl.

use std::path::PathBuf;

use clap::Args;
use windlass_cluster::Cluster;

use super::Failed;

/// Flags of every command that needs a cluster.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// The kubeconfig file; default: $KUBECONFIG, ~/.kube/config, or the pod's service account.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
}

impl ClusterArgs {
    pub(crate) async fn connect(&self) -> Result<Cluster, Failed> {
        Ok(Cluster::connect_as(self.kubeconfig.as_deref(), self.context.as_deref()).await?)
    }
}
