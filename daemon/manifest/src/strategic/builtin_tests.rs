#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
use rstest::rstest;
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
             "env": [{"name": "Y", "value": "2"}, {"name": "X"}]},
            {"name": "c", "image": "c:1"},
        ]})),
        "the patch's own order stands first, as the API server puts it"
    );
}

#[test]
fn a_kind_without_a_schema_merges_as_json() {
    let original = json!({"apiVersion": "example.com/v1", "kind": "X", "spec": {"a": [1], "b": 1}});
    let patch = json!({"spec": {"a": [{"n": null}], "b": null, "new": [{"n": null}]}});
    assert_eq!(
        apply(&original, &patch, &BuiltinSchema).unwrap(),
        json!({"apiVersion": "example.com/v1", "kind": "X",
               "spec": {"a": [{"n": null}], "new": [{"n": null}]}}),
        "lists are replaced as they are"
    );
}

#[test]
fn errors_name_the_place() {
    let original = deployment(json!({"containers": []}));
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"image": "x"}]}}}});
    assert_eq!(
        apply(&original, &patch, &BuiltinSchema)
            .unwrap_err()
            .to_string(),
        "an item of `spec.template.spec.containers` has no `name`, by which the items of this list are told apart"
    );
}

/// The strategy of the field at the end of a path; a list's items are entered by its name.
fn field_at(api_version: &str, kind: &str, path: &str) -> Field<Type> {
    let root = BuiltinSchema.root(api_version, kind);
    path.split('.').fold(
        Field {
            child: root,
            ..Field::default()
        },
        |field, name| BuiltinSchema.field(field.child, name),
    )
}

#[rstest]
#[case("v1", "Pod", "spec.containers", "name")]
#[case("v1", "Pod", "spec.initContainers.ports", "containerPort")]
#[case("v1", "Pod", "spec.ephemeralContainers.volumeMounts", "mountPath")]
#[case("v1", "Pod", "spec.containers.volumeDevices", "devicePath")]
#[case("v1", "Pod", "spec.hostAliases", "ip")]
#[case("v1", "Pod", "spec.imagePullSecrets", "name")]
#[case("v1", "Pod", "spec.schedulingGates", "name")]
#[case("v1", "Pod", "spec.topologySpreadConstraints", "topologyKey")]
#[case(
    "v1",
    "Pod",
    "spec.volumes.ephemeral.volumeClaimTemplate.metadata.ownerReferences",
    "uid"
)]
#[case("v1", "Pod", "status.podIPs", "ip")]
#[case("v1", "Pod", "status.resourceClaimStatuses", "name")]
#[case("v1", "PodTemplate", "template.spec.containers.env", "name")]
#[case("v1", "ReplicationController", "spec.template.spec.containers", "name")]
#[case("v1", "Service", "spec.ports", "port")]
#[case("v1", "Service", "status.conditions", "type")]
#[case("v1", "ServiceAccount", "secrets", "name")]
#[case("v1", "Node", "status.addresses", "type")]
#[case("v1", "Namespace", "status.conditions", "type")]
#[case("v1", "ConfigMap", "metadata.ownerReferences", "uid")]
#[case("v1", "ComponentStatus", "conditions", "type")]
#[case("apps/v1", "StatefulSet", "spec.template.spec.volumes", "name")]
#[case("apps/v1", "DaemonSet", "status.conditions", "type")]
#[case(
    "batch/v1",
    "CronJob",
    "spec.jobTemplate.spec.template.spec.containers",
    "name"
)]
#[case(
    "autoscaling/v2",
    "HorizontalPodAutoscaler",
    "status.conditions",
    "type"
)]
#[case(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    "webhooks",
    "name"
)]
#[case(
    "admissionregistration.k8s.io/v1",
    "MutatingWebhookConfiguration",
    "webhooks.matchConditions",
    "name"
)]
#[case(
    "admissionregistration.k8s.io/v1",
    "ValidatingAdmissionPolicy",
    "spec.variables",
    "name"
)]
#[case("storage.k8s.io/v1", "CSINode", "spec.drivers", "name")]
#[case("resource.k8s.io/v1", "ResourceClaim", "status.reservedFor", "uid")]
#[case("apiregistration.k8s.io/v1", "APIService", "status.conditions", "type")]
#[case(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "metadata.ownerReferences",
    "uid"
)]
fn a_list_merges_by_its_tag(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] path: &str,
    #[case] key: &'static str,
) {
    assert_eq!(
        field_at(api_version, kind, path).strategy,
        Strategy::ByKey(key),
        "the merge key of {kind} {path}"
    );
}

#[rstest]
#[case("v1", "ServiceAccount", "imagePullSecrets")]
#[case("v1", "Pod", "spec.tolerations")]
#[case("v1", "Pod", "spec.containers.envFrom")]
#[case("v1", "Pod", "spec.containers.env.name.finalizers")]
#[case("v1", "PodTemplate", "spec.containers")]
#[case("apps/v1", "StatefulSet", "spec.volumeClaimTemplates")]
#[case("networking.k8s.io/v1", "Ingress", "spec.rules")]
#[case("rbac.authorization.k8s.io/v1", "Role", "rules")]
#[case(
    "admissionregistration.k8s.io/v1",
    "MutatingAdmissionPolicy",
    "spec.variables"
)]
#[case("example.com/v1", "Deployment", "spec.template.spec.containers")]
#[case("example.k8s.io/v1", "Gateway", "metadata.finalizers")]
fn a_list_without_a_tag_is_replaced(
    #[case] api_version: &str,
    #[case] kind: &str,
    #[case] path: &str,
) {
    assert_eq!(
        field_at(api_version, kind, path).strategy,
        Strategy::Atomic,
        "the strategy of {kind} {path}"
    );
}

#[test]
fn sets_unions_and_replaced_maps_are_known() {
    assert_eq!(
        field_at("v1", "ConfigMap", "metadata.finalizers").strategy,
        Strategy::Set
    );
    assert_eq!(
        field_at("v1", "Node", "spec.podCIDRs").strategy,
        Strategy::Set
    );
    assert!(
        field_at("apps/v1", "Deployment", "spec.strategy").retain_keys,
        "a union"
    );
    assert!(
        field_at("v1", "Pod", "spec.volumes").retain_keys,
        "a list of unions"
    );
    assert!(
        field_at("v1", "Pod", "spec.resourceClaims").retain_keys,
        "a list of unions"
    );
    assert!(
        field_at("policy/v1", "PodDisruptionBudget", "spec.selector").replace,
        "one value"
    );
}
