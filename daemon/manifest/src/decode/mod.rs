//! YAML and JSON text to values, by kubectl's rules.
//!
//! kubectl reads a stream that begins with `{` as JSON and everything else as YAML documents
//! between lines of `---`, with YAML 1.1 scalars. Three things differ here on purpose: a key that
//! stands twice is an error, an integer is kept exactly or refused, and everything is bounded.
//! kustomize reads objects by rules of its own, which are told apart by [`Rules`].

mod error;
mod json;
mod positions;
pub(crate) mod scalar;
mod scan;
mod text;
mod timestamp;
mod yaml;

use std::collections::HashMap;

pub use error::{DecodeError, Position, Problem};
use positions::Recorder;
use scalar::Scalar;
use text::Piece;

use crate::Json;

/// What a text may be at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The size of the text in bytes, and again what aliases may add to it.
    pub bytes: usize,
    /// How deep values may be nested. The default leaves room for a list around an object under
    /// the limit of common JSON readers, 128.
    pub depth: usize,
    /// How many nodes aliases may add, in one document.
    pub copied_nodes: usize,
    /// How many documents there may be.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 32 << 20,
            depth: 120,
            copied_nodes: 500_000,
            documents: 100_000,
        }
    }
}

/// Whose reading of a text counts where two programs differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rules {
    /// kubectl's: JSON or YAML 1.1.
    #[default]
    Kubectl,
    /// Those by which kustomize 5 reads objects, up to what it writes out for them: always YAML,
    /// where only `true` and `false` are booleans, a timestamp is brought into one form, the
    /// annotations of an object are texts, only texts are keys, and a key of a mapping wins over
    /// what is merged into it.
    Kustomize,
    /// Those by which kustomize 5 reads the kustomization itself: kubectl's, but always YAML, and a
    /// key that is set twice has the value that comes last.
    Kustomization,
}

/// One document of a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// What it says; null for an empty document.
    pub value: Json,
    /// Its number among the documents of the text that are not empty, from 0.
    pub index: usize,
    /// The line in which it begins, from 1.
    pub line: usize,
    positions: HashMap<String, Position>,
}

impl Document {
    /// The place of a field's key, or of a list's item, by its JSON pointer (RFC 6901).
    ///
    /// `None` for what is not there, for what `<<` or an alias brought in, and always for a document
    /// that [`decode`] read.
    pub fn position(&self, pointer: &str) -> Option<Position> {
        self.positions.get(pointer).copied()
    }
}

/// Decodes the documents of a text.
///
/// # Errors
/// [`DecodeError`] with the place of the first thing that is wrong.
pub fn decode(text: &[u8], limits: &Limits) -> Result<Vec<Document>, DecodeError> {
    decode_by(Rules::Kubectl, text, limits)
}

/// Decodes the documents of a text by the given rules.
///
/// # Errors
/// As [`decode`].
pub fn decode_by(rules: Rules, text: &[u8], limits: &Limits) -> Result<Vec<Document>, DecodeError> {
    match read(text, limits, rules, false) {
        // Only a reader that notes places knows where the key stands first.
        Err(error) if matches!(error.problem, Problem::DuplicateKey { .. }) => {
            read(text, limits, rules, true).and(Err(error))
        }
        other => other,
    }
}

/// What a text means that stands in YAML without quotes; `None` for a number that JSON, or 64 bits,
/// cannot hold. A text in which something is a sign of YAML means itself.
pub fn plain_scalar(text: &str, rules: Rules) -> Option<Json> {
    Some(match scalar::resolve(text, rules).ok()? {
        Scalar::Null => Json::Null,
        Scalar::Bool(value) => value.into(),
        Scalar::Int(value) => value.into(),
        Scalar::Uint(value) => value.into(),
        Scalar::Float(value) => match scalar::integral(value) {
            Some(integer) => integer.into(),
            None => Json::Number(serde_json::Number::from_f64(value)?),
        },
        Scalar::Time => timestamp::rfc3339(text)?.into(),
        Scalar::Text => text.into(),
    })
}

/// Decodes as [`decode`] does, and notes where every field stands.
///
/// # Errors
/// As [`decode`].
pub fn decode_with_positions(text: &[u8], limits: &Limits) -> Result<Vec<Document>, DecodeError> {
    decode_with_positions_by(Rules::Kubectl, text, limits)
}

/// Decodes as [`decode_by`] does, and notes where every field stands.
///
/// # Errors
/// As [`decode`].
pub fn decode_with_positions_by(
    rules: Rules,
    text: &[u8],
    limits: &Limits,
) -> Result<Vec<Document>, DecodeError> {
    read(text, limits, rules, true)
}

fn read(
    bytes: &[u8],
    limits: &Limits,
    rules: Rules,
    positions: bool,
) -> Result<Vec<Document>, DecodeError> {
    if bytes.len() > limits.bytes {
        let problem = Problem::Limit {
            what: "the size of the text in bytes",
            limit: limits.bytes,
        };
        return Err(DecodeError::new(Position { line: 1, column: 1 }, problem));
    }
    let text = text::decode(bytes, rules)?;
    let mut documents = Documents {
        limits,
        rules,
        found: Vec::new(),
        filled: 0,
    };
    let (mut from, mut broken) = ((0, 0), None);
    if rules == Rules::Kubectl && text.trim_start().starts_with('{') {
        let mut reader = json::Reader::new(&text, limits, positions);
        let mut end = reader.place();
        broken = loop {
            match reader.next() {
                Ok(None) => return Ok(documents.found),
                Ok(Some((line, value, positions))) => documents.add(line, value, positions)?,
                Err(error) if matches!(error.problem, Problem::Syntax { .. }) => break Some(error),
                Err(error) => return Err(error),
            }
            end = reader.place();
        };
        // kubectl goes on with YAML where JSON ends: `{a: 1}` is YAML, and so is a `---` behind an
        // object.
        from = text::after_blank(&text, end);
    }
    for piece in text::pieces(&text, from, rules) {
        let result = piece.and_then(|piece| documents.yaml(piece, positions));
        let broken = broken.take();
        result.map_err(|error| match broken {
            // Whichever reader came farther knows better what the text was meant to be.
            Some(broken) if broken.position > error.position => broken,
            _ => error,
        })?;
    }
    match broken {
        Some(broken) => Err(broken),
        None => Ok(documents.found),
    }
}

struct Documents<'l> {
    limits: &'l Limits,
    rules: Rules,
    found: Vec<Document>,
    filled: usize,
}

impl Documents<'_> {
    fn yaml(&mut self, piece: Piece<'_>, positions: bool) -> Result<(), DecodeError> {
        let mut recorder = positions.then(Recorder::default);
        let (line, value) = yaml::read(piece, self.limits, self.rules, recorder.as_mut())?;
        let positions = recorder.as_mut().map(Recorder::take).unwrap_or_default();
        self.add(line, value, positions)
    }

    fn add(
        &mut self,
        line: usize,
        value: Json,
        positions: HashMap<String, Position>,
    ) -> Result<(), DecodeError> {
        if self.found.len() >= self.limits.documents {
            let (what, limit) = ("the number of documents", self.limits.documents);
            let position = Position { line, column: 1 };
            return Err(DecodeError::new(position, Problem::Limit { what, limit }));
        }
        let index = self.filled;
        self.filled += usize::from(!value.is_null());
        self.found.push(Document {
            value,
            index,
            line,
            positions,
        });
        Ok(())
    }
}

#[cfg(test)]
mod kustomize_tests;
#[cfg(test)]
mod tests;
