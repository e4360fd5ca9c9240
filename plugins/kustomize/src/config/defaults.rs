//! The fields that kustomize knows of itself (its `builtinpluginconsts`), as tables.

use super::{NameBackReferences, References, TransformerConfig, compare};
use crate::field::{FieldPath, FieldSpec, FieldSpecs};
use crate::id::Gvk;

/// Group, version and kind; what is empty is not looked at.
type Kind = (&'static str, &'static str, &'static str);

const ANY: Kind = ("", "", "");

/// Fields of one kind.
struct Row(Kind, bool, &'static [&'static str]);

const fn made(kind: Kind, paths: &'static [&'static str]) -> Row {
    Row(kind, true, paths)
}

const fn found(kind: Kind, paths: &'static [&'static str]) -> Row {
    Row(kind, false, paths)
}

const RBAC: &str = "rbac.authorization.k8s.io";
const ADMISSION: &str = "admissionregistration.k8s.io";

const NAME: &[Row] = &[found(ANY, &["metadata/name"])];

const NAMESPACE: &[Row] = &[
    made(("", "", "Namespace"), &["metadata/name"]),
    made(
        ("apiregistration.k8s.io", "", "APIService"),
        &["spec/service/namespace"],
    ),
    found(
        ("apiextensions.k8s.io", "", "CustomResourceDefinition"),
        &["spec/conversion/webhook/clientConfig/service/namespace"],
    ),
];

const TEMPLATE_LABELS: &[Row] = &[
    made(ANY, &["metadata/labels"]),
    made(("", "v1", "ReplicationController"), TEMPLATE),
    made(("", "", "Deployment"), TEMPLATE),
    made(("", "", "ReplicaSet"), TEMPLATE),
    made(("", "", "DaemonSet"), TEMPLATE),
    made(("apps", "", "StatefulSet"), TEMPLATE),
    made(("batch", "", "Job"), TEMPLATE),
    made(
        ("batch", "", "CronJob"),
        &[
            "spec/jobTemplate/metadata/labels",
            "spec/jobTemplate/spec/template/metadata/labels",
        ],
    ),
];
const TEMPLATE: &[&str] = &["spec/template/metadata/labels"];

const CLAIM_LABELS: &[Row] = &[made(
    ("apps", "", "StatefulSet"),
    &["spec/volumeClaimTemplates[]/metadata/labels"],
)];

const SELECTORS: &[Row] = &[
    made(("", "v1", "Service"), &["spec/selector"]),
    made(("", "v1", "ReplicationController"), &["spec/selector"]),
    made(("", "", "Deployment"), MATCH),
    found(("apps", "", "Deployment"), SPREAD),
    made(("", "", "ReplicaSet"), MATCH),
    made(("", "", "DaemonSet"), MATCH),
    made(("apps", "", "StatefulSet"), MATCH),
    found(("apps", "", "StatefulSet"), SPREAD),
    found(("batch", "", "Job"), MATCH),
    found(
        ("batch", "", "CronJob"),
        &["spec/jobTemplate/spec/selector/matchLabels"],
    ),
    found(("policy", "", "PodDisruptionBudget"), MATCH),
    found(
        ("networking.k8s.io", "", "NetworkPolicy"),
        &[
            "spec/podSelector/matchLabels",
            "spec/ingress/from/podSelector/matchLabels",
            "spec/egress/to/podSelector/matchLabels",
        ],
    ),
];
const MATCH: &[&str] = &["spec/selector/matchLabels"];
const SPREAD: &[&str] = &[
    "spec/template/spec/affinity/podAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "spec/template/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "spec/template/spec/affinity/podAntiAffinity/preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm/labelSelector/matchLabels",
    "spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution/labelSelector/matchLabels",
    "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels",
];

const ANNOTATIONS: &[Row] = &[
    made(ANY, &["metadata/annotations"]),
    made(("", "v1", "ReplicationController"), TEMPLATE_ANNOTATIONS),
    made(("", "", "Deployment"), TEMPLATE_ANNOTATIONS),
    made(("", "", "ReplicaSet"), TEMPLATE_ANNOTATIONS),
    made(("", "", "DaemonSet"), TEMPLATE_ANNOTATIONS),
    made(("", "", "StatefulSet"), TEMPLATE_ANNOTATIONS),
    made(("batch", "", "Job"), TEMPLATE_ANNOTATIONS),
    made(
        ("batch", "", "CronJob"),
        &[
            "spec/jobTemplate/metadata/annotations",
            "spec/jobTemplate/spec/template/metadata/annotations",
        ],
    ),
];
const TEMPLATE_ANNOTATIONS: &[&str] = &["spec/template/metadata/annotations"];

const IMAGES: &[Row] = &[made(
    ANY,
    &[
        "spec/containers[]/image",
        "spec/initContainers[]/image",
        "spec/volumes[]/image/reference",
        "spec/template/spec/containers[]/image",
        "spec/template/spec/initContainers[]/image",
        "spec/template/spec/volumes[]/image/reference",
        "spec/jobTemplate/spec/template/spec/volumes[]/image/reference",
    ],
)];

const REPLICAS: &[Row] = &[
    made(("", "", "Deployment"), &["spec/replicas"]),
    made(("", "", "ReplicationController"), &["spec/replicas"]),
    made(("", "", "ReplicaSet"), &["spec/replicas"]),
    made(("", "", "StatefulSet"), &["spec/replicas"]),
];

/// Kinds that hold the specification of a pod, and where.
type Pods = &'static [(Kind, &'static str)];

const TEMPLATED: &str = "spec/template/spec/";
const SCHEDULED: &str = "spec/jobTemplate/spec/template/spec/";

/// Those in which ConfigMaps and Secrets are looked for.
const CONTENT_PODS: Pods = &[
    (("", "v1", "Pod"), "spec/"),
    (("", "", "PodTemplate"), "template/spec/"),
    (("", "", "Deployment"), TEMPLATED),
    (("", "", "ReplicaSet"), TEMPLATED),
    (("", "", "DaemonSet"), TEMPLATED),
    (("", "", "StatefulSet"), TEMPLATED),
    (("", "", "Job"), TEMPLATED),
    (("", "", "CronJob"), SCHEDULED),
];

/// Those in which accounts, claims and priority classes are looked for.
const OTHER_PODS: Pods = &[
    (("", "", "Pod"), "spec/"),
    (("", "", "StatefulSet"), TEMPLATED),
    (("", "", "Deployment"), TEMPLATED),
    (("", "", "ReplicationController"), TEMPLATED),
    (("", "", "CronJob"), SCHEDULED),
    (("", "", "Job"), TEMPLATED),
    (("", "", "DaemonSet"), TEMPLATED),
];

/// Those in which variables are replaced.
const VARIABLE_PODS: Pods = &[
    (("", "", "CronJob"), SCHEDULED),
    (("", "", "DaemonSet"), TEMPLATED),
    (("", "", "Deployment"), TEMPLATED),
    (("", "", "Job"), TEMPLATED),
    (("", "", "Pod"), "spec/"),
    (("", "", "ReplicaSet"), TEMPLATED),
    (("", "", "StatefulSet"), TEMPLATED),
];

const VARIABLE_FIELDS: &[&str] = &[
    "containers/args",
    "containers/command",
    "containers/env/value",
    "containers/volumeMounts/mountPath",
    "initContainers/args",
    "initContainers/command",
    "initContainers/env/value",
    "initContainers/volumeMounts/mountPath",
];

const SERVER: &[&str] = &["spec/template/spec/volumes/nfs/server"];

/// Where variables are replaced besides [`VARIABLE_FIELDS`]. The path of a CronJob leaves out a
/// `spec`, here as there.
const VARIABLES: &[Row] = &[
    found(
        ("", "", "CronJob"),
        &["spec/jobTemplate/spec/template/volumes/nfs/server"],
    ),
    found(("", "", "DaemonSet"), SERVER),
    found(
        ("", "", "Deployment"),
        &[
            "spec/template/spec/volumes/nfs/server",
            "spec/template/metadata/annotations",
        ],
    ),
    found(("", "", "Job"), SERVER),
    found(("", "", "Pod"), &["spec/volumes/nfs/server"]),
    found(("", "", "ReplicaSet"), SERVER),
    found(
        ("", "", "StatefulSet"),
        &["spec/volumeClaimTemplates/spec/nfs/server"],
    ),
    found(
        ("", "", "Ingress"),
        &["spec/rules/host", "spec/tls/hosts", "spec/tls/secretName"],
    ),
    found(
        ("", "", "Service"),
        &["spec/ports/port", "spec/ports/targetPort"],
    ),
    found(("", "", "PersistentVolume"), &["spec/nfs/server"]),
    found(ANY, &["metadata/labels", "metadata/annotations"]),
];

/// How objects refer to those of one kind.
struct Target {
    kind: Kind,
    pods: Pods,
    pod_fields: &'static [&'static str],
    rows: &'static [Row],
}

const fn scaled(kind: &'static str) -> Target {
    Target {
        kind: ("", "", kind),
        pods: &[],
        pod_fields: &[],
        rows: SCALERS,
    }
}

const SCALERS: &[Row] = &[found(
    ("", "", "HorizontalPodAutoscaler"),
    &["spec/scaleTargetRef/name"],
)];

const RULES: &[&str] = &["rules/resourceNames"];
const WEBHOOKS: &[&str] = &["webhooks/clientConfig/service"];
const CLASS: &[&str] = &["spec/storageClassName"];

const TARGETS: &[Target] = &[
    scaled("Deployment"),
    scaled("ReplicationController"),
    scaled("ReplicaSet"),
    scaled("StatefulSet"),
    Target {
        kind: ("", "v1", "ConfigMap"),
        pods: CONTENT_PODS,
        pod_fields: &[
            "volumes/configMap/name",
            "containers/env/valueFrom/configMapKeyRef/name",
            "initContainers/env/valueFrom/configMapKeyRef/name",
            "containers/envFrom/configMapRef/name",
            "initContainers/envFrom/configMapRef/name",
            "volumes/projected/sources/configMap/name",
        ],
        rows: &[
            found(("", "", "Node"), &["spec/configSource/configMap"]),
            found(("", "", "Role"), RULES),
            found(("", "", "ClusterRole"), RULES),
            found(
                ("", "", "Ingress"),
                &[r"metadata/annotations/nginx.ingress.kubernetes.io\/fastcgi-params-configmap"],
            ),
        ],
    },
    Target {
        kind: ("", "v1", "Secret"),
        pods: CONTENT_PODS,
        pod_fields: &[
            "volumes/secret/secretName",
            "containers/env/valueFrom/secretKeyRef/name",
            "initContainers/env/valueFrom/secretKeyRef/name",
            "containers/envFrom/secretRef/name",
            "initContainers/envFrom/secretRef/name",
            "imagePullSecrets/name",
            "volumes/projected/sources/secret/name",
        ],
        rows: &[
            found(
                ("", "", "Ingress"),
                &[
                    "spec/tls/secretName",
                    r"metadata/annotations/ingress.kubernetes.io\/auth-secret",
                    r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-secret",
                    r"metadata/annotations/nginx.ingress.kubernetes.io\/auth-tls-secret",
                ],
            ),
            found(("", "", "ServiceAccount"), &["imagePullSecrets/name"]),
            found(
                ("", "", "StorageClass"),
                &[
                    "parameters/secretName",
                    "parameters/adminSecretName",
                    "parameters/userSecretName",
                    "parameters/secretRef",
                ],
            ),
            found(("", "", "Role"), RULES),
            found(("", "", "ClusterRole"), RULES),
            found(
                ("serving.knative.dev", "v1", "Service"),
                &["spec/template/spec/containers/env/valueFrom/secretKeyRef/name"],
            ),
            found(("", "", "PersistentVolume"), &["spec/azureFile/secretName"]),
        ],
    },
    Target {
        kind: ("", "v1", "Service"),
        pods: &[],
        pod_fields: &[],
        rows: &[
            found(("apps", "", "StatefulSet"), &["spec/serviceName"]),
            found(
                ("", "", "Ingress"),
                &[
                    "spec/rules/http/paths/backend/serviceName",
                    "spec/backend/serviceName",
                    "spec/rules/http/paths/backend/service/name",
                    "spec/defaultBackend/service/name",
                ],
            ),
            found(
                ("apiregistration.k8s.io", "", "APIService"),
                &["spec/service/name"],
            ),
            found((ADMISSION, "", "ValidatingWebhookConfiguration"), WEBHOOKS),
            found((ADMISSION, "", "MutatingWebhookConfiguration"), WEBHOOKS),
        ],
    },
    Target {
        kind: (RBAC, "", "Role"),
        pods: &[],
        pod_fields: &[],
        rows: &[found((RBAC, "", "RoleBinding"), &["roleRef/name"])],
    },
    Target {
        kind: (RBAC, "", "ClusterRole"),
        pods: &[],
        pod_fields: &[],
        rows: &[
            found((RBAC, "", "RoleBinding"), &["roleRef/name"]),
            found((RBAC, "", "ClusterRoleBinding"), &["roleRef/name"]),
        ],
    },
    Target {
        kind: ("", "v1", "ServiceAccount"),
        pods: OTHER_PODS,
        pod_fields: &["serviceAccountName"],
        rows: &[
            found((RBAC, "", "RoleBinding"), &["subjects"]),
            found((RBAC, "", "ClusterRoleBinding"), &["subjects"]),
        ],
    },
    Target {
        kind: ("", "v1", "PersistentVolumeClaim"),
        pods: OTHER_PODS,
        pod_fields: &["volumes/persistentVolumeClaim/claimName"],
        rows: &[],
    },
    Target {
        kind: ("", "v1", "PersistentVolume"),
        pods: &[],
        pod_fields: &[],
        rows: &[
            found(("", "", "PersistentVolumeClaim"), &["spec/volumeName"]),
            found(("", "", "ClusterRole"), RULES),
        ],
    },
    Target {
        kind: ("storage.k8s.io", "v1", "StorageClass"),
        pods: &[],
        pod_fields: &[],
        rows: &[
            found(("", "", "PersistentVolume"), CLASS),
            found(("", "", "PersistentVolumeClaim"), CLASS),
            found(
                ("", "", "StatefulSet"),
                &["spec/volumeClaimTemplates/spec/storageClassName"],
            ),
        ],
    },
    Target {
        kind: ("scheduling.k8s.io", "v1", "PriorityClass"),
        pods: OTHER_PODS,
        pod_fields: &["priorityClassName"],
        rows: &[],
    },
    // The version stands in the group, so that nothing is ever found, here as there.
    Target {
        kind: ("networking.k8s.io/v1", "v1", "IngressClass"),
        pods: &[],
        pod_fields: &[],
        rows: &[found(("", "", "Ingress"), &["spec/ingressClassName"])],
    },
    Target {
        kind: (ADMISSION, "", "ValidatingAdmissionPolicy"),
        pods: &[],
        pod_fields: &[],
        rows: &[found(
            (ADMISSION, "", "ValidatingAdmissionPolicyBinding"),
            &["spec/policyName"],
        )],
    },
];

/// Puts the tables together.
pub(super) fn build() -> TransformerConfig {
    let mut references: Vec<NameBackReferences> = TARGETS
        .iter()
        .map(|target| NameBackReferences {
            gvk: gvk(target.kind),
            referrers: in_pods(target.pods, target.pod_fields)
                .chain(rows(target.rows))
                .collect::<Vec<_>>()
                .into(),
        })
        .collect();
    references.sort_by(|a, b| compare(&a.gvk, &b.gvk));
    TransformerConfig {
        name_prefix: sorted(rows(NAME)),
        name_suffix: sorted(rows(NAME)),
        namespace: sorted(rows(NAMESPACE)),
        common_labels: sorted(
            rows(SELECTORS)
                .chain(rows(TEMPLATE_LABELS))
                .chain(rows(CLAIM_LABELS)),
        ),
        labels: FieldSpecs::default(),
        template_labels: sorted(rows(TEMPLATE_LABELS)),
        volume_claim_template_labels: sorted(rows(CLAIM_LABELS)),
        common_annotations: sorted(rows(ANNOTATIONS)),
        name_reference: References::from(references),
        var_reference: sorted(in_pods(VARIABLE_PODS, VARIABLE_FIELDS).chain(rows(VARIABLES))),
        images: sorted(rows(IMAGES)),
        replicas: sorted(rows(REPLICAS)),
    }
}

fn gvk((group, version, kind): Kind) -> Gvk {
    Gvk {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
    }
}

fn rows(rows: &'static [Row]) -> impl Iterator<Item = FieldSpec> {
    rows.iter().flat_map(|Row(kind, create, paths)| {
        paths.iter().map(|path| FieldSpec {
            gvk: gvk(*kind),
            path: FieldPath::from(*path),
            create: *create,
        })
    })
}

fn in_pods(pods: Pods, fields: &'static [&'static str]) -> impl Iterator<Item = FieldSpec> {
    pods.iter().flat_map(move |(kind, place)| {
        fields.iter().map(move |field| FieldSpec {
            gvk: gvk(*kind),
            path: FieldPath::from(format!("{place}{field}")),
            create: false,
        })
    })
}

fn sorted(specs: impl Iterator<Item = FieldSpec>) -> FieldSpecs {
    FieldSpecs::from(specs.collect::<Vec<_>>()).sorted_by(compare)
}
