//! Plain, quoted and block scalars.

use std::borrow::Cow;

use super::{Fault, Scanner};

/// The line breaks between two lines of a flow scalar, and how they fold.
#[derive(Default)]
struct Fold {
    broken: bool,
    first: &'static str,
    /// A first break that means itself; see [`super::cursor::Cursor::skip_break`].
    own: String,
    more: String,
}

impl Fold {
    fn add(&mut self, line_break: &str) {
        if self.broken {
            self.more.push_str(line_break);
        } else {
            self.broken = true;
            if line_break == "\n" {
                self.first = "\n";
            } else {
                self.own.push_str(line_break);
            }
        }
    }

    /// One break becomes a space; of several, the first goes.
    fn join(&mut self, text: &mut String) {
        if self.first == "\n" {
            text.push_str(if self.more.is_empty() {
                " "
            } else {
                &self.more
            });
        } else {
            text.push_str(&self.own);
            text.push_str(&self.more);
        }
        *self = Self::default();
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn scan_plain(&mut self) -> Result<Cow<'a, str>, Fault> {
        let indent = self.indent + 1;
        let start = self.cursor.at();
        // What is read so far: one piece of the text while it is in one line.
        let mut end = start;
        let mut folded: Option<String> = None;
        let mut piece = start;
        let mut fold = Fold::default();
        loop {
            if self.document_marker().is_some() || self.cursor.byte(0) == b'#' {
                break;
            }
            let word = self.plain_word();
            if word > 0 {
                if fold.broken {
                    let text = folded.get_or_insert_with(String::new);
                    text.push_str(self.since(piece, end));
                    fold.join(text);
                    piece = self.cursor.at();
                }
                self.cursor.skip_bytes(word);
                end = self.cursor.at();
            }
            if !self.cursor.blank() && self.cursor.break_len(0) == 0 {
                break;
            }
            loop {
                if self.cursor.blank() {
                    if fold.broken
                        && self.cursor.byte(0) == b'\t'
                        && self.cursor.column().cast_signed() < indent
                    {
                        return self.fault("found a tab in the indentation; indent with spaces");
                    }
                    self.cursor.skip(1);
                } else if self.cursor.break_len(0) > 0 {
                    let line_break = self.cursor.skip_break();
                    fold.add(line_break);
                } else {
                    break;
                }
            }
            if self.flow == 0 && self.cursor.column().cast_signed() < indent {
                break;
            }
        }
        if fold.broken {
            self.key_allowed = true;
        }
        Ok(match folded {
            None => Cow::Borrowed(self.since(start, end)),
            Some(mut text) => {
                text.push_str(self.since(piece, end));
                Cow::Owned(text)
            }
        })
    }

    /// The bytes up to the next blank or to what ends a plain scalar.
    fn plain_word(&self) -> usize {
        let mut count = 0;
        loop {
            match self.cursor.byte(count) {
                b' ' | b'\t' | b'\n' | b'\r' | 0 => return count,
                b':' if self.cursor.blank_or_end(count + 1) => return count,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if self.flow > 0 => return count,
                0xc2 | 0xe2 if self.cursor.break_len(count) > 0 => return count,
                _ => count += 1,
            }
        }
    }

    fn since(&self, from: usize, to: usize) -> &'a str {
        let text = self.cursor.since(from);
        text.get(..to.saturating_sub(from)).unwrap_or_default()
    }

    pub(super) fn scan_quoted(&mut self) -> Result<Cow<'a, str>, Fault> {
        let quote = self.cursor.byte(0);
        self.cursor.skip(1);
        let start = self.cursor.at();
        if let Some(text) = self.one_line(start, quote) {
            return Ok(Cow::Borrowed(text));
        }
        let mut text = String::new();
        loop {
            if self.document_marker().is_some() {
                return self.fault("found the end of the document in a quoted text");
            }
            if self.cursor.at_end() {
                return self.fault("found the end of the text in a quoted text");
            }
            let mut fold = Fold::default();
            while !self.cursor.blank_or_end(0) {
                match (quote, self.cursor.byte(0), self.cursor.byte(1)) {
                    (b'\'', b'\'', b'\'') => {
                        text.push('\'');
                        self.cursor.skip(2);
                    }
                    (_, byte, _) if byte == quote => break,
                    (b'"', b'\\', _) if self.cursor.break_len(1) > 0 => {
                        self.cursor.skip(1);
                        self.cursor.skip_break();
                        fold.broken = true;
                        break;
                    }
                    (b'"', b'\\', _) => text.push(self.escape()?),
                    _ => {
                        let from = self.cursor.at();
                        let word = self.quoted_word(quote);
                        self.cursor.skip_bytes(word);
                        text.push_str(self.cursor.since(from));
                    }
                }
            }
            if self.cursor.byte(0) == quote {
                self.cursor.skip(1);
                return Ok(Cow::Owned(text));
            }
            let from = self.cursor.at();
            let mut blanks = from;
            loop {
                if self.cursor.blank() {
                    self.cursor.skip(1);
                    if !fold.broken {
                        blanks = self.cursor.at();
                    }
                } else if self.cursor.break_len(0) > 0 {
                    let line_break = self.cursor.skip_break();
                    fold.add(line_break);
                } else {
                    break;
                }
            }
            if fold.broken {
                fold.join(&mut text);
            } else {
                text.push_str(self.since(from, blanks));
            }
        }
    }

    /// A quoted text that ends in its line and has no escapes, which is nearly every one.
    fn one_line(&mut self, start: usize, quote: u8) -> Option<&'a str> {
        let rest = self.cursor.rest().as_bytes();
        let plain = rest.iter().position(|byte| match *byte {
            b'\\' => quote == b'"',
            b'\n' | b'\r' | 0xc2 | 0xe2 => true,
            other => other == quote,
        })?;
        if rest.get(plain) != Some(&quote)
            || (quote == b'\'' && rest.get(plain + 1) == Some(&quote))
        {
            return None;
        }
        self.cursor.skip_bytes(plain);
        let text = self.cursor.since(start);
        self.cursor.skip(1);
        Some(text)
    }

    fn quoted_word(&self, quote: u8) -> usize {
        let mut count = 0;
        loop {
            match self.cursor.byte(count) {
                b' ' | b'\t' | b'\n' | b'\r' | 0 => return count,
                b'\\' if quote == b'"' => return count,
                0xc2 | 0xe2 if self.cursor.break_len(count) > 0 => return count,
                byte if byte == quote => return count,
                _ => count += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char, Fault> {
        let digits = match self.cursor.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            escaped => {
                let c = match escaped {
                    b'0' => '\0',
                    b'a' => '\x07',
                    b'b' => '\x08',
                    b't' | b'\t' => '\t',
                    b'n' => '\n',
                    b'v' => '\x0b',
                    b'f' => '\x0c',
                    b'r' => '\r',
                    b'e' => '\x1b',
                    b' ' => ' ',
                    b'"' => '"',
                    b'\'' => '\'',
                    b'\\' => '\\',
                    b'N' => '\u{85}',
                    b'_' => '\u{a0}',
                    b'L' => '\u{2028}',
                    b'P' => '\u{2029}',
                    _ => {
                        return self.fault("found an unknown escape; write `\\\\` for a backslash");
                    }
                };
                self.cursor.skip(2);
                return Ok(c);
            }
        };
        self.cursor.skip(2);
        let written = self.cursor.bytes(digits);
        if written.len() < digits || !written.iter().all(u8::is_ascii_hexdigit) {
            return self.fault("found an escape without its hexadecimal digits");
        }
        let code = written.iter().fold(0_u32, |code, digit| {
            (code << 4) | char::from(*digit).to_digit(16).unwrap_or(0)
        });
        let Some(c) = char::from_u32(code) else {
            return self.fault("found an escape that is no Unicode character");
        };
        self.cursor.skip(digits);
        Ok(c)
    }

    pub(super) fn scan_block(&mut self) -> Result<Cow<'a, str>, Fault> {
        let literal = self.cursor.byte(0) == b'|';
        self.cursor.skip(1);
        let (keep, given) = self.block_header()?;
        let mut indent = given.map(|given| self.indent.max(0) + given);
        let mut text = String::new();
        let mut first: &str = "";
        let mut more = String::new();
        let mut leading_blank = false;
        self.block_breaks(&mut indent, &mut more)?;
        let indent = indent.unwrap_or(1);
        while self.cursor.column().cast_signed() == indent && !self.cursor.at_end() {
            let blank = self.cursor.blank();
            if !literal && first == "\n" && !leading_blank && !blank {
                if more.is_empty() {
                    text.push(' ');
                }
            } else {
                text.push_str(first);
            }
            text.push_str(&more);
            more.clear();
            leading_blank = blank;
            let from = self.cursor.at();
            self.cursor.skip_line();
            text.push_str(self.cursor.since(from));
            first = self.cursor.skip_break();
            self.block_breaks(&mut Some(indent), &mut more)?;
        }
        match keep {
            Some(false) => {}
            None => text.push_str(first),
            Some(true) => {
                text.push_str(first);
                text.push_str(&more);
            }
        }
        Ok(Cow::Owned(text))
    }

    /// Whether the breaks at the end are kept (`+`) or dropped (`-`), and how far the text is
    /// indented, if that is said.
    fn block_header(&mut self) -> Result<(Option<bool>, Option<isize>), Fault> {
        let (mut keep, mut given) = (None, None);
        for _ in 0..2 {
            match self.cursor.byte(0) {
                sign @ (b'+' | b'-') if keep.is_none() => keep = Some(sign == b'+'),
                b'0' if given.is_none() => {
                    return self.fault("found an indentation of 0; it is 1 to 9");
                }
                digit @ b'1'..=b'9' if given.is_none() => given = Some(isize::from(digit - b'0')),
                _ => break,
            }
            self.cursor.skip(1);
        }
        while self.cursor.blank() {
            self.cursor.skip(1);
        }
        if self.cursor.byte(0) == b'#' {
            self.cursor.skip_line();
        }
        if !self.cursor.at_end() && self.cursor.break_len(0) == 0 {
            return self.fault("only a comment may follow `|` or `>` in its line");
        }
        self.cursor.skip_break();
        Ok((keep, given))
    }

    /// Skips the indentation and empty lines; finds out how far the text is indented.
    fn block_breaks(&mut self, indent: &mut Option<isize>, more: &mut String) -> Result<(), Fault> {
        let mut deepest = 0;
        loop {
            let inside = |column: usize| indent.is_none_or(|indent| column.cast_signed() < indent);
            while self.cursor.byte(0) == b' ' && inside(self.cursor.column()) {
                self.cursor.skip(1);
            }
            deepest = deepest.max(self.cursor.column());
            if self.cursor.byte(0) == b'\t' && inside(self.cursor.column()) {
                return self.fault("found a tab in the indentation; indent with spaces");
            }
            if self.cursor.break_len(0) == 0 {
                break;
            }
            let line_break = self.cursor.skip_break();
            more.push_str(line_break);
        }
        if indent.is_none() {
            *indent = Some(deepest.cast_signed().max(self.indent + 1).max(1));
        }
        Ok(())
    }
}
