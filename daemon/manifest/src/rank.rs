//! The order in which kinds are applied.

use crate::GroupKind;

/// The place of a kind in the order of a sync; what others need comes first.
///
/// Objects of one rank go in parallel. Deleting walks the ranks backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// Namespaces: everything namespaced lives in one.
    Namespaces,
    /// Custom resource definitions: custom objects need them established.
    Crds,
    /// Cluster roles and classes, and what admission holds new objects against: quotas, limits,
    /// service accounts, roles.
    ClusterRoles,
    /// What workloads read when they start: configuration, secrets, volumes, services.
    Configuration,
    /// What runs.
    Workloads,
    /// Everything else, custom objects among it.
    Rest,
    /// Admission webhooks and policies: they can refuse everything above, so they come last.
    Webhooks,
}

/// The rank of a kind. A kind that is not known here is [`Rank::Rest`].
pub fn rank_of(kind: &GroupKind) -> Rank {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => Rank::Namespaces,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Rank::Crds,
        ("rbac.authorization.k8s.io", _)
        | ("scheduling.k8s.io", "PriorityClass")
        | ("storage.k8s.io", "StorageClass" | "CSIDriver" | "VolumeAttributesClass")
        | ("networking.k8s.io", "IngressClass" | "NetworkPolicy")
        | ("gateway.networking.k8s.io", "GatewayClass")
        | ("node.k8s.io", "RuntimeClass")
        | ("resource.k8s.io", "DeviceClass")
        | ("snapshot.storage.k8s.io", "VolumeSnapshotClass")
        | ("", "ResourceQuota" | "LimitRange" | "ServiceAccount") => Rank::ClusterRoles,
        (
            "",
            "ConfigMap"
            | "Secret"
            | "PersistentVolume"
            | "PersistentVolumeClaim"
            | "Service"
            | "Endpoints",
        )
        | ("discovery.k8s.io", "EndpointSlice") => Rank::Configuration,
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet")
        | ("batch", "Job" | "CronJob")
        | ("", "Pod" | "ReplicationController") => Rank::Workloads,
        (
            "admissionregistration.k8s.io",
            "ValidatingWebhookConfiguration"
            | "MutatingWebhookConfiguration"
            | "ValidatingAdmissionPolicy"
            | "ValidatingAdmissionPolicyBinding"
            | "MutatingAdmissionPolicy"
            | "MutatingAdmissionPolicyBinding",
        ) => Rank::Webhooks,
        _ => Rank::Rest,
    }
}

/// Whether a built-in kind lives in a namespace; `None` for a kind that is not built in.
///
/// For rendering without a cluster. With one, its discovery is the authority.
pub fn is_namespaced_builtin(kind: &GroupKind) -> Option<bool> {
    let name = kind.kind.as_str();
    let cluster = match kind.group.as_str() {
        "" => matches!(
            name,
            "Namespace" | "Node" | "PersistentVolume" | "ComponentStatus"
        ),
        "rbac.authorization.k8s.io" => matches!(name, "ClusterRole" | "ClusterRoleBinding"),
        "storage.k8s.io" => !matches!(name, "CSIStorageCapacity"),
        "networking.k8s.io" => matches!(name, "IngressClass" | "IPAddress" | "ServiceCIDR"),
        "resource.k8s.io" => matches!(name, "DeviceClass" | "ResourceSlice"),
        "certificates.k8s.io" => !matches!(name, "PodCertificateRequest"),
        "authentication.k8s.io" => true,
        "authorization.k8s.io" => !matches!(name, "LocalSubjectAccessReview"),
        "admissionregistration.k8s.io"
        | "apiextensions.k8s.io"
        | "apiregistration.k8s.io"
        | "flowcontrol.apiserver.k8s.io"
        | "internal.apiserver.k8s.io"
        | "node.k8s.io"
        | "scheduling.k8s.io"
        | "storagemigration.k8s.io" => true,
        "apps"
        | "autoscaling"
        | "batch"
        | "coordination.k8s.io"
        | "discovery.k8s.io"
        | "events.k8s.io"
        | "policy" => false,
        _ => return None,
    };
    Some(!cluster)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", "Namespace", Rank::Namespaces, Some(false))]
    #[case(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        Rank::Crds,
        Some(false)
    )]
    #[case(
        "rbac.authorization.k8s.io",
        "ClusterRole",
        Rank::ClusterRoles,
        Some(false)
    )]
    #[case(
        "rbac.authorization.k8s.io",
        "RoleBinding",
        Rank::ClusterRoles,
        Some(true)
    )]
    #[case("", "ServiceAccount", Rank::ClusterRoles, Some(true))]
    #[case("", "ConfigMap", Rank::Configuration, Some(true))]
    #[case("apps", "Deployment", Rank::Workloads, Some(true))]
    #[case("networking.k8s.io", "Ingress", Rank::Rest, Some(true))]
    #[case("example.com", "Deployment", Rank::Rest, None)]
    #[case(
        "admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration",
        Rank::Webhooks,
        Some(false)
    )]
    fn kinds_have_a_rank_and_a_scope(
        #[case] group: &str,
        #[case] kind: &str,
        #[case] rank: Rank,
        #[case] namespaced: Option<bool>,
    ) {
        let kind = GroupKind::new(group, kind);
        assert_eq!(rank_of(&kind), rank, "{kind}");
        assert_eq!(is_namespaced_builtin(&kind), namespaced, "{kind}");
    }
}
