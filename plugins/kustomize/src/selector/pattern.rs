//! Regular expressions that have to match a whole text.

use std::borrow::Cow;

use regex_lite::{Regex, RegexBuilder};

/// How large a compiled expression may be, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// How long an expression may be, in bytes; names are at most 253.
const MAX_LENGTH: usize = 4096;

/// An expression, in the simplest form that decides the same.
///
/// Nearly all that are written are names, alternatives of names and names with `.*`, so these need
/// no engine. All others run in time that is linear in the text, as in Go.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// Nothing is asked for.
    Any,
    /// A text without anything special.
    Literal(Box<str>),
    /// One of several texts, in which `.` and `.*` may stand.
    Simple(Vec<Alternative>),
    /// Everything else.
    Regex(Box<Regex>),
}

/// Pieces of text between which anything may stand; a text without `.*` is one piece.
type Alternative = Vec<Piece>;

/// Bytes that have to follow one another; `None` is any character but a line feed.
type Piece = Vec<Option<u8>>;

/// What stands for a character that is none of ASCII.
const FOREIGN: u8 = 0xff;

impl Pattern {
    /// Compiles an expression; the empty one matches everything, as an absent one does.
    ///
    /// # Errors
    /// Why it is no expression.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self::Any);
        }
        if text.len() > MAX_LENGTH {
            return Err(format!("it is longer than {MAX_LENGTH} bytes"));
        }
        if !text.contains(is_special) {
            return Ok(Self::Literal(text.into()));
        }
        if let Some(simple) = simple(text) {
            return Ok(Self::Simple(simple));
        }
        // Checked on its own too: `a)(b` would be valid between parentheses.
        compiled(text)?;
        Ok(Self::Regex(Box::new(compiled(&format!("^(?:{text})$"))?)))
    }

    /// Whether the expression matches the whole text.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Literal(literal) => **literal == *text,
            Self::Simple(alternatives) => {
                let bytes = bytes(text);
                alternatives.iter().any(|pieces| fits(pieces, &bytes))
            }
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Compiles an expression, within bounds.
///
/// # Errors
/// Why it is no expression, or that it is too large.
pub(crate) fn compiled(text: &str) -> Result<Regex, String> {
    if text.len() > MAX_LENGTH {
        return Err(format!("it is longer than {MAX_LENGTH} bytes"));
    }
    RegexBuilder::new(text)
        .size_limit(MAX_SIZE)
        .build()
        .map_err(|error| error.to_string())
}

/// Whether a character may mean something else than itself in an expression.
pub(crate) fn is_special(c: char) -> bool {
    matches!(
        c,
        '\\' | '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$'
    )
}

/// Reads an expression of nothing but ASCII text, `.`, `.*`, `.+`, `|` and escaped punctuation.
fn simple(text: &str) -> Option<Vec<Alternative>> {
    let mut alternatives = vec![vec![Piece::new()]];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let pieces = alternatives.last_mut()?;
        match c {
            '|' => alternatives.push(vec![Piece::new()]),
            '.' => match chars.peek() {
                Some('*' | '+') => {
                    if chars.next() == Some('+') {
                        pieces.last_mut()?.push(None);
                    }
                    pieces.push(Piece::new());
                    // `.*?` and `.**` mean something else or nothing.
                    if matches!(chars.peek(), Some('*' | '+' | '?' | '{')) {
                        return None;
                    }
                }
                _ => pieces.last_mut()?.push(None),
            },
            '\\' => {
                let escaped = chars.next().filter(char::is_ascii_punctuation)?;
                pieces.last_mut()?.push(Some(u8::try_from(escaped).ok()?));
            }
            // Every alternative has to match the whole text anyway.
            '^' if pieces.len() == 1 && pieces.iter().all(Vec::is_empty) => {}
            '$' if matches!(chars.peek(), None | Some('|')) => {}
            c if is_special(c) || !c.is_ascii() || c == '\n' => return None,
            c => pieces.last_mut()?.push(Some(u8::try_from(c).ok()?)),
        }
        // A repetition of a single character needs the engine.
        if c != '|' && matches!(chars.peek(), Some('*' | '+' | '?' | '{')) {
            return None;
        }
    }
    Some(alternatives)
}

fn bytes(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return Cow::Borrowed(text.as_bytes());
    }
    let byte = |c: char| {
        if c.is_ascii() {
            u8::try_from(c).unwrap_or(FOREIGN)
        } else {
            FOREIGN
        }
    };
    text.chars().map(byte).collect()
}

fn fits(pieces: &[Piece], text: &[u8]) -> bool {
    let is = |piece: &Piece, at: &[u8]| {
        at.len() >= piece.len()
            && piece.iter().zip(at).all(|(wanted, byte)| match wanted {
                Some(wanted) => wanted == byte,
                None => *byte != b'\n',
            })
    };
    let (first, rest) = match pieces.split_first() {
        Some((only, [])) => return only.len() == text.len() && is(only, text),
        Some(pair) => pair,
        None => return text.is_empty(),
    };
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    if text.contains(&b'\n') || !is(first, text) {
        return false;
    }
    let mut text = &text[first.len()..];
    for piece in middle {
        let Some(at) = (0..=text.len()).find(|at| is(piece, &text[*at..])) else {
            return false;
        };
        text = &text[at + piece.len()..];
    }
    text.len() >= last.len() && is(last, &text[text.len() - last.len()..])
}
