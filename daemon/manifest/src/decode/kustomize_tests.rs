#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use rstest::rstest;
use serde_json::json;

use super::*;

fn read(text: &str) -> Result<Vec<Json>, DecodeError> {
    let documents = decode_by(Rules::Kustomize, text.as_bytes(), &Limits::default())?;
    Ok(documents
        .into_iter()
        .map(|document| document.value)
        .collect())
}

#[rstest]
#[case::booleans("{a: yes, b: on, c: N, d: True}", json!({"a": "yes", "b": "on", "c": "N", "d": true}))]
#[case::boolean_words_are_keys("yes: 1\n\"no\": 2\n", json!({"yes": 1, "no": 2}))]
#[case::times("a: 2001-12-14\nb: '2001-12-14'\nc: !!timestamp 2001-1-2\n", json!({"a": "2001-12-14T00:00:00Z", "b": "2001-12-14", "c": "2001-01-02T00:00:00Z"}))]
#[case::the_bare_tag("a: ! 1\nb: ! '1'\nc: !x 1\n", json!({"a": 1, "b": "1", "c": "1"}))]
#[case::nothing("a:\nb: {c, d: , e: ~}\nf: [g: ]\n", json!({"a": null, "b": {"c": "", "d": "", "e": null}, "f": [{"g": ""}]}))]
#[case::nothing_with_a_name("a: [&x , &y 1]\nb: &z\n", json!({"a": ["", 1], "b": null}))]
#[case::own_keys_win("a: &a {x: 1, z: 3}\nb:\n  x: 2\n  <<: *a\n", json!({"a": {"x": 1, "z": 3}, "b": {"x": 2, "z": 3}}))]
#[case::first_of_a_list_wins("a: {<<: [{x: 1}, {x: 2, z: 2}]}\n", json!({"a": {"x": 1, "z": 2}}))]
#[case::quoted_merge_goes("a: {'<<': {x: 1}, z: 2}\n", json!({"a": {"z": 2}}))]
#[case::folded("a: >\n  x\n    y\n  z\nb: >\n  x\n  y\nc: >+\n  x\n\n", json!({"a": "x\n\n  y\nz\n", "b": "x y\n", "c": "x\n\n\n"}))]
#[case::annotations("metadata: {annotations: {a: 1.10, b: 0644, c: 2001-01-01, d: ~, e: True, f: {g: 1.10}}}\nspec: {metadata: {annotations: {a: 1.10}}}\n", json!({"metadata": {"annotations": {"a": "1.10", "b": "0644", "c": "2001-01-01", "d": null, "e": "True", "f": {"g": 1.1}}}, "spec": {"metadata": {"annotations": {"a": 1.1}}}}))]
#[case::annotations_of_items("items:\n- metadata: {annotations: {a: 1.10}}\n", json!({"items": [{"metadata": {"annotations": {"a": "1.10"}}}]}))]
#[case::json_is_yaml("{\"a\": 1.0,\n\t\"b\": yes}", json!({"a": 1, "b": "yes"}))]
#[case::little_endian("\u{feff}a: 1\n", json!({"a": 1}))]
#[case::behind_the_first_line("--- {a: 1}\n", json!({"a": 1}))]
#[case::unended_separator("a: 1\n--- b", json!({"a": 1}))]
fn means_what_it_means_to_kustomize(#[case] text: &str, #[case] expected: Json) {
    assert_eq!(read(text).unwrap(), [expected], "the values of\n{text}");
}

#[test]
fn utf_16_is_read_in_either_order() {
    for little in [false, true] {
        let units = "\u{feff}a: \u{e9}\n".encode_utf16();
        let bytes: Vec<u8> = units
            .flat_map(|unit| {
                if little {
                    unit.to_le_bytes()
                } else {
                    unit.to_be_bytes()
                }
            })
            .collect();
        let found = decode_by(Rules::Kustomize, &bytes, &Limits::default()).unwrap();
        assert_eq!(
            found[0].value,
            json!({"a": "\u{e9}"}),
            "little endian: {little}"
        );
    }
}

#[rstest]
#[case(
    "a: {1: x}\n",
    "line 1, column 5: a number cannot be a key for kustomize; write it in quotes"
)]
#[case(
    "a: {true: x}\n",
    "line 1, column 5: a boolean cannot be a key for kustomize; write it in quotes"
)]
#[case(
    "a: {2001-01-01: x}\n",
    "line 1, column 5: a timestamp cannot be a key for kustomize; write it in quotes"
)]
#[case(
    "a:\n  <<: {b: 1}\n  <<: {c: 1}\n",
    "line 3, column 3: the key `<<` is already set; remove one of the two"
)]
#[case(
    "{\"a\": \"\\ud83d\\ude00\"}",
    "line 1, column 10: found an escape that is no Unicode character"
)]
fn errors_name_the_place(#[case] text: &str, #[case] message: &str) {
    assert_eq!(read(text).unwrap_err().to_string(), message, "in\n{text}");
}
