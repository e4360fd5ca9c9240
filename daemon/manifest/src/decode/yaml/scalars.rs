//! What a scalar means, as a value and as a key.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

use super::{Node, Place, Reader};
use crate::Json;
use crate::decode::error::cut;
use crate::decode::scalar::{self, Scalar};
use crate::decode::scan::{Mark, Style, Tag};
use crate::decode::{DecodeError, Problem, Rules, timestamp};
use crate::object::type_name;

/// Where YAML's own tags are named, in full.
const STANDARD_TAGS: &str = "tag:yaml.org,2002:";

impl Reader<'_, '_> {
    pub(super) fn json(&self, node: Node, mark: Mark) -> Result<Json, DecodeError> {
        Ok(match node {
            Node::Tree(json) => json,
            Node::Scalar(scalar, text) => match scalar {
                Scalar::Null => Value::Null,
                Scalar::Bool(value) => Value::Bool(value),
                Scalar::Int(value) => value.into(),
                Scalar::Uint(value) => value.into(),
                Scalar::Text => Value::String(text),
                Scalar::Time => Value::String(timestamp::rfc3339(&text).unwrap_or(text)),
                Scalar::Float(value) => match scalar::integral(value) {
                    Some(integer) => integer.into(),
                    None => match Number::from_f64(value) {
                        Some(number) => Value::Number(number),
                        None => {
                            let reason = "is a number that JSON does not have";
                            let text = cut(&text);
                            return self.fail(mark, Problem::Number { text, reason });
                        }
                    },
                },
            },
        })
    }

    pub(super) fn key(&self, node: Node, mark: Mark) -> Result<String, DecodeError> {
        let found = match node {
            Node::Scalar(Scalar::Text, text) => return Ok(text),
            Node::Scalar(scalar, _) if self.rules == Rules::Kustomize => {
                let found = match scalar {
                    Scalar::Null => "null",
                    Scalar::Bool(_) => "a boolean",
                    Scalar::Time => "a timestamp",
                    _ => "a number",
                };
                return self.fail(mark, Problem::TextKey { found });
            }
            Node::Scalar(scalar, text) => match scalar {
                Scalar::Text | Scalar::Time => return Ok(text),
                Scalar::Bool(value) => return Ok(value.to_string()),
                Scalar::Int(value) => return Ok(value.to_string()),
                Scalar::Float(value) => return Ok(scalar::float_key(value)),
                Scalar::Uint(_) => "a number beyond 63 bits",
                Scalar::Null => "null",
            },
            Node::Tree(tree) => type_name(&tree),
        };
        self.fail(mark, Problem::Key { found })
    }

    pub(super) fn scalar(
        &self,
        tag: Option<&Tag<'_>>,
        text: Cow<'_, str>,
        style: Style,
        mark: Mark,
    ) -> Result<Node, DecodeError> {
        let resolve = |text: &str| {
            scalar::resolve(text, self.rules).or_else(|_| {
                let reason = "does not fit 64 bits";
                self.fail(
                    mark,
                    Problem::Number {
                        text: cut(text),
                        reason,
                    },
                )
            })
        };
        let known = match tag {
            None if style == Style::Plain => {
                let scalar = match resolve(&text)? {
                    Scalar::Null => Scalar::Null,
                    _ if self.place == Place::Annotation && self.rules == Rules::Kustomize => {
                        Scalar::Text
                    }
                    scalar => scalar,
                };
                return Ok(Node::new(scalar, text));
            }
            None if style == Style::Folded && self.rules == Rules::Kustomize => {
                return Ok(Node::new(Scalar::Text, folded_again(text)));
            }
            None => return Ok(Node::new(Scalar::Text, text)),
            Some(Tag::NonSpecific) if style == Style::Plain && self.rules == Rules::Kustomize => {
                return Ok(Node::new(resolve(&text)?, text));
            }
            Some(tag) => standard(tag).unwrap_or(""),
        };
        let scalar = match known {
            "binary" => return self.binary(&text, mark),
            "bool" | "int" | "float" | "null" | "timestamp" => resolve(&text)?,
            _ => return Ok(Node::new(Scalar::Text, text)),
        };
        let scalar = match (known, scalar) {
            ("bool", Scalar::Bool(_))
            | ("int", Scalar::Int(_) | Scalar::Uint(_))
            | ("float", Scalar::Float(_))
            | ("null", Scalar::Null) => scalar,
            #[allow(clippy::cast_precision_loss, reason = "the tag asks for a float")]
            ("float", Scalar::Int(value)) => Scalar::Float(value as f64),
            ("timestamp", Scalar::Time) => Scalar::Time,
            ("timestamp", Scalar::Text) if timestamp::rfc3339(&text).is_some() => Scalar::Text,
            _ => {
                let tag = format!("!!{known}");
                return self.fail(
                    mark,
                    Problem::Tag {
                        text: cut(&text),
                        tag,
                    },
                );
            }
        };
        Ok(Node::new(scalar, text))
    }

    fn binary(&self, text: &str, mark: Mark) -> Result<Node, DecodeError> {
        let encoded: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        let Ok(bytes) = STANDARD.decode(encoded) else {
            let tag = "!!binary".to_owned();
            return self.fail(
                mark,
                Problem::Tag {
                    text: cut(text),
                    tag,
                },
            );
        };
        // Go writes U+FFFD for every byte that is no UTF-8, where Rust writes one for a run.
        let mut decoded = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            decoded.push_str(chunk.valid());
            decoded.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
        }
        Ok(Node::Scalar(Scalar::Text, decoded))
    }
}

/// The name of one of YAML's own tags.
pub(super) fn standard<'a>(tag: &'a Tag<'_>) -> Option<&'a str> {
    match tag {
        Tag::Standard(name) => Some(name),
        Tag::Verbatim(name) => name.strip_prefix(STANDARD_TAGS),
        _ => None,
    }
}

/// What a folded text says when kustomize has written it out and read it once more: go-yaml v3 adds
/// a break before lines that are indented and before the last of several breaks at the end, and it
/// folds anew when the first line is indented.
fn folded_again(text: Cow<'_, str>) -> Cow<'_, str> {
    let indented = |line: &str| line.starts_with([' ', '\t']);
    // It writes quotes where a blank would stand at the end of a line.
    if text.contains(" \n") || text.ends_with(' ') {
        return text;
    }
    let first_is_indented = indented(text.trim_start_matches('\n'));
    let content = text.trim_start_matches('\n').len();
    let (leading, mut rest) = text.split_at(text.len() - content);
    let mut again = String::with_capacity(text.len());
    again.push_str(leading);
    while let Some(end) = rest.find('\n') {
        let (line, behind) = rest.split_at(end);
        again.push_str(line);
        let next = behind.trim_start_matches('\n');
        let breaks = behind.len() - next.len();
        let written = breaks + usize::from(!first_is_indented && !indented(line));
        let read = match next {
            "" if breaks == 1 => 1,
            next if next.is_empty() || indented(line) || indented(next) => written,
            _ => written - 1,
        };
        match read {
            0 => again.push(' '),
            read => again.extend(std::iter::repeat_n('\n', read)),
        }
        rest = next;
    }
    again.push_str(rest);
    Cow::Owned(again)
}
