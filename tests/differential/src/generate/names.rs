//! The names that a tree is made of: few, so that things meet.

use crate::random::Random;

pub(super) const NAMESPACES: [&str; 4] = ["prod", "dev", "default", "kube-system"];
pub(super) const LABELS: [&str; 5] = ["app", "tier", "env", "app.kubernetes.io/name", "team"];
pub(super) const LABEL_VALUES: [&str; 5] = ["web", "api", "db", "prod", "x1"];
pub(super) const ANNOTATIONS: [&str; 4] = ["note", "example.com/owner", "checksum", "team"];
pub(super) const VARIABLES: [&str; 5] = ["CONF", "SVC", "NS", "IMG", "REPL"];

pub(super) const IMAGES: [&str; 12] = [
    "nginx",
    "nginx:1.25",
    "nginx:latest",
    "library/nginx:1.2-alpine",
    "registry.example/team/app:1.0.0",
    "registry.example:5000/team/app",
    "registry.example:5000/team/app:2",
    "redis@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
    "redis:7@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3",
    "busybox",
    "app",
    "localhost/app:dev",
];

pub(super) const IMAGE_NAMES: [&str; 9] = [
    "nginx",
    "library/nginx",
    "registry.example/team/app",
    "registry.example:5000/team/app",
    "redis",
    "busybox",
    "app",
    "localhost/app",
    "ngin.*",
];

/// The names that objects of a kind have.
pub(super) fn pool(kind: &str) -> &'static [&'static str] {
    match kind {
        "ConfigMap" => &["settings", "conf", "web", "env-vars"],
        "Secret" => &["creds", "tls", "web", "token"],
        "ServiceAccount" => &["runner", "default", "web"],
        "PersistentVolumeClaim" => &["data", "cache", "web"],
        "Role" | "ClusterRole" => &["reader", "admin", "runner"],
        "Namespace" => &NAMESPACES,
        "StorageClass" | "PriorityClass" | "IngressClass" | "PersistentVolume" => {
            &["fast", "slow", "web"]
        }
        "CustomResourceDefinition" => &["widgets.example.com"],
        "Gadget" | "Widget" => &["gizmo", "web"],
        _ => &["web", "api", "db", "front", "a-b.c"],
    }
}

/// A name that an object of the kind may have.
pub(super) fn name_of(random: &mut Random, kind: &str) -> String {
    random.text(pool(kind))
}

/// Labels; at least one.
pub(super) fn labels(random: &mut Random) -> serde_json::Value {
    let mut labels = serde_json::Map::new();
    for key in random.some(&LABELS, 30) {
        labels.insert((*key).to_owned(), random.text(&LABEL_VALUES).into());
    }
    labels
        .entry("app")
        .or_insert_with(|| random.text(&LABEL_VALUES).into());
    labels.into()
}
