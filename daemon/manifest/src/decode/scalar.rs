//! What a plain YAML scalar means to kubectl and to kustomize.
//!
//! The rules are YAML 1.1's as go-yaml v2 has them (`y`, `0644`, `1_000`, `0b1`), with Go's number
//! syntax (`0o17`) and without base 60 and without timestamps, which stay text. kustomize reads with
//! go-yaml v3, for which `y`, `yes` and `on` are texts and timestamps are none.

use std::borrow::Cow;

use super::{Rules, timestamp};

/// A resolved scalar; [`Scalar::Text`] stands for the text as it was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    /// A timestamp as kustomize knows it.
    Time,
    Text,
}

/// An integer beyond 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Resolves a plain scalar.
pub(crate) fn resolve(text: &str, rules: Rules) -> Result<Scalar, TooLarge> {
    let Some(first) = text.bytes().next() else {
        return Ok(Scalar::Null);
    };
    match first {
        b'0'..=b'9' | b'+' | b'-' | b'.' => match word(text) {
            Some(scalar) => Ok(scalar),
            None if rules == Rules::Kustomize && timestamp::rfc3339(text).is_some() => {
                Ok(Scalar::Time)
            }
            None => number(text, first),
        },
        b'y' | b'Y' | b'o' | b'O' if rules == Rules::Kustomize => Ok(Scalar::Text),
        b'n' | b'N' if rules == Rules::Kustomize && text.len() != "null".len() => Ok(Scalar::Text),
        b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~' => {
            Ok(word(text).unwrap_or(Scalar::Text))
        }
        _ => Ok(Scalar::Text),
    }
}

fn word(text: &str) -> Option<Scalar> {
    if text.len() > "false".len() {
        return None;
    }
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        ".nan" | ".NaN" | ".NAN" => Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Scalar::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Scalar::Float(f64::NEG_INFINITY),
        _ => return None,
    })
}

fn number(text: &str, first: u8) -> Result<Scalar, TooLarge> {
    if first == b'.' {
        // Go's own syntax counts here, which wants a digit on either side of a `_`.
        let parts = || text.split('_').skip(1).zip(text.split('_'));
        let digits = parts().all(|(behind, before)| {
            behind.starts_with(|c: char| c.is_ascii_digit())
                && before.ends_with(|c: char| c.is_ascii_digit())
        });
        let float = digits.then(|| float(&text.replace('_', ""))).flatten();
        return Ok(float.map_or(Scalar::Text, Scalar::Float));
    }
    let plain: Cow<'_, str> = if text.contains('_') {
        Cow::Owned(text.replace('_', ""))
    } else {
        Cow::Borrowed(text)
    };
    if let Some(integer) = integer(&plain) {
        return integer;
    }
    // `08` is no octal number, so it is a decimal one.
    let digits = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return in_radix(plain.starts_with('-'), digits, 10).unwrap_or(Ok(Scalar::Text));
    }
    if let Some(float) = float(&plain) {
        return Ok(Scalar::Float(float));
    }
    let signed_binary = plain
        .strip_prefix("0b")
        .and_then(|bits| i64::from_str_radix(bits, 2).ok());
    Ok(signed_binary.map_or(Scalar::Text, Scalar::Int))
}

/// Go's integer syntax with the base in the prefix; `None` for what is no integer.
fn integer(text: &str) -> Option<Result<Scalar, TooLarge>> {
    let negative = text.starts_with('-');
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (digits, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&digits[2..], 16),
        [b'0', b'b' | b'B', _, ..] => (&digits[2..], 2),
        [b'0', b'o' | b'O', _, ..] => (&digits[2..], 8),
        [b'0', _, ..] => (&digits[1..], 8),
        _ => (digits, 10),
    };
    in_radix(negative, digits, radix)
}

fn in_radix(negative: bool, digits: &str, radix: u32) -> Option<Result<Scalar, TooLarge>> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return None;
    }
    let Ok(magnitude) = u64::from_str_radix(digits, radix) else {
        return Some(Err(TooLarge));
    };
    Some(match (negative, i64::try_from(magnitude)) {
        (false, Ok(value)) => Ok(Scalar::Int(value)),
        (false, Err(_)) => Ok(Scalar::Uint(magnitude)),
        (true, Ok(value)) => Ok(Scalar::Int(-value)),
        (true, Err(_)) if magnitude == i64::MIN.unsigned_abs() => Ok(Scalar::Int(i64::MIN)),
        (true, Err(_)) => Err(TooLarge),
    })
}

/// A decimal fraction as YAML writes it. One that overflows stays text, as in go-yaml.
fn float(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        bytes[from..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count()
    };
    let mut at = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let whole = digits(at);
    at += whole;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b'.') {
        fraction = digits(at + 1);
        at += 1 + fraction;
    }
    if whole + fraction == 0 {
        return None;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
        let exponent = digits(at);
        if exponent == 0 {
            return None;
        }
        at += exponent;
    }
    if at != bytes.len() {
        return None;
    }
    text.parse().ok().filter(|float: &f64| float.is_finite())
}

/// The integer that a float is written as in JSON, if it has no fraction and fits.
///
/// Go prints the shortest digits that give the float and fills up with zeros; kubectl then reads
/// those digits as an integer.
pub(crate) fn integral(float: f64) -> Option<i64> {
    const BEYOND: f64 = 9.3e18;
    if float.fract() != 0.0 || float.abs() > BEYOND {
        return None;
    }
    float.to_string().parse().ok()
}

/// A float as the key of a mapping: Go's shortest form, in single precision.
#[allow(
    clippy::cast_possible_truncation,
    reason = "go-yaml writes keys in single precision"
)]
pub(crate) fn float_key(float: f64) -> String {
    let float = float as f32;
    if float.is_nan() {
        return ".nan".to_owned();
    }
    if float.is_infinite() {
        return if float > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{float:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        return float.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("", Scalar::Null)]
    #[case("~", Scalar::Null)]
    #[case("nULL", Scalar::Text)]
    #[case("on", Scalar::Bool(true))]
    #[case("N", Scalar::Bool(false))]
    #[case("oN", Scalar::Text)]
    #[case("0", Scalar::Int(0))]
    #[case("0644", Scalar::Int(420))]
    #[case("0o17", Scalar::Int(15))]
    #[case("08", Scalar::Int(8))]
    #[case("-09", Scalar::Int(-9))]
    #[case("1_000", Scalar::Int(1000))]
    #[case("0x_1F", Scalar::Int(31))]
    #[case("-0b11", Scalar::Int(-3))]
    #[case("0x", Scalar::Text)]
    #[case("-", Scalar::Text)]
    #[case("+", Scalar::Text)]
    #[case(".", Scalar::Text)]
    #[case("1.2.3", Scalar::Text)]
    #[case("1:30", Scalar::Text)]
    #[case("2001-12-14", Scalar::Text)]
    #[case("1e3", Scalar::Float(1000.0))]
    #[case("1.", Scalar::Float(1.0))]
    #[case("+.5", Scalar::Float(0.5))]
    #[case("1e400", Scalar::Text)]
    #[case("._5", Scalar::Text)]
    #[case("1e", Scalar::Text)]
    #[case("9223372036854775808", Scalar::Uint(9_223_372_036_854_775_808))]
    #[case("-9223372036854775808", Scalar::Int(i64::MIN))]
    #[case("=", Scalar::Text)]
    #[case("<<", Scalar::Text)]
    fn plain_scalars(#[case] text: &str, #[case] expected: Scalar) {
        assert_eq!(resolve(text, Rules::Kubectl), Ok(expected), "`{text}`");
    }

    #[rstest]
    #[case("18446744073709551616")]
    #[case("-9223372036854775809")]
    #[case("0xFFFFFFFFFFFFFFFFF")]
    fn integers_beyond_64_bits_are_refused(#[case] text: &str) {
        assert_eq!(resolve(text, Rules::Kubectl), Err(TooLarge), "`{text}`");
    }

    #[rstest]
    #[case(1.5, "1.5")]
    #[case(1.0, "1")]
    #[case(100_000.0, "100000")]
    #[case(1_000_000.0, "1e+06")]
    #[case(0.000_01, "1e-05")]
    #[case(-0.25, "-0.25")]
    #[case(1e300, ".inf")]
    fn float_keys_are_written_as_go_does(#[case] float: f64, #[case] key: &str) {
        assert_eq!(float_key(float), key);
    }

    #[rstest]
    #[case("yes", Scalar::Text)]
    #[case("on", Scalar::Text)]
    #[case("N", Scalar::Text)]
    #[case("no", Scalar::Text)]
    #[case("null", Scalar::Null)]
    #[case("NULL", Scalar::Null)]
    #[case("False", Scalar::Bool(false))]
    #[case("0644", Scalar::Int(420))]
    #[case("2001-12-14", Scalar::Time)]
    #[case("2001-02-30", Scalar::Text)]
    #[case(".1_0", Scalar::Float(0.1))]
    fn kustomize_has_rules_of_its_own(#[case] text: &str, #[case] expected: Scalar) {
        assert_eq!(resolve(text, Rules::Kustomize), Ok(expected), "`{text}`");
    }
}
