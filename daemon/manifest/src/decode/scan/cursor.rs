//! A place in a text that moves on and knows its line and column.

use super::Mark;

pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    mark: Mark,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            mark: Mark::default(),
        }
    }

    pub(super) fn mark(&self) -> Mark {
        self.mark
    }

    pub(super) fn column(&self) -> usize {
        self.mark.column
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// The text between a byte and here.
    pub(super) fn since(&self, from: usize) -> &'a str {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// The byte at a distance. The end is 0, which the text itself cannot hold.
    pub(super) fn byte(&self, distance: usize) -> u8 {
        self.text
            .as_bytes()
            .get(self.at + distance)
            .copied()
            .unwrap_or(0)
    }

    /// The next bytes; fewer at the end.
    pub(super) fn bytes(&self, count: usize) -> &'a [u8] {
        let rest = self.rest().as_bytes();
        &rest[..count.min(rest.len())]
    }

    pub(super) fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Skips so many characters of ASCII.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.text.len());
        self.mark.column += count;
    }

    /// Skips so many bytes, which end between two characters and hold no line break.
    pub(super) fn skip_bytes(&mut self, count: usize) {
        let end = (self.at + count).min(self.text.len());
        let bytes = &self.text.as_bytes()[self.at..end];
        // All bytes of a character but the first begin with the bits 10.
        self.mark.column += bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        self.at = end;
    }

    /// Skips what is left of the line, without its break.
    pub(super) fn skip_line(&mut self) {
        let mut count = 0;
        while self.byte(count) != 0 && self.break_len(count) == 0 {
            count += 1;
        }
        self.skip_bytes(count);
    }

    pub(super) fn skip_byte_order_mark(&mut self) {
        if self.byte(0) == 0xef && self.rest().starts_with('\u{feff}') {
            self.at += '\u{feff}'.len_utf8();
        }
    }

    pub(super) fn blank(&self) -> bool {
        matches!(self.byte(0), b' ' | b'\t')
    }

    /// A space, a tab, a line break or the end.
    pub(super) fn blank_or_end(&self, distance: usize) -> bool {
        matches!(self.byte(distance), b' ' | b'\t' | 0) || self.break_len(distance) > 0
    }

    /// The bytes of the line break at a distance; 0 when there is none. YAML 1.1 has five.
    pub(super) fn break_len(&self, distance: usize) -> usize {
        match self.byte(distance) {
            b'\n' => 1,
            b'\r' if self.byte(distance + 1) == b'\n' => 2,
            b'\r' => 1,
            0xc2 if self.byte(distance + 1) == 0x85 => 2,
            0xe2 if self.byte(distance + 1) == 0x80
                && matches!(self.byte(distance + 2), 0xa8 | 0xa9) =>
            {
                3
            }
            _ => 0,
        }
    }

    /// Skips a line break; returns what it means. The two Unicode separators mean themselves.
    pub(super) fn skip_break(&mut self) -> &'a str {
        let length = self.break_len(0);
        if length == 0 {
            return "";
        }
        let from = self.at;
        self.at += length;
        self.mark = Mark {
            line: self.mark.line + 1,
            column: 0,
        };
        if length == 3 { self.since(from) } else { "\n" }
    }
}
