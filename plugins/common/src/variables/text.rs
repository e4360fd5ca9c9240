//! Takes a string apart into text and variables.

use super::SECRET_PREFIX;

/// A part of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Stays as it is.
    Text(&'a str),
    /// `${NAME}` or `${NAME:-default}`.
    Variable {
        name: &'a str,
        default: Option<&'a str>,
    },
}

/// Takes a string apart. The error is the text that looks like a variable and is none.
///
/// `$${secret:` keeps both its dollars: they are the escape that the plugin `secrets` reads.
pub(super) fn split(text: &str) -> Result<Vec<Piece<'_>>, &str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let is_escaped = rest[..at].ends_with('$');
        let is_secret = rest[at..].starts_with(SECRET_PREFIX);
        if is_escaped || is_secret {
            let before = if is_escaped && !is_secret { at - 1 } else { at };
            push(&mut pieces, &rest[..before]);
            push(&mut pieces, "${");
            rest = &rest[at + 2..];
            continue;
        }
        push(&mut pieces, &rest[..at]);
        let (variable, after) = variable(&rest[at..])?;
        pieces.push(variable);
        rest = after;
    }
    push(&mut pieces, rest);
    Ok(pieces)
}

fn push<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
}

fn variable(text: &str) -> Result<(Piece<'_>, &str), &str> {
    /// Enough to be recognised in a message.
    const SHOWN: usize = 40;
    let Some(end) = text.find('}') else {
        let end = text
            .char_indices()
            .nth(SHOWN)
            .map_or(text.len(), |(at, _)| at);
        return Err(&text[..end]);
    };
    let inside = &text[2..end];
    let (name, default) = match inside.split_once(":-").or_else(|| inside.split_once(":=")) {
        Some((name, default)) => (name, Some(default)),
        None => (inside, None),
    };
    let mut chars = name.chars();
    let begins = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(&text[..=end]);
    }
    Ok((Piece::Variable { name, default }, &text[end + 1..]))
}
