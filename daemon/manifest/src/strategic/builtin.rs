//! The built-in types of Kubernetes, as far as their lists merge.
//!
//! The facts are the `patchStrategy` and `patchMergeKey` tags of the published API types.

use super::{Field, Schema, Strategy};

/// The schema of the built-in kinds.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinSchema;

/// A type of the built-in API that has, somewhere below it, a list that merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// An object whose `spec` is a pod's.
    Pod,
    /// An object with a pod template in `spec.template`.
    Workload,
    /// The spec of such an object.
    WorkloadSpec,
    /// A pod template.
    PodTemplate,
    /// A CronJob, its spec, and its job template.
    CronJob,
    /// The spec of a CronJob.
    CronJobSpec,
    /// The spec of a pod.
    PodSpec,
    /// A container of a pod.
    Container,
    /// A volume of a pod.
    Volume,
    /// A Service.
    Service,
    /// The spec of a Service.
    ServiceSpec,
    /// A ServiceAccount.
    ServiceAccount,
    /// An admission webhook configuration.
    Webhooks,
    /// A Node.
    Node,
    /// The spec of a Node.
    NodeSpec,
    /// The metadata of any object.
    Metadata,
    /// A status with conditions.
    Status,
    /// Any other built-in object.
    Other,
}

impl Schema for BuiltinSchema {
    type Type = Type;

    fn root(&self, api_version: &str, kind: &str) -> Option<Type> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let builtin = group.is_empty() || !group.contains('.') || group.ends_with(".k8s.io");
        Some(match (group, kind) {
            ("", "Pod") => Type::Pod,
            ("", "PodTemplate") => Type::PodTemplate,
            ("", "Service") => Type::Service,
            ("", "ServiceAccount") => Type::ServiceAccount,
            ("", "Node") => Type::Node,
            ("", "ReplicationController")
            | ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job") => Type::Workload,
            ("batch", "CronJob") => Type::CronJob,
            (
                "admissionregistration.k8s.io",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            ) => Type::Webhooks,
            (
                "" | "apps" | "autoscaling" | "batch" | "policy" | "apiregistration.k8s.io"
                | "certificates.k8s.io" | "coordination.k8s.io" | "discovery.k8s.io"
                | "events.k8s.io" | "flowcontrol.apiserver.k8s.io" | "networking.k8s.io"
                | "node.k8s.io" | "rbac.authorization.k8s.io" | "resource.k8s.io"
                | "scheduling.k8s.io" | "storage.k8s.io" | "admissionregistration.k8s.io",
                _,
            ) if builtin => Type::Other,
            _ => return None,
        })
    }

    fn field(&self, of: Option<Type>, name: &str) -> Field<Type> {
        let Some(of) = of else { return Field::default() };
        let into = |child| Field { child: Some(child), ..Field::default() };
        let by_key = |key, child| Field { strategy: Strategy::ByKey(key), child, ..Field::default() };
        let set = Field { strategy: Strategy::Set, ..Field::default() };
        let union = Field { retain_keys: true, ..Field::default() };
        match (of, name) {
            (Type::PodTemplate | Type::Pod, "spec") => into(Type::PodSpec),
            (Type::Workload, "spec") => into(Type::WorkloadSpec),
            (Type::WorkloadSpec, "template") => into(Type::PodTemplate),
            (Type::WorkloadSpec, "strategy") => union,
            (Type::CronJob, "spec") => into(Type::CronJobSpec),
            (Type::CronJobSpec, "jobTemplate") => into(Type::Workload),
            (Type::Service, "spec") => into(Type::ServiceSpec),
            (Type::ServiceSpec, "ports") => by_key("port", None),
            (Type::ServiceAccount, "secrets" | "imagePullSecrets")
            | (Type::PodSpec, "imagePullSecrets" | "resourceClaims" | "schedulingGates")
            | (Type::Webhooks, "webhooks") => by_key("name", None),
            (Type::PodSpec, "containers" | "initContainers" | "ephemeralContainers") => {
                by_key("name", Some(Type::Container))
            }
            (Type::PodSpec, "volumes") => {
                Field { retain_keys: true, ..by_key("name", Some(Type::Volume)) }
            }
            (Type::PodSpec, "hostAliases") => by_key("ip", None),
            (Type::PodSpec, "topologySpreadConstraints") => by_key("topologyKey", None),
            (Type::Container, "env") => by_key("name", None),
            (Type::Container, "ports") => by_key("containerPort", None),
            (Type::Container, "volumeMounts") => by_key("mountPath", None),
            (Type::Container, "volumeDevices") => by_key("devicePath", None),
            (Type::Node, "spec") => into(Type::NodeSpec),
            (Type::NodeSpec, "podCIDRs") | (Type::Metadata, "finalizers") => set,
            (Type::Metadata, "ownerReferences") => by_key("uid", None),
            (Type::Status, "conditions") => by_key("type", None),
            (Type::Status, "addresses") => by_key("type", None),
            (
                Type::PodSpec
                | Type::WorkloadSpec
                | Type::CronJobSpec
                | Type::ServiceSpec
                | Type::NodeSpec
                | Type::Container
                | Type::Volume
                | Type::Metadata
                | Type::Status,
                _,
            ) => Field::default(),
            (_, "metadata") => into(Type::Metadata),
            (_, "status") => into(Type::Status),
            _ => Field::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use serde_json::json;

    use super::super::apply;
    use super::*;
    use crate::Json;

    fn deployment(pod: Json) -> Json {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": pod}}})
    }

    #[test]
    fn containers_merge_by_name_and_their_lists_by_their_own_keys() {
        let original = deployment(json!({"containers": [
            {"name": "a", "image": "a:1", "args": ["x"], "env": [{"name": "X", "value": "1"}]},
            {"name": "b", "image": "b:1"},
        ]}));
        let patch = json!({"spec": {"template": {"spec": {"containers": [
            {"name": "b", "$patch": "delete"},
            {"name": "a", "args": ["y"], "env": [{"name": "Y", "value": "2"}, {"name": "X", "value": null}]},
            {"name": "c", "image": "c:1"},
        ]}}}});
        assert_eq!(
            apply(&original, &patch, &BuiltinSchema).unwrap(),
            deployment(json!({"containers": [
                {"name": "a", "image": "a:1", "args": ["y"],
                 "env": [{"name": "X"}, {"name": "Y", "value": "2"}]},
                {"name": "c", "image": "c:1"},
            ]}))
        );
    }

    #[test]
    fn a_kind_without_a_schema_merges_as_json() {
        let original = json!({"apiVersion": "example.com/v1", "kind": "X", "spec": {"a": [1], "b": 1}});
        let patch = json!({"spec": {"a": [2], "b": null}});
        assert_eq!(
            apply(&original, &patch, &BuiltinSchema).unwrap(),
            json!({"apiVersion": "example.com/v1", "kind": "X", "spec": {"a": [2]}})
        );
    }

    #[test]
    fn errors_name_the_place() {
        let original = deployment(json!({"containers": []}));
        let patch = json!({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}});
        assert_eq!(
            apply(&original, &patch, &BuiltinSchema).unwrap_err().to_string(),
            "an item of `spec.template.spec.containers` has no `name`, by which the items of this list are told apart"
        );
    }
}
