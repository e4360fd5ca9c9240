//! Values that people write as text: durations and sizes.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A span of time written as `90s`, `5m`, `1h30m` or `500ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

/// A number of bytes written as `64Mi`, `1Gi`, `500k` or a plain number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Size(pub u64);

/// A text that is not the value it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not {wanted}")]
pub struct ValueError {
    /// What was written, cut at 64 characters.
    pub text: String,
    /// What was expected, with its article and an example.
    pub wanted: &'static str,
}

impl ValueError {
    fn new(text: &str, wanted: &'static str) -> Self {
        ValueError {
            text: text.chars().take(64).collect(),
            wanted,
        }
    }
}

const SPAN_WANTED: &str = "a duration: write it as `90s`, `5m`, `1h30m` or `500ms`";
const SIZE_WANTED: &str = "a number of bytes: write it as `64Mi`, `1Gi`, `500k` or `1048576`";

/// Splits the leading digits off.
fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

impl FromStr for Span {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let refused = || ValueError::new(text, SPAN_WANTED);
        let mut millis = 0_u64;
        let mut rest = text;
        if rest.is_empty() {
            return Err(refused());
        }
        if rest == "0" {
            return Ok(Span(Duration::ZERO));
        }
        while !rest.is_empty() {
            let (number, after) = digits(rest).ok_or_else(refused)?;
            let end = after
                .find(|c: char| c.is_ascii_digit())
                .unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            let unit = match unit {
                "ms" => 1,
                "s" => 1_000,
                "m" => 60_000,
                "h" => 3_600_000,
                "d" => 86_400_000,
                _ => return Err(refused()),
            };
            millis = number
                .checked_mul(unit)
                .and_then(|part| millis.checked_add(part))
                .ok_or_else(refused)?;
            rest = after;
        }
        Ok(Span(Duration::from_millis(millis)))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut millis = self.0.as_millis();
        if millis == 0 {
            return f.write_str("0s");
        }
        for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)] {
            if millis >= size {
                write!(f, "{}{unit}", millis / size)?;
                millis %= size;
            }
        }
        Ok(())
    }
}

impl FromStr for Size {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let refused = || ValueError::new(text, SIZE_WANTED);
        let (number, unit) = digits(text).ok_or_else(refused)?;
        let unit = match unit {
            "" => 1,
            "k" => 1_000,
            "M" => 1_000_000,
            "G" => 1_000_000_000,
            "Ki" => 1 << 10,
            "Mi" => 1 << 20,
            "Gi" => 1 << 30,
            _ => return Err(refused()),
        };
        number.checked_mul(unit).map(Size).ok_or_else(refused)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, size) in [("Gi", 1 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)] {
            if self.0 >= size && self.0.is_multiple_of(size) {
                return write!(f, "{}{unit}", self.0 / size);
            }
        }
        write!(f, "{}", self.0)
    }
}

macro_rules! text_value {
    ($name:ident, $pattern:literal, $description:literal) => {
        impl TryFrom<String> for $name {
            type Error = ValueError;

            fn try_from(text: String) -> Result<Self, ValueError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.to_string()
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "pattern": $pattern,
                    "maxLength": 32,
                    "description": $description,
                })
            }
        }
    };
}

text_value!(
    Span,
    "^(0|([0-9]+(ms|s|m|h|d))+)$",
    "A duration such as 90s, 5m or 1h30m."
);
text_value!(
    Size,
    "^[0-9]+(k|M|G|Ki|Mi|Gi)?$",
    "A number of bytes such as 64Mi."
);

/// Schema of an object of any shape.
pub(super) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true })
}

/// Schema of a map from names to values of any shape.
pub(super) fn any_map(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "additionalProperties": { "x-kubernetes-preserve-unknown-fields": true },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("90s", Some(90_000))]
    #[case("1h30m", Some(5_400_000))]
    #[case("500ms", Some(500))]
    #[case("1d", Some(86_400_000))]
    #[case("0", Some(0))]
    #[case("", None)]
    #[case("5", None)]
    #[case("-5s", None)]
    #[case("5 s", None)]
    #[case("5w", None)]
    #[case("99999999999999999999h", None)]
    #[case("999999999999999999h", None)]
    fn spans(#[case] text: &str, #[case] millis: Option<u64>) {
        let read = text.parse::<Span>().ok();
        assert_eq!(
            read,
            millis.map(|ms| Span(Duration::from_millis(ms))),
            "`{text}`"
        );
        if let Some(span) = read {
            assert_eq!(span.to_string().parse(), Ok(span), "`{text}` reads back");
        }
    }

    #[rstest]
    #[case("64Mi", Some(64 << 20))]
    #[case("500k", Some(500_000))]
    #[case("1048577", Some(1_048_577))]
    #[case("1.5Gi", None)]
    #[case("", None)]
    #[case("99999999999Gi", None)]
    fn sizes(#[case] text: &str, #[case] bytes: Option<u64>) {
        let read = text.parse::<Size>().ok();
        assert_eq!(read, bytes.map(Size), "`{text}`");
        if let Some(size) = read {
            assert_eq!(size.to_string().parse(), Ok(size), "`{text}` reads back");
        }
    }
}
