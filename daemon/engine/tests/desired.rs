//! From a render to the desired set.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rstest::rstest;
use serde_json::{Value, json};
use windlass_engine::applyset::{PART_OF, SetId};
use windlass_engine::{Conflict, Desired, EngineError, FingerprintKey, IgnoreRule, desired_set};
use windlass_manifest::{GroupKind, Object, Origin};

fn set() -> SetId {
    SetId::of_parent("shop", "windlass", "Environment", "windlass.dev")
}

fn object(value: Value) -> Object {
    Object::from_json(value).unwrap()
}

fn from(file: &str) -> Origin {
    Origin {
        file: Some(file.to_owned()),
        ..Origin::default()
    }
}

fn config(name: &str, annotations: Value) -> Object {
    object(json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop", "annotations": annotations},
    }))
}

fn workload(kind: &str, name: &str) -> Object {
    object(json!({
        "apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": "shop"}, "spec": {"replicas": 1},
    }))
}

#[test]
fn a_body_is_a_member_without_traces_of_its_origin() {
    let object = config("a", json!({"internal.config.kubernetes.io/path": "a.yaml"}));
    let desired = Desired::new(&object, from("a.yaml"), &set()).unwrap();
    let body: Value = serde_json::from_str(&desired.body).unwrap();
    assert_eq!(body["metadata"]["labels"][PART_OF], set().as_str());
    assert!(
        !desired.body.contains("internal.config"),
        "{}",
        desired.body
    );
    assert_eq!(desired.conflict, Conflict::Force);
    assert_eq!(desired.expected, None, "not before its secrets are put in");
}

#[test]
fn the_expectation_is_what_the_resolved_body_claims() {
    let key = FingerprintKey::new([1; 32]);
    let mut one = Desired::new(&workload("Deployment", "web"), Origin::default(), &set()).unwrap();
    let mut body: Value = serde_json::from_str(&one.body).unwrap();
    one.expect(&body, &key);
    let first = one.expected;
    body["spec"]["replicas"] = json!(5);
    one.expect(&body, &key);
    assert_ne!(one.expected, first);
    one.leave = vec!["/spec/replicas".parse().unwrap()];
    one.expect(&body, &key);
    let left = one.expected;
    body["spec"]["replicas"] = json!(7);
    one.expect(&body, &key);
    assert_eq!(one.expected, left, "what is left to others is not expected");
}

#[rstest]
#[case("force", Ok(Conflict::Force))]
#[case("yield", Ok(Conflict::Yield))]
#[case("fail", Ok(Conflict::Fail))]
#[case("Force", Err("WL0603"))]
fn the_conflict_annotation_is_read_strictly(
    #[case] value: &str,
    #[case] expected: Result<Conflict, &str>,
) {
    let object = config("a", json!({"windlass.dev/conflict": value}));
    let read = Desired::new(&object, from("a.yaml"), &set());
    assert_eq!(
        read.map(|desired| desired.conflict).map_err(|e| e.code()),
        expected
    );
}

#[test]
fn a_generated_name_is_refused() {
    let object = object(json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "migrate-"},
    }));
    let error = Desired::new(&object, from("job.yaml"), &set()).unwrap_err();
    assert_eq!(error.code(), "WL0602");
    assert!(error.to_string().contains("a Job from job.yaml"), "{error}");
}

#[test]
fn the_same_object_twice_names_both_origins() {
    let twice = vec![
        (config("a", json!({})), from("base/a.yaml")),
        (config("a", json!({})), from("overlay/a.yaml")),
    ];
    let error = desired_set(twice, &set(), &[]).unwrap_err();
    assert_eq!(error.code(), "WL0601");
    assert!(matches!(error, EngineError::Duplicate { .. }));
    let text = error.to_string();
    assert!(
        text.contains("base/a.yaml") && text.contains("overlay/a.yaml"),
        "{text}"
    );
}

fn autoscaler(api_version: &str, kind: &str, target: Value) -> Object {
    object(json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": "scale", "namespace": "shop"}, "spec": {"scaleTargetRef": target},
    }))
}

#[rstest]
#[case::hpa(autoscaler("autoscaling/v2", "HorizontalPodAutoscaler", json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"})), &["/spec/replicas"])]
#[case::keda(autoscaler("keda.sh/v1alpha1", "ScaledObject", json!({"name": "web"})), &["/spec/replicas"])]
#[case::of_another(autoscaler("autoscaling/v2", "HorizontalPodAutoscaler", json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "web"})), &[])]
fn replicas_are_left_to_an_autoscaler(#[case] scaler: Object, #[case] left: &[&str]) {
    let objects = vec![
        (workload("Deployment", "web"), from("web.yaml")),
        (scaler, from("s.yaml")),
    ];
    let wanted = desired_set(objects, &set(), &[]).unwrap();
    let leave: Vec<String> = wanted[0].leave.iter().map(ToString::to_string).collect();
    assert_eq!(leave, left);
}

#[rstest]
#[case(None, None, true)]
#[case(Some("shop"), Some("web"), true)]
#[case(Some("other"), None, false)]
#[case(None, Some("other"), false)]
fn an_ignore_rule_concerns_what_it_names(
    #[case] namespace: Option<&str>,
    #[case] name: Option<&str>,
    #[case] concerns: bool,
) {
    let rule = IgnoreRule {
        kind: GroupKind::new("apps", "Deployment"),
        namespace: namespace.map(str::to_owned),
        name: name.map(str::to_owned),
        fields: vec!["/spec/paused".parse().unwrap()],
    };
    let objects = vec![
        (workload("Deployment", "web"), from("web.yaml")),
        (workload("StatefulSet", "web"), from("db.yaml")),
    ];
    let wanted = desired_set(objects, &set(), &[rule]).unwrap();
    assert_eq!(!wanted[0].leave.is_empty(), concerns);
    assert!(wanted[1].leave.is_empty(), "another kind");
}
