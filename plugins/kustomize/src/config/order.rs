//! The order of kinds.

use std::cmp::Ordering;

use crate::id::Gvk;

/// What others need comes first (kyaml's `resid.Gvk`).
pub(crate) const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// What could refuse others comes last.
pub(crate) const LAST: [&str; 2] = [
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
];

/// The order of two kinds: by what needs what, then by group, version and kind.
pub(crate) fn compare(a: &Gvk, b: &Gvk) -> Ordering {
    let rank = |kind: &str| match FIRST.iter().position(|first| *first == kind) {
        Some(at) => at,
        None => match LAST.iter().position(|last| *last == kind) {
            Some(at) => FIRST.len() + 1 + at,
            None => FIRST.len(),
        },
    };
    rank(&a.kind)
        .cmp(&rank(&b.kind))
        .then_with(|| sortable(a).cmp(sortable(b)))
}

/// `group_version_kind`, where `~G`, `~V` and `~K` stand for what is empty: the text that kustomize
/// compares, without making it.
fn sortable(gvk: &Gvk) -> impl Iterator<Item = u8> + '_ {
    [
        or(&gvk.group, "~G"),
        "_",
        or(&gvk.version, "~V"),
        "_",
        or(&gvk.kind, "~K"),
    ]
    .into_iter()
    .flat_map(str::bytes)
}

fn or<'t>(text: &'t str, none: &'static str) -> &'t str {
    if text.is_empty() { none } else { text }
}
