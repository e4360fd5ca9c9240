//! The built-in types of Kubernetes, as far as their lists merge.
//!
//! The facts are the `patchStrategy` and `patchMergeKey` tags of the published API types
//! (`k8s.io/api`, `k8s.io/apimachinery` and `k8s.io/kube-aggregator`, 1.36). A type or field that
//! is not named here has no tag, so its maps merge and its lists are replaced.

use super::{Field, Schema, Strategy};

/// The schema of the built-in kinds.
#[derive(Debug, Clone, Copy, Default)]
pub struct BuiltinSchema;

/// A type of the built-in API that has, somewhere below it, a field with a patch strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// An object without such fields, but for its metadata.
    Plain,
    /// An object whose status has conditions.
    Conditioned,
    /// A Pod.
    Pod,
    /// The status of a Pod.
    PodStatus,
    /// The core PodTemplate, which has its template not in a spec.
    PodTemplateObject,
    /// An object with a pod template in `spec.template`.
    Workload,
    /// The spec of such an object.
    WorkloadSpec,
    /// The metadata and spec of a pod to make.
    PodTemplate,
    /// A CronJob.
    CronJob,
    /// The spec of a CronJob.
    CronJobSpec,
    /// The spec of a pod.
    PodSpec,
    /// A container of a pod.
    Container,
    /// A volume of a pod.
    Volume,
    /// A volume that lives as long as its pod.
    EphemeralVolume,
    /// A Service.
    Service,
    /// The spec of a Service.
    ServiceSpec,
    /// A ServiceAccount.
    ServiceAccount,
    /// A Node.
    Node,
    /// The spec of a Node.
    NodeSpec,
    /// A PodDisruptionBudget.
    DisruptionBudget,
    /// The spec of a PodDisruptionBudget.
    DisruptionBudgetSpec,
    /// A ResourceClaim.
    ResourceClaim,
    /// The status of a ResourceClaim.
    ResourceClaimStatus,
    /// A PodGroup.
    PodGroup,
    /// The spec of a PodGroup.
    PodGroupSpec,
    /// A CSINode.
    CsiNode,
    /// The spec of a CSINode.
    CsiNodeSpec,
    /// An admission webhook configuration.
    Webhooks,
    /// A webhook, or the spec of a MutatingAdmissionPolicy.
    Matching,
    /// A MutatingAdmissionPolicy.
    MutatingPolicy,
    /// A ValidatingAdmissionPolicy.
    ValidatingPolicy,
    /// The spec of a ValidatingAdmissionPolicy.
    ValidatingPolicySpec,
    /// The metadata of any object.
    Metadata,
    /// A status with conditions, or a ComponentStatus itself.
    Status,
}

impl Schema for BuiltinSchema {
    type Type = Type;

    fn root(&self, api_version: &str, kind: &str) -> Option<Type> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Some(match (group, kind) {
            ("", "Pod") => Type::Pod,
            ("", "PodTemplate") => Type::PodTemplateObject,
            ("", "Service") => Type::Service,
            ("", "ServiceAccount") => Type::ServiceAccount,
            ("", "Node") => Type::Node,
            ("", "ComponentStatus") => Type::Status,
            ("", "ReplicationController")
            | ("apps" | "extensions", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
            | ("batch", "Job") => Type::Workload,
            ("batch", "CronJob") => Type::CronJob,
            ("policy", "PodDisruptionBudget") => Type::DisruptionBudget,
            ("resource.k8s.io", "ResourceClaim") => Type::ResourceClaim,
            ("scheduling.k8s.io", "PodGroup") => Type::PodGroup,
            ("storage.k8s.io", "CSINode") => Type::CsiNode,
            (
                "admissionregistration.k8s.io",
                "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            ) => Type::Webhooks,
            ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => Type::MutatingPolicy,
            ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => Type::ValidatingPolicy,
            ("", "Namespace" | "PersistentVolumeClaim")
            | ("autoscaling", "HorizontalPodAutoscaler")
            | ("apiregistration.k8s.io", "APIService")
            | ("certificates.k8s.io", "PodCertificateRequest")
            | ("flowcontrol.apiserver.k8s.io", "FlowSchema" | "PriorityLevelConfiguration")
            | ("networking.k8s.io", "ServiceCIDR")
            | ("resource.k8s.io", "DeviceTaintRule" | "ResourcePoolStatusRequest")
            | ("storagemigration.k8s.io", "StorageVersionMigration") => Type::Conditioned,
            (
                ""
                | "apps"
                | "extensions"
                | "autoscaling"
                | "batch"
                | "policy"
                | "admissionregistration.k8s.io"
                | "apiextensions.k8s.io"
                | "apiregistration.k8s.io"
                | "certificates.k8s.io"
                | "coordination.k8s.io"
                | "discovery.k8s.io"
                | "events.k8s.io"
                | "flowcontrol.apiserver.k8s.io"
                | "internal.apiserver.k8s.io"
                | "networking.k8s.io"
                | "node.k8s.io"
                | "rbac.authorization.k8s.io"
                | "resource.k8s.io"
                | "scheduling.k8s.io"
                | "storage.k8s.io"
                | "storagemigration.k8s.io",
                _,
            ) => Type::Plain,
            _ => return None,
        })
    }

    fn field(&self, of: Option<Type>, name: &str) -> Field<Type> {
        let into = |child| Field {
            child: Some(child),
            ..Field::default()
        };
        let by = |key| Field {
            strategy: Strategy::ByKey(key),
            ..Field::default()
        };
        let items = |key, child| Field {
            child: Some(child),
            ..by(key)
        };
        let union = |key| Field {
            retain_keys: true,
            ..by(key)
        };
        let set = Field {
            strategy: Strategy::Set,
            ..Field::default()
        };
        let Some(of) = of else {
            return Field::default();
        };
        match (of, name) {
            (Type::Metadata, "ownerReferences") => by("uid"),
            (Type::Metadata, "finalizers") => set,
            (Type::Pod | Type::PodTemplate, "spec") => into(Type::PodSpec),
            (Type::Pod, "status") => into(Type::PodStatus),
            (Type::PodTemplateObject | Type::WorkloadSpec, "template") => into(Type::PodTemplate),
            (Type::Workload, "spec") => into(Type::WorkloadSpec),
            (Type::WorkloadSpec, "strategy") => Field {
                retain_keys: true,
                ..Field::default()
            },
            (Type::CronJob, "spec") => into(Type::CronJobSpec),
            (Type::CronJobSpec, "jobTemplate") => into(Type::Workload),
            (Type::PodSpec, "containers" | "initContainers" | "ephemeralContainers") => {
                items("name", Type::Container)
            }
            (Type::PodSpec, "volumes") => Field {
                child: Some(Type::Volume),
                ..union("name")
            },
            (Type::PodSpec | Type::PodGroupSpec, "resourceClaims")
            | (Type::PodStatus, "resourceClaimStatuses") => union("name"),
            (Type::PodSpec, "imagePullSecrets" | "schedulingGates") => by("name"),
            (Type::PodSpec, "hostAliases") | (Type::PodStatus, "hostIPs" | "podIPs") => by("ip"),
            (Type::PodSpec, "topologySpreadConstraints") => by("topologyKey"),
            (Type::Container, "env") => by("name"),
            (Type::Container, "ports") => by("containerPort"),
            (Type::Container, "volumeMounts") => by("mountPath"),
            (Type::Container, "volumeDevices") => by("devicePath"),
            (Type::Volume, "ephemeral") => into(Type::EphemeralVolume),
            (Type::EphemeralVolume, "volumeClaimTemplate") => into(Type::Plain),
            (Type::Service, "spec") => into(Type::ServiceSpec),
            (Type::ServiceSpec, "ports") => by("port"),
            (Type::ServiceAccount, "secrets") => by("name"),
            (Type::Node, "spec") => into(Type::NodeSpec),
            (Type::NodeSpec, "podCIDRs") => set,
            (Type::DisruptionBudget, "spec") => into(Type::DisruptionBudgetSpec),
            (Type::DisruptionBudgetSpec, "selector") => Field {
                replace: true,
                ..Field::default()
            },
            (Type::ResourceClaim, "status") => into(Type::ResourceClaimStatus),
            (Type::ResourceClaimStatus, "reservedFor") => by("uid"),
            (Type::PodGroup, "spec") => into(Type::PodGroupSpec),
            (Type::PodGroup, "status") => into(Type::PodStatus),
            (Type::CsiNode, "spec") => into(Type::CsiNodeSpec),
            (Type::CsiNodeSpec, "drivers") => by("name"),
            (Type::Webhooks, "webhooks") => items("name", Type::Matching),
            (Type::MutatingPolicy, "spec") => into(Type::Matching),
            (Type::ValidatingPolicy, "spec") => into(Type::ValidatingPolicySpec),
            (Type::Matching, "matchConditions")
            | (Type::ValidatingPolicySpec, "matchConditions" | "variables") => by("name"),
            (Type::Status | Type::PodStatus, "conditions") => by("type"),
            (Type::Status, "addresses") => by("type"),
            (
                Type::Conditioned
                | Type::Workload
                | Type::Service
                | Type::Node
                | Type::DisruptionBudget,
                "status",
            ) => into(Type::Status),
            (of, "metadata") if of.is_object() => into(Type::Metadata),
            _ => Field::default(),
        }
    }
}

impl Type {
    /// Whether the type has the metadata of an object.
    fn is_object(self) -> bool {
        match self {
            Self::Plain
            | Self::Conditioned
            | Self::Pod
            | Self::PodTemplateObject
            | Self::Workload
            | Self::PodTemplate
            | Self::CronJob
            | Self::Service
            | Self::ServiceAccount
            | Self::Node
            | Self::DisruptionBudget
            | Self::ResourceClaim
            | Self::PodGroup
            | Self::CsiNode
            | Self::Webhooks
            | Self::MutatingPolicy
            | Self::ValidatingPolicy
            | Self::Status => true,
            Self::PodStatus
            | Self::WorkloadSpec
            | Self::CronJobSpec
            | Self::PodSpec
            | Self::Container
            | Self::Volume
            | Self::EphemeralVolume
            | Self::ServiceSpec
            | Self::NodeSpec
            | Self::DisruptionBudgetSpec
            | Self::ResourceClaimStatus
            | Self::PodGroupSpec
            | Self::CsiNodeSpec
            | Self::Matching
            | Self::ValidatingPolicySpec
            | Self::Metadata => false,
        }
    }
}

#[cfg(test)]
#[path = "builtin_tests.rs"]
mod tests;
