//! Where the fields of a document stand.

use std::collections::HashMap;

use super::Position;

/// Notes the place of every field while a document is read, under its JSON pointer (RFC 6901).
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pointer: String,
    found: HashMap<String, Position>,
}

impl Recorder {
    /// Goes into a field; the number is for [`Recorder::leave`].
    pub(super) fn enter(&mut self, field: &str, position: Position) -> usize {
        let outside = self.pointer.len();
        self.pointer.push('/');
        for c in field.chars() {
            match c {
                '~' => self.pointer.push_str("~0"),
                '/' => self.pointer.push_str("~1"),
                other => self.pointer.push(other),
            }
        }
        self.found.insert(self.pointer.clone(), position);
        outside
    }

    /// Goes back to where the recorder was.
    pub(super) fn leave(&mut self, outside: usize) {
        self.pointer.truncate(outside);
    }

    /// Where a field of the mapping that is being read stands.
    pub(super) fn field(&self, field: &str) -> Option<Position> {
        let pointer = format!(
            "{}/{}",
            self.pointer,
            field.replace('~', "~0").replace('/', "~1")
        );
        self.found.get(&pointer).copied()
    }

    /// Hands out what was noted, and begins anew.
    pub(super) fn take(&mut self) -> HashMap<String, Position> {
        self.pointer.clear();
        std::mem::take(&mut self.found)
    }

    /// Notes where the document itself begins.
    pub(super) fn begin(&mut self, position: Position) {
        self.found.insert(String::new(), position);
    }
}
