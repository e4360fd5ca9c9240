//! Why a text could not be decoded, and where.

use std::fmt;

/// A place in a text; both numbers count from 1, the column in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a text could not be decoded, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{position}: {problem}")]
pub struct DecodeError {
    /// Where.
    pub position: Position,
    /// What is wrong there.
    pub problem: Problem,
}

impl DecodeError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }

    pub(crate) fn new(position: Position, problem: Problem) -> Self {
        Self { position, problem }
    }
}

/// What is wrong with a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It is not YAML, or not JSON.
    #[error("{reason}")]
    Syntax {
        /// What was expected.
        reason: String,
    },
    /// A key stands twice in one mapping. kubectl keeps the last of them in silence; here nothing
    /// that somebody wrote is dropped.
    #[error("the key `{key}` is already set{}; remove one of the two", at(*first))]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where it stands first, if that is known.
        first: Option<Position>,
    },
    /// A number that JSON, or 64 bits, cannot hold exactly.
    #[error("`{text}` {reason}; write it in quotes if it is meant as text")]
    Number {
        /// The number as written, cut at 64 characters.
        text: String,
        /// Why it cannot be kept.
        reason: &'static str,
    },
    /// The text is bigger than is allowed.
    #[error("{what} is more than the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much of it there may be.
        limit: usize,
    },
    /// Something that is no text stands as a key.
    #[error("{found} cannot be a key; a key is a text, a number or a boolean")]
    Key {
        /// What stands there.
        found: &'static str,
    },
    /// Something that is no text stands as a key, where kustomize takes texts only.
    #[error("{found} cannot be a key for kustomize; write it in quotes")]
    TextKey {
        /// What stands there.
        found: &'static str,
    },
    /// The bytes are not text.
    #[error("{reason}; save the file as UTF-8")]
    Encoding {
        /// What is wrong with the bytes.
        reason: String,
    },
    /// Something other than a comment follows `---`.
    #[error(
        "`{text}` follows `---` in its line; kubectl allows only a comment there, so begin a new line after `---`"
    )]
    Separator {
        /// What follows, cut at 64 characters.
        text: String,
    },
    /// A value does not fit its tag.
    #[error("`{text}` is no value for the tag `{tag}`")]
    Tag {
        /// The value, cut at 64 characters.
        text: String,
        /// The tag.
        tag: String,
    },
    /// `<<` stands before something that is no mapping.
    #[error("`<<` merges a mapping or a list of mappings, not {found}")]
    Merge {
        /// What stands there.
        found: &'static str,
    },
}

impl Problem {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "WL0301",
            Self::DuplicateKey { .. } => "WL0302",
            Self::Number { .. } => "WL0303",
            Self::Limit { .. } => "WL0304",
            Self::Key { .. } | Self::TextKey { .. } => "WL0305",
            Self::Encoding { .. } => "WL0306",
            Self::Separator { .. } => "WL0307",
            Self::Tag { .. } => "WL0308",
            Self::Merge { .. } => "WL0309",
        }
    }

    pub(crate) fn syntax(reason: impl Into<String>) -> Self {
        Self::Syntax {
            reason: reason.into(),
        }
    }
}

/// The first characters of a text that goes into a message.
pub(crate) fn cut(text: &str) -> String {
    const MOST: usize = 64;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn at(first: Option<Position>) -> String {
    first
        .map(|first| format!(" at {first}"))
        .unwrap_or_default()
}
