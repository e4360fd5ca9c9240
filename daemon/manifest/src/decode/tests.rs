#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rstest::rstest;
use serde_json::json;

use super::*;

fn values(text: &str) -> Vec<Json> {
    let documents = decode(text.as_bytes(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error} in\n{text}"));
    documents
        .into_iter()
        .map(|document| document.value)
        .collect()
}

fn error(text: &str) -> DecodeError {
    decode(text.as_bytes(), &Limits::default()).unwrap_err()
}

#[rstest]
#[case::yaml_1_1("a: 0644\nb: yes\nc: 1_000\nd: 1.0\ne: 012e\n", json!({"a": 420, "b": true, "c": 1000, "d": 1, "e": "012e"}))]
#[case::quoted("a: '0644'\nb: \"yes\"\nc: 'it''s'\n", json!({"a": "0644", "b": "yes", "c": "it's"}))]
#[case::tags("a: !!str 1\nb: !!int '0644'\nc: !!binary aGk=\nd: !x 1\ne: ! 1\nf: !!float 1\n", json!({"a": "1", "b": 420, "c": "hi", "d": "1", "e": "1", "f": 1}))]
#[case::keys("1: a\ntrue: b\n1.5: c\n0x10: d\n2001-01-01: e\n", json!({"1": "a", "true": "b", "1.5": "c", "16": "d", "2001-01-01": "e"}))]
#[case::exact("a: 18446744073709551615\nb: -9223372036854775808\nc: 9007199254740993\n", json!({"a": u64::MAX, "b": i64::MIN, "c": 9_007_199_254_740_993_i64}))]
#[case::blocks("a: |\n  x\n   y\n\n  z\nb: >-\n  x\n  y\n\n  z\n", json!({"a": "x\n y\n\nz\n", "b": "x y\nz"}))]
#[case::end("a: |\n  x", json!({"a": "x\n"}))]
#[case::merge_list("a: &a {x: 1, w: 1}\nb: &b {x: 2, z: 2}\nc:\n  <<: [*a, *b]\n  w: 3\n", json!({"a": {"x": 1, "w": 1}, "b": {"x": 2, "z": 2}, "c": {"x": 1, "w": 3, "z": 2}}))]
#[case::a_later_merge_wins("a: &a {x: 1}\nb:\n  x: 2\n  <<: *a\n", json!({"a": {"x": 1}, "b": {"x": 1}}))]
#[case::quoted_merge_is_a_key("'<<': 1\n", json!({"<<": 1}))]
#[case::flow("{\"a\":1, b: [x, w: z], c: http://x}\n", json!({"a": 1, "b": ["x", {"w": "z"}], "c": "http://x"}))]
#[case::list_of_key("a:\n- 1\n- b: 2\n  c: 3\n", json!({"a": [1, {"b": 2, "c": 3}]}))]
#[case::bytes("\u{feff}a: 1\r\nb: 2\r\n", json!({"a": 1, "b": 2}))]
#[case::json("{\"a\": 1.0, \"b\": \"\\u00e9\\/\\ud83d\\ude00\", \"c\": -0}", json!({"a": 1.0, "b": "é/😀", "c": 0}))]
fn means_what_it_means_to_kubectl(#[case] text: &str, #[case] expected: Json) {
    assert_eq!(values(text), [expected]);
}

#[rstest]
#[case::yaml("a: 1\n---\n# nothing\n--- # two\na: 2\n", &[json!({"a": 1}), Json::Null, json!({"a": 2})])]
#[case::leading("---\na: 1\n", &[json!({"a": 1})])]
#[case::json("{\"a\":1} {\"a\":2}\n{\"a\":3}", &[json!({"a": 1}), json!({"a": 2}), json!({"a": 3})])]
#[case::json_then_yaml("{\"a\":1}\n---\na: 2\n", &[json!({"a": 1}), json!({"a": 2})])]
#[case::after_the_end("a: 1\n...\nb: 2\n", &[json!({"a": 1})])]
#[case::nothing("", &[])]
fn documents(#[case] text: &str, #[case] expected: &[Json]) {
    assert_eq!(values(text), expected);
}

#[rstest]
#[case::yaml(
    "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n",
    "line 5, column 3: the key `c` is already set at line 3, column 3; remove one of the two"
)]
#[case::json(
    "{\"a\": 1,\n \"a\": 2}",
    "line 2, column 2: the key `a` is already set at line 1, column 2; remove one of the two"
)]
#[case::two_spellings(
    "1: a\n\"1\": b\n",
    "line 2, column 1: the key `1` is already set at line 1, column 1; remove one of the two"
)]
#[case::beside_a_merge(
    "x: &x {a: 1}\ny:\n  <<: *x\n  b: 1\n  b: 2\n",
    "line 5, column 3: the key `b` is already set at line 4, column 3; remove one of the two"
)]
#[case::large(
    "a: 18446744073709551616\n",
    "line 1, column 4: `18446744073709551616` does not fit 64 bits; write it in quotes if it is meant as text"
)]
#[case::large_json(
    "{\"a\": -9223372036854775809}",
    "line 1, column 7: `-9223372036854775809` does not fit 64 bits; write it in quotes if it is meant as text"
)]
#[case::infinite(
    "a: .inf\n",
    "line 1, column 4: `.inf` is a number that JSON does not have; write it in quotes if it is meant as text"
)]
#[case::null_key(
    "a:\n  ~: 1\n",
    "line 2, column 3: null cannot be a key; a key is a text, a number or a boolean"
)]
#[case::list_key(
    "? [a]\n: 1\n",
    "line 1, column 3: a list cannot be a key; a key is a text, a number or a boolean"
)]
#[case::merge(
    "a:\n  <<: 1\n",
    "line 2, column 3: `<<` merges a mapping or a list of mappings, not a number"
)]
#[case::separator(
    "a: 1\n--- b\n",
    "line 2, column 4: `b` follows `---` in its line; kubectl allows only a comment there, so begin a new line after `---`"
)]
#[case::anchor(
    "a: *b\n",
    "line 1, column 4: there is no anchor `b` before this alias"
)]
#[case::itself(
    "a: &a [*a]\n",
    "line 1, column 8: the value of the anchor `a` contains itself"
)]
#[case::tag(
    "a: !!int x\n",
    "line 1, column 10: `x` is no value for the tag `!!int`"
)]
#[case::control(
    "a: 1\nb: é\u{1}\n",
    "line 2, column 5: the control character U+0001 is not allowed in YAML; write it as an escape in double quotes"
)]
#[case::second_document("a: 1\n---\nb: [\n", "line 4, column 1: expected a value")]
#[case::tab(
    "a:\n\tb: 1\n",
    "line 2, column 1: found a tab where a value may begin; indent with spaces"
)]
#[case::yaml_in_json("{\"a\": 1,\n b: [}\n", "line 2, column 6: expected a value")]
fn says_what_is_wrong_and_where(#[case] text: &str, #[case] message: &str) {
    assert_eq!(error(text).to_string(), message);
}

#[test]
fn utf_16_is_read_as_kubectl_reads_it() {
    let big: Vec<u8> = [0xfe, 0xff]
        .into_iter()
        .chain("a: é\n".encode_utf16().flat_map(u16::to_be_bytes))
        .collect();
    assert_eq!(
        decode(&big, &Limits::default()).unwrap()[0].value,
        json!({"a": "é"})
    );
    let little: Vec<u8> = [0xff, 0xfe]
        .into_iter()
        .chain("a: 1\n".encode_utf16().flat_map(u16::to_le_bytes))
        .collect();
    assert_eq!(
        decode(&little, &Limits::default()).unwrap_err().code(),
        "WL0306"
    );
    let broken = decode(b"a: 1\nb: \xff", &Limits::default()).unwrap_err();
    assert_eq!(
        broken.to_string(),
        "line 2, column 4: the bytes here are not UTF-8; save the file as UTF-8"
    );
}

#[test]
fn places_are_those_of_the_keys() {
    let text = "a: 1\n---\n# two\nspec:\n  a/b:\n  - x\n  - {é: 1, w: 2}\n";
    let documents = decode_with_positions(text.as_bytes(), &Limits::default()).unwrap();
    let place = |pointer: &str| documents[1].position(pointer).map(|p| (p.line, p.column));
    assert_eq!((documents[1].index, documents[1].line), (1, 4));
    assert_eq!(place(""), Some((4, 1)));
    assert_eq!(place("/spec/a~1b"), Some((5, 3)));
    assert_eq!(place("/spec/a~1b/0"), Some((6, 5)));
    assert_eq!(place("/spec/a~1b/1/w"), Some((7, 12)));
    assert_eq!(place("/spec/c"), None);
    assert_eq!(documents[0].position("/spec"), None);
}

#[test]
fn places_in_json_are_those_of_the_keys() {
    let text = "{\"é\": {\"b\": [1,\n  {\"c\": 2}]}}\n{\"d\": 1}";
    let documents = decode_with_positions(text.as_bytes(), &Limits::default()).unwrap();
    let place = |index: usize, pointer: &str| {
        documents[index]
            .position(pointer)
            .map(|p| (p.line, p.column))
    };
    assert_eq!(place(0, "/é/b"), Some((1, 8)));
    assert_eq!(place(0, "/é/b/1"), Some((2, 3)));
    assert_eq!(place(0, "/é/b/1/c"), Some((2, 4)));
    assert_eq!(place(1, "/d"), Some((3, 2)));
}

fn limited(text: &str, limits: Limits) -> &'static str {
    match decode(text.as_bytes(), &limits) {
        Ok(_) => "",
        Err(error) => match error.problem {
            Problem::Limit { what, .. } => what,
            other => panic!("{other}"),
        },
    }
}

#[test]
fn everything_is_bounded() {
    let limits = Limits::default();
    let bomb: String = (1..30).fold(
        "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".into(),
        |text, level| {
            let below = format!("*a{}, ", level - 1).repeat(10);
            format!("{text}a{level}: &a{level} [{below}]\n")
        },
    );
    assert_eq!(
        limited(&bomb, limits),
        "the number of nodes that aliases add"
    );
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        "*a, ".repeat(1000)
    );
    assert_eq!(
        limited(&long, limits),
        "the size of the text that aliases add"
    );
    for deep in [
        "[".repeat(100_000),
        "- ".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "? ".repeat(100_000),
    ] {
        assert_eq!(limited(&deep, limits), "the depth of the nesting");
    }
    let nested = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    assert_eq!(limited(&nested, limits), "");
    assert_eq!(
        limited("a: 1", Limits { bytes: 3, ..limits }),
        "the size of the text in bytes"
    );
    assert_eq!(
        limited(
            "a\n---\nb\n",
            Limits {
                documents: 1,
                ..limits
            }
        ),
        "the number of documents"
    );
}

/// Texts that have brought parsers down, cut and mixed in every way.
#[test]
fn no_text_makes_it_panic() {
    const PARTS: [&str; 40] = [
        "a",
        "b: ",
        "\n",
        " ",
        "  ",
        "\t",
        "- ",
        "-",
        "? ",
        ": ",
        ":",
        "#",
        " #",
        "&a ",
        "*a",
        "!",
        "!!str",
        "!!str,",
        "!<",
        "%",
        "%YAML 1.1\n",
        "|",
        ">",
        "|2-\n",
        "'",
        "\"",
        "\\",
        "\\x",
        "[",
        "]",
        "{",
        "}",
        ",",
        "---\n",
        "...\n",
        "<<: ",
        "\r",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
    ];
    let mut dice: u64 = 0x2545_F491_4F6C_DD1D;
    let mut roll = |sides: usize| {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        usize::try_from(dice % sides as u64).unwrap()
    };
    for _ in 0..100_000 {
        let text: String = (0..1 + roll(14))
            .map(|_| PARTS[roll(PARTS.len())])
            .collect();
        let with = decode_with_positions(text.as_bytes(), &Limits::default());
        let without = decode(text.as_bytes(), &Limits::default());
        let values = |read: Result<Vec<Document>, DecodeError>| {
            read.map(|documents| documents.into_iter().map(|d| d.value).collect::<Vec<_>>())
        };
        assert_eq!(values(with), values(without), "{text:?}");
    }
}
