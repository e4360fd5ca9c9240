#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::testing::MemoryHost;

use super::*;
use crate::files::Restriction;
use crate::resource::{Previous, Source as Place};

fn resource(kind: &str, name: &str, spec: Json) -> Resource {
    let object =
        json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
    Resource::new(object, Place::default())
}

fn load(replacements: Json) -> Result<Replacements> {
    let file = "source: {kind: S, fieldPath: spec.text}\ntargets: [{select: {kind: T}, fieldPaths: [spec.a]}]\n";
    let mut host = MemoryHost::new()
        .file("app/one.yaml", file)
        .file("app/none.yaml", "text\n");
    let mut files = Files::new(&mut host, Restriction::RootOnly);
    let config = json!({"replacements": replacements});
    Replacements::from_config(config, &mut files, &Folder::from("app".to_owned()))
}

/// Copies from one object to another, whose new `spec` is given back.
fn copied(replacement: Json, source: Json, target: Json) -> Result<Json> {
    let mut resources = Resources {
        list: vec![resource("S", "s", source), resource("T", "t", target)],
    };
    load(json!([replacement]))?.transform(&mut resources, &Schema::default())?;
    Ok(resources.list[1].json["spec"].take())
}

fn from_to(from: &str, to: &str, options: Json) -> Json {
    json!({
        "source": {"kind": "S", "fieldPath": from},
        "targets": [{"select": {"kind": "T"}, "fieldPaths": [to], "options": options}],
    })
}

#[rstest]
#[case::text_to_text("spec.text", "spec.a", json!({"a": "old"}), json!({"a": "8080"}))]
#[case::text_to_number("spec.text", "spec.a", json!({"a": 1}), json!({"a": 8080}))]
#[case::number_to_text("spec.number", "spec.a", json!({"a": "old"}), json!({"a": "80"}))]
#[case::map_to_text("spec.map", "spec.a", json!({"a": "old"}), json!({"a": ""}))]
#[case::map_to_map("spec.map", "spec.a", json!({"a": {"c": 1}}), json!({"a": {"b": 1}}))]
#[case::text_to_list("spec.text", "spec.a", json!({"a": [1]}), json!({"a": "8080"}))]
#[case::one_element("spec.text", "spec.a.[name=^x$].v", json!({"a": [{"name": "x", "v": ""}, {"name": "xx", "v": ""}]}), json!({"a": [{"name": "x", "v": "8080"}, {"name": "xx", "v": ""}]}))]
#[case::a_name_is_found_anywhere("spec.text", "spec.a.[name=x].v", json!({"a": [{"name": "x", "v": ""}, {"name": "xx", "v": ""}]}), json!({"a": [{"name": "x", "v": "8080"}, {"name": "xx", "v": "8080"}]}))]
#[case::every_element("spec.text", "spec.a.*.v", json!({"a": [{"v": ""}, {"w": ""}, {"v": 1}]}), json!({"a": [{"v": "8080"}, {"w": ""}, {"v": 8080}]}))]
#[case::an_item("spec.text", "spec.a.1", json!({"a": ["x", "y"]}), json!({"a": ["x", "8080"]}))]
#[case::an_item_by_value("spec.text", "spec.a.[=y]", json!({"a": ["x", "y"]}), json!({"a": ["x", "8080"]}))]
#[case::a_source_in_a_list("spec.list.[name=n].v", "spec.a", json!({"a": "old"}), json!({"a": "in a list"}))]
#[case::in_json("spec.text", "spec.a.b.c", json!({"a": "{\"b\": {\"c\": \"<\"}, \"a\": \"<\"}"}), json!({"a": "{\"a\":\"\\u003c\",\"b\":{\"c\":\"8080\"}}"}))]
#[case::in_yaml("spec.text", "spec.a.b.c", json!({"a": "# about\nb:\n  c: 1 # one\n  a: x\n"}), json!({"a": "# about\nb:\n  c: 8080 # one\n  a: x"}))]
#[case::what_does_not_fit_json_is_lost("spec.list.0.v", "spec.a.b", json!({"a": "{\"b\": 1}"}), json!({"a": "{\"b\": 1}"}))]
fn values_are_copied(
    #[case] from: &str,
    #[case] to: &str,
    #[case] target: Json,
    #[case] expected: Json,
) {
    let source = json!({
        "text": "8080",
        "number": 80,
        "map": {"b": 1},
        "list": [{"name": "n", "v": "in a list"}],
    });
    assert_eq!(
        copied(from_to(from, to, Json::Null), source, target).unwrap(),
        expected,
        "{from} to {to}"
    );
}

#[rstest]
#[case::a_field("spec.b.c", json!({"create": true}), json!({"a": "x/y/z", "b": {"c": 8080}}))]
#[case::an_element("spec.b.[name=n].c", json!({"create": true}), json!({"a": "x/y/z", "b": [{"name": "n", "c": 8080}]}))]
#[case::an_item("spec.b.0", json!({"create": true}), json!({"a": "x/y/z", "b": [8080]}))]
#[case::a_part("spec.a", json!({"delimiter": "/", "index": 1}), json!({"a": "x/8080/z"}))]
#[case::before("spec.a", json!({"delimiter": "/", "index": -1}), json!({"a": "8080/x/y/z"}))]
#[case::behind("spec.a", json!({"delimiter": "/", "index": 9}), json!({"a": "x/y/z/8080"}))]
fn options_say_how(#[case] to: &str, #[case] options: Json, #[case] expected: Json) {
    let source = json!({"text": "8080"});
    let replacement = from_to("spec.text", to, options);
    assert_eq!(
        copied(replacement, source, json!({"a": "x/y/z"})).unwrap(),
        expected,
        "into {to}"
    );
}

#[test]
fn a_part_of_the_source_is_copied() {
    let replacement = json!({
        "source": {"kind": "S", "fieldPath": "spec.url", "options": {"delimiter": "/", "index": 1}},
        "targets": [{"select": {"kind": "T"}, "fieldPaths": ["spec.a"]}],
    });
    let spec = copied(replacement, json!({"url": "x/y/z"}), json!({"a": "old"})).unwrap();
    assert_eq!(spec, json!({"a": "y"}));
}

#[test]
fn a_given_text_and_a_file_are_sources() {
    let given = json!({
        "sourceValue": "v",
        "targets": [{"select": {"kind": "T"}, "fieldPaths": ["spec.a"]}],
    });
    let target = json!({"a": "old"});
    assert_eq!(
        copied(given, json!({}), target.clone()).unwrap(),
        json!({"a": "v"})
    );
    let file = json!({"path": "one.yaml"});
    assert_eq!(
        copied(file, json!({"text": "v"}), target).unwrap(),
        json!({"a": "v"})
    );
}

#[rstest]
#[case::all(json!({}), json!([]), &["a", "b", "c"])]
#[case::by_name(json!({"name": "a|b"}), json!([]), &["a", "b"])]
#[case::by_former_name(json!({"name": "was-a"}), json!([]), &["a"])]
#[case::by_label(json!({"labelSelector": "app=b"}), json!([]), &["b"])]
#[case::no_namespace_is_no_default(json!({"namespace": "default"}), json!([]), &["a"])]
#[case::but_one(json!({}), json!([{"name": "b"}]), &["a", "c"])]
#[case::rejected_by_either(json!({}), json!([{"name": "a", "labelSelector": "app=b"}]), &["c"])]
fn targets_are_selected(#[case] select: Json, #[case] reject: Json, #[case] expected: &[&str]) {
    let mut list: Vec<Resource> = ["a", "b", "c"]
        .map(|name| resource("T", name, json!({"v": ""})))
        .into();
    list[0].previous.push(Previous {
        kind: "T".to_owned(),
        name: "was-a".to_owned(),
        namespace: "default".to_owned(),
    });
    list[1]
        .metadata_mut()
        .insert("labels".to_owned(), json!({"app": "b"}));
    let replacements = load(json!([{
        "sourceValue": "set",
        "targets": [{"select": select, "reject": reject, "fieldPaths": ["spec.v"]}],
    }]));
    let mut resources = Resources { list };
    replacements
        .unwrap()
        .transform(&mut resources, &Schema::default())
        .unwrap();
    let set: Vec<&str> = resources
        .list
        .iter()
        .filter(|resource| resource.json["spec"]["v"] == "set")
        .map(Resource::name)
        .collect();
    assert_eq!(set, expected);
}

#[rstest]
#[case::no_source(json!({"targets": []}), "the replacement has no source (at [0]); write `source` or `sourceValue`")]
#[case::no_targets(json!({"sourceValue": "v"}), "the replacement has no targets (at [0]); list the objects and fields that get the value under `targets`")]
#[case::two_sources(json!({"sourceValue": "v", "source": {}, "targets": []}), "a replacement has `source` or `sourceValue`, not both (at [0])")]
#[case::no_select(json!({"sourceValue": "v", "targets": [{}]}), "the target selects no objects (at [0].targets[0].select); say which objects get the value: their kind, name and so on")]
#[case::no_file(json!({"path": "gone.yaml"}), "there is no file app/gone.yaml (at [0].path)")]
#[case::no_replacements(json!({"path": "none.yaml"}), "app/none.yaml: the file holds no replacements (at [0].path); write one replacement, or a list of them")]
#[case::no_object(from_to("spec.text", "spec.a", Json::Null).as_object().map(|map| { let mut map = map.clone(); map["source"]["name"] = json!("x"); Json::from(map) }).unwrap(), "there is no S x (at [0].source)")]
#[case::no_field(
    from_to("spec.gone", "spec.a", Json::Null),
    "S s has no field `spec.gone` (at fieldPath)"
)]
#[case::no_target_field(
    from_to("spec.text", "spec.gone", Json::Null),
    "T t: there is no field `spec.gone` (at [0].targets[0].fieldPaths[0]); check the path, or set `options.create: true`"
)]
#[case::another_type(
    from_to("spec.text", "spec.n", Json::Null),
    "T t: `v` cannot take the place of a number (at [0].targets[0].fieldPaths[0]); write the present value in quotes if the field may be a text"
)]
#[case::an_index_too_far(
    from_to("spec.text", "spec.l.3", Json::Null),
    "T t: there is no element 3 in a list of 1 (at [0].targets[0].fieldPaths[0])"
)]
#[case::a_wrong_expression(
    from_to("spec.text", "spec.l.[name=(].v", Json::Null),
    "T t: `(` is no regular expression: "
)]
#[case::an_element_without_its_text(from_to("spec.text", "spec.l.[name=^x$].v", json!({"create": true})), "T t: an element can only be made for a text, which `^x$` is not")]
#[case::two_objects(json!({"source": {}, "targets": []}), "S s and T t are both meant by object (at [0].source); say more of the object: its kind, name and namespace")]
fn what_is_wrong_is_named(#[case] replacement: Json, #[case] message: &str) {
    let target = json!({"a": "", "n": 1, "l": [{"name": "y"}]});
    let error = copied(replacement, json!({"text": "v"}), target).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with(message), "{error}\nis not\n{message}");
}

#[test]
fn objects_do_not_grow_without_bound() {
    let double = json!({
        "source": {"kind": "T", "fieldPath": "spec"},
        "targets": [{"select": {"kind": "T"}, "fieldPaths": ["spec.a"], "options": {"create": true}}],
    });
    let replacements = load(Json::Array(vec![double; 200])).unwrap();
    let mut resources = Resources {
        list: vec![resource("T", "t", json!({"b": 1}))],
    };
    let error = replacements
        .transform(&mut resources, &Schema::default())
        .unwrap_err();
    assert!(
        error.to_string().contains("nested too deep"),
        "expected the depth to be refused: {error}"
    );
}
