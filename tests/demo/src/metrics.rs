//! What a metrics server would say of simulated pods.
//!
//! An autoscaler without metrics reports that it does not work, and it is right. Simulated pods have no kubelet to measure
//! them, so the resource that a metrics server serves is defined here, and filled: every container uses a constant share of
//! what it requests.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::{Value, json};
use windlass_test_support::eventually;

/// The share of a request that is used: below every usual target, and near enough for a small number of pods to stay.
const USED: f64 = 0.6;

/// How soon a pod that turned ready has metrics; autoscalers look every 15 seconds.
const POLL: Duration = Duration::from_secs(1);

const DEADLINE: Duration = Duration::from_secs(30);

/// Defines the resource, and fills it for as long as the runtime lives.
pub(crate) async fn simulate(client: Client) -> Result<()> {
    let definitions = Api::<CustomResourceDefinition>::all(client.clone());
    let definition = serde_json::from_value(definition())?;
    definitions
        .create(&PostParams::default(), &definition)
        .await
        .context("defining the metrics of pods")?;
    let all = Api::<DynamicObject>::all_with(client.clone(), &resource());
    eventually(DEADLINE, "the metrics of pods to be served", async || {
        all.list(&ListParams::default()).await?;
        Ok(Some(()))
    })
    .await?;
    tokio::spawn(async move {
        let mut measured = HashSet::new();
        loop {
            // What fails now is tried again in a moment, and autoscalers say what they miss.
            drop(measure(&client, &mut measured).await);
            tokio::time::sleep(POLL).await;
        }
    });
    Ok(())
}

/// Gives metrics to the ready pods that have none; they go with their pods, by garbage collection.
async fn measure(client: &Client, measured: &mut HashSet<String>) -> Result<()> {
    let pods = Api::<Pod>::all(client.clone());
    for pod in pods.list(&ListParams::default()).await? {
        let uid = pod.uid().unwrap_or_default();
        if !is_ready(&pod) || measured.contains(&uid) {
            continue;
        }
        let metrics: DynamicObject = serde_json::from_value(metrics_of(&pod, Timestamp::now()))?;
        let namespace = pod.namespace().unwrap_or_default();
        let api = Api::<DynamicObject>::namespaced_with(client.clone(), &namespace, &resource());
        api.create(&PostParams::default(), &metrics).await?;
        measured.insert(uid);
    }
    Ok(())
}

fn resource() -> ApiResource {
    let kind = GroupVersionKind::gvk("metrics.k8s.io", "v1beta1", "PodMetrics");
    ApiResource::from_gvk_with_plural(&kind, "pods")
}

fn definition() -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "pods.metrics.k8s.io",
            // The API server demands this of groups that end in k8s.io.
            "annotations": { "api-approved.kubernetes.io": "unapproved, simulates a metrics server" },
        },
        "spec": {
            "group": "metrics.k8s.io",
            "scope": "Namespaced",
            "names": {
                "plural": "pods", "singular": "podmetrics",
                "kind": "PodMetrics", "listKind": "PodMetricsList",
            },
            "versions": [{
                "name": "v1beta1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object",
                    "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    })
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .iter()
        .flat_map(|status| status.conditions.iter().flatten());
    let mut ready = conditions.filter(|condition| condition.type_ == "Ready");
    ready.any(|condition| condition.status == "True")
}

/// What a metrics server publishes of a pod at a time.
fn metrics_of(pod: &Pod, at: Timestamp) -> Value {
    let containers = pod
        .spec
        .iter()
        .flat_map(|spec| &spec.containers)
        .map(|container| {
            let requests = container
                .resources
                .iter()
                .flat_map(|resources| resources.requests.iter().flatten());
            let usage =
                requests.map(|(resource, quantity)| (resource.clone(), json!(share(&quantity.0))));
            let usage: serde_json::Map<String, Value> = usage.collect();
            json!({ "name": container.name, "usage": usage })
        });
    json!({
        "apiVersion": "metrics.k8s.io/v1beta1",
        "kind": "PodMetrics",
        "metadata": {
            "name": pod.name_any(),
            "namespace": pod.namespace(),
            // Autoscalers ask for metrics by the labels of pods.
            "labels": pod.labels(),
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "Pod", "name": pod.name_any(), "uid": pod.uid(),
            }],
        },
        "timestamp": at.to_string(),
        // Measured since the pod is ready: an autoscaler disregards a window that began before.
        "window": "0s",
        "containers": containers.collect::<Vec<_>>(),
    })
}

/// The used share of a quantity, in the unit of the quantity.
fn share(quantity: &str) -> String {
    let digits = |c: char| c.is_ascii_digit() || c == '.';
    let unit = quantity.trim_start_matches(digits);
    let number = &quantity[..quantity.len() - unit.len()];
    let used = USED * number.parse::<f64>().unwrap_or(0.0);
    let used = format!("{used:.3}");
    format!("{}{unit}", used.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("100m", "60m")]
    #[case("1", "0.6")]
    #[case("0.5", "0.3")]
    #[case("128Mi", "76.8Mi")]
    #[case("1e3", "0.6e3")]
    #[case("0", "0")]
    fn a_share_is_in_the_unit_of_the_quantity(#[case] quantity: &str, #[case] expected: &str) {
        assert_eq!(share(quantity), expected, "{quantity}");
    }

    #[test]
    fn a_pod_is_measured_by_its_requests_and_found_by_its_labels() -> Result<()> {
        let pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "a", "namespace": "n", "uid": "u", "labels": { "app": "x" } },
            "spec": { "containers": [
                { "name": "one", "resources": { "requests": { "cpu": "50m" } } },
                { "name": "two" },
            ] },
            "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
        }))?;
        assert!(is_ready(&pod));
        let metrics = metrics_of(&pod, Timestamp::UNIX_EPOCH);
        let expected = json!([
            { "name": "one", "usage": { "cpu": "30m" } },
            { "name": "two", "usage": {} },
        ]);
        assert_eq!(metrics["containers"], expected);
        assert_eq!(metrics["metadata"]["labels"], json!({ "app": "x" }));
        assert_eq!(metrics["metadata"]["ownerReferences"][0]["uid"], "u");
        assert_eq!(metrics["timestamp"], "1970-01-01T00:00:00Z");
        Ok(())
    }
}
