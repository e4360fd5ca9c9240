use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{Node, ServiceAccount};
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::PostParams;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::wait::{eventually, watch_until};

/// Makes the nodes that kwok then keeps ready, large enough that no test ever runs out of room.
pub(super) async fn create(client: &Client, count: usize) -> Result<()> {
    for number in 0..count {
        let name = format!("node-{number}");
        let capacity = json!({ "cpu": "1000", "memory": "1Ti", "pods": "10000" });
        let node = serde_json::from_value::<Node>(json!({
            "metadata": {
                "name": name,
                "labels": { "kubernetes.io/hostname": name, "kubernetes.io/os": "linux" },
            },
            "status": { "capacity": capacity, "allocatable": capacity },
        }))?;
        create_once(&Api::<Node>::all(client.clone()), &node).await?;
    }
    Ok(())
}

/// Makes the default storage class, whose volumes the stages of kwok provide.
pub(super) async fn create_storage_class(client: &Client) -> Result<()> {
    let class = serde_json::from_value::<StorageClass>(json!({
        "metadata": {
            "name": "simulated",
            "annotations": { "storageclass.kubernetes.io/is-default-class": "true" },
        },
        "provisioner": "windlass.dev/simulated",
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }))?;
    create_once(&Api::<StorageClass>::all(client.clone()), &class).await
}

async fn create_once<K>(api: &Api<K>, object: &K) -> Result<()>
where
    K: Resource + Serialize + DeserializeOwned + Clone + std::fmt::Debug,
{
    match api.create(&PostParams::default(), object).await {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
        Err(error) => Err(error).context("creating an object that simulation needs"),
    }
}

/// Waits until the scheduler would put a pod on every node.
///
/// Nodes are born with a taint that only the controller manager takes off again, so `untainted` is to be asked for only
/// where one runs.
pub(super) async fn wait_ready(
    client: &Client,
    count: usize,
    untainted: bool,
    deadline: Duration,
) -> Result<()> {
    let nodes = Api::<Node>::all(client.clone());
    for number in 0..count {
        let name = format!("node-{number}");
        let ready = |node: &Node| is_ready(node) && !(untainted && is_tainted(node));
        watch_until(&nodes, &name, deadline, "being ready", ready).await?;
    }
    Ok(())
}

fn is_ready(node: &Node) -> bool {
    let mut conditions = node
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn is_tainted(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.is_some_and(|taints| !taints.is_empty())
}

/// Waits for the first thing that the controller manager does in every namespace.
pub(super) async fn wait_default_account(client: &Client, deadline: Duration) -> Result<()> {
    let accounts = Api::<ServiceAccount>::namespaced(client.clone(), "default");
    eventually(
        deadline,
        "the controller manager to make service accounts",
        async || match accounts.get_opt("default").await {
            Ok(account) => Ok(account.map(|_| ())),
            Err(error) => bail!(error),
        },
    )
    .await
}
