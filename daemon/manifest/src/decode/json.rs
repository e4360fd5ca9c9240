//! Reads JSON text as kubectl does, except that a key stands once and an integer stays exact.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

use super::error::cut;
use super::positions::Recorder;
use super::{DecodeError, Limits, Position, Problem};
use crate::Json;

/// A cursor in a text that holds JSON values one after the other.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    /// Where the column was counted last: the byte, and its column from 0.
    counted: (usize, usize),
    limits: &'a Limits,
    recorder: Option<Recorder>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, limits: &'a Limits, positions: bool) -> Self {
        let recorder = positions.then(Recorder::default);
        Self {
            text,
            at: 0,
            line: 0,
            counted: (0, 0),
            limits,
            recorder,
        }
    }

    /// The byte that is read next, and its line, from 0.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.at, self.line)
    }

    /// Reads the next value: the line in which it begins, what it is, and where its fields stand.
    /// `None` at the end of the text.
    #[allow(clippy::type_complexity, reason = "a name would say no more")]
    pub(super) fn next(
        &mut self,
    ) -> Result<Option<(usize, Json, HashMap<String, Position>)>, DecodeError> {
        self.space();
        if self.at == self.text.len() {
            return Ok(None);
        }
        let position = self.position();
        if let Some(recorder) = &mut self.recorder {
            recorder.begin(position);
        }
        let value = self.value(0)?;
        let found = self
            .recorder
            .as_mut()
            .map(Recorder::take)
            .unwrap_or_default();
        Ok(Some((position.line, value, found)))
    }

    fn value(&mut self, depth: usize) -> Result<Json, DecodeError> {
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                for (word, value) in [
                    ("true", Value::Bool(true)),
                    ("false", Value::Bool(false)),
                    ("null", Value::Null),
                ] {
                    if self.text[self.at..].starts_with(word) {
                        self.at += word.len();
                        return Ok(value);
                    }
                }
                self.expected("a value")
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.deeper(depth)?;
        self.at += 1;
        let mut map = Map::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::Object(map));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return self.expected("a key in double quotes");
            }
            let position = self.position();
            let key = self.string()?;
            if map.contains_key(&key) {
                let first = self
                    .recorder
                    .as_ref()
                    .and_then(|recorder| recorder.field(&key));
                return Err(DecodeError::new(
                    position,
                    Problem::DuplicateKey { key, first },
                ));
            }
            self.space();
            if !self.take(b':') {
                return self.expected("`:` after the key");
            }
            self.space();
            let outside = self.recorder.as_mut().map(|r| r.enter(&key, position));
            let value = self.value(depth + 1)?;
            self.leave(outside);
            map.insert(key, value);
            self.space();
            if self.take(b'}') {
                return Ok(Value::Object(map));
            }
            if !self.take(b',') {
                return self.expected("`,` or `}` after the value");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.deeper(depth)?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::Array(items));
        }
        loop {
            self.space();
            let outside = if self.recorder.is_some() {
                let position = self.position();
                self.recorder
                    .as_mut()
                    .map(|r| r.enter(&items.len().to_string(), position))
            } else {
                None
            };
            items.push(self.value(depth + 1)?);
            self.leave(outside);
            self.space();
            if self.take(b']') {
                return Ok(Value::Array(items));
            }
            if !self.take(b',') {
                return self.expected("`,` or `]` after the value");
            }
        }
    }

    fn string(&mut self) -> Result<String, DecodeError> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .bytes()
                .position(|b| matches!(b, b'"' | b'\\') || b < 0x20)
                .unwrap_or(rest.len());
            text.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(text);
                }
                Some(b'\\') => text.push(self.escape()?),
                Some(_) => {
                    return self.expected("an escape instead of the control character in the text");
                }
                None => return self.expected("`\"` at the end of the text"),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DecodeError> {
        let escaped = self.text.as_bytes().get(self.at + 1).copied();
        let c = match escaped {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return self.expected("an escape that JSON knows"),
        };
        self.at += 2;
        Ok(c)
    }

    /// `\u` and four digits; two of them for what is beyond the basic plane. Half a pair becomes
    /// U+FFFD, as in Go.
    fn unicode(&mut self) -> Result<char, DecodeError> {
        let Some(first) = self.unit(self.at) else {
            return self.expected("four hexadecimal digits after `\\u`");
        };
        self.at += 6;
        let second = match first {
            0xD800..0xDC00 => self
                .unit(self.at)
                .filter(|second| (0xDC00..0xE000).contains(second)),
            _ => None,
        };
        let units = [first, second.unwrap_or(0)];
        let used = 1 + usize::from(second.is_some());
        self.at += 6 * usize::from(second.is_some());
        let decoded = char::decode_utf16(units[..used].iter().copied()).next();
        Ok(decoded
            .and_then(Result::ok)
            .unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn unit(&self, at: usize) -> Option<u16> {
        let digits = self.text.get(at..at + 6)?.strip_prefix("\\u")?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        u16::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Result<Json, DecodeError> {
        let start = self.at;
        self.take(b'-');
        if !self.take(b'0') && self.digits() == 0 {
            return self.expected("a digit");
        }
        let mut integer = true;
        if self.take(b'.') {
            integer = false;
            if self.digits() == 0 {
                return self.expected("a digit after the point");
            }
        }
        if self.take(b'e') || self.take(b'E') {
            integer = false;
            let _ = self.take(b'+') || self.take(b'-');
            if self.digits() == 0 {
                return self.expected("a digit of the exponent");
            }
        }
        let text = &self.text[start..self.at];
        let (number, reason) = if integer {
            let number = text.parse::<i64>().map(Number::from);
            let number = number.or_else(|_| text.parse::<u64>().map(Number::from));
            (number.ok(), "does not fit 64 bits")
        } else {
            (text.parse().ok().and_then(Number::from_f64), "is too large")
        };
        match number {
            Some(number) => Ok(Value::Number(number)),
            None => {
                self.at = start;
                let problem = Problem::Number {
                    text: cut(text),
                    reason,
                };
                Err(DecodeError::new(self.position(), problem))
            }
        }
    }

    fn digits(&mut self) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn deeper(&mut self, depth: usize) -> Result<(), DecodeError> {
        if depth < self.limits.depth {
            return Ok(());
        }
        let (what, limit) = ("the depth of the nesting", self.limits.depth);
        Err(DecodeError::new(
            self.position(),
            Problem::Limit { what, limit },
        ))
    }

    fn leave(&mut self, outside: Option<usize>) {
        if let (Some(recorder), Some(outside)) = (&mut self.recorder, outside) {
            recorder.leave(outside);
        }
    }

    fn space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' => {
                    self.line += 1;
                    self.counted = (self.at + 1, 0);
                }
                b' ' | b'\t' | b'\r' => {}
                _ => break,
            }
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Counts on from where it counted last, so that a file of one long line is read once.
    fn position(&mut self) -> Position {
        let (byte, column) = self.counted;
        // A number that is refused is counted from its first digit, which lies behind.
        let column = match self.text.get(byte..self.at) {
            Some(between) => column + between.chars().count(),
            None => column,
        };
        self.counted = (self.at.max(byte), column);
        Position {
            line: self.line + 1,
            column: column + 1,
        }
    }

    fn expected<T>(&mut self, what: &str) -> Result<T, DecodeError> {
        let reason = match self.text[self.at..].chars().next() {
            Some(c) => format!("expected {what}, found `{c}`"),
            None => format!("expected {what}, but the text ends"),
        };
        Err(DecodeError::new(
            self.position(),
            Problem::Syntax { reason },
        ))
    }
}
