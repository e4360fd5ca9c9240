#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use rstest::rstest;
use serde_json::json;

fn variables() -> Variables {
    Variables::new([
        ("REPLICAS".to_owned(), json!(3)),
        ("DEBUG".to_owned(), json!(true)),
        ("HOST".to_owned(), json!("shop.example")),
        ("TAGS".to_owned(), json!(["a", "b"])),
        ("EMPTY".to_owned(), json!("")),
    ])
}

#[rstest]
#[case::typed_number("${REPLICAS}", json!(3))]
#[case::typed_boolean("${DEBUG}", json!(true))]
#[case::typed_list("${TAGS}", json!(["a", "b"]))]
#[case::inside_text("https://${HOST}:${REPLICAS}/", json!("https://shop.example:3/"))]
#[case::twice("${HOST}${HOST}", json!("shop.exampleshop.example"))]
#[case::escaped("$${HOST}", json!("${HOST}"))]
#[case::escaped_inside("a$${HOST}b${REPLICAS}", json!("a${HOST}b3"))]
#[case::secret("p=${secret:a/b/c}", json!("p=${secret:a/b/c}"))]
#[case::variable_in_a_secret("${secret:a/${HOST}/c}", json!("${secret:a/shop.example/c}"))]
#[case::escaped_secret("$${secret:a/b/c}", json!("$${secret:a/b/c}"))]
#[case::shell("$HOST $(HOST) $", json!("$HOST $(HOST) $"))]
#[case::default_unused("${HOST:-other}", json!("shop.example"))]
#[case::default_typed("${WORKERS:-2}", json!(2))]
#[case::default_text("w-${WORKERS:=2}", json!("w-2"))]
#[case::default_of_empty("${EMPTY:-x}", json!("x"))]
#[case::default_that_looks_like_a_mapping("${IMAGE:-a: b}", json!("a: b"))]
#[case::empty("${EMPTY}", json!(""))]
fn a_string(#[case] text: &str, #[case] expected: Json) {
    let mut object = json!({"spec": text});
    variables().substitute(&mut object, "a.yaml").unwrap();
    assert_eq!(object["spec"], expected);
}

#[rstest]
#[case::label(json!({"metadata": {"labels": {"n": "${REPLICAS}"}}}), "/metadata/labels/n")]
#[case::name(json!({"metadata": {"name": "${REPLICAS}"}}), "/metadata/name")]
#[case::config_map(json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"n": "${REPLICAS}"}}),
    "/data/n")]
#[case::env(json!({"spec": {"containers": [{"env": [{"name": "N", "value": "${REPLICAS}"}]}]}}),
    "/spec/containers/0/env/0/value")]
#[case::args(json!({"spec": {"containers": [{"args": ["${REPLICAS}"]}]}}),
    "/spec/containers/0/args/0")]
#[case::pod_labels(json!({"spec": {"template": {"metadata": {"labels": {"n": "${REPLICAS}"}}}}}),
    "/spec/template/metadata/labels/n")]
fn where_kubernetes_takes_text_a_number_is_text(#[case] mut object: Json, #[case] pointer: &str) {
    variables().substitute(&mut object, "a.yaml").unwrap();
    assert_eq!(object.pointer(pointer), Some(&json!("3")));
}

#[rstest]
#[case::custom_data(json!({"apiVersion": "x/v1", "kind": "Thing", "data": {"n": "${REPLICAS}"}}),
    "/data/n")]
#[case::env_of_helm_values(json!({"spec": {"values": {"env": {"n": "${REPLICAS}"}}}}),
    "/spec/values/env/n")]
fn elsewhere_a_number_stays_one(#[case] mut object: Json, #[case] pointer: &str) {
    variables().substitute(&mut object, "a.yaml").unwrap();
    assert_eq!(object.pointer(pointer), Some(&json!(3)));
}

#[rstest]
#[case::undefined(
    "${REPILCAS}",
    "a.yaml (Service web), spec.x[0]: the variable `REPILCAS` is not defined; \
     did you mean `REPLICAS`?"
)]
#[case::nothing_near(
    "${PASSWORD}",
    "a.yaml (Service web), spec.x[0]: the variable `PASSWORD` is not defined; define it under \
     `variables` of the environment, or write `$${` for a literal `${`"
)]
#[case::list_in_text(
    "a ${TAGS}",
    "a.yaml (Service web), spec.x[0]: the variable `TAGS` is a list, which cannot become text; \
     give the variable a text, a number or a boolean"
)]
#[case::no_name(
    "${a-b}",
    "a.yaml (Service web), spec.x[0]: `${a-b}` is not a variable; a variable is written `${NAME}` \
     with letters, digits and `_`; write `$${` for a literal `${`, or set the annotation \
     `windlass.dev/substitute: disabled` on the object"
)]
fn a_problem_names_file_object_field_and_remedy(#[case] text: &str, #[case] expected: &str) {
    let mut object = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"x": [text]}});
    let failure = variables().substitute(&mut object, "a.yaml").unwrap_err();
    assert_eq!(failure.to_string(), expected);
}

#[rstest]
#[case::ours("windlass.dev/substitute")]
#[case::of_flux("kustomize.toolkit.fluxcd.io/substitute")]
fn an_annotation_turns_it_off(#[case] annotation: &str) {
    let mut object = json!({"metadata": {"annotations": {annotation: "disabled"}},
        "data": {"run.sh": "echo ${UNKNOWN}"}});
    let before = object.clone();
    variables().substitute(&mut object, "a.yaml").unwrap();
    assert_eq!(object, before);
}

#[test]
fn without_variables_nothing_is_substituted() {
    let mut object = json!({"data": {"run.sh": "echo ${UNKNOWN} ${"}});
    let before = object.clone();
    Variables::default()
        .substitute(&mut object, "a.yaml")
        .unwrap();
    assert_eq!(object, before);
}

#[test]
fn a_text_of_the_configuration_names_its_key() {
    assert_eq!(
        variables()
            .text("${HOST}-${REPLICAS}", "secrets[0].name")
            .unwrap(),
        "shop.example-3"
    );
    let failure = variables().text("${HOTS}", "secrets[0].name").unwrap_err();
    assert_eq!(
        failure.to_string(),
        "the variable `HOTS` is not defined (at secrets[0].name); did you mean `HOST`?"
    );
}
