//! The types of Kubernetes that kustomize knows, as far as their lists merge.
//!
//! The facts are the `x-kubernetes-patch-strategy`, `x-kubernetes-patch-merge-key` and
//! `x-kubernetes-list-map-keys` of the OpenAPI definitions of Kubernetes 1.21.2, reduced to the
//! types from which such a list can be reached, and the table of scopes in `kyaml/openapi`.
//! `windlass_manifest::strategic` has the same facts of a newer Kubernetes and by the keys that the
//! API server merges by, which is another answer for `ports`, for instance.

/// The version that the facts are from.
pub(super) const VERSION: &str = "v1.21.2";

/// A type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Something known below which nothing merges.
    Leaf,
    /// An object of which only the metadata merge.
    Object,
    /// An object whose status has conditions.
    Conditioned,
    /// An object with a pod template in its spec.
    Workload,
    /// The spec of such an object.
    WorkloadSpec,
    /// A CronJob.
    CronJob,
    /// The spec of a CronJob.
    CronJobSpec,
    /// A Pod, but for its status; also a template of pods.
    PodTemplate,
    /// A Pod.
    Pod,
    /// The status of a Pod.
    PodStatus,
    /// The object PodTemplate, which has no spec around its template.
    PodTemplateObject,
    /// The spec of a pod.
    PodSpec,
    /// A container.
    Container,
    /// A container for debugging, whose ports do not merge.
    EphemeralContainer,
    /// A volume.
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
    /// The status of a Node.
    NodeStatus,
    /// A CSINode.
    CsiNode,
    /// The spec of a CSINode.
    CsiNodeSpec,
    /// A ComponentStatus.
    ComponentStatus,
    /// A configuration of admission webhooks.
    Webhooks,
    /// The metadata of an object.
    Metadata,
    /// A status with conditions.
    Status,
    /// A kustomization.
    Kustomization,
    /// A list of scalars that merges.
    Set,
    /// A list that merges.
    List(List),
}

/// A list of mappings that merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// By `name`, below which nothing merges.
    ByName,
    /// By `type`, as conditions do.
    ByType,
    /// By `ip`.
    ByIp,
    /// By `uid`, as owners do.
    ByUid,
    /// By `mountPath`.
    ByMountPath,
    /// By `devicePath`.
    ByDevicePath,
    /// The containers of a pod.
    Containers,
    /// The containers for debugging.
    EphemeralContainers,
    /// The volumes of a pod.
    Volumes,
    /// The ports of a container.
    ContainerPorts,
    /// The ports of a Service.
    ServicePorts,
    /// The constraints on the spreading of pods.
    Spreads,
}

impl Type {
    /// The type of a field; `None` where a leaf hides it.
    pub(super) fn field(self, name: &str) -> Option<Self> {
        Some(match (self, name) {
            (Self::Leaf | Self::Set | Self::List(_), _) => return None,
            (Self::Metadata, "finalizers") | (Self::NodeSpec, "podCIDRs") => Self::Set,
            (Self::Metadata, "ownerReferences") => Self::List(List::ByUid),
            (of, "metadata") if of.is_object() => Self::Metadata,
            (Self::Conditioned | Self::Workload | Self::Service, "status") => Self::Status,
            (
                Self::Status | Self::NodeStatus | Self::PodStatus | Self::ComponentStatus,
                "conditions",
            )
            | (Self::NodeStatus, "addresses") => Self::List(List::ByType),
            (Self::Workload, "spec") => Self::WorkloadSpec,
            (Self::WorkloadSpec | Self::PodTemplateObject, "template") => Self::PodTemplate,
            (Self::CronJob, "spec") => Self::CronJobSpec,
            (Self::CronJobSpec, "jobTemplate") => Self::Workload,
            (Self::Pod | Self::PodTemplate, "spec") => Self::PodSpec,
            (Self::Pod, "status") => Self::PodStatus,
            (Self::PodSpec, "containers" | "initContainers") => Self::List(List::Containers),
            (Self::PodSpec, "ephemeralContainers") => Self::List(List::EphemeralContainers),
            (Self::PodSpec, "hostAliases") | (Self::PodStatus, "podIPs") => Self::List(List::ByIp),
            (Self::PodSpec, "topologySpreadConstraints") => Self::List(List::Spreads),
            (Self::PodSpec, "volumes") => Self::List(List::Volumes),
            (Self::Container, "ports") => Self::List(List::ContainerPorts),
            (Self::Container | Self::EphemeralContainer, "volumeMounts") => {
                Self::List(List::ByMountPath)
            }
            (Self::Container | Self::EphemeralContainer, "volumeDevices") => {
                Self::List(List::ByDevicePath)
            }
            (Self::Container | Self::EphemeralContainer, "env")
            | (Self::PodSpec, "imagePullSecrets")
            | (Self::ServiceAccount, "secrets")
            | (Self::CsiNodeSpec, "drivers")
            | (Self::Webhooks, "webhooks")
            | (Self::Kustomization, "configMapGenerator" | "secretGenerator") => {
                Self::List(List::ByName)
            }
            (Self::Volume, "ephemeral") => Self::EphemeralVolume,
            (Self::EphemeralVolume, "volumeClaimTemplate") => Self::Object,
            (Self::Service, "spec") => Self::ServiceSpec,
            (Self::ServiceSpec, "ports") => Self::List(List::ServicePorts),
            (Self::Node, "spec") => Self::NodeSpec,
            (Self::Node, "status") => Self::NodeStatus,
            (Self::CsiNode, "spec") => Self::CsiNodeSpec,
            _ => Self::Leaf,
        })
    }

    /// The type of the items of a list.
    pub(super) fn items(self) -> Option<Self> {
        match self {
            Self::List(List::Containers) => Some(Self::Container),
            Self::List(List::EphemeralContainers) => Some(Self::EphemeralContainer),
            Self::List(List::Volumes) => Some(Self::Volume),
            Self::List(_) | Self::Set => Some(Self::Leaf),
            _ => None,
        }
    }

    /// The merge keys of a list.
    pub(super) fn merge_keys(self) -> Option<&'static [&'static str]> {
        Some(match self {
            Self::Set => &[],
            Self::List(list) => match list {
                List::ByName | List::Containers | List::EphemeralContainers | List::Volumes => {
                    &["name"]
                }
                List::ByType => &["type"],
                List::ByIp => &["ip"],
                List::ByUid => &["uid"],
                List::ByMountPath => &["mountPath"],
                List::ByDevicePath => &["devicePath"],
                List::ContainerPorts => &["containerPort", "protocol"],
                List::ServicePorts => &["port", "protocol"],
                List::Spreads => &["topologyKey", "whenUnsatisfiable"],
            },
            _ => return None,
        })
    }

    /// Whether the type has the metadata of an object.
    fn is_object(self) -> bool {
        matches!(
            self,
            Self::Object
                | Self::Conditioned
                | Self::Workload
                | Self::CronJob
                | Self::PodTemplate
                | Self::Pod
                | Self::PodTemplateObject
                | Self::Service
                | Self::ServiceAccount
                | Self::Node
                | Self::CsiNode
                | Self::ComponentStatus
                | Self::Webhooks
        )
    }
}

/// The type of the objects of a kind.
pub(super) fn kind(api_version: &str, kind: &str) -> Option<Type> {
    Some(match (kind, api_version) {
        ("Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet", "apps/v1")
        | ("Job", "batch/v1")
        | ("ReplicationController", "v1") => Type::Workload,
        ("CronJob", "batch/v1" | "batch/v1beta1") => Type::CronJob,
        ("Pod", "v1") => Type::Pod,
        ("PodTemplate", "v1") => Type::PodTemplateObject,
        ("Service", "v1") => Type::Service,
        ("ServiceAccount", "v1") => Type::ServiceAccount,
        ("Node", "v1") => Type::Node,
        ("ComponentStatus", "v1") => Type::ComponentStatus,
        ("CSINode", "storage.k8s.io/v1" | "storage.k8s.io/v1beta1") => Type::CsiNode,
        (
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
            "admissionregistration.k8s.io/v1" | "admissionregistration.k8s.io/v1beta1",
        ) => Type::Webhooks,
        ("Namespace" | "PersistentVolumeClaim", "v1")
        | ("PodDisruptionBudget", "policy/v1" | "policy/v1beta1")
        | ("APIService", "apiregistration.k8s.io/v1" | "apiregistration.k8s.io/v1beta1") => {
            Type::Conditioned
        }
        ("Kustomization", "kustomize.config.k8s.io/v1beta1") => Type::Kustomization,
        _ if is_plain(api_version, kind) => Type::Object,
        _ => return None,
    })
}

/// The type of a definition of Kubernetes, by its name in the OpenAPI definitions.
pub(super) fn definition(name: &str) -> Option<Type> {
    if name == "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" {
        return Some(Type::Metadata);
    }
    let (group, rest) = name.strip_prefix("io.k8s.api.")?.split_once('.')?;
    let (version, kind) = rest.split_once('.')?;
    Some(match (group, kind) {
        ("core", "PodTemplateSpec") => Type::PodTemplate,
        ("core", "PodSpec") => Type::PodSpec,
        ("core", "PodStatus") => Type::PodStatus,
        ("core", "Container") => Type::Container,
        ("core", "EphemeralContainer") => Type::EphemeralContainer,
        ("core", "Volume") => Type::Volume,
        ("core", "ServiceSpec") => Type::ServiceSpec,
        ("core", "NodeSpec") => Type::NodeSpec,
        ("core", "NodeStatus") => Type::NodeStatus,
        ("apps", "DeploymentSpec" | "StatefulSetSpec" | "DaemonSetSpec" | "ReplicaSetSpec")
        | ("batch", "JobSpec")
        | ("core", "ReplicationControllerSpec") => Type::WorkloadSpec,
        ("batch", "CronJobSpec") => Type::CronJobSpec,
        ("core", kind) => return self::kind(version, kind),
        (group, kind) => {
            let plain = self::kind(&format!("{group}/{version}"), kind);
            return plain.or_else(|| self::kind(&format!("{group}.k8s.io/{version}"), kind));
        }
    })
}

/// Whether a kind is one of those of which only the metadata merge.
fn is_plain(api_version: &str, kind: &str) -> bool {
    matches!(
        (kind, api_version),
        (
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1" | "apiextensions.k8s.io/v1beta1"
        ) | ("ControllerRevision", "apps/v1")
            | ("TokenRequest", "authentication.k8s.io/v1")
            | (
                "TokenReview",
                "authentication.k8s.io/v1" | "authentication.k8s.io/v1beta1"
            )
            | (
                "LocalSubjectAccessReview"
                    | "SelfSubjectAccessReview"
                    | "SelfSubjectRulesReview"
                    | "SubjectAccessReview",
                "authorization.k8s.io/v1" | "authorization.k8s.io/v1beta1"
            )
            | ("Scale", "autoscaling/v1")
            | (
                "HorizontalPodAutoscaler",
                "autoscaling/v1" | "autoscaling/v2beta1" | "autoscaling/v2beta2"
            )
            | (
                "CertificateSigningRequest",
                "certificates.k8s.io/v1" | "certificates.k8s.io/v1beta1"
            )
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
            | (
                "FlowSchema" | "PriorityLevelConfiguration",
                "flowcontrol.apiserver.k8s.io/v1beta1"
            )
            | ("NetworkPolicy", "networking.k8s.io/v1")
            | (
                "IngressClass",
                "networking.k8s.io/v1" | "networking.k8s.io/v1beta1"
            )
            | ("RuntimeClass", "node.k8s.io/v1" | "node.k8s.io/v1beta1")
            | ("Eviction" | "PodSecurityPolicy", "policy/v1beta1")
            | (
                "ClusterRole" | "ClusterRoleBinding" | "Role" | "RoleBinding",
                "rbac.authorization.k8s.io/v1" | "rbac.authorization.k8s.io/v1beta1"
            )
            | (
                "PriorityClass",
                "scheduling.k8s.io/v1" | "scheduling.k8s.io/v1beta1"
            )
            | (
                "CSIDriver" | "StorageClass" | "VolumeAttachment",
                "storage.k8s.io/v1" | "storage.k8s.io/v1beta1"
            )
            | ("CSIStorageCapacity", "storage.k8s.io/v1beta1")
            | (
                "Binding"
                    | "ConfigMap"
                    | "Endpoints"
                    | "LimitRange"
                    | "PersistentVolume"
                    | "ResourceQuota"
                    | "Secret",
                "v1"
            )
    )
}

/// Whether a kind is one of kustomize's own, which no file of definitions hides.
pub(super) fn is_kustomize(api_version: &str, kind: &str) -> bool {
    api_version == "kustomize.config.k8s.io/v1beta1"
        && matches!(
            kind,
            "ConfigMapArgs" | "GeneratorArgs" | "Kustomization" | "KvPairSources" | "SecretArgs"
        )
}
