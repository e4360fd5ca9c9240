//! YAML text to tokens, as libyaml and its Go port cut it.
//!
//! The rules are YAML 1.1's, with the port's own: a `:` inside a plain scalar of a flow collection
//! does not end it, a `?` does, `\'` is an escape and `\/` is none, and a comma belongs to a tag. A
//! mapping key without `?` is known for a key only when its `:` comes, so tokens wait in a queue
//! until no key can begin at the first of them any more.

mod cursor;
mod keys;
mod properties;
mod scalars;

use std::borrow::Cow;
use std::collections::VecDeque;

use cursor::Cursor;
use keys::SimpleKey;

/// A place in the text, from 0; the column in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) line: usize,
    pub(super) column: usize,
}

/// What is wrong with a text, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) mark: Mark,
    pub(super) reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    StreamEnd,
    Directive,
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(&'a str),
    Anchor(&'a str),
    Tag(Tag<'a>),
    Scalar { text: Cow<'a, str>, style: Style },
}

/// How a scalar is written, as far as its meaning depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    /// In quotes, or as a literal block.
    Text,
    /// As a folded block.
    Folded,
}

/// A tag as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tag<'a> {
    /// `!!name`.
    Standard(Cow<'a, str>),
    /// `!<name>`.
    Verbatim(Cow<'a, str>),
    /// `!` alone.
    NonSpecific,
    /// `!name`.
    Local,
    /// `!handle!name`, with a handle that nothing declares.
    Undeclared,
}

pub(super) struct Scanner<'a> {
    cursor: Cursor<'a>,
    tokens: VecDeque<(Token<'a>, Mark)>,
    /// How many tokens have left the queue.
    taken: usize,
    ended: bool,
    /// The column of the block collection that is open; -1 outside of all.
    indent: isize,
    indents: Vec<isize>,
    flow: usize,
    key_allowed: bool,
    /// One for each open flow collection, and one for the block around them.
    keys: Vec<SimpleKey>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            cursor: Cursor::new(text),
            tokens: VecDeque::new(),
            taken: 0,
            ended: false,
            indent: -1,
            indents: Vec::new(),
            flow: 0,
            key_allowed: true,
            keys: vec![SimpleKey::default()],
        }
    }

    /// The next token, which stays the next one. After the end of the stream comes nothing else.
    pub(super) fn peek(&mut self) -> Result<&(Token<'a>, Mark), Fault> {
        while !self.ended && (self.tokens.is_empty() || self.first_may_be_key()?) {
            self.fetch()?;
        }
        if self.tokens.is_empty() {
            self.tokens
                .push_back((Token::StreamEnd, self.cursor.mark()));
        }
        Ok(&self.tokens[0])
    }

    /// Takes the next token away.
    pub(super) fn next(&mut self) -> Result<(Token<'a>, Mark), Fault> {
        self.peek()?;
        self.taken += 1;
        let end = (Token::StreamEnd, self.cursor.mark());
        Ok(self.tokens.pop_front().unwrap_or(end))
    }

    fn fault<T>(&self, reason: &'static str) -> Result<T, Fault> {
        Err(Fault {
            mark: self.cursor.mark(),
            reason,
        })
    }

    fn fetch(&mut self) -> Result<(), Fault> {
        self.skip_to_token();
        self.unroll(self.cursor.column().cast_signed());
        let mark = self.cursor.mark();
        if self.cursor.at_end() {
            self.unroll(-1);
            self.remove_key()?;
            self.key_allowed = false;
            self.ended = true;
            self.push(Token::StreamEnd, mark);
            return Ok(());
        }
        if mark.column == 0 {
            if self.cursor.byte(0) == b'%' {
                self.outermost()?;
                self.scan_directive()?;
                self.push(Token::Directive, mark);
                return Ok(());
            }
            if let Some(token) = self.document_marker() {
                self.outermost()?;
                self.cursor.skip(3);
                self.push(token, mark);
                return Ok(());
            }
        }
        let blank_follows = self.cursor.blank_or_end(1);
        match self.cursor.byte(0) {
            b'[' => self.flow_start(Token::FlowSequenceStart),
            b'{' => self.flow_start(Token::FlowMappingStart),
            b']' => self.flow_end(Token::FlowSequenceEnd),
            b'}' => self.flow_end(Token::FlowMappingEnd),
            b',' => {
                self.remove_key()?;
                self.key_allowed = true;
                self.sign(Token::FlowEntry);
                Ok(())
            }
            b'-' if blank_follows => self.block_entry(),
            b'?' if self.flow > 0 || blank_follows => self.explicit_key(),
            b':' if self.flow > 0 || blank_follows => self.value(),
            b'*' => {
                self.begin_node()?;
                let name = self.scan_anchor()?;
                self.push(Token::Alias(name), mark);
                Ok(())
            }
            b'&' => {
                self.begin_node()?;
                let name = self.scan_anchor()?;
                self.push(Token::Anchor(name), mark);
                Ok(())
            }
            b'!' => {
                self.begin_node()?;
                let tag = self.scan_tag()?;
                self.push(Token::Tag(tag), mark);
                Ok(())
            }
            b'|' | b'>' if self.flow == 0 => {
                self.remove_key()?;
                self.key_allowed = true;
                let style = match self.cursor.byte(0) {
                    b'>' => Style::Folded,
                    _ => Style::Text,
                };
                let text = self.scan_block()?;
                self.push(Token::Scalar { text, style }, mark);
                Ok(())
            }
            b'\'' | b'"' => {
                self.begin_node()?;
                let (text, style) = (self.scan_quoted()?, Style::Text);
                self.push(Token::Scalar { text, style }, mark);
                Ok(())
            }
            byte if self.begins_plain(byte) => {
                self.begin_node()?;
                let (text, style) = (self.scan_plain()?, Style::Plain);
                self.push(Token::Scalar { text, style }, mark);
                Ok(())
            }
            b'\t' => self.fault("found a tab where a value may begin; indent with spaces"),
            _ => self.fault("found a character that cannot begin a value; quote the text"),
        }
    }

    fn begins_plain(&self, byte: u8) -> bool {
        match byte {
            b'-' => !matches!(self.cursor.byte(1), b' ' | b'\t'),
            b'?' | b':' => self.flow == 0 && !self.cursor.blank_or_end(1),
            b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|' | b'>' | b'\''
            | b'"' | b'%' | b'@' | b'`' => false,
            _ => !self.cursor.blank_or_end(0),
        }
    }

    /// `---` or `...` at the start of a line.
    fn document_marker(&self) -> Option<Token<'a>> {
        if self.cursor.column() != 0 || !self.cursor.blank_or_end(3) {
            return None;
        }
        match self.cursor.bytes(3) {
            b"---" => Some(Token::DocumentStart),
            b"..." => Some(Token::DocumentEnd),
            _ => None,
        }
    }

    fn skip_to_token(&mut self) {
        loop {
            if self.cursor.column() == 0 {
                self.cursor.skip_byte_order_mark();
            }
            let tabs = self.flow > 0 || !self.key_allowed;
            while self.cursor.byte(0) == b' ' || (tabs && self.cursor.byte(0) == b'\t') {
                self.cursor.skip(1);
            }
            if self.cursor.byte(0) == b'#' {
                self.cursor.skip_line();
            }
            if self.cursor.break_len(0) == 0 {
                return;
            }
            self.cursor.skip_break();
            if self.flow == 0 {
                self.key_allowed = true;
            }
        }
    }

    fn push(&mut self, token: Token<'a>, mark: Mark) {
        self.tokens.push_back((token, mark));
    }

    /// Pushes a token of one character.
    fn sign(&mut self, token: Token<'a>) {
        let mark = self.cursor.mark();
        self.cursor.skip(1);
        self.push(token, mark);
    }

    fn outermost(&mut self) -> Result<(), Fault> {
        self.unroll(-1);
        self.remove_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn begin_node(&mut self) -> Result<(), Fault> {
        self.save_key()?;
        self.key_allowed = false;
        Ok(())
    }

    fn flow_start(&mut self, token: Token<'a>) -> Result<(), Fault> {
        self.save_key()?;
        self.keys.push(SimpleKey::default());
        self.flow += 1;
        self.key_allowed = true;
        self.sign(token);
        Ok(())
    }

    fn flow_end(&mut self, token: Token<'a>) -> Result<(), Fault> {
        self.remove_key()?;
        if self.flow > 0 {
            self.flow -= 1;
            self.keys.pop();
        }
        self.key_allowed = false;
        self.sign(token);
        Ok(())
    }

    fn block_entry(&mut self) -> Result<(), Fault> {
        if self.flow == 0 {
            if !self.key_allowed {
                return self.fault("a list item may not begin here");
            }
            let mark = self.cursor.mark();
            self.roll(mark, None, Token::BlockSequenceStart);
        }
        self.remove_key()?;
        self.key_allowed = true;
        self.sign(Token::BlockEntry);
        Ok(())
    }

    fn explicit_key(&mut self) -> Result<(), Fault> {
        if self.flow == 0 {
            if !self.key_allowed {
                return self.fault("a mapping key may not begin here");
            }
            let mark = self.cursor.mark();
            self.roll(mark, None, Token::BlockMappingStart);
        }
        self.remove_key()?;
        self.key_allowed = self.flow == 0;
        self.sign(Token::Key);
        Ok(())
    }

    fn value(&mut self) -> Result<(), Fault> {
        let level = self.keys.len() - 1;
        if self.still_possible(level)? {
            let key = self.keys[level];
            let at = key.token - self.taken;
            self.tokens.insert(at, (Token::Key, key.mark));
            self.roll(key.mark, Some(at), Token::BlockMappingStart);
            self.keys[level].possible = false;
            self.key_allowed = false;
        } else {
            if self.flow == 0 {
                if !self.key_allowed {
                    return self.fault(
                        "a mapping value may not stand here; quote a text that has `: ` in it",
                    );
                }
                let mark = self.cursor.mark();
                self.roll(mark, None, Token::BlockMappingStart);
            }
            self.key_allowed = self.flow == 0;
        }
        self.sign(Token::Value);
        Ok(())
    }
}
