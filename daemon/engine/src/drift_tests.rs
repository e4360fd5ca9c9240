//! Cases for the cut of a live object to owned fields.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use rstest::rstest;
use serde_json::json;

fn live(fields: Json, mut object: Json, other: Option<Json>) -> Json {
    let mut managed = vec![json!({"manager": "windlass", "operation": "Apply",
        "fieldsType": "FieldsV1", "fieldsV1": fields, "time": "2026-01-01T00:00:00Z"})];
    if let Some(other) = other {
        managed.push(json!({"manager": "kubectl-edit", "operation": "Update",
            "fieldsType": "FieldsV1", "fieldsV1": other, "time": "2026-01-02T00:00:00Z"}));
    }
    object["metadata"]["managedFields"] = Json::Array(managed);
    object
}

#[rstest]
#[case::scalars(
    json!({"f:spec": {"f:replicas": {}}}),
    json!({"metadata": {"name": "a"}, "spec": {"replicas": 2, "paused": false}}), None,
    json!({"spec": {"replicas": 2}}))]
#[case::keyed_items_in_live_order(
    json!({"f:c": {"k:{\"name\":\"b\"}": {".": {}, "f:name": {}, "f:v": {}}, "k:{\"name\":\"a\"}": {".": {}, "f:name": {}}}}),
    json!({"c": [{"name": "x", "v": 9}, {"name": "b", "v": 1, "w": 2}, {"name": "a", "v": 3}]}), None,
    json!({"c": [{"name": "b", "v": 1}, {"name": "a"}]}))]
#[case::two_keys_with_a_default(
    json!({"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}}),
    json!({"ports": [{"port": 80, "protocol": "UDP"}, {"port": 80, "protocol": "TCP", "nodePort": 3}]}), None,
    json!({"ports": [{"port": 80}]}))]
#[case::set_values(
    json!({"f:metadata": {"f:finalizers": {"v:\"a/b\"": {}}}}),
    json!({"metadata": {"finalizers": ["c/d", "a/b"]}}), None,
    json!({"metadata": {"finalizers": ["a/b"]}}))]
#[case::index(
    json!({"f:l": {"i:1": {}}}), json!({"l": [1, 2]}), None, json!({"l": [2]}))]
#[case::atomic_map(
    json!({"f:selector": {}}), json!({"selector": {"app": "a"}}), None, json!({"selector": {"app": "a"}}))]
#[case::empty_map_filled_by_another(
    json!({"f:emptyDir": {}}), json!({"emptyDir": {"medium": "Memory"}}),
    Some(json!({"f:emptyDir": {"f:medium": {}}})), json!({"emptyDir": {}}))]
#[case::gone_field(
    json!({"f:spec": {"f:a": {}, "f:b": {}}}), json!({"spec": {"a": 1}}), None, json!({"spec": {"a": 1}}))]
#[case::status_is_never_ours(
    json!({"f:status": {"f:x": {}}, "f:a": {}}), json!({"a": 1, "status": {"x": 1}}), None, json!({"a": 1}))]
#[case::fields_of_another_shape(
    json!({"f:spec": {"f:a": {"f:b": {}}, "f:l": {"k:nonsense": {}}}}), json!({"spec": {"a": 5, "l": [1]}}), None,
    json!({"spec": {"a": 5}}))]
fn projections(
    #[case] fields: Json,
    #[case] object: Json,
    #[case] other: Option<Json>,
    #[case] expected: Json,
) {
    assert_eq!(
        project(&live(fields, object, other), MANAGER),
        Some(expected)
    );
}

#[test]
fn without_an_apply_entry_nothing_is_ours() {
    let object = json!({"metadata": {"managedFields": [
        {"manager": "windlass", "operation": "Update", "fieldsV1": {"f:spec": {}}},
        {"manager": "windlass", "operation": "Apply", "subresource": "status", "fieldsV1": {"f:status": {}}}]}});
    assert_eq!(project(&object, MANAGER), None);
    assert_eq!(
        project(&json!("text"), MANAGER),
        None,
        "any input is bearable"
    );
}

#[test]
fn two_entries_of_ours_count_together() {
    let object = json!({"a": 1, "b": 2, "metadata": {"managedFields": [
        {"manager": "windlass", "operation": "Apply", "fieldsV1": {"f:a": {}}},
        {"manager": "windlass", "operation": "Apply", "fieldsV1": {"f:b": {}}}]}});
    assert_eq!(project(&object, MANAGER), Some(json!({"a": 1, "b": 2})));
}

#[rstest]
#[case::identity(
    json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a", "namespace": "n", "creationTimestamp": null}}), json!({}))]
#[case::nulls_and_empties(
    json!({"metadata": {"labels": {"a": "b"}, "annotations": {}}, "spec": {"env": [], "x": null, "emptyDir": {}}, "status": {}}),
    json!({"metadata": {"labels": {"a": "b"}}, "spec": {"emptyDir": {}}}))]
#[case::string_data(
    json!({"apiVersion": "v1", "kind": "Secret", "stringData": {"k": "v"}, "data": {"k": "b2xk", "o": "eA=="}}),
    json!({"data": {"k": "dg==", "o": "eA=="}}))]
#[case::base64_in_lines(
    json!({"apiVersion": "v1", "kind": "Secret", "data": {"k": "aGVs\nbG8=\n"}}),
    json!({"data": {"k": "aGVsbG8="}}))]
#[case::not_a_secret(
    json!({"apiVersion": "x/v1", "kind": "Secret", "stringData": {"k": "v"}}), json!({"stringData": {"k": "v"}}))]
#[case::whole_numbers(
    json!({"a": 1.0, "b": -0.0, "c": [1e3, 1.5], "d": 18446744073709549568.0, "e": 1e20}),
    json!({"a": 1, "b": 0, "c": [1000, 1.5], "d": 18_446_744_073_709_549_568_u64, "e": 1e20}))]
fn claims(#[case] body: Json, #[case] expected: Json) {
    assert_eq!(claim(&body), expected);
}

#[rstest]
#[case::as_it_is(json!({"replicas": 1.0}), true)]
#[case::another_value(json!({"replicas": 2}), false)]
#[case::one_field_more(json!({"replicas": 1, "paused": true}), false)]
#[case::one_field_less(json!({}), false)]
fn a_body_is_in_force_when_just_its_fields_are_ours(#[case] spec: Json, #[case] expected: bool) {
    let object = live(
        json!({"f:spec": {"f:replicas": {}}}),
        json!({"spec": {"replicas": 1, "strategy": "by default"}}),
        None,
    );
    let body = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, "spec": spec});
    assert_eq!(is_in_force(&object, &body), expected);
}

#[test]
fn fields_left_to_others_do_not_count() {
    let key = FingerprintKey::new([7; 32]);
    let leave = ["/spec/replicas".parse::<Pointer>().unwrap()];
    let of = |fields: Json| fingerprint(&fields, &leave, &key);
    assert_eq!(
        of(json!({"spec": {"replicas": 3}, "a": 1})),
        of(json!({"a": 1})),
        "an object that no longer owns the field is the same"
    );
    assert_ne!(
        of(json!({"a": 1})),
        of(json!({"a": 2})),
        "other fields count"
    );
}

#[test]
fn the_last_other_manager_is_named() {
    let object = live(json!({}), json!({"metadata": {}}), Some(json!({})));
    assert_eq!(last_other_manager(&object).as_deref(), Some("kubectl-edit"));
}
