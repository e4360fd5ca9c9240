//! Where a mapping key may have begun, and which block collections are open.

use super::{Fault, Mark, Scanner, Token};

/// Where a mapping key without `?` may have begun.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SimpleKey {
    pub(super) possible: bool,
    /// In a block mapping a line that begins at its column must be a key.
    required: bool,
    pub(super) token: usize,
    pub(super) mark: Mark,
}

/// How many characters a key may have before its `:`.
const LONGEST_KEY: usize = 1024;

impl<'a> Scanner<'a> {
    pub(super) fn first_may_be_key(&mut self) -> Result<bool, Fault> {
        let taken = self.taken;
        match self
            .keys
            .iter()
            .position(|key| key.possible && key.token == taken)
        {
            Some(level) => self.still_possible(level),
            None => Ok(false),
        }
    }

    /// A key ends in its line and within its length.
    pub(super) fn still_possible(&mut self, level: usize) -> Result<bool, Fault> {
        let now = self.cursor.mark();
        let Some(key) = self.keys.get_mut(level) else {
            return Ok(false);
        };
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line == now.line && now.column <= key.mark.column + LONGEST_KEY {
            return Ok(true);
        }
        if key.required {
            return Err(Fault {
                mark: key.mark,
                reason: "could not find the expected `:` after the key",
            });
        }
        key.possible = false;
        Ok(false)
    }

    pub(super) fn save_key(&mut self) -> Result<(), Fault> {
        if self.key_allowed {
            let mark = self.cursor.mark();
            let required = self.flow == 0 && self.indent == mark.column.cast_signed();
            let token = self.taken + self.tokens.len();
            self.remove_key()?;
            if let Some(key) = self.keys.last_mut() {
                *key = SimpleKey {
                    possible: true,
                    required,
                    token,
                    mark,
                };
            }
        }
        Ok(())
    }

    pub(super) fn remove_key(&mut self) -> Result<(), Fault> {
        let Some(key) = self.keys.last_mut() else {
            return Ok(());
        };
        if key.possible && key.required {
            return Err(Fault {
                mark: key.mark,
                reason: "could not find the expected `:` after the key",
            });
        }
        key.possible = false;
        Ok(())
    }

    /// Opens a block collection at a column that is deeper than the open one.
    pub(super) fn roll(&mut self, mark: Mark, at: Option<usize>, token: Token<'a>) {
        let column = mark.column.cast_signed();
        if self.flow == 0 && self.indent < column {
            self.indents.push(self.indent);
            self.indent = column;
            match at {
                Some(at) => self.tokens.insert(at, (token, mark)),
                None => self.push(token, mark),
            }
        }
    }

    /// Closes the block collections that are deeper than a column.
    pub(super) fn unroll(&mut self, column: isize) {
        if self.flow > 0 {
            return;
        }
        while self.indent > column {
            self.push(Token::BlockEnd, self.cursor.mark());
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }
}
