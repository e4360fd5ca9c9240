//! The scopes of the built-in kinds: kustomize's table, Kubernetes 1.21.2 and two newer kinds
//! (`kyaml/openapi`, `precomputedIsNamespaceScoped`).
//!
//! What is not in it has no certain scope, newer versions of these kinds included.

/// Whether a kind is cluster-scoped in the table of kustomize.
pub(super) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    matches!(
        (kind, api_version),
        (
            "ValidatingAdmissionPolicy" | "ValidatingAdmissionPolicyBinding",
            "admissionregistration.k8s.io/v1"
        ) | (
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            "admissionregistration.k8s.io/v1" | "admissionregistration.k8s.io/v1beta1"
        ) | (
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1" | "apiextensions.k8s.io/v1beta1"
        ) | (
            "APIService",
            "apiregistration.k8s.io/v1" | "apiregistration.k8s.io/v1beta1"
        ) | (
            "CertificateSigningRequest",
            "certificates.k8s.io/v1" | "certificates.k8s.io/v1beta1"
        ) | (
            "FlowSchema" | "PriorityLevelConfiguration",
            "flowcontrol.apiserver.k8s.io/v1beta1"
        ) | (
            "IngressClass",
            "networking.k8s.io/v1" | "networking.k8s.io/v1beta1"
        ) | ("RuntimeClass", "node.k8s.io/v1" | "node.k8s.io/v1beta1")
            | ("PodSecurityPolicy", "policy/v1beta1")
            | (
                "ClusterRole" | "ClusterRoleBinding",
                "rbac.authorization.k8s.io/v1" | "rbac.authorization.k8s.io/v1beta1"
            )
            | (
                "PriorityClass",
                "scheduling.k8s.io/v1" | "scheduling.k8s.io/v1beta1"
            )
            | (
                "CSIDriver" | "CSINode" | "StorageClass" | "VolumeAttachment",
                "storage.k8s.io/v1" | "storage.k8s.io/v1beta1"
            )
            | (
                "ComponentStatus" | "Namespace" | "Node" | "NodeProxyOptions" | "PersistentVolume",
                "v1"
            )
    )
}

/// Whether a kind is namespaced in the table of kustomize.
pub(super) fn is_namespaced(api_version: &str, kind: &str) -> bool {
    matches!(
        (kind, api_version),
        (
            "ControllerRevision" | "DaemonSet" | "Deployment" | "ReplicaSet" | "StatefulSet",
            "apps/v1"
        ) | ("Scale", "autoscaling/v1")
            | (
                "HorizontalPodAutoscaler",
                "autoscaling/v1" | "autoscaling/v2beta1" | "autoscaling/v2beta2"
            )
            | ("Job", "batch/v1")
            | ("CronJob", "batch/v1" | "batch/v1beta1")
            | (
                "Lease",
                "coordination.k8s.io/v1" | "coordination.k8s.io/v1beta1"
            )
            | (
                "EndpointSlice",
                "discovery.k8s.io/v1" | "discovery.k8s.io/v1beta1"
            )
            | ("Event", "events.k8s.io/v1" | "events.k8s.io/v1beta1" | "v1")
            | (
                "Ingress",
                "extensions/v1beta1" | "networking.k8s.io/v1" | "networking.k8s.io/v1beta1"
            )
            | ("NetworkPolicy", "networking.k8s.io/v1")
            | ("PodDisruptionBudget", "policy/v1" | "policy/v1beta1")
            | (
                "Role" | "RoleBinding",
                "rbac.authorization.k8s.io/v1" | "rbac.authorization.k8s.io/v1beta1"
            )
            | ("CSIStorageCapacity", "storage.k8s.io/v1beta1")
            | (
                "ConfigMap"
                    | "Endpoints"
                    | "LimitRange"
                    | "PersistentVolumeClaim"
                    | "Pod"
                    | "PodAttachOptions"
                    | "PodExecOptions"
                    | "PodPortForwardOptions"
                    | "PodProxyOptions"
                    | "PodTemplate"
                    | "ReplicationController"
                    | "ResourceQuota"
                    | "Secret"
                    | "Service"
                    | "ServiceAccount"
                    | "ServiceProxyOptions",
                "v1"
            )
    )
}
