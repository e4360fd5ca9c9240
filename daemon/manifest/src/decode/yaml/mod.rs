//! Builds a value from the tokens of a YAML document.

mod anchors;
mod collections;
mod scalars;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::positions::Recorder;
use super::scalar::Scalar;
use super::scan::{Fault, Mark, Scanner, Style, Tag, Token};
use super::text::Piece;
use super::{DecodeError, Limits, Position, Problem, Rules};
use crate::Json;

/// Reads the first YAML document of a piece of a stream; what follows `...` is not looked at, as
/// in kubectl. Returns the line of the document's first node, from 1, and what the document says.
pub(super) fn read(
    Piece { text, line }: Piece<'_>,
    limits: &Limits,
    rules: Rules,
    recorder: Option<&mut Recorder>,
) -> Result<(usize, Json), DecodeError> {
    // kubectl's reader takes a byte order mark off every document, not only off the first, and ends
    // the last line when the text does not; block scalars depend on that. kustomize's does not.
    let mut text = Cow::Borrowed(text.strip_prefix('\u{feff}').unwrap_or(text));
    if rules != Rules::Kustomize && !text.ends_with('\n') {
        text.to_mut().push('\n');
    }
    check_characters(&text, line)?;
    let reader = Reader {
        scanner: Scanner::new(&text),
        line,
        limits,
        rules,
        place: Place::Object,
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
    let mut position = Position {
        line: line + 1,
        column: 1,
    };
    for c in text.chars() {
        match c {
            '\n' => {
                position = Position {
                    line: position.line + 1,
                    column: 1,
                }
            }
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
    rules: Rules,
    place: Place,
    recorder: Option<&'r mut Recorder>,
    anchors: HashMap<&'t str, Anchor>,
    copied_nodes: usize,
    copied_bytes: usize,
}

/// Where in an object the reader is, as far as kustomize makes a difference: annotations are texts
/// to it, and keep what was written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Object,
    /// The objects of a list.
    Items,
    Metadata,
    Annotations,
    Annotation,
    Elsewhere,
}

impl Place {
    fn of_field(self, field: &str) -> Self {
        match (self, field) {
            (Self::Object, "metadata") => Self::Metadata,
            (Self::Object, "items") => Self::Items,
            (Self::Metadata, "annotations") => Self::Annotations,
            (Self::Annotations, _) => Self::Annotation,
            _ => Self::Elsewhere,
        }
    }

    fn of_item(self) -> Self {
        match self {
            Self::Items => Self::Object,
            _ => Self::Elsewhere,
        }
    }
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

    /// Keeps the text where it is needed: as the value, or to name a number that JSON lacks.
    fn new(scalar: Scalar, text: Cow<'_, str>) -> Self {
        match scalar {
            Scalar::Text | Scalar::Float(_) | Scalar::Time => {
                Self::Scalar(scalar, text.into_owned())
            }
            _ => Self::Scalar(scalar, String::new()),
        }
    }
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
        self.scanner
            .peek()
            .map(|(token, _)| token)
            .map_err(|fault| located(&fault, line))
    }

    fn next(&mut self) -> Result<(Token<'t>, Mark), DecodeError> {
        let line = self.line;
        self.scanner.next().map_err(|fault| located(&fault, line))
    }

    /// Where the next token stands.
    fn mark(&mut self) -> Result<Mark, DecodeError> {
        let line = self.line;
        self.scanner
            .peek()
            .map(|(_, mark)| *mark)
            .map_err(|fault| located(&fault, line))
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
        Position {
            line: self.line + mark.line + 1,
            column: mark.column + 1,
        }
    }

    fn fail<T>(&self, mark: Mark, problem: Problem) -> Result<T, DecodeError> {
        Err(DecodeError::new(self.position(mark), problem))
    }

    fn fail_here<T>(&mut self, reason: &str) -> Result<T, DecodeError> {
        let mark = self.mark()?;
        self.fail(mark, Problem::syntax(reason))
    }

    /// What it means that nothing stands where a value may stand. kustomize writes its objects anew,
    /// and inside of `[]` and `{}` it writes `''` for nothing.
    fn nothing(&self, context: Context) -> Json {
        match (self.rules, context) {
            (Rules::Kustomize, Context::Flow) => Value::String(String::new()),
            _ => Value::Null,
        }
    }

    fn value(&mut self, context: Context, depth: usize) -> Result<Json, DecodeError> {
        let mark = self.mark()?;
        let node = self.node(context, depth)?;
        self.json(node, mark)
    }

    fn node(&mut self, context: Context, depth: usize) -> Result<Node, DecodeError> {
        let mark = self.mark()?;
        let (anchor, tag) = self.properties()?;
        self.node_with(anchor, tag.as_ref(), mark, context, depth)
    }

    /// Reads the node that an anchor and a tag belong to.
    fn node_with(
        &mut self,
        anchor: Option<&'t str>,
        tag: Option<&Tag<'t>>,
        mark: Mark,
        context: Context,
        depth: usize,
    ) -> Result<Node, DecodeError> {
        if let Token::Alias(name) = *self.peek()?
            && anchor.is_none()
            && tag.is_none()
        {
            self.next()?;
            return self.alias(name, mark);
        }
        let begin = self.mark()?;
        let block = context != Context::Flow;
        let collection = match self.peek()? {
            Token::BlockEntry => context == Context::BlockOfKey,
            Token::Scalar { .. } => {
                let (Token::Scalar { text, style }, _) = self.next()? else {
                    return Ok(Node::NULL);
                };
                let node = self.scalar(tag, text, style, begin)?;
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
            let node = match tag {
                None if self.nothing(context).is_string() => {
                    Node::Scalar(Scalar::Text, String::new())
                }
                _ => self.scalar(tag, Cow::Borrowed(""), Style::Plain, begin)?,
            };
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
}

fn located(fault: &Fault, line: usize) -> DecodeError {
    let position = Position {
        line: line + fault.mark.line + 1,
        column: fault.mark.column + 1,
    };
    DecodeError::new(position, Problem::syntax(fault.reason))
}
