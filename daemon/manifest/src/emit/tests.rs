#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use rstest::rstest;
use serde_json::json;

use super::*;
use crate::decode::{Limits, decode};

fn back(text: &str) -> Json {
    let mut documents = decode(text.as_bytes(), &Limits::default())
        .unwrap_or_else(|error| panic!("{error} in\n{text}"));
    assert_eq!(documents.len(), 1, "{text}");
    documents.remove(0).value
}

#[track_caller]
fn round_trip(value: &Json) {
    let text = to_yaml(value);
    assert_eq!(&back(&text), value, "{text}");
}

#[test]
fn is_written_as_kubectl_writes_it() {
    let value = json!({
        "apiVersion": "v1",
        "data": {"a.conf": "x = 1\ny = 2\n", "mode": "0644", "on": "yes"},
        "empty": {}, "list": [{"a": 1, "b": [1, [2, {"c": null}]]}, [], "--flag=x"],
    });
    let expected = "apiVersion: v1\n\
        data:\n  a.conf: |\n    x = 1\n    y = 2\n  mode: \"0644\"\n  \"on\": \"yes\"\n\
        empty: {}\n\
        list:\n- a: 1\n  b:\n  - 1\n  - - 2\n    - c: null\n- []\n- --flag=x\n";
    assert_eq!(to_yaml(&value), expected);
    round_trip(&value);
}

#[rstest]
#[case("plain text", "plain text\n")]
#[case("", "\"\"\n")]
#[case("yes", "\"yes\"\n")]
#[case("1e3", "\"1e3\"\n")]
#[case("1_000", "\"1_000\"\n")]
#[case("12:30", "\"12:30\"\n")]
#[case("1e400", "\"1e400\"\n")]
#[case("0o7", "\"0o7\"\n")]
#[case("2001-12-14", "\"2001-12-14\"\n")]
#[case("99999999999999999999", "\"99999999999999999999\"\n")]
#[case("~", "\"~\"\n")]
#[case("=", "\"=\"\n")]
#[case("<<", "\"<<\"\n")]
#[case("a: b", "\"a: b\"\n")]
#[case("a #b", "\"a #b\"\n")]
#[case("a#b:c", "a#b:c\n")]
#[case("10.0.0.1", "10.0.0.1\n")]
#[case("v1.2", "v1.2\n")]
#[case("say \"x\"", "say \"x\"\n")]
#[case("\"x\" it's", "'\"x\" it''s'\n")]
#[case("a\u{2028}b", "\"a\\u2028b\"\n")]
#[case("a\u{0}b", "\"a\\x00b\"\n")]
fn quotes_what_a_reader_would_take_for_something_else(#[case] text: &str, #[case] yaml: &str) {
    assert_eq!(to_yaml(&json!(text)), yaml);
    assert_eq!(back(yaml), json!(text));
}

#[rstest]
#[case(json!(1.5), "1.5\n")]
#[case(json!(1.0), "1\n")]
#[case(json!(1e20), "1.0e+20\n")]
#[case(json!(1.5e-9), "1.5e-9\n")]
#[case(json!(u64::MAX), "18446744073709551615\n")]
#[case(json!(i64::MIN), "-9223372036854775808\n")]
fn numbers(#[case] value: Json, #[case] yaml: &str) {
    assert_eq!(to_yaml(&value), yaml);
    assert_eq!(back(yaml).as_f64(), value.as_f64());
}

#[test]
fn documents_stand_apart() {
    let values = [json!({"a": "x\n\n"}), json!({"b": 1})];
    let text = to_yaml_stream(&values);
    let read: Vec<Json> = decode(text.as_bytes(), &Limits::default())
        .unwrap()
        .into_iter()
        .map(|document| document.value)
        .collect();
    assert_eq!(read, values, "{text}");
}

/// A small generator with a fixed seed: every run tries the same values.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }

    fn text(&mut self) -> String {
        const PARTS: [&str; 56] = [
            "a", "b", " ", "  ", "\n", "\n\n", "\t", "\r", "\r\n", ":", ": ", " #", "#", "-", "- ",
            "---", "--- ", "...", "?", "? ", "[", "]", "{", "}", ",", "&", "*", "!", "|", ">", "'",
            "\"", "%", "@", "`", "\\", "<<", "=", "~", "0", "1", "9", "e", ".", "_", "x", "yes",
            "null", "\u{85}", "\u{2028}", "\u{feff}", "\u{0}", "\u{7f}", "é", "😀", "\u{a0}",
        ];
        let count = self.roll(7);
        (0..count).map(|_| PARTS[self.roll(PARTS.len())]).collect()
    }

    fn value(&mut self, depth: usize) -> Json {
        match self.roll(if depth < 4 { 8 } else { 5 }) {
            0 => Value::Null,
            1 => json!(self.roll(2) == 0),
            2 => json!((self.roll(usize::MAX) as u64).cast_signed() >> self.roll(64)),
            3 | 4 => Value::String(self.text()),
            5 => (0..self.roll(4)).map(|_| self.value(depth + 1)).collect(),
            _ => Value::Object(
                (0..self.roll(4))
                    .map(|_| (self.text(), self.value(depth + 1)))
                    .collect(),
            ),
        }
    }
}

#[test]
fn whatever_is_written_reads_back() {
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for _ in 0..20_000 {
        let value = dice.value(0);
        round_trip(&value);
    }
}

#[test]
fn texts_in_every_place_read_back() {
    let mut dice = Dice(42);
    for _ in 0..20_000 {
        let text = dice.text();
        round_trip(&json!(text));
        round_trip(&json!({"k": text, "z": [text, [text], {"y": text}], text.clone(): 1}));
    }
}

#[test]
fn a_long_key_reads_back() {
    let key = "k".repeat(3000);
    round_trip(&json!({key.clone(): {"a": [1]}, "b": [{key: "x\ny"}]}));
}

#[test]
fn floats_read_back() {
    let mut dice = Dice(7);
    for _ in 0..20_000 {
        let float = f64::from_bits(dice.roll(usize::MAX) as u64);
        if let Some(number) = Number::from_f64(float) {
            let text = to_yaml(&Value::Number(number));
            let read = back(&text).as_f64().unwrap();
            // kubectl reads the shortest digits of a float without a fraction as an integer.
            assert!(
                read == float || read.to_string() == float.to_string(),
                "{float} {text}"
            );
        }
    }
}
