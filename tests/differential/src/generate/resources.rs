//! Objects of many kinds, with references among them.

use serde_json::{Value, json};

use super::names::{ANNOTATIONS, LABEL_VALUES, NAMESPACES, labels, name_of};
use super::workloads;
use crate::random::Random;

/// The kinds without pods, with their `apiVersion`.
const KINDS: [(&str, &str); 34] = [
    ("v1", "Service"),
    ("v1", "Service"),
    ("v1", "ConfigMap"),
    ("v1", "ConfigMap"),
    ("v1", "Secret"),
    ("v1", "Secret"),
    ("v1", "ServiceAccount"),
    ("v1", "Namespace"),
    ("v1", "PersistentVolumeClaim"),
    ("v1", "PersistentVolume"),
    ("v1", "Endpoints"),
    ("v1", "LimitRange"),
    ("v1", "ResourceQuota"),
    ("networking.k8s.io/v1", "Ingress"),
    ("networking.k8s.io/v1beta1", "Ingress"),
    ("networking.k8s.io/v1", "NetworkPolicy"),
    ("networking.k8s.io/v1", "IngressClass"),
    ("rbac.authorization.k8s.io/v1", "Role"),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
    ("autoscaling/v2", "HorizontalPodAutoscaler"),
    ("policy/v1", "PodDisruptionBudget"),
    ("storage.k8s.io/v1", "StorageClass"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("apiregistration.k8s.io/v1", "APIService"),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
    ),
    (
        "admissionregistration.k8s.io/v1",
        "MutatingWebhookConfiguration",
    ),
    ("example.com/v1", "Widget"),
    ("example.com/v1", "Widget"),
    ("other.example/v2", "Widget"),
    ("example.com/v1", "Gadget"),
    ("v1", "Gadget"),
];

/// A kind, with its `apiVersion`.
pub(super) fn kind(random: &mut Random) -> (&'static str, &'static str) {
    if random.percent(45) {
        *random.pick(&workloads::KINDS)
    } else {
        *random.pick(&KINDS)
    }
}

/// An object of the kind.
pub(super) fn make(random: &mut Random, api_version: &str, kind: &str, name: &str) -> Value {
    let mut object = json!({
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name},
    });
    if random.percent(25) {
        object["metadata"]["namespace"] = random.text(&NAMESPACES).into();
    }
    if random.percent(50) {
        object["metadata"]["labels"] = labels(random);
    }
    if random.percent(25) {
        for key in random.some(&ANNOTATIONS, 40) {
            object["metadata"]["annotations"][*key] = "hello".into();
        }
    }
    if random.percent(5) {
        object["metadata"]["finalizers"] = json!(["example.com/a", "example.com/b"]);
    }
    if workloads::KINDS.contains(&(api_version, kind)) {
        object["spec"] = workloads::spec(random, kind);
        return object;
    }
    if let (Value::Object(object), Value::Object(rest)) = (&mut object, body(random, kind)) {
        object.extend(rest);
    }
    object
}

/// What is beside `metadata`.
fn body(random: &mut Random, kind: &str) -> Value {
    match kind {
        "Service" => json!({"spec": {
            "selector": labels(random),
            "ports": [{"port": 80, "name": "http", "targetPort": 8080}, {"port": 80, "protocol": "UDP"}],
        }}),
        "ConfigMap" => json!({"data": {"a": "1", "b": "x: y\nz: [1, 2]\n", "host": "db.prod.svc"}}),
        "Secret" => json!({
            "type": "Opaque",
            "data": {"password": "cGFzcw=="},
            "stringData": {"user": "root"},
        }),
        "ServiceAccount" => json!({
            "secrets": [{"name": name_of(random, "Secret")}],
            "imagePullSecrets": [{"name": name_of(random, "Secret")}],
        }),
        "PersistentVolumeClaim" => json!({"spec": {
            "accessModes": ["ReadWriteOnce"],
            "volumeName": name_of(random, "PersistentVolume"),
            "storageClassName": name_of(random, "StorageClass"),
        }}),
        "PersistentVolume" => json!({"spec": {
            "capacity": {"storage": "5Gi"},
            "claimRef": {"name": name_of(random, "PersistentVolumeClaim"), "namespace": "prod"},
            "storageClassName": name_of(random, "StorageClass"),
        }}),
        "Endpoints" => {
            json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 1}]}]})
        }
        "Ingress" => ingress(random),
        "IngressClass" => json!({"spec": {"controller": "example.com/c"}}),
        "NetworkPolicy" => json!({"spec": {
            "podSelector": {"matchLabels": labels(random)},
            "ingress": [{"from": [
                {"podSelector": {"matchLabels": labels(random)}},
                {"namespaceSelector": {"matchLabels": {"name": "prod"}}},
            ]}],
            "egress": [{"to": [{"podSelector": {"matchLabels": labels(random)}}]}],
        }}),
        "Role" | "ClusterRole" => json!({"rules": [{
            "apiGroups": [""],
            "resources": ["configmaps", "secrets"],
            "resourceNames": [name_of(random, "ConfigMap"), name_of(random, "Secret")],
            "verbs": ["get"],
        }, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}]}),
        "RoleBinding" | "ClusterRoleBinding" => binding(random, kind),
        "HorizontalPodAutoscaler" => json!({"spec": {
            "scaleTargetRef": {
                "apiVersion": "apps/v1",
                "kind": random.text(&["Deployment", "StatefulSet"]),
                "name": name_of(random, "Deployment"),
            },
            "minReplicas": 1,
            "maxReplicas": 3,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu"}}],
        }}),
        "PodDisruptionBudget" => json!({"spec": {
            "minAvailable": 1,
            "selector": {"matchLabels": labels(random)},
        }}),
        "StorageClass" => json!({"provisioner": "example.com/disk", "parameters": {"type": "ssd"}}),
        "PriorityClass" => json!({"value": 1000, "globalDefault": false}),
        "CustomResourceDefinition" => definition(random),
        "APIService" => json!({"spec": {
            "group": "metrics.example",
            "service": {"name": name_of(random, "Service"), "namespace": "prod"},
        }}),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => json!({"webhooks": [
            {"name": "a.example.com", "clientConfig": {"service":
                {"name": name_of(random, "Service"), "namespace": random.text(&NAMESPACES)}}},
            {"name": "b.example.com", "clientConfig": {"url": "https://b.example"}},
        ]}),
        "Widget" | "Gadget" => json!({"spec": {
            "image": "nginx:1.0",
            "replicas": 2,
            "size": random.text(&LABEL_VALUES),
            "configRef": {"name": name_of(random, "ConfigMap")},
            "parts": [{"name": "wheel", "count": 4}, {"name": "bolt", "count": 40}],
            "tags": ["a", "b"],
            "selector": {"matchLabels": labels(random)},
            "containers": [{"name": "app", "image": "app"}],
        }}),
        _ => json!({}),
    }
}

fn ingress(random: &mut Random) -> Value {
    let backend = if random.percent(70) {
        json!({"service": {"name": name_of(random, "Service"), "port": {"number": 80}}})
    } else {
        json!({"serviceName": name_of(random, "Service"), "servicePort": 80})
    };
    let mut ingress = json!({"spec": {
        "rules": [
            {"host": "$(SVC).example", "http": {"paths": [
                {"path": "/", "pathType": "Prefix", "backend": backend},
                {"path": "/api", "pathType": "Prefix", "backend": backend},
            ]}},
            {"host": "b.example", "http": {"paths": [{"path": "/", "backend": backend}]}},
        ],
    }});
    if random.percent(40) {
        ingress["spec"]["tls"] =
            json!([{"hosts": ["b.example"], "secretName": name_of(random, "Secret")}]);
    }
    if random.percent(40) {
        ingress["spec"]["ingressClassName"] = name_of(random, "IngressClass").into();
    }
    ingress
}

fn binding(random: &mut Random, kind: &str) -> Value {
    let role = if kind == "RoleBinding" && random.percent(60) {
        "Role"
    } else {
        "ClusterRole"
    };
    let mut account = json!({"kind": "ServiceAccount", "name": name_of(random, "ServiceAccount")});
    if random.percent(60) {
        account["namespace"] = random.text(&NAMESPACES).into();
    }
    let mut subjects = vec![account];
    if random.percent(50) {
        subjects.push(
            json!({"kind": "User", "name": name_of(random, "ServiceAccount"),
            "apiGroup": "rbac.authorization.k8s.io"}),
        );
    }
    if random.percent(30) {
        subjects.push(json!({"kind": "ServiceAccount", "name": "default", "namespace": "dev"}));
    }
    json!({
        "subjects": subjects,
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": role,
            "name": name_of(random, role),
        },
    })
}

fn definition(random: &mut Random) -> Value {
    json!({"spec": {
        "group": "example.com",
        "names": {"kind": "Widget", "plural": "widgets"},
        "scope": random.text(&["Namespaced", "Cluster"]),
        "versions": [{"name": "v1", "served": true, "storage": true}],
        "conversion": {"strategy": "Webhook", "webhook": {"clientConfig": {"service":
            {"name": name_of(random, "Service"), "namespace": "prod"}}}},
    }})
}
