#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use rstest::rstest;
use serde_json::json;
use std::time::{Duration, Instant};

fn wrong(schema: &Json, config: Json) -> Option<String> {
    check(schema, &config).map(|it| format!("{} {}", it.key(), it.wrong))
}

fn schema() -> Json {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["patches"],
        "properties": {
            "patches": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/patch"}},
            "mode": {"enum": ["strict", "loose"]},
            "replicas": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 10},
            "name": {"type": "string", "pattern": "^[a-z]+$", "maxLength": 5},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
        },
        "$defs": {"patch": {"oneOf": [
            {"type": "object", "required": ["path"], "additionalProperties": false,
                "properties": {"path": {"type": "string"}, "target": {"type": "object",
                    "additionalProperties": false, "properties": {"kind": {"type": "string"}}}}},
            {"type": "string"},
        ]}},
    })
}

#[rstest]
#[case::good(json!({"patches": [{"path": "a"}, "b"], "replicas": 3.0, "labels": {"a": "b"}}), None)]
#[case::null(json!({"patches": ["a"], "replicas": null}), None)]
#[case::empty(json!({"patches": ["a"], "mode": null}), None)]
#[case::no_form(json!({"patches": [7]}), Some("patches[0] is a number, not a mapping, or is a \
    number, not a text"))]
#[case::missing(json!({}), Some(" lacks the key `patches`"))]
#[case::unknown(json!({"patches": ["a"], "replica": 1}),
    Some("replica is no key that the plugin knows; did you mean `replicas`?"))]
#[case::unknown_deep(json!({"patches": ["a", {"path": "b", "target": {"knd": "c"}}]}),
    Some("patches[1].target.knd is no key that the plugin knows; did you mean `kind`?"))]
#[case::unlike(json!({"patches": ["a"], "zzzzzz": 1}), Some("zzzzzz is no key that the plugin \
    knows; known here: labels, mode, name, patches, replicas"))]
#[case::kind(json!({"patches": {}}), Some("patches is a mapping, not a list"))]
#[case::fraction(json!({"patches": ["a"], "replicas": 1.5}),
    Some("replicas is a number, not a whole number or nothing"))]
#[case::few(json!({"patches": []}), Some("patches has 0 items, and 1 are the fewest"))]
#[case::least(json!({"patches": ["a"], "replicas": 0}),
    Some("replicas is 0, and has to be at least 1"))]
#[case::most(json!({"patches": ["a"], "replicas": 10}),
    Some("replicas is 10, and has to be less than 10"))]
#[case::choice(json!({"patches": ["a"], "mode": "lose"}),
    Some("mode is `lose`, and has to be `strict` or `loose`; did you mean `loose`?"))]
#[case::pattern(json!({"patches": ["a"], "name": "A"}),
    Some("name is `A`, which does not match `^[a-z]+$`"))]
#[case::long(json!({"patches": ["a"], "name": "abcdef"}),
    Some("name has 6 characters, and 5 are the most"))]
#[case::value(json!({"patches": ["a"], "labels": {"a": 1}}),
    Some("labels.a is a number, not a text"))]
fn what_is_wrong_is_said_with_its_key(#[case] config: Json, #[case] expected: Option<&str>) {
    assert_eq!(wrong(&schema(), config).as_deref(), expected);
}

#[test]
fn a_pointer_finds_the_key() {
    let schema = json!({"properties": {"a/b": {"items": {"type": "null"}}}});
    let violation = check(&schema, &json!({"a/b": [null, 1]})).unwrap();
    assert_eq!(violation.pointer(), "/a~1b/1");
}

fn nested(depth: usize, word: &str) -> Json {
    (0..depth).fold(
        json!({"type": "string"}),
        |inner, _| json!({ word: [inner] }),
    )
}

/// Doubles the work with each level.
fn bomb(levels: usize) -> Json {
    let mut schema = json!({"$ref": "#/$defs/0"});
    for level in 0..levels {
        let next = json!({"$ref": format!("#/$defs/{}", level + 1)});
        schema["$defs"][level.to_string()] = json!({"anyOf": [
            {"allOf": [next, {"type": "null"}]}, {"allOf": [next, {"type": "null"}]}]});
    }
    schema["$defs"][levels.to_string()] = json!({"type": "object"});
    schema
}

#[rstest]
#[case::endless(json!({"$ref": "#"}))]
#[case::endless_in_a_circle(json!({"allOf": [{"$ref": "#/x"}], "x": {"anyOf": [{"$ref": "#"}]}}))]
#[case::deep(nested(100, "allOf"))]
#[case::doubling(bomb(60))]
#[case::remote(json!({"$ref": "http://127.0.0.1:1/schema.json"}))]
#[case::file(json!({"$ref": "file:///etc/passwd"}))]
#[case::expression(json!({"properties": {"a": {"pattern": "^(a+)+$"}}}))]
#[case::large_expression(json!({"properties": {"a": {"pattern": "((a{1000}){1000}){1000}"}}}))]
#[case::no_expression(json!({"properties": {"a": {"pattern": "(?=a)["}}}))]
#[case::nonsense(json!({"type": 7, "enum": 3, "properties": [], "required": {"a": 1},
    "items": "x", "minItems": -1, "anyOf": {}, "not": 1}))]
fn a_hostile_schema_ends_soon(#[case] schema: Json) {
    let started = Instant::now();
    let config = json!({"a": "a".repeat(4000), "b": [1, 2, 3]});
    drop(check(&schema, &config));
    let elapsed = started.elapsed();
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
}

#[test]
fn what_is_too_much_is_left_to_the_plugin() {
    assert_eq!(check(&bomb(60), &json!({})), None);
    let items: Vec<Json> = (0..50_000).map(Json::from).collect();
    let schema = json!({"properties": {"a": {"items": {"type": "string"}}}});
    assert!(
        check(&schema, &json!({"a": items})).is_some(),
        "the first is wrong"
    );
    let items: Vec<String> = (0..50_000).map(|it| it.to_string()).collect();
    assert_eq!(check(&schema, &json!({"a": items})), None);
}
