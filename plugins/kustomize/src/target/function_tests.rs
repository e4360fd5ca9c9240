#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::testing::MemoryHost;
use windlass_plugin_sdk::{Failure, Finding, Json, Ran, run};

use crate::Kustomize;

const OBJECTS: &str = "\
apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\n\
apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";

/// A configuration that names a function.
fn config(spec: &str) -> String {
    format!(
        "apiVersion: example.com/v1\nkind: Team\nmetadata:\n  name: team\n  annotations:\n    \
         config.kubernetes.io/function: |\n      {spec}\nspec: {{team: coffee}}\n"
    )
}

fn host(field: &str, spec: &str) -> MemoryHost {
    MemoryHost::new()
        .in_folder("app")
        .file(
            "app/kustomization.yaml",
            format!("resources: [objects.yaml]\n{field}: [team.yaml]\nnamePrefix: x-\n"),
        )
        .file("app/objects.yaml", OBJECTS)
        .file("app/team.yaml", config(spec))
        .plugin("app/fn/team.wasm", |mut objects, config| {
            assert_eq!(
                config["spec"]["team"], "coffee",
                "the configuration is handed in"
            );
            objects.retain(|object| object["metadata"]["name"] != "x-b");
            for object in &mut objects {
                object["metadata"]["labels"] = json!({"team": "coffee"});
            }
            objects.push(json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": {
                    "name": "made",
                    "annotations": {"kustomize.config.k8s.io/needs-hash": "true"},
                },
            }));
            Ok(objects.into())
        })
        .plugin("app/fn/crash.wasm", |_, _| Err(Failure::new("it crashed")))
        .plugin("app/fn/says.wasm", |objects, _| {
            let findings = vec![Finding::error("nobody owns it").object(0)];
            Ok(Ran { objects, findings })
        })
        .plugin("app/fn/twice.wasm", |objects, _| {
            Ok([objects.clone(), objects].concat().into())
        })
}

fn build(mut host: MemoryHost) -> Result<Vec<(String, Json)>, String> {
    run::generate::<Kustomize>(Vec::new(), "{}", &mut host)
        .map(|objects| {
            objects
                .iter()
                .map(|text| serde_json::from_str::<Json>(text).unwrap())
                .map(|object| {
                    let name = object["metadata"]["name"].as_str().unwrap().to_owned();
                    (name, object["metadata"]["labels"]["team"].clone())
                })
                .collect()
        })
        .map_err(|failure| failure.to_string())
}

#[test]
fn a_transformer_changes_removes_and_adds() {
    let built = build(host("transformers", "exec: {path: fn/team.wasm}")).unwrap();
    let expected = [("made", Json::Null), ("x-a", json!("coffee"))];
    assert_eq!(built, expected.map(|(name, team)| (name.to_owned(), team)));
}

#[test]
fn a_generator_is_given_nothing_and_its_objects_are_treated_as_generated() {
    let built = build(host("generators", "exec: {path: ./fn/team.wasm}")).unwrap();
    let names: Vec<&str> = built.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(
        names.iter().any(|name| name.starts_with("x-made-")),
        "the hash is put behind the name: {names:?}"
    );
}

#[rstest]
#[case::a_validator_that_changes(
    "validators",
    "exec: {path: fn/team.wasm}",
    "a validator has changed objects"
)]
#[case::a_crash(
    "transformers",
    "exec: {path: fn/crash.wasm}",
    "app/fn/crash.wasm: it crashed"
)]
#[case::a_finding(
    "validators",
    "exec: {path: fn/says.wasm}",
    "app/fn/says.wasm: nobody owns it"
)]
#[case::twice(
    "transformers",
    "exec: {path: fn/twice.wasm}",
    "has given back two objects called"
)]
#[case::a_container(
    "transformers",
    "container: {image: example.com/fn:v1}",
    "Team asks for the container example.com/fn:v1, which the sandbox does not start"
)]
#[case::a_program(
    "generators",
    "exec: {path: ./fn.sh}",
    "Team asks for the program ./fn.sh, which the sandbox does not start"
)]
#[case::outside(
    "transformers",
    "exec: {path: ../../fn/team.wasm}",
    "../../fn/team.wasm leads out of the tree"
)]
#[case::not_there("transformers", "exec: {path: fn/none.wasm}", "app/fn/none.wasm")]
fn what_is_wrong_names_the_function(
    #[case] field: &str,
    #[case] spec: &str,
    #[case] message: &str,
) {
    let error = build(host(field, spec)).unwrap_err();
    assert!(error.contains(message), "{error}\ndoes not say\n{message}");
    assert!(error.contains("app/"), "the file is named: {error}");
}
