#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::config::TransformerConfig;
use crate::resource::Source;

fn service() -> Resource {
    let object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "annotations": {"a.b/c": "x"}},
        "spec": {"ports": [{"name": "http", "port": 80}]},
    });
    Resource::new(object, Source::default())
}

fn variable(name: &str, path: &str) -> Var {
    let reference = json!({"apiVersion": "v1", "kind": "Service", "name": "web"});
    let json = json!({"name": name, "objref": reference, "fieldref": {"fieldPath": path}});
    serde_json::from_value(json).unwrap()
}

#[rstest]
#[case("metadata.name", Some(json!("web")))]
#[case("spec.ports[0].port", Some(json!(80)))]
#[case("spec.ports.[name=http].port", Some(json!(80)))]
#[case("metadata.annotations.[a.b/c]", Some(json!("x")))]
#[case("metadata.annotations.a\\.b/c", Some(json!("x")))]
#[case("spec.ports[1].port", None)]
#[case("spec.gone", None)]
fn fields_are_found(#[case] path: &str, #[case] expected: Option<Json>) {
    assert_eq!(lookup(&service().json, path), expected.as_ref(), "{path}");
}

#[test]
fn variables_are_replaced_after_their_object_was_renamed() {
    let pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "args": ["http://$(WEB):$(PORT)"]}]},
    });
    let schema = Schema::default();
    let mut resources = Resources {
        list: vec![service(), Resource::new(pod, Source::default())],
    };
    let mut variables = Variables::default();
    let added = [
        variable("WEB", ""),
        variable("PORT", "spec.ports[0].port"),
        variable("IDLE", "spec.ports"),
    ];
    variables.add(&added, &mut resources, &schema).unwrap();
    resources.list[0].set_name("prod-web");
    let fields = TransformerConfig::builtin().var_reference;
    let unused = variables.resolve(&mut resources, &fields).unwrap();
    let args = resources.list[1].json.pointer("/spec/containers/0/args/0");
    assert_eq!(args, Some(&json!("http://prod-web:80")));
    assert_eq!(unused, ["IDLE"]);
}

#[test]
fn a_name_stands_once() {
    let mut variables = Variables::default();
    let twice = [variable("A", ""), variable("A", "")];
    let error = variables.add(&twice, &mut Resources::default(), &Schema::default());
    assert_eq!(
        error.unwrap_err().to_string(),
        "the variable `A` is there twice (at [1]); rename one of the two"
    );
}
