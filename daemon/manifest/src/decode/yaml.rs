//! Builds a value from the events of a YAML document.

use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use libyaml_safer::{Encoding, Event, EventData, Mark, Parser};
use serde_json::{Map, Value};

use super::error::cut;
use super::positions::Recorder;
use super::scalar::{self, Scalar};
use super::window::Window;
use super::{DecodeError, Limits, Position, Problem};
use crate::Json;
use crate::object::type_name;

const TAG: &str = "tag:yaml.org,2002:";

/// Reads the first YAML document of a piece of a stream; what follows `...` is not looked at, as
/// in kubectl. `line` is the line of the file in which the piece begins, from 0. Returns the line of
/// the document's first node, from 1, and what the document says.
pub(super) fn read(
    text: &str,
    line: usize,
    limits: &Limits,
    recorder: Option<&mut Recorder>,
) -> Result<(usize, Json), DecodeError> {
    // kubectl's reader takes a byte order mark off every document, not only off the first.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut parser = Parser::new();
    parser.set_encoding(Encoding::Utf8);
    parser.set_input(Window::new(text));
    let reader = Reader {
        parser,
        text,
        line,
        limits,
        recorder,
        anchors: HashMap::new(),
        copied_nodes: 0,
        copied_bytes: 0,
    };
    reader.document()
}

struct Reader<'a, 'r> {
    parser: Parser<Window<'a>>,
    text: &'a str,
    line: usize,
    limits: &'a Limits,
    recorder: Option<&'r mut Recorder>,
    anchors: HashMap<String, Anchor>,
    copied_nodes: usize,
    copied_bytes: usize,
}

/// What an anchor names; `Open` while its node is being read, so that an alias inside is noticed.
enum Anchor {
    Open,
    Done(Node),
}

/// A node before it is known whether it is a key or a value: a key keeps more of a scalar.
#[derive(Clone)]
enum Node {
    Scalar(Scalar, String),
    Tree(Json),
}

impl Reader<'_, '_> {
    fn document(mut self) -> Result<(usize, Json), DecodeError> {
        loop {
            let event = self.next()?;
            match event.data {
                EventData::StreamStart { .. } | EventData::DocumentStart { .. } => {}
                EventData::StreamEnd => return Ok((self.line + 1, Value::Null)),
                _ => {
                    let position = self.position(event.start_mark);
                    if let Some(recorder) = &mut self.recorder {
                        recorder.begin(position);
                    }
                    let value = self.value(event, 0)?;
                    // What follows the document in its lines must still be YAML.
                    self.next()?;
                    return Ok((position.line, value));
                }
            }
        }
    }

    fn next(&mut self) -> Result<Event, DecodeError> {
        self.parser.parse().map_err(|error| {
            let mark = error.problem_mark().or(error.context_mark());
            match mark {
                Some(mark) => {
                    let reason = match error.context() {
                        Some(context) => format!("{} {context}", error.problem()),
                        None => error.problem().to_owned(),
                    };
                    DecodeError::new(self.position(mark), Problem::Syntax { reason })
                }
                None => self.unreadable(error.problem()),
            }
        })
    }

    /// The parser says of a forbidden character only that there is one.
    fn unreadable(&self, problem: &str) -> DecodeError {
        let allowed = |c: char| match c {
            '\t' | '\n' | '\r' | '\u{85}' => true,
            '\u{fffe}' | '\u{ffff}' => false,
            other => !other.is_control(),
        };
        let (mut position, mut found) = (Position { line: self.line + 1, column: 1 }, None);
        for c in self.text.chars() {
            if !allowed(c) {
                found = Some(c);
                break;
            }
            position.column += 1;
            if c == '\n' {
                position = Position { line: position.line + 1, column: 1 };
            }
        }
        let reason = match found {
            Some(c) => format!(
                "the control character U+{:04X} is not allowed in YAML; write it as an escape in double quotes",
                u32::from(c)
            ),
            None => problem.to_owned(),
        };
        DecodeError::new(position, Problem::Syntax { reason })
    }

    fn position(&self, mark: Mark) -> Position {
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX - 1);
        Position {
            line: (self.line + 1).saturating_add(number(mark.line)),
            column: number(mark.column) + 1,
        }
    }

    fn fail<T>(&self, mark: Mark, problem: Problem) -> Result<T, DecodeError> {
        Err(DecodeError::new(self.position(mark), problem))
    }

    fn value(&mut self, event: Event, depth: usize) -> Result<Json, DecodeError> {
        let mark = event.start_mark;
        let node = self.node(event, depth)?;
        self.json(node, mark)
    }

    fn json(&self, node: Node, mark: Mark) -> Result<Json, DecodeError> {
        Ok(match node {
            Node::Tree(json) => json,
            Node::Scalar(scalar, text) => match scalar {
                Scalar::Null => Value::Null,
                Scalar::Bool(value) => Value::Bool(value),
                Scalar::Int(value) => value.into(),
                Scalar::Uint(value) => value.into(),
                Scalar::Text => Value::String(text),
                Scalar::Float(value) => match scalar::integral(value) {
                    Some(integer) => integer.into(),
                    None => match serde_json::Number::from_f64(value) {
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

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, DecodeError> {
        let mark = event.start_mark;
        match event.data {
            EventData::Alias { anchor } => self.alias(&anchor, mark),
            EventData::Scalar { anchor, tag, value, plain_implicit, .. } => {
                let node = self.scalar(tag.as_deref(), value, plain_implicit, mark)?;
                self.keep(anchor, &node, mark)?;
                Ok(node)
            }
            EventData::SequenceStart { anchor, .. } => {
                self.open(anchor.as_deref(), depth, mark)?;
                let node = Node::Tree(self.sequence(depth + 1)?);
                self.keep(anchor, &node, mark)?;
                Ok(node)
            }
            EventData::MappingStart { anchor, .. } => {
                self.open(anchor.as_deref(), depth, mark)?;
                let node = Node::Tree(self.mapping(depth + 1)?);
                self.keep(anchor, &node, mark)?;
                Ok(node)
            }
            _ => self.fail(mark, Problem::syntax("a value is expected")),
        }
    }

    fn sequence(&mut self, depth: usize) -> Result<Json, DecodeError> {
        let mut items = Vec::new();
        loop {
            let event = self.next()?;
            if event.data == EventData::SequenceEnd {
                return Ok(Value::Array(items));
            }
            let position = self.position(event.start_mark);
            let index = items.len();
            let outside = self.recorder.as_mut().map(|r| r.enter(&index.to_string(), position));
            items.push(self.value(event, depth)?);
            if let (Some(recorder), Some(outside)) = (&mut self.recorder, outside) {
                recorder.leave(outside);
            }
        }
    }

    fn mapping(&mut self, depth: usize) -> Result<Json, DecodeError> {
        let mut map = Map::new();
        // The keys that are written out, once something was merged beside them: those may not
        // repeat, but a merged key may be set again.
        let mut written: Option<HashSet<String>> = None;
        loop {
            let event = self.next()?;
            if event.data == EventData::MappingEnd {
                return Ok(Value::Object(map));
            }
            let mark = event.start_mark;
            if is_merge(&event.data) {
                written.get_or_insert_with(|| map.keys().cloned().collect());
                self.merge(&mut map, depth)?;
                continue;
            }
            let node = self.node(event, depth)?;
            let key = self.key(node, mark)?;
            let twice = match &mut written {
                Some(written) => !written.insert(key.clone()),
                None => map.contains_key(&key),
            };
            if twice {
                let first = self.recorder.as_ref().and_then(|recorder| recorder.field(&key));
                return self.fail(mark, Problem::DuplicateKey { key, first });
            }
            let position = self.position(mark);
            let outside = self.recorder.as_mut().map(|r| r.enter(&key, position));
            let event = self.next()?;
            let value = self.value(event, depth)?;
            if let (Some(recorder), Some(outside)) = (&mut self.recorder, outside) {
                recorder.leave(outside);
            }
            map.insert(key, value);
        }
    }

    fn key(&self, node: Node, mark: Mark) -> Result<String, DecodeError> {
        let found = match node {
            Node::Scalar(scalar, text) => match scalar {
                Scalar::Text => return Ok(text),
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

    /// Lays the mappings behind `<<` over what the mapping has so far. In a list the first one
    /// wins, and a key that follows in the mapping itself wins over all of them.
    fn merge(&mut self, map: &mut Map<String, Json>, depth: usize) -> Result<(), DecodeError> {
        let event = self.next()?;
        let mark = event.start_mark;
        let listed = matches!(event.data, EventData::SequenceStart { .. });
        // Fields that are merged have no place of their own.
        let recorder = self.recorder.take();
        let value = self.value(event, depth);
        self.recorder = recorder;
        match value? {
            Value::Object(merged) => map.extend(merged),
            Value::Array(items) if listed => {
                for item in items.into_iter().rev() {
                    match item {
                        Value::Object(merged) => map.extend(merged),
                        other => {
                            return self.fail(mark, Problem::Merge { found: type_name(&other) });
                        }
                    }
                }
            }
            other => return self.fail(mark, Problem::Merge { found: type_name(&other) }),
        }
        Ok(())
    }

    fn scalar(
        &self,
        tag: Option<&str>,
        text: String,
        plain: bool,
        mark: Mark,
    ) -> Result<Node, DecodeError> {
        let resolve = |text: &str| {
            scalar::resolve(text).or_else(|_| {
                let reason = "does not fit 64 bits";
                self.fail(mark, Problem::Number { text: cut(text), reason })
            })
        };
        let known = match tag {
            None if plain => return Ok(Node::Scalar(resolve(&text)?, text)),
            None => return Ok(Node::Scalar(Scalar::Text, text)),
            Some(tag) => tag.strip_prefix(TAG).unwrap_or(""),
        };
        let scalar = match known {
            "binary" => return self.binary(&text, mark),
            "bool" | "int" | "float" | "null" | "timestamp" => resolve(&text)?,
            _ => return Ok(Node::Scalar(Scalar::Text, text)),
        };
        let scalar = match (known, scalar) {
            ("bool", Scalar::Bool(_))
            | ("int", Scalar::Int(_) | Scalar::Uint(_))
            | ("float", Scalar::Float(_))
            | ("null", Scalar::Null) => scalar,
            #[allow(clippy::cast_precision_loss, reason = "the tag asks for a float")]
            ("float", Scalar::Int(value)) => Scalar::Float(value as f64),
            ("timestamp", Scalar::Text) if scalar::is_timestamp(&text) => Scalar::Text,
            _ => {
                let tag = format!("!!{known}");
                return self.fail(mark, Problem::Tag { text: cut(&text), tag });
            }
        };
        Ok(Node::Scalar(scalar, text))
    }

    fn binary(&self, text: &str, mark: Mark) -> Result<Node, DecodeError> {
        let encoded: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        let Ok(bytes) = STANDARD.decode(encoded) else {
            let tag = "!!binary".to_owned();
            return self.fail(mark, Problem::Tag { text: cut(text), tag });
        };
        // Go writes U+FFFD for every byte that is no UTF-8, where Rust writes one for a run.
        let mut decoded = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            decoded.push_str(chunk.valid());
            decoded.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
        }
        Ok(Node::Scalar(Scalar::Text, decoded))
    }

    fn open(&mut self, anchor: Option<&str>, depth: usize, mark: Mark) -> Result<(), DecodeError> {
        if depth >= self.limits.depth {
            let (what, limit) = ("the depth of the nesting", self.limits.depth);
            return self.fail(mark, Problem::Limit { what, limit });
        }
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor.to_owned(), Anchor::Open);
        }
        Ok(())
    }

    fn keep(&mut self, anchor: Option<String>, node: &Node, mark: Mark) -> Result<(), DecodeError> {
        if let Some(anchor) = anchor {
            let copy = self.copy(node, mark)?;
            self.anchors.insert(anchor, Anchor::Done(copy));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: &str, mark: Mark) -> Result<Node, DecodeError> {
        match self.anchors.remove(anchor) {
            Some(Anchor::Done(node)) => {
                let copy = self.copy(&node, mark)?;
                self.anchors.insert(anchor.to_owned(), Anchor::Done(node));
                Ok(copy)
            }
            Some(Anchor::Open) => {
                let reason = format!("the value of the anchor `{}` contains itself", cut(anchor));
                self.fail(mark, Problem::Syntax { reason })
            }
            None => {
                let reason = format!("there is no anchor `{}` before this alias", cut(anchor));
                self.fail(mark, Problem::Syntax { reason })
            }
        }
    }

    /// Copies a node for an anchor or an alias, within what a document may grow by.
    fn copy(&mut self, node: &Node, mark: Mark) -> Result<Node, DecodeError> {
        match node {
            Node::Scalar(_, text) => self.spend(1, text.len()),
            Node::Tree(tree) => {
                let (mut nodes, mut bytes) = (0, 0);
                weigh(tree, &mut nodes, &mut bytes);
                self.spend(nodes, bytes);
            }
        }
        let limits = self.limits;
        for (spent, limit, what) in [
            (self.copied_nodes, limits.copied_nodes, "the number of nodes that aliases add"),
            (self.copied_bytes, limits.bytes, "the size of the text that aliases add"),
        ] {
            if spent > limit {
                return self.fail(mark, Problem::Limit { what, limit });
            }
        }
        Ok(node.clone())
    }

    fn spend(&mut self, nodes: usize, bytes: usize) {
        self.copied_nodes = self.copied_nodes.saturating_add(nodes);
        self.copied_bytes = self.copied_bytes.saturating_add(bytes);
    }
}

fn is_merge(data: &EventData) -> bool {
    match data {
        EventData::Scalar { value, tag, plain_implicit, .. } => {
            value == "<<"
                && (*plain_implicit || tag.as_deref().and_then(|t| t.strip_prefix(TAG)) == Some("merge"))
        }
        _ => false,
    }
}

fn weigh(value: &Json, nodes: &mut usize, bytes: &mut usize) {
    *nodes += 1;
    match value {
        Value::String(text) => *bytes += text.len(),
        Value::Array(items) => items.iter().for_each(|item| weigh(item, nodes, bytes)),
        Value::Object(map) => {
            for (key, item) in map {
                *bytes += key.len();
                weigh(item, nodes, bytes);
            }
        }
        _ => {}
    }
}
