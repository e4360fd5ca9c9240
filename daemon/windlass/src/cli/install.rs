//! `windlass install`.

use std::process::ExitCode;

use clap::Args;
use windlass_cluster::resources::crds;
use windlass_manifest::to_yaml_stream;

use super::output::{put, tell};
use super::{ClusterArgs, Failed};

/// Arguments of `windlass install`.
#[derive(Debug, Args)]
pub(crate) struct InstallArgs {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Prints the custom resource definitions instead of creating them.
    #[arg(long)]
    print: bool,
}

/// Creates or updates the custom resource definitions and waits until they are served.
pub(crate) async fn install(args: InstallArgs) -> Result<ExitCode, Failed> {
    let values: Vec<_> = crds()
        .iter()
        .map(serde_json::to_value)
        .collect::<Result<_, _>>()
        .map_err(|error| Failed::new("WL0002", error.to_string()))?;
    if args.print {
        put(&to_yaml_stream(values.iter()))?;
        return Ok(ExitCode::SUCCESS);
    }
    args.cluster.connect().await?.install().await?;
    for value in &values {
        let name = value
            .pointer("/metadata/name")
            .and_then(|name| name.as_str())
            .unwrap_or("");
        tell(format_args!(
            "customresourcedefinition {name} is established"
        ));
    }
    Ok(ExitCode::SUCCESS)
}
