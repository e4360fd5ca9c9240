//! Makes the ServiceAccount that acts for one of a cloud (`IAMPolicyGenerator`).

use serde::Deserialize;
use serde_json::json;
use windlass_plugin_sdk::Json;

use crate::config::Reading;
use crate::error::{Error, Result};
use crate::resource::{Resource, Source};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    cloud: String,
    kubernetes_service: KubernetesService,
    service_account: ServiceAccount,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct KubernetesService {
    name: String,
    namespace: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ServiceAccount {
    name: String,
    project_id: String,
}

/// Makes the ServiceAccount.
///
/// # Errors
/// A cloud that kustomize does not know either: `gke` is the only one.
pub(crate) fn generate(config: Json) -> Result<Resource> {
    let config: Config = Reading::PLUGIN.read(config)?;
    if config.cloud != "gke" {
        return Err(Error::new(format_args!(
            "the cloud {:?} is not supported",
            config.cloud
        ))
        .field("cloud")
        .hint("write `gke`"));
    }
    let account = &config.service_account;
    let mut resource = Resource::new(
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": config.kubernetes_service.name},
        }),
        Source::default(),
    );
    resource.set_annotation(
        "iam.gke.io/gcp-service-account",
        &format!(
            "{}@{}.iam.gserviceaccount.com",
            account.name, account.project_id
        ),
    );
    resource.set_namespace(&config.kubernetes_service.namespace);
    Ok(resource)
}
