//! Builds a value from the tokens of a YAML document.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::error::cut;
use super::positions::Recorder;
use super::scalar::{self, Scalar};
use super::scan::{Fault, Mark, Scanner, Tag, Token};
use super::{DecodeError, Limits, Position, Problem};
use crate::Json;
use crate::object::type_name;

/// Where YAML's own tags are named, in full.
const STANDARD_TAGS: &str = "tag:yaml.org,2002:";

/// Reads the first YAML document of a piece of a stream; what follows `...` is not looked at, as
/// in kubectl. `line` is the line of the file in which the piece begins, from 0. Returns the line of
/// the document's first node, from 1, and what the document says.
pub(super) fn read(
    text: &str,
    line: usize,
    limits: &Limits,
    recorder: Option<&mut Recorder>,
) -> Result<(usize, Json), DecodeError> {
    // kubectl's reader takes a byte order mark off every document, not only off the first, and ends
    // the last line when the text does not; block scalars depend on that.
    let mut text = Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    if !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    check_characters(&text, line)?;
    let reader = Reader {
        scanner: Scanner::new(&text),
        line,
        limits,
        recorder,
        anchors: HashMap::new(),
        copied_nodes: 0,
        copied_bytes: 0,
    };
    reader.document()
}

/// Refuses what YAML does not allow even in quotes.
fn check_characters(text: &str, line: usize) -> Result<(), DecodeError> {
    let suspicious = |byte: &u8| {
        matches!(byte, 0..0x20 | 0x7f | 0xc2 | 0xef) && !matches!(byte, b'\t' | b'\n' | b'\r')
    };
    if !text.as_bytes().iter().any(suspicious) {
        return Ok(());
    }
    let mut position = Position { line: line + 1, column: 1 };
    for c in text.chars() {
        match c {
            '\n' => position = Position { line: position.line + 1, column: 1 },
            '\t' | '\r' | '\u{85}' => position.column += 1,
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                let code = u32::from(c);
                let reason = format!(
                    "the control character U+{code:04X} is not allowed in YAML; write it as an escape in double quotes"
                );
                return Err(DecodeError::new(position, Problem::Syntax { reason }));
            }
            _ => position.column += 1,
        }
    }
    Ok(())
}

struct Reader<'t, 'r> {
    scanner: Scanner<'t>,
    line: usize,
    limits: &'r Limits,
    recorder: Option<&'r mut Recorder>,
    anchors: HashMap<&'t str, Anchor>,
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

impl Node {
    const NULL: Self = Self::Scalar(Scalar::Null, String::new());
}

/// What can stand at a place: a block list at the column of its key belongs to a key only.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Context {
    Flow,
    Block,
    BlockOfKey,
}

impl<'t> Reader<'t, '_> {
    fn document(mut self) -> Result<(usize, Json), DecodeError> {
        let mark = match self.peek()? {
            Token::StreamEnd => return Ok((self.line + 1, Value::Null)),
            Token::Directive => {
                return self.fail_here(
                    "a directive has no effect here, because kubectl cuts the text at the `---` behind it; remove the line",
                );
            }
            Token::DocumentStart => {
                self.next()?;
                match self.peek()? {
                    Token::Directive
                    | Token::DocumentStart
                    | Token::DocumentEnd
                    | Token::StreamEnd => return Ok((self.line + 1, Value::Null)),
                    _ => self.mark()?,
                }
            }
            _ => self.mark()?,
        };
        let position = self.position(mark);
        if let Some(recorder) = &mut self.recorder {
            recorder.begin(position);
        }
        let value = self.value(Context::Block, 0)?;
        // What follows the document must still be made of tokens.
        self.peek()?;
        Ok((position.line, value))
    }

    fn peek(&mut self) -> Result<&Token<'t>, DecodeError> {
        let line = self.line;
        self.scanner.peek().map(|(token, _)| token).map_err(|fault| located(&fault, line))
    }

    fn next(&mut self) -> Result<(Token<'t>, Mark), DecodeError> {
        let line = self.line;
        self.scanner.next().map_err(|fault| located(&fault, line))
    }

    /// Where the next token stands.
    fn mark(&mut self) -> Result<Mark, DecodeError> {
        let line = self.line;
        self.scanner.peek().map(|(_, mark)| *mark).map_err(|fault| located(&fault, line))
    }

    /// Takes the next token if it is this one.
    fn take(&mut self, token: &Token<'_>) -> Result<bool, DecodeError> {
        let found = self.peek()? == token;
        if found {
            self.next()?;
        }
        Ok(found)
    }

    fn position(&self, mark: Mark) -> Position {
        Position { line: self.line + mark.line + 1, column: mark.column + 1 }
    }

    fn fail<T>(&self, mark: Mark, problem: Problem) -> Result<T, DecodeError> {
        Err(DecodeError::new(self.position(mark), problem))
    }

    fn fail_here<T>(&mut self, reason: &str) -> Result<T, DecodeError> {
        let mark = self.mark()?;
        self.fail(mark, Problem::syntax(reason))
    }

    fn value(&mut self, context: Context, depth: usize) -> Result<Json, DecodeError> {
        let mark = self.mark()?;
        let node = self.node(context, depth)?;
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

    fn node(&mut self, context: Context, depth: usize) -> Result<Node, DecodeError> {
        let mark = self.mark()?;
        if let Token::Alias(name) = *self.peek()? {
            self.next()?;
            return self.alias(name, mark);
        }
        let (anchor, tag) = self.properties()?;
        let begin = self.mark()?;
        let block = context != Context::Flow;
        let collection = match self.peek()? {
            Token::BlockEntry => context == Context::BlockOfKey,
            Token::Scalar { .. } => {
                let (Token::Scalar { text, plain }, _) = self.next()? else {
                    return Ok(Node::NULL);
                };
                let node = self.scalar(tag.as_ref(), text.into_owned(), plain, begin)?;
                self.keep(anchor, &node, mark)?;
                return Ok(node);
            }
            Token::FlowSequenceStart | Token::FlowMappingStart => true,
            Token::BlockSequenceStart | Token::BlockMappingStart => block,
            _ => false,
        };
        if collection {
            self.open(anchor, depth, begin)?;
            let tree = match self.peek()? {
                Token::BlockEntry => self.list_of_key(depth + 1),
                Token::BlockSequenceStart => self.block_list(depth + 1),
                Token::BlockMappingStart => self.block_map(depth + 1),
                Token::FlowSequenceStart => self.flow_list(depth + 1),
                _ => self.flow_map(depth + 1),
            };
            let node = Node::Tree(tree?);
            self.keep(anchor, &node, mark)?;
            return Ok(node);
        }
        if anchor.is_some() || tag.is_some() {
            let node = self.scalar(tag.as_ref(), String::new(), true, begin)?;
            self.keep(anchor, &node, mark)?;
            return Ok(node);
        }
        self.fail_here("expected a value")
    }

    /// An anchor and a tag, in either order.
    fn properties(&mut self) -> Result<(Option<&'t str>, Option<Tag<'t>>), DecodeError> {
        let (mut anchor, mut tag) = (None, None);
        loop {
            match self.peek()? {
                Token::Anchor(name) if anchor.is_none() => {
                    anchor = Some(*name);
                    self.next()?;
                }
                Token::Tag(_) if tag.is_none() => {
                    if let (Token::Tag(found), mark) = self.next()? {
                        if found == Tag::Undeclared {
                            let reason = "the handle of the tag is not declared";
                            return self.fail(mark, Problem::syntax(reason));
                        }
                        tag = Some(found);
                    }
                }
                _ => return Ok((anchor, tag)),
            }
        }
    }

    fn block_list(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mut items = Vec::new();
        while self.take(&Token::BlockEntry)? {
            let empty = matches!(self.peek()?, Token::BlockEntry | Token::BlockEnd);
            self.item(&mut items, empty, Context::Block, depth)?;
        }
        if !self.take(&Token::BlockEnd)? {
            return self.fail_here("expected `-` or the end of the list; check the indentation");
        }
        Ok(Value::Array(items))
    }

    fn list_of_key(&mut self, depth: usize) -> Result<Json, DecodeError> {
        let mut items = Vec::new();
        while self.take(&Token::BlockEntry)? {
            let next = self.peek()?;
            let empty =
                matches!(next, Token::BlockEntry | Token::Key | Token::Value | Token::BlockEnd);
            self.item(&mut items, empty, Context::Block, depth)?;
        }
        Ok(Value::Array(items))
    }

    fn item(
        &mut self,
        items: &mut Vec<Json>,
        empty: bool,
        context: Context,
        depth: usize,
    ) -> Result<(), DecodeError> {
        if empty {
            items.push(Value::Null);
            return Ok(());
        }
        let outside = match self.recorder {
            Some(_) => {
                let mark = self.mark()?;
                self.enter(&items.len().to_string(), mark)
            }
            None => None,
        };
        items.push(self.value(context, depth)?);
        self.leave(outside);
        Ok(())
    }

    fn block_map(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mut map = Mapping::default();
        while self.take(&Token::Key)? {
            let mark = self.mark()?;
            let empty = matches!(self.peek()?, Token::Key | Token::Value | Token::BlockEnd);
            let key = self.key_node(empty, Context::BlockOfKey, depth)?;
            let value = self.take(&Token::Value)?
                && !matches!(self.peek()?, Token::Key | Token::Value | Token::BlockEnd);
            self.entry(&mut map, key, mark, value.then_some(Context::BlockOfKey), depth)?;
        }
        if !self.take(&Token::BlockEnd)? {
            return self.fail_here("expected a key or the end of the mapping; check the indentation");
        }
        Ok(Value::Object(map.entries))
    }

    fn flow_list(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mut items = Vec::new();
        loop {
            if self.take(&Token::FlowSequenceEnd)? {
                return Ok(Value::Array(items));
            }
            if !items.is_empty() {
                if !self.take(&Token::FlowEntry)? {
                    return self.fail_here("expected `,` or `]`");
                }
                if self.take(&Token::FlowSequenceEnd)? {
                    return Ok(Value::Array(items));
                }
            }
            if *self.peek()? == Token::Key {
                let mark = self.mark()?;
                self.deeper(depth, mark)?;
                let outside = self.enter(&items.len().to_string(), mark);
                items.push(self.pair(depth + 1)?);
                self.leave(outside);
            } else {
                self.item(&mut items, false, Context::Flow, depth)?;
            }
        }
    }

    /// `key: value` in a list, which is a mapping of its own.
    fn pair(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mark = self.mark()?;
        let ends = |token: &Token<'_>| matches!(token, Token::FlowEntry | Token::FlowSequenceEnd);
        let empty = *self.peek()? == Token::Value || ends(self.peek()?);
        let key = self.key_node(empty, Context::Flow, depth)?;
        if empty {
            // The parser that kubectl uses skips the token here, whatever it is.
            self.next()?;
        }
        let value = self.take(&Token::Value)? && !ends(self.peek()?);
        let mut map = Mapping::default();
        self.entry(&mut map, key, mark, value.then_some(Context::Flow), depth)?;
        Ok(Value::Object(map.entries))
    }

    fn flow_map(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mut map = Mapping::default();
        let mut first = true;
        loop {
            if self.take(&Token::FlowMappingEnd)? {
                return Ok(Value::Object(map.entries));
            }
            if !first {
                if !self.take(&Token::FlowEntry)? {
                    return self.fail_here("expected `,` or `}`");
                }
                if self.take(&Token::FlowMappingEnd)? {
                    return Ok(Value::Object(map.entries));
                }
            }
            first = false;
            let ends = |token: &Token<'_>| matches!(token, Token::FlowEntry | Token::FlowMappingEnd);
            let explicit = self.take(&Token::Key)?;
            let mark = self.mark()?;
            let empty = explicit && (*self.peek()? == Token::Value || ends(self.peek()?));
            let key = self.key_node(empty, Context::Flow, depth)?;
            let value = explicit && self.take(&Token::Value)? && !ends(self.peek()?);
            self.entry(&mut map, key, mark, value.then_some(Context::Flow), depth)?;
        }
    }

    /// Reads a key; `None` stands for `<<`.
    fn key_node(
        &mut self,
        empty: bool,
        context: Context,
        depth: usize,
    ) -> Result<Option<Node>, DecodeError> {
        if empty {
            return Ok(Some(Node::NULL));
        }
        if let Token::Scalar { text, plain: true } = self.peek()?
            && text == "<<"
        {
            self.next()?;
            return Ok(None);
        }
        if let Token::Tag(tag) = self.peek()? {
            let merges = *tag == Tag::NonSpecific || standard(tag) == Some("merge");
            let node = self.node(context, depth)?;
            let merges = merges && matches!(&node, Node::Scalar(Scalar::Text, text) if text == "<<");
            return Ok((!merges).then_some(node));
        }
        self.node(context, depth).map(Some)
    }

    /// Reads the value of a key and puts it into the mapping. `context` is `None` where the key has
    /// no value.
    fn entry(
        &mut self,
        map: &mut Mapping,
        key: Option<Node>,
        mark: Mark,
        context: Option<Context>,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let Some(key) = key else {
            return self.merge(map, mark, context, depth);
        };
        let key = self.key(key, mark)?;
        let twice = match &mut map.written {
            Some(written) => !written.insert(key.clone()),
            None => map.entries.contains_key(&key),
        };
        if twice {
            let first = self.recorder.as_ref().and_then(|recorder| recorder.field(&key));
            return self.fail(mark, Problem::DuplicateKey { key, first });
        }
        let outside = self.enter(&key, mark);
        let value = match context {
            Some(context) => self.value(context, depth)?,
            None => Value::Null,
        };
        self.leave(outside);
        map.entries.insert(key, value);
        Ok(())
    }

    fn enter(&mut self, field: &str, mark: Mark) -> Option<usize> {
        let position = self.position(mark);
        self.recorder.as_mut().map(|recorder| recorder.enter(field, position))
    }

    fn leave(&mut self, outside: Option<usize>) {
        if let (Some(recorder), Some(outside)) = (&mut self.recorder, outside) {
            recorder.leave(outside);
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
    fn merge(
        &mut self,
        map: &mut Mapping,
        mark: Mark,
        context: Option<Context>,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let refuse = |found| Problem::Merge { found };
        let Some(context) = context else {
            return self.fail(mark, refuse("null"));
        };
        map.written.get_or_insert_with(|| map.entries.keys().cloned().collect());
        let named = matches!(self.peek()?, Token::Alias(_));
        // Fields that are merged have no place of their own.
        let recorder = self.recorder.take();
        let value = self.value(context, depth);
        self.recorder = recorder;
        match value? {
            Value::Object(merged) => map.entries.extend(merged),
            Value::Array(items) if !named => {
                for item in items.into_iter().rev() {
                    match item {
                        Value::Object(merged) => map.entries.extend(merged),
                        other => return self.fail(mark, refuse(type_name(&other))),
                    }
                }
            }
            other => return self.fail(mark, refuse(type_name(&other))),
        }
        Ok(())
    }

    fn scalar(
        &self,
        tag: Option<&Tag<'_>>,
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
            Some(tag) => standard(tag).unwrap_or(""),
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

    fn deeper(&self, depth: usize, mark: Mark) -> Result<(), DecodeError> {
        if depth < self.limits.depth {
            return Ok(());
        }
        let (what, limit) = ("the depth of the nesting", self.limits.depth);
        self.fail(mark, Problem::Limit { what, limit })
    }

    fn open(&mut self, anchor: Option<&'t str>, depth: usize, mark: Mark) -> Result<(), DecodeError> {
        self.deeper(depth, mark)?;
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchor::Open);
        }
        Ok(())
    }

    fn keep(&mut self, anchor: Option<&'t str>, node: &Node, mark: Mark) -> Result<(), DecodeError> {
        if let Some(anchor) = anchor {
            let copy = self.copy(node, mark)?;
            self.anchors.insert(anchor, Anchor::Done(copy));
        }
        Ok(())
    }

    fn alias(&mut self, anchor: &'t str, mark: Mark) -> Result<Node, DecodeError> {
        match self.anchors.remove(anchor) {
            Some(Anchor::Done(node)) => {
                let copy = self.copy(&node, mark)?;
                self.anchors.insert(anchor, Anchor::Done(node));
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

/// A mapping while it is read.
#[derive(Default)]
struct Mapping {
    entries: Map<String, Json>,
    /// The keys that are written out, once something was merged beside them: those may not repeat,
    /// but a merged key may be set again.
    written: Option<HashSet<String>>,
}

/// The name of one of YAML's own tags.
fn standard<'a>(tag: &'a Tag<'_>) -> Option<&'a str> {
    match tag {
        Tag::Standard(name) => Some(name),
        Tag::Verbatim(name) => name.strip_prefix(STANDARD_TAGS),
        _ => None,
    }
}

fn located(fault: &Fault, line: usize) -> DecodeError {
    let position = Position { line: line + fault.mark.line + 1, column: fault.mark.column + 1 };
    DecodeError::new(position, Problem::syntax(fault.reason))
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
