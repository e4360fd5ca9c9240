//! From bytes to the pieces of text that are one document each.

use std::borrow::Cow;

use super::error::cut;
use super::{DecodeError, Position, Problem};

/// What stands between documents.
const SEPARATOR: &str = "---";

/// Decodes the encodings that kubectl's reader takes: UTF-8, and UTF-16 in big-endian order.
///
/// Little-endian UTF-16 fails in kubectl whatever it holds, because its line reader adds half a
/// character at the end.
pub(super) fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    let fail = |position, reason: &str| {
        let reason = reason.to_owned();
        Err(DecodeError::new(position, Problem::Encoding { reason }))
    };
    let start = Position { line: 1, column: 1 };
    if bytes.starts_with(&[0xff, 0xfe]) {
        return fail(
            start,
            "the text is little-endian UTF-16, which kubectl cannot read",
        );
    }
    if let Some(units) = bytes.strip_prefix(&[0xfe, 0xff]) {
        let units = units.chunks(2).map(|unit| match unit {
            [high, low] => u16::from_be_bytes([*high, *low]),
            // Half a unit at the end becomes half a pair, which is no text.
            _ => 0xd800,
        });
        let text: Result<String, _> = char::decode_utf16(units).collect();
        return match text {
            Ok(text) => Ok(Cow::Owned(text)),
            Err(_) => fail(start, "the text says that it is UTF-16, but is not"),
        };
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let valid = std::str::from_utf8(valid).unwrap_or_default();
            let last = valid.rsplit('\n').next().unwrap_or_default();
            let line = valid.bytes().filter(|byte| *byte == b'\n').count() + 1;
            let position = Position {
                line,
                column: last.chars().count() + 1,
            };
            fail(position, "the bytes here are not UTF-8")
        }
    }
}

/// A document before it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) text: &'a str,
    /// The line of the whole text in which it begins, from 0.
    pub(super) line: usize,
}

/// Takes the stream apart at the lines that begin with `---`, from a byte and its line on.
///
/// As in kubectl, such a line may hold nothing else but a comment, and one that has nothing before
/// it belongs to the document that follows.
pub(super) fn pieces(
    text: &str,
    (from, line): (usize, usize),
) -> impl Iterator<Item = Result<Piece<'_>, DecodeError>> {
    let mut rest = text.get(from..).unwrap_or_default();
    let mut line = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (begin, mut end, mut lines) = (line, 0, 0);
        for text in rest.split_inclusive('\n') {
            if let Some(behind) = text.strip_prefix(SEPARATOR) {
                let behind = behind.trim();
                if !behind.is_empty() && !behind.starts_with('#') {
                    rest = "";
                    let position = Position {
                        line: begin + lines + 1,
                        column: 4,
                    };
                    let problem = Problem::Separator { text: cut(behind) };
                    return Some(Err(DecodeError::new(position, problem)));
                }
                if end > 0 {
                    let piece = Piece {
                        text: &rest[..end],
                        line: begin,
                    };
                    rest = &rest[end + text.len()..];
                    line = begin + lines + 1;
                    return Some(Ok(piece));
                }
            }
            end += text.len();
            lines += 1;
        }
        let piece = Piece {
            text: rest,
            line: begin,
        };
        rest = "";
        Some(Ok(piece))
    })
}

/// Skips white space up to and with the end of the line.
pub(super) fn after_blank(text: &str, (from, line): (usize, usize)) -> (usize, usize) {
    let rest = text.get(from..).unwrap_or_default();
    for (at, c) in rest.char_indices() {
        if c == '\n' {
            return (from + at + 1, line + 1);
        }
        if !c.is_whitespace() {
            return (from + at, line);
        }
    }
    (text.len(), line)
}
