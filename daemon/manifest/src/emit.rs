//! Values to YAML that every reader takes for the same values.

use serde_json::{Map, Number, Value};

use crate::Json;
use crate::decode::Rules;
use crate::decode::scalar::{self, Scalar};

/// The longest key that stands in front of its colon; YAML readers give up looking for the colon
/// after 1024.
const LONGEST_KEY: usize = 1000;

/// Writes a value in block style, as kubectl does: keys sorted, lists not indented.
///
/// The text reads back to the same value under kubectl's rules, and under YAML 1.2 too: a text that
/// either would take for something else is quoted. A float without a fraction reads back as an
/// integer, because kubectl reads `1.0` so.
pub fn to_yaml(value: &Json) -> String {
    let mut writer = Writer { out: String::new() };
    match value {
        Value::Object(map) if !map.is_empty() => writer.map(map, 0, false),
        Value::Array(items) if !items.is_empty() => writer.list(items, 0, false),
        scalar => {
            writer.scalar(scalar, None);
            writer.out.push('\n');
        }
    }
    writer.out
}

/// Writes values as documents with `---` between them.
pub fn to_yaml_stream<'a>(objects: impl IntoIterator<Item = &'a Json>) -> String {
    let mut out = String::new();
    for object in objects {
        if !out.is_empty() {
            out.push_str("---\n");
        }
        out.push_str(&to_yaml(object));
    }
    out
}

struct Writer {
    out: String,
}

impl Writer {
    /// `begun`: the first entry goes on in a line that has begun.
    fn map(&mut self, map: &Map<String, Json>, column: usize, begun: bool) {
        for (index, (key, value)) in map.iter().enumerate() {
            if index > 0 || !begun {
                self.indent(column);
            }
            let from = self.out.len();
            self.text(key, None);
            if self.out.len() - from > LONGEST_KEY {
                self.out.insert_str(from, "? ");
                self.out.push('\n');
                self.indent(column);
            }
            self.out.push(':');
            match value {
                Value::Object(map) if !map.is_empty() => {
                    self.out.push('\n');
                    self.map(map, column + 2, false);
                }
                Value::Array(items) if !items.is_empty() => {
                    self.out.push('\n');
                    self.list(items, column, false);
                }
                scalar => {
                    self.out.push(' ');
                    self.scalar(scalar, Some(column + 2));
                    self.end_line();
                }
            }
        }
    }

    fn list(&mut self, items: &[Json], column: usize, begun: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !begun {
                self.indent(column);
            }
            self.out.push_str("- ");
            match item {
                Value::Object(map) if !map.is_empty() => self.map(map, column + 2, true),
                Value::Array(items) if !items.is_empty() => self.list(items, column + 2, true),
                scalar => {
                    self.scalar(scalar, Some(column + 2));
                    self.end_line();
                }
            }
        }
    }

    /// `block`: the column of a literal block's lines, where one may stand.
    fn scalar(&mut self, value: &Json, block: Option<usize>) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => self.number(number),
            Value::String(text) => self.text(text, block),
            Value::Array(_) => self.out.push_str("[]"),
            Value::Object(_) => self.out.push_str("{}"),
        }
    }

    fn number(&mut self, number: &Number) {
        let integral = number
            .as_f64()
            .filter(|_| number.is_f64())
            .and_then(scalar::integral);
        let written = match integral {
            Some(integer) => integer.to_string(),
            None => number.to_string(),
        };
        match written.split_once('e') {
            // YAML 1.1 wants a point before an exponent and a sign in it.
            Some((mantissa, exponent)) => {
                self.out.push_str(mantissa);
                if !mantissa.contains('.') {
                    self.out.push_str(".0");
                }
                self.out.push('e');
                if !exponent.starts_with(['-', '+']) {
                    self.out.push('+');
                }
                self.out.push_str(exponent);
            }
            None => self.out.push_str(&written),
        }
    }

    fn text(&mut self, text: &str, block: Option<usize>) {
        let special = text.chars().any(|c| c != '\n' && is_special(c));
        match block {
            Some(column) if !special && has_lines(text) => self.literal(text, column),
            _ if special || text.contains('\n') => self.double_quoted(text),
            _ if is_plain(text) => self.out.push_str(text),
            _ if text.contains(['"', '\\']) => {
                self.out.push('\'');
                self.out.push_str(&text.replace('\'', "''"));
                self.out.push('\'');
            }
            _ => self.double_quoted(text),
        }
    }

    fn literal(&mut self, text: &str, column: usize) {
        self.out.push('|');
        if text.starts_with([' ', '\t', '\n']) {
            // The reader cannot see where the block begins, so it is told.
            self.out.push('2');
        }
        let body = text.trim_end_matches('\n');
        match text.len() - body.len() {
            0 => self.out.push('-'),
            1 => {}
            _ => self.out.push('+'),
        }
        self.out.push('\n');
        for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
            if !line.is_empty() {
                self.indent(column);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn double_quoted(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\t' => self.out.push_str("\\t"),
                '\r' => self.out.push_str("\\r"),
                c if is_special(c) => {
                    let code = u32::from(c);
                    self.out.push_str(&match code {
                        0..=0xff => format!("\\x{code:02X}"),
                        0x100..=0xffff => format!("\\u{code:04X}"),
                        _ => format!("\\U{code:08X}"),
                    });
                }
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn indent(&mut self, column: usize) {
        self.out.extend(std::iter::repeat_n(' ', column));
    }

    /// A literal block has ended its line itself.
    fn end_line(&mut self) {
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }
}

/// Characters that only an escape keeps: controls, what YAML 1.1 takes for a line break, and what a
/// reader may drop or refuse.
fn is_special(c: char) -> bool {
    match c {
        '\t' => false,
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => true,
        other => other.is_control(),
    }
}

/// More than one line, and something in them.
fn has_lines(text: &str) -> bool {
    text.contains('\n') && text.contains(|c| c != '\n')
}

/// Whether a text in one line needs no quotes.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    let indicator = match first {
        b'-' => matches!(bytes.get(1), None | Some(b' ' | b'\t')) || text.starts_with("---"),
        b'.' => text.starts_with("..."),
        b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|'
        | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`' | b'=' | b'<' => true,
        _ => false,
    };
    !indicator
        && *last != b':'
        && !text.contains(": ")
        && !text.contains(":\t")
        && !text.contains(" #")
        && !text.contains('\t')
        && text.trim() == text
        && scalar::resolve(text, Rules::Kubectl) == Ok(Scalar::Text)
        && !looks_like_number(text)
        && !looks_like_date(text)
}

/// Numbers of YAML 1.1 and 1.2 that kubectl reads as text: in base 60, and too large ones.
fn looks_like_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let begins = digits.starts_with(|c: char| c.is_ascii_digit())
        || digits
            .strip_prefix('.')
            .is_some_and(|d| d.starts_with(|c: char| c.is_ascii_digit()));
    if !begins {
        return false;
    }
    let base60 = digits.contains(':')
        && digits
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'_'));
    let decimal = digits
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'e' | b'E' | b'+' | b'-'))
        && digits.matches('.').count() <= 1
        && digits.matches(['e', 'E']).count() <= 1
        && !digits
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .starts_with('-');
    base60 || decimal
}

/// Whatever begins as a date does: readers differ in which of them they take.
fn looks_like_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 5
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes[5].is_ascii_digit()
}

#[cfg(test)]
mod tests;
