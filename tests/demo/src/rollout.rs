//! Whether the workloads of the cluster are rolled out, by the rules of `kubectl rollout status`.

use anyhow::{Context as _, Result};
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::api::ListParams;
use kube::{Api, Client, ResourceExt as _};

use crate::text::count;

/// The workloads of a cluster.
#[derive(Debug, Default)]
pub(crate) struct Rollouts {
    pub(crate) deployments: usize,
    pub(crate) stateful_sets: usize,
    /// Those that are not rolled out, with how far they are.
    pub(crate) unfinished: Vec<String>,
}

impl Rollouts {
    /// Looks at every Deployment and StatefulSet.
    pub(crate) async fn list(client: &Client) -> Result<Self> {
        let all = ListParams::default();
        let deployments = Api::<Deployment>::all(client.clone()).list(&all).await;
        let deployments = deployments.context("listing Deployments")?.items;
        let stateful_sets = Api::<StatefulSet>::all(client.clone()).list(&all).await;
        let stateful_sets = stateful_sets.context("listing StatefulSets")?.items;
        let waiting = deployments.iter().filter_map(|deployment| {
            let progress = Progress::of_deployment(deployment);
            progress.describe(
                "Deployment",
                &deployment.namespace(),
                &deployment.name_any(),
            )
        });
        let also_waiting = stateful_sets.iter().filter_map(|set| {
            let progress = Progress::of_stateful_set(set);
            progress.describe("StatefulSet", &set.namespace(), &set.name_any())
        });
        Ok(Self {
            unfinished: waiting.chain(also_waiting).collect(),
            deployments: deployments.len(),
            stateful_sets: stateful_sets.len(),
        })
    }

    /// `12 of 14 workloads rolled out`.
    pub(crate) fn progress(&self) -> String {
        let total = self.deployments + self.stateful_sets;
        format!(
            "{} of {} rolled out",
            total - self.unfinished.len(),
            count(total, "workload")
        )
    }

    /// `8 Deployments and 6 StatefulSets`.
    pub(crate) fn kinds(&self) -> String {
        format!(
            "{} and {}",
            count(self.deployments, "Deployment"),
            count(self.stateful_sets, "StatefulSet")
        )
    }

    /// Whether there are any, and none is unfinished.
    pub(crate) fn are_complete(&self) -> bool {
        self.deployments + self.stateful_sets > 0 && self.unfinished.is_empty()
    }
}

/// How far one workload is.
#[derive(Debug)]
struct Progress {
    /// The controller has seen the newest specification.
    observed: bool,
    wanted: i32,
    updated: i32,
    /// Pods of an older specification are gone.
    replaced: bool,
    ready: i32,
}

impl Progress {
    fn of_deployment(deployment: &Deployment) -> Self {
        let status = deployment.status.clone().unwrap_or_default();
        let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas);
        let updated = status.updated_replicas.unwrap_or(0);
        Self {
            observed: status.observed_generation >= deployment.metadata.generation,
            wanted: wanted.unwrap_or(1),
            updated,
            replaced: status.replicas.unwrap_or(0) <= updated,
            ready: status.available_replicas.unwrap_or(0),
        }
    }

    fn of_stateful_set(set: &StatefulSet) -> Self {
        let status = set.status.clone().unwrap_or_default();
        let wanted = set.spec.as_ref().and_then(|spec| spec.replicas);
        // The controller counts updated pods only while it replaces them; in the end the revisions are equal.
        let replaced = status.current_revision == status.update_revision;
        Self {
            observed: status.observed_generation >= set.metadata.generation,
            wanted: wanted.unwrap_or(1),
            updated: if replaced {
                status.replicas
            } else {
                status.updated_replicas.unwrap_or(0)
            },
            replaced,
            ready: status.ready_replicas.unwrap_or(0),
        }
    }

    fn is_complete(&self) -> bool {
        self.observed && self.replaced && self.updated >= self.wanted && self.ready >= self.wanted
    }

    fn describe(&self, kind: &str, namespace: &Option<String>, name: &str) -> Option<String> {
        let namespace = namespace.as_deref().unwrap_or_default();
        (!self.is_complete()).then(|| {
            let Self {
                wanted,
                updated,
                ready,
                ..
            } = self;
            format!("{kind} {namespace}/{name}: {updated} of {wanted} updated, {ready} ready")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::{Value, json};

    #[rstest]
    #[case::done(json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}), true)]
    #[case::not_seen_yet(json!({"observedGeneration": 1, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}), false)]
    #[case::old_pods_left(json!({"observedGeneration": 2, "replicas": 4, "updatedReplicas": 3, "availableReplicas": 3}), false)]
    #[case::too_few_updated(json!({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}), false)]
    #[case::not_available(json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 2}), false)]
    #[case::no_status(json!({}), false)]
    fn a_deployment_is_rolled_out(#[case] status: Value, #[case] expected: bool) -> Result<()> {
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": { "generation": 2 },
            "spec": { "replicas": 3, "selector": {}, "template": {} },
            "status": status,
        }))?;
        let progress = Progress::of_deployment(&deployment);
        assert_eq!(progress.is_complete(), expected, "{progress:?}");
        Ok(())
    }

    #[rstest]
    #[case::done(json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "a"}), true)]
    #[case::replacing(json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "currentRevision": "a", "updateRevision": "b"}), false)]
    #[case::starting(json!({"observedGeneration": 1, "replicas": 1, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"}), false)]
    #[case::not_ready(json!({"observedGeneration": 1, "replicas": 2, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"}), false)]
    fn a_stateful_set_is_rolled_out(#[case] status: Value, #[case] expected: bool) -> Result<()> {
        let set: StatefulSet = serde_json::from_value(json!({
            "metadata": { "generation": 1 },
            "spec": { "replicas": 2, "selector": {}, "serviceName": "x", "template": {} },
            "status": status,
        }))?;
        let progress = Progress::of_stateful_set(&set);
        assert_eq!(progress.is_complete(), expected, "{progress:?}");
        Ok(())
    }

    #[test]
    fn an_empty_cluster_is_not_rolled_out() {
        assert!(!Rollouts::default().are_complete());
    }
}
