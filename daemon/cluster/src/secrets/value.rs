//! Secret values, and keeping them out of everything that people read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use std::sync::Arc;
use zeroize::{Zeroize as _, Zeroizing};

/// The value of a secret.
///
/// It can be neither printed, formatted nor serialised, and its memory is wiped with the last
/// clone. Clones share the memory.
#[derive(Clone)]
pub struct SecretValue(Arc<Zeroizing<Vec<u8>>>);

impl SecretValue {
    /// Takes a value over.
    pub fn new(value: Vec<u8>) -> Self {
        SecretValue(Arc::new(Zeroizing::new(value)))
    }

    /// Reveals the value. Whoever calls this answers for where it goes.
    pub fn reveal(&self) -> &[u8] {
        &self.0
    }
}

/// An object with its secrets put in; wiped when it is dropped.
pub struct Bound {
    object: Json,
    pub(crate) mask: Mask,
}

impl Bound {
    pub(crate) fn new(object: Json, mask: Mask) -> Self {
        Bound { object, mask }
    }

    /// The object. Whoever calls this answers for where it goes.
    pub fn object(&self) -> &Json {
        &self.object
    }

    pub(crate) fn object_mut(&mut self) -> &mut Json {
        &mut self.object
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        wipe(&mut self.object);
    }
}

pub(crate) fn wipe(value: &mut Json) {
    match value {
        Json::String(text) => text.zeroize(),
        Json::Array(items) => items.iter_mut().for_each(wipe),
        Json::Object(map) => map.values_mut().for_each(wipe),
        _ => {}
    }
}

/// The values that went into a request, to be taken out of what is said about it.
#[derive(Default)]
pub(crate) struct Mask {
    values: Vec<SecretValue>,
}

/// What stands in the place of a value.
const MASKED: &str = "«secret»";

/// Values shorter than this are only masked where they stand in quotes: taking every `a` out of
/// a sentence would hide nothing but the sentence.
const SHORT: usize = 4;

impl Mask {
    #[cfg(test)]
    pub(crate) fn add(&mut self, value: &[u8]) {
        self.push(SecretValue::new(value.to_vec()));
    }

    pub(crate) fn push(&mut self, value: SecretValue) {
        if !value.reveal().is_empty() {
            self.values.push(value);
        }
    }

    /// Masks all values of a Secret's own `data`, whether they came from a store or from Git.
    pub(crate) fn push_data(&mut self, secret: &Json) {
        let values = secret.get("data").and_then(Json::as_object);
        for value in values.into_iter().flat_map(|data| data.values()) {
            if let Some(Ok(value)) = value.as_str().map(|text| STANDARD.decode(text)) {
                self.push(SecretValue::new(value));
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes every value out of a text: as it is, escaped as Go and JSON do, in base64, and line by
    /// line, for the API server quotes parts of long values.
    pub(crate) fn apply(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for value in &self.values {
            let encoded = Zeroizing::new(STANDARD.encode(value.reveal()));
            replace(&mut masked, &encoded);
            let Ok(plain) = std::str::from_utf8(value.reveal()) else {
                continue;
            };
            replace(&mut masked, plain);
            let escaped = Zeroizing::new(Json::from(plain).to_string());
            replace(&mut masked, escaped.trim_matches('"'));
            for line in plain.lines().filter(|line| line.len() >= 2 * SHORT) {
                replace(&mut masked, line);
            }
        }
        masked
    }
}

fn replace(text: &mut String, value: &str) {
    if value.is_empty() {
        return;
    }
    if value.chars().count() >= SHORT {
        *text = text.replace(value, MASKED);
        return;
    }
    for quote in ['"', '\'', '`'] {
        *text = text.replace(&format!("{quote}{value}{quote}"), MASKED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::plain("hunter22", "value hunter22 is bad", "value «secret» is bad")]
    #[case::base64("hunter22", "data aHVudGVyMjI=", "data «secret»")]
    #[case::inside(
        "hunter22",
        "url postgres://u:hunter22@db",
        "url postgres://u:«secret»@db"
    )]
    #[case::short_in_quotes("ab", "a table \"ab\"", "a table «secret»")]
    #[case::go_escapes("a\nbcd", "Invalid value: \"a\\nbcd\"", "Invalid value: \"«secret»\"")]
    #[case::a_line_of_many("firstline1\nsecondline2", "near secondline2!", "near «secret»!")]
    #[case::empty("", "nothing", "nothing")]
    fn masking(#[case] value: &str, #[case] text: &str, #[case] expected: &str) {
        let mut mask = Mask::default();
        mask.add(value.as_bytes());
        assert_eq!(mask.apply(text), expected);
    }
}
