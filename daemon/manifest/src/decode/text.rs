//! From bytes to the pieces of text that are one document each.

use std::borrow::Cow;

use super::error::cut;
use super::{DecodeError, Position, Problem, Rules};

/// What stands between documents.
const SEPARATOR: &str = "---";

/// Decodes the encodings that kubectl's reader takes: UTF-8, and UTF-16 in big-endian order.
///
/// Little-endian UTF-16 fails in kubectl whatever it holds, because its line reader adds half a
/// character at the end. kustomize reads it.
pub(super) fn decode(bytes: &[u8], rules: Rules) -> Result<Cow<'_, str>, DecodeError> {
    let fail = |position, reason: &str| {
        let reason = reason.to_owned();
        Err(DecodeError::new(position, Problem::Encoding { reason }))
    };
    let start = Position { line: 1, column: 1 };
    let utf16 = match bytes {
        [0xff, 0xfe, ..] if rules != Rules::Kustomize => {
            return fail(
                start,
                "the text is little-endian UTF-16, which kubectl cannot read",
            );
        }
        [0xff, 0xfe, units @ ..] => Some((units, false)),
        [0xfe, 0xff, units @ ..] => Some((units, true)),
        _ => None,
    };
    if let Some((units, big_endian)) = utf16 {
        let units = units.chunks(2).map(|unit| match *unit {
            [high, low] if big_endian => u16::from_be_bytes([high, low]),
            [low, high] => u16::from_le_bytes([low, high]),
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
/// it belongs to the document that follows. kustomize leaves such a line to YAML, and a line that
/// does not end too, so that YAML's rules hold for what follows the `---` there.
pub(super) fn pieces(
    text: &str,
    (from, line): (usize, usize),
    rules: Rules,
) -> impl Iterator<Item = Result<Piece<'_>, DecodeError>> {
    let mut rest = text.get(from..).unwrap_or_default();
    let mut line = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (begin, mut end, mut lines) = (line, 0, 0);
        for text in rest.split_inclusive('\n') {
            let left = rules == Rules::Kustomize && (end == 0 || !text.ends_with('\n'));
            if let Some(behind) = text.strip_prefix(SEPARATOR).filter(|_| !left) {
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
