//! Refusals as the API server words them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use super::*;
use bytes::Bytes;
use http::StatusCode;
use rstest::rstest;
use serde_json::{Value as Json, json};
use std::time::Duration;

fn answer(code: u16, body: &Json) -> Answer {
    Answer {
        status: StatusCode::from_u16(code).unwrap(),
        retry_after: (code == 429).then_some(Duration::from_secs(3)),
        etag: None,
        body: Bytes::from(body.to_string()),
    }
}

fn id() -> ObjectId {
    ObjectId {
        group: "apps".into(),
        kind: "Deployment".into(),
        namespace: Some("shop".into()),
        name: "server".into(),
    }
}

fn failure(code: u16, body: &Json, mask: &Mask) -> Failure {
    let id = id();
    let deed = Deed {
        verb: "cannot be applied",
        id: &id,
    };
    refused(deed, &answer(code, body), mask)
}

#[rstest]
#[case::forbidden(403, json!({"reason": "Forbidden", "message": "User \"x\" cannot patch"}), FailureClass::Forbidden, "WL0702")]
#[case::terminating(403, json!({"details": {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace"}]}}), FailureClass::Transient { retry_after: None }, "WL0712")]
#[case::quota(403, json!({"message": "exceeded quota: pods"}), FailureClass::Rejected, "WL0714")]
#[case::no_namespace(404, json!({"reason": "NotFound", "details": {"kind": "namespaces", "name": "shop"}}), FailureClass::NamespaceMissing, "WL0706")]
#[case::no_kind(404, json!("404 page not found"), FailureClass::KindMissing, "WL0705")]
#[case::invalid(422, json!({"reason": "Invalid", "details": {"causes": [{"reason": "FieldValueInvalid", "field": "spec.replicas", "message": "Invalid value: -1"}]}}), FailureClass::Rejected, "WL0703")]
#[case::immutable(422, json!({"details": {"causes": [{"reason": "FieldValueInvalid", "field": "spec.selector", "message": "Invalid value: {}: field is immutable"}]}}), FailureClass::Rejected, "WL0730")]
#[case::stale(409, json!({"reason": "Conflict"}), FailureClass::Stale, "WL0707")]
#[case::conflict(409, json!({"details": {"causes": [
    {"reason": "FieldManagerConflict", "field": ".spec.replicas", "message": "conflict with \"kubectl\" using apps/v1"},
    {"reason": "FieldManagerConflict", "field": ".spec.paused", "message": "conflict with \"kubectl\" using apps/v1"}]}}),
    FailureClass::Conflict { managers: vec!["kubectl".into()] }, "WL0704")]
#[case::busy(429, json!({"reason": "TooManyRequests"}), FailureClass::Transient { retry_after: Some(Duration::from_secs(3)) }, "WL0701")]
#[case::broken(500, json!({}), FailureClass::Transient { retry_after: None }, "WL0701")]
#[case::schema(500, json!({"message": "failed to create typed patch object (shop/a; apps/v1, Kind=Deployment): .spec.x: field not declared in schema"}), FailureClass::Rejected, "WL0703")]
#[case::webhook(500, json!({"message": "failed calling webhook \"a.b\""}), FailureClass::Transient { retry_after: None }, "WL0716")]
fn classes(#[case] code: u16, #[case] body: Json, #[case] class: FailureClass, #[case] page: &str) {
    let found = failure(code, &body, &Mask::default());
    assert_eq!(found.class, class, "class of {code}: {}", found.message);
    assert_eq!(found.code, page, "page of {code}: {}", found.message);
    assert!(
        found
            .message
            .starts_with("Deployment.apps shop/server cannot be applied: "),
        "the object is named: {}",
        found.message
    );
}

#[test]
fn the_field_of_a_cause_is_named_once() {
    let body = json!({"message": "spec is wrong", "details": {"causes": [
        {"field": "spec.replicas", "reason": "FieldValueInvalid"}]}});
    let found = failure(422, &body, &Mask::default());
    assert!(
        found
            .message
            .contains("spec is wrong (field spec.replicas)"),
        "{}",
        found.message
    );
}

#[test]
fn a_secret_value_is_masked_however_it_is_written() {
    let mut mask = Mask::default();
    mask.add(b"p4ss\"word");
    let body = json!({"message":
        "Invalid value: \"p4ss\\\"word\": too long, data cDRzcyJ3b3Jk, plain p4ss\"word"});
    let found = failure(422, &body, &mask);
    assert!(!found.message.contains("p4ss"), "{}", found.message);
    assert!(!found.message.contains("cDRzcyJ3b3Jk"), "{}", found.message);
    assert!(found.message.contains("too long"), "{}", found.message);
}

#[test]
fn a_long_message_is_bounded() {
    let found = failure(
        422,
        &json!({"message": "x".repeat(10_000)}),
        &Mask::default(),
    );
    assert!(
        found.message.len() <= MESSAGE_LIMIT + 200,
        "{}",
        found.message.len()
    );
}
