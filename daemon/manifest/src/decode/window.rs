//! Hands a document to the parser in small pieces.

use std::io::{BufRead, Read, Result};

/// How many bytes the parser is given at once. It keeps four bytes for each character that it was
/// given and has not read, so a whole file at once would cost four times its size.
const PIECE: usize = 4096;

/// A text in pieces that end between characters. A line break is added at the end when the text
/// has none, as kubectl's line reader does; block scalars depend on it.
pub(super) struct Window<'a> {
    rest: &'a str,
    end: &'static str,
}

impl<'a> Window<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, end: if text.ends_with('\n') { "" } else { "\n" } }
    }

    fn piece(&self) -> &str {
        if self.rest.is_empty() {
            return self.end;
        }
        let end = (PIECE..self.rest.len()).find(|at| self.rest.is_char_boundary(*at));
        &self.rest[..end.unwrap_or(self.rest.len())]
    }
}

impl BufRead for Window<'_> {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        Ok(self.piece().as_bytes())
    }

    fn consume(&mut self, amount: usize) {
        if self.rest.is_empty() {
            self.end = self.end.get(amount..).unwrap_or("");
        } else {
            self.rest = self.rest.get(amount..).unwrap_or("");
        }
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let piece = self.piece().as_bytes();
        let amount = piece.len().min(buffer.len());
        buffer[..amount].copy_from_slice(&piece[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}
