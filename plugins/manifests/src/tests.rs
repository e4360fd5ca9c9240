#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use windlass_plugin_sdk::testing::MemoryHost;
use windlass_plugin_sdk::{parse_config, run};

fn host() -> MemoryHost {
    MemoryHost::new()
        .in_folder("env")
        .file("env/environment.yaml", "kind: Environment")
        .file(
            "env/web.yaml",
            "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  port: ${PORT}\n---\n\
             apiVersion: v1\nkind: Service\nmetadata: {name: api}\n",
        )
        .file(
            "base/all.json",
            r#"{"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b"}}]}"#,
        )
}

fn names(config: &str, objects: Vec<String>) -> Vec<String> {
    run::generate::<Manifests>(objects, config, &mut host())
        .unwrap()
        .iter()
        .map(|text| serde_json::from_str::<Json>(text).unwrap())
        .map(|object| object["metadata"]["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_environment_folder_is_the_default() {
    assert_eq!(names("{}", Vec::new()), ["web", "api"]);
}

#[test]
fn objects_of_earlier_steps_stay_in_front_and_lists_are_flattened() {
    let before = r#"{"metadata":{"name":"before"}}"#.to_owned();
    assert_eq!(
        names(r#"{"paths": ["/base"]}"#, vec![before]),
        ["before", "a", "b"]
    );
}

#[test]
fn variables_are_put_in_with_their_type() {
    let config = parse_config(r#"{"variables": {"PORT": 8080}}"#).unwrap();
    let objects = Manifests::generate(config, &mut host()).unwrap();
    assert_eq!(objects[0]["spec"]["port"], 8080);
}

#[test]
fn an_object_knows_its_file_and_document() {
    let objects = Manifests::generate(Config::default(), &mut host()).unwrap();
    let annotations = &objects[1]["metadata"]["annotations"];
    assert_eq!(
        annotations["internal.config.kubernetes.io/path"],
        "web.yaml"
    );
    assert_eq!(annotations["internal.config.kubernetes.io/index"], "1");
}

#[test]
fn a_file_that_is_no_manifest_is_named_with_the_remedy() {
    let mut host = host().file("env/notes.yaml", "a: 1");
    let failure = Manifests::generate(Config::default(), &mut host)
        .unwrap_err()
        .to_string();
    assert!(failure.contains("notes.yaml"), "{failure}");
    assert!(failure.contains("name it in `exclude`"), "{failure}");
}

#[test]
fn a_misspelt_key_is_named() {
    let failure = run::generate::<Manifests>(Vec::new(), r#"{"path": "."}"#, &mut host());
    let failure = failure.unwrap_err().to_string();
    assert!(failure.contains("did you mean `paths`?"), "{failure}");
}

#[test]
fn the_schema_is_json() {
    let schema: Json = serde_json::from_str(config::SCHEMA).unwrap();
    assert!(
        schema["properties"]["variables"].is_object(),
        "the host looks for this key"
    );
}
