#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::testing::MemoryHost;

use super::*;
use crate::files::Restriction;
use crate::resources::Resources;
use crate::schema::Schema;

fn config_map(config: Json) -> Result<Resource> {
    let mut host = MemoryHost::new()
        .file("app/app.env", "USER=admin\nPASSWORD=qwerty\n")
        .file("app/app.ini", "A=b\n")
        .file("app/app.bin", vec![0xff, b'h', b'i']);
    let mut files = Files::new(&mut host, Restriction::RootOnly);
    ConfigMapGenerator::from_config(config)?
        .with_defaults(None)
        .generate(&mut files, &Folder::from("app".to_owned()))
}

#[test]
fn a_config_map_is_made_of_all_its_sources() {
    let made = config_map(json!({
        "name": "a",
        "namespace": "n",
        "env": "app.env",
        "literals": ["x=1"],
        "files": ["app.ini", "b=app.bin"],
        "options": {"labels": {"l": "1"}, "immutable": true},
    }))
    .unwrap();
    let expected = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "a", "namespace": "n", "labels": {"l": "1"}},
        "data": {"USER": "admin", "PASSWORD": "qwerty", "x": "1", "app.ini": "A=b\n"},
        "binaryData": {"b": "/2hp"},
        "immutable": true,
    });
    assert_eq!(made.json, expected);
    assert!(made.needs_hash);
}

#[rstest]
#[case::twice(json!({"name": "a", "literals": ["x=1", "x=2"]}), "a is given the key `x` twice; remove one of the two")]
#[case::no_name(json!({"literals": ["x=1"]}), "the ConfigMap has no name (at name)")]
#[case::no_pair(json!({"name": "a", "literals": ["x"]}), "\"x\" is no pair of a key and a value (at literals[0]); write `KEY=VALUE`")]
#[case::no_file(json!({"name": "a", "files": ["gone"]}), "there is no file app/gone (at files[0])")]
fn what_is_wrong_is_named(#[case] config: Json, #[case] message: &str) {
    assert_eq!(config_map(config).unwrap_err().to_string(), message);
}

#[rstest]
#[case(51, None)]
#[case(52, Some(74))]
#[case(105, Some(142))]
fn long_base64_has_lines(#[case] bytes: usize, #[case] folded_length: Option<usize>) {
    let text = folded(&vec![b'v'; bytes]);
    assert_eq!(text.contains('\n'), folded_length.is_some(), "{text:?}");
    if let Some(length) = folded_length {
        assert_eq!(text.len(), length);
    }
}

fn generated(behavior: &str, literal: &str) -> Resource {
    let config = json!({"name": "a", "behavior": behavior, "literals": [literal]});
    config_map(config).unwrap()
}

#[test]
fn a_generated_object_merges_into_the_one_of_its_former_name() {
    let schema = Schema::default();
    let mut resources = Resources::default();
    absorb_all(&mut resources, vec![generated("", "x=1")], &schema).unwrap();
    let old = &mut resources.list[0];
    old.store_previous_id(&schema);
    old.set_name("pre-a");
    absorb_all(&mut resources, vec![generated("merge", "y=2")], &schema).unwrap();
    assert_eq!(resources.list.len(), 1);
    let merged = &resources.list[0];
    assert_eq!(merged.name(), "pre-a");
    assert_eq!(merged.json["data"], json!({"x": "1", "y": "2"}));
}

#[rstest]
#[case::twice("create", "ConfigMap.v1 a is there already")]
#[case::unspecified("", "ConfigMap.v1 a is there already")]
fn a_new_object_must_not_be_there(#[case] behavior: &str, #[case] message: &str) {
    let schema = Schema::default();
    let mut resources = Resources::default();
    absorb_all(&mut resources, vec![generated("", "x=1")], &schema).unwrap();
    let error = absorb_all(&mut resources, vec![generated(behavior, "x=1")], &schema).unwrap_err();
    assert!(error.to_string().starts_with(message), "{error}");
}

#[rstest]
#[case("merge")]
#[case("replace")]
fn what_changes_an_object_needs_one(#[case] behavior: &str) {
    let error = absorb_all(
        &mut Resources::default(),
        vec![generated(behavior, "x=1")],
        &Schema::default(),
    )
    .unwrap_err();
    assert!(error.to_string().contains("is not there"), "{error}");
}
