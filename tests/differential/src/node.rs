//! YAML as it is written: what a value means is left to those who read it.

use std::fmt::Write as _;

use serde_json::Value;

/// A piece of a YAML document, with its scalars as they stand in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// A scalar, or anything else that fits on the line, written as it is.
    Raw(String),
    /// A string, quoted where it has to be.
    Text(String),
    /// A string that is itself YAML: a literal block.
    Documents(Vec<Node>),
    /// A list.
    List(Vec<Node>),
    /// A mapping, in its order.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// A mapping of nothing.
    pub fn map() -> Self {
        Self::Map(Vec::new())
    }

    /// The entries of a mapping; none of anything else.
    pub fn entries(&self) -> &[(String, Self)] {
        match self {
            Self::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Sets an entry of a mapping.
    pub fn set(&mut self, key: &str, value: impl Into<Self>) {
        let Self::Map(entries) = self else { return };
        let value = value.into();
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, old)) => *old = value,
            None => entries.push((key.to_owned(), value)),
        }
    }

    /// Appends to the list at a key of a mapping.
    pub fn push(&mut self, key: &str, value: impl Into<Self>) {
        let Self::Map(entries) = self else { return };
        let value = value.into();
        match entries.iter_mut().find(|(known, _)| known == key) {
            Some((_, Self::List(items))) => items.push(value),
            Some((_, old)) => *old = Self::List(vec![value]),
            None => entries.push((key.to_owned(), Self::List(vec![value]))),
        }
    }

    /// How many nodes there are, itself included.
    pub fn size(&self) -> usize {
        match self {
            Self::Raw(_) | Self::Text(_) => 1,
            Self::Documents(items) | Self::List(items) => {
                1 + items.iter().map(Self::size).sum::<usize>()
            }
            Self::Map(entries) => 1 + entries.iter().map(|(_, node)| node.size()).sum::<usize>(),
        }
    }

    /// The document as text, ended by a line break.
    pub fn yaml(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0, Place::Top);
        text
    }

    fn write(&self, text: &mut String, indent: usize, place: Place) {
        match self {
            Self::Raw(raw) => {
                separate(text, place);
                text.push_str(raw);
                text.push('\n');
            }
            Self::Text(value) => {
                separate(text, place);
                text.push_str(&scalar(value));
                text.push('\n');
            }
            Self::Documents(documents) => {
                separate(text, place);
                text.push_str("|-\n");
                let inner = stream(documents);
                for line in inner.lines() {
                    if line.is_empty() {
                        text.push('\n');
                    } else {
                        let _ = writeln!(text, "{:indent$}{line}", "");
                    }
                }
            }
            Self::List(items) if items.is_empty() => {
                separate(text, place);
                text.push_str("[]\n");
            }
            Self::List(items) => {
                if place == Place::Entry {
                    text.push('\n');
                }
                for (at, item) in items.iter().enumerate() {
                    // The first item of a list in a list stands behind the outer dash.
                    if place != Place::Item || at > 0 {
                        let _ = write!(text, "{:indent$}", "");
                    } else {
                        text.push(' ');
                    }
                    text.push('-');
                    item.write(text, indent + 2, Place::Item);
                }
            }
            Self::Map(entries) if entries.is_empty() => {
                separate(text, place);
                text.push_str("{}\n");
            }
            Self::Map(entries) => {
                if place == Place::Entry {
                    text.push('\n');
                }
                for (at, (key, value)) in entries.iter().enumerate() {
                    if place != Place::Item || at > 0 {
                        let _ = write!(text, "{:indent$}", "");
                    } else {
                        text.push(' ');
                    }
                    text.push_str(&scalar(key));
                    text.push(':');
                    value.write(text, indent + 2, Place::Entry);
                }
            }
        }
    }
}

/// Where a node stands: what comes before it on its line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    /// Behind a key.
    Entry,
    /// Behind a dash.
    Item,
}

fn separate(text: &mut String, place: Place) {
    if place != Place::Top {
        text.push(' ');
    }
}

/// Documents as one text.
pub fn stream(documents: &[Node]) -> String {
    let texts: Vec<String> = documents.iter().map(Node::yaml).collect();
    texts.join("---\n")
}

/// A string as a scalar that is read as this string by everybody.
fn scalar(value: &str) -> String {
    let plain = value
        .bytes()
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-./_$()".contains(&byte))
        && !WORDS.contains(&value.to_ascii_lowercase().as_str())
        // `e1` is no number, but a reader is not to be tempted.
        && value.bytes().any(|byte| byte.is_ascii_alphabetic() && byte != b'e');
    if plain {
        value.to_owned()
    } else {
        // JSON's strings are YAML's, apart from what JSON need not escape: U+2028 and the like.
        Value::from(value).to_string()
    }
}

/// Words that some version of YAML takes for something else than a string.
const WORDS: [&str; 10] = [
    "null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan",
];

impl From<&str> for Node {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Node {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Node>> for Node {
    fn from(items: Vec<Node>) -> Self {
        Self::List(items)
    }
}

impl From<Value> for Node {
    fn from(value: Value) -> Self {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Raw(value.to_string()),
            Value::String(text) => Self::Text(text),
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            Value::Object(map) => Self::Map(
                map.into_iter()
                    .map(|(key, value)| (key, Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl From<&Value> for Node {
    fn from(value: &Value) -> Self {
        value.clone().into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;
    use windlass_manifest::{Limits, decode};

    #[test]
    fn what_is_written_reads_back() {
        let value = json!({
            "a": [1, [], [[2, {"x": "y"}], {}], {"k": {"deep": null}, "l": [true]}],
            "text": "two\nlines: \"quoted\" # no comment",
            "yes": "no",
            "empty": {"list": [], "map": {}, "text": ""},
        });
        let mut node = Node::from(&value);
        node.set("inner", Node::Documents(vec![Node::from(&value)]));
        let documents = decode(node.yaml().as_bytes(), &Limits::default()).unwrap();
        let mut read = documents[0].value.clone();
        let inner = read.as_object_mut().unwrap().remove("inner").unwrap();
        assert_eq!(read, value, "{}", node.yaml());
        let inner = decode(inner.as_str().unwrap().as_bytes(), &Limits::default()).unwrap();
        assert_eq!(inner[0].value, value, "{}", node.yaml());
    }
}
