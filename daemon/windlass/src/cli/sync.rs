//! `windlass sync`.

use std::process::ExitCode;
use std::str::FromStr;

use clap::Args;
use windlass_cluster::resources::Span;

use super::environments::{is_ready, no_environment};
use super::output::{short, tell};
use super::{ClusterArgs, Failed};
use crate::controller::SYNC_REQUESTED;

/// Arguments of `windlass sync`.
#[derive(Debug, Args)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The environment.
    name: String,
    /// The namespace of the Environment object.
    #[arg(short, long, default_value = "windlass-system")]
    namespace: String,
    /// How long to wait until it is Ready; 0s does not wait.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = Span::from_str)]
    timeout: Span,
    /// Allows the prune that was refused; the digest is the one that `windlass status` shows.
    #[arg(long, value_name = "DIGEST")]
    confirm_prune: Option<String>,
}

/// Asks for a sync and waits; exit code 1 when the environment is not Ready in time.
pub(crate) async fn sync(args: SyncArgs) -> Result<ExitCode, Failed> {
    let cluster = args.cluster.connect().await?;
    let (namespace, name) = (&args.namespace, &args.name);
    let request = jiff::Timestamp::now().to_string();
    let mut patch = serde_json::json!({
        "metadata": { "annotations": { SYNC_REQUESTED: request } },
    });
    if let Some(digest) = &args.confirm_prune {
        patch["spec"] = serde_json::json!({ "confirmPrune": digest });
    }
    if cluster
        .patch_environment(namespace, name, &patch)
        .await?
        .is_none()
    {
        return Err(no_environment(name));
    }
    tell(format_args!("asked for a sync of {namespace}/{name}"));
    if args.timeout.0.is_zero() {
        return Ok(ExitCode::SUCCESS);
    }
    let mut last = String::new();
    let done = cluster.wait_environment(namespace, name, args.timeout.0, |environment| {
        let Some(status) = &environment.status else {
            return false;
        };
        let message = status.message.as_deref().unwrap_or_default();
        if message != last {
            message.clone_into(&mut last);
            let revision = short(status.attempted_revision.as_deref());
            tell(format_args!("{revision}  {message}"));
        }
        status.last_sync_request.as_deref() == Some(&request) && is_ready(environment)
    });
    if done.await? {
        tell(format_args!("{namespace}/{name} is Ready"));
        Ok(ExitCode::SUCCESS)
    } else {
        tell(format_args!(
            "{namespace}/{name} is not Ready; `windlass status {name}` says why"
        ));
        Ok(ExitCode::from(1))
    }
}
