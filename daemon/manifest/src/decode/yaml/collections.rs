//! Lists and mappings, in block and in flow style.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::scalars::standard;
use super::{Context, Node, Reader};
use crate::Json;
use crate::decode::scalar::Scalar;
use crate::decode::scan::{Mark, Style, Tag, Token};
use crate::decode::{DecodeError, Problem, Rules};
use crate::object::type_name;

/// A mapping while it is read.
#[derive(Default)]
struct Mapping {
    entries: Map<String, Json>,
    /// The keys that are written out, once something was merged beside them: those may not repeat,
    /// but a merged key may be set again.
    written: Option<HashSet<String>>,
    /// What kustomize merges into it when it is complete.
    merged: Option<Map<String, Json>>,
}

impl Mapping {
    fn finish(mut self) -> Json {
        for (key, value) in self.merged.into_iter().flatten() {
            self.entries.entry(key).or_insert(value);
        }
        Value::Object(self.entries)
    }
}

impl Reader<'_, '_> {
    pub(super) fn block_list(&mut self, depth: usize) -> Result<Json, DecodeError> {
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

    pub(super) fn list_of_key(&mut self, depth: usize) -> Result<Json, DecodeError> {
        let mut items = Vec::new();
        while self.take(&Token::BlockEntry)? {
            let next = self.peek()?;
            let empty = matches!(
                next,
                Token::BlockEntry | Token::Key | Token::Value | Token::BlockEnd
            );
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
        let around = self.place;
        self.place = around.of_item();
        items.push(self.value(context, depth)?);
        self.place = around;
        self.leave(outside);
        Ok(())
    }

    pub(super) fn block_map(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mut map = Mapping::default();
        while self.take(&Token::Key)? {
            let mark = self.mark()?;
            let empty = matches!(self.peek()?, Token::Key | Token::Value | Token::BlockEnd);
            let key = self.key_node(empty, Context::BlockOfKey, depth)?;
            let value = self.take(&Token::Value)?
                && !matches!(self.peek()?, Token::Key | Token::Value | Token::BlockEnd);
            let context = Context::BlockOfKey;
            self.entry(&mut map, key, mark, (context, value), depth)?;
        }
        if !self.take(&Token::BlockEnd)? {
            return self
                .fail_here("expected a key or the end of the mapping; check the indentation");
        }
        Ok(map.finish())
    }

    pub(super) fn flow_list(&mut self, depth: usize) -> Result<Json, DecodeError> {
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
        self.entry(&mut map, key, mark, (Context::Flow, value), depth)?;
        Ok(map.finish())
    }

    pub(super) fn flow_map(&mut self, depth: usize) -> Result<Json, DecodeError> {
        self.next()?;
        let mut map = Mapping::default();
        let mut first = true;
        loop {
            if self.take(&Token::FlowMappingEnd)? {
                return Ok(map.finish());
            }
            if !first {
                if !self.take(&Token::FlowEntry)? {
                    return self.fail_here("expected `,` or `}`");
                }
                if self.take(&Token::FlowMappingEnd)? {
                    return Ok(map.finish());
                }
            }
            first = false;
            let ends =
                |token: &Token<'_>| matches!(token, Token::FlowEntry | Token::FlowMappingEnd);
            let explicit = self.take(&Token::Key)?;
            let mark = self.mark()?;
            let empty = explicit && (*self.peek()? == Token::Value || ends(self.peek()?));
            let key = self.key_node(empty, Context::Flow, depth)?;
            let value = explicit && self.take(&Token::Value)? && !ends(self.peek()?);
            self.entry(&mut map, key, mark, (Context::Flow, value), depth)?;
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
        let mark = self.mark()?;
        let (anchor, tag) = self.properties()?;
        if let Token::Scalar { text, style } = self.peek()? {
            let implied = match &tag {
                None => *style == Style::Plain,
                Some(tag) => *tag == Tag::NonSpecific || standard(tag) == Some("merge"),
            };
            if implied && text == "<<" {
                self.next()?;
                self.keep(anchor, &Node::Scalar(Scalar::Text, "<<".to_owned()), mark)?;
                return Ok(None);
            }
        }
        self.node_with(anchor, tag.as_ref(), mark, context, depth)
            .map(Some)
    }

    /// Reads the value of a key, if it has one, and puts it into the mapping.
    fn entry(
        &mut self,
        map: &mut Mapping,
        key: Option<Node>,
        mark: Mark,
        (context, has_value): (Context, bool),
        depth: usize,
    ) -> Result<(), DecodeError> {
        let Some(key) = key else {
            return match (self.rules, has_value) {
                (_, false) => self.fail(mark, Problem::Merge { found: "null" }),
                (Rules::Kustomize, true) => self.merge_at_end(map, mark, context, depth),
                (_, true) => self.merge(map, mark, context, depth),
            };
        };
        let key = self.key(key, mark)?;
        let twice = match &mut map.written {
            Some(written) => !written.insert(key.clone()),
            None => map.entries.contains_key(&key),
        };
        if twice && self.rules != Rules::Kustomization {
            let first = self
                .recorder
                .as_ref()
                .and_then(|recorder| recorder.field(&key));
            return self.fail(mark, Problem::DuplicateKey { key, first });
        }
        let outside = self.enter(&key, mark);
        let around = self.place;
        self.place = around.of_field(&key);
        let value = if has_value {
            self.value(context, depth)?
        } else {
            self.nothing(context)
        };
        self.place = around;
        self.leave(outside);
        // kustomize takes `"<<"` out together with `<<`, without merging it.
        if self.rules != Rules::Kustomize || key != "<<" {
            map.entries.insert(key, value);
        }
        Ok(())
    }

    fn enter(&mut self, field: &str, mark: Mark) -> Option<usize> {
        let position = self.position(mark);
        self.recorder
            .as_mut()
            .map(|recorder| recorder.enter(field, position))
    }

    fn leave(&mut self, outside: Option<usize>) {
        if let (Some(recorder), Some(outside)) = (&mut self.recorder, outside) {
            recorder.leave(outside);
        }
    }

    /// Lays the mappings behind `<<` over what the mapping has so far; a key that follows in the
    /// mapping itself wins over them.
    fn merge(
        &mut self,
        map: &mut Mapping,
        mark: Mark,
        context: Context,
        depth: usize,
    ) -> Result<(), DecodeError> {
        map.written
            .get_or_insert_with(|| map.entries.keys().cloned().collect());
        map.entries.extend(self.merged(mark, context, depth)?);
        Ok(())
    }

    /// Keeps the mappings behind `<<` for the end of the mapping, as kustomize does, which has room
    /// for one `<<` only.
    fn merge_at_end(
        &mut self,
        map: &mut Mapping,
        mark: Mark,
        context: Context,
        depth: usize,
    ) -> Result<(), DecodeError> {
        if map.merged.is_some() {
            let (key, first) = ("<<".to_owned(), None);
            return self.fail(mark, Problem::DuplicateKey { key, first });
        }
        map.merged = Some(self.merged(mark, context, depth)?);
        Ok(())
    }

    /// Reads what stands behind `<<`. In a list the first mapping wins.
    fn merged(
        &mut self,
        mark: Mark,
        context: Context,
        depth: usize,
    ) -> Result<Map<String, Json>, DecodeError> {
        let named = matches!(self.peek()?, Token::Alias(_));
        // Fields that are merged have no place of their own.
        let recorder = self.recorder.take();
        let value = self.value(context, depth);
        self.recorder = recorder;
        let refuse = |found: &Json| Problem::Merge {
            found: type_name(found),
        };
        match value? {
            Value::Object(merged) => Ok(merged),
            Value::Array(items) if !named => {
                let mut all = Map::new();
                for item in items.into_iter().rev() {
                    match item {
                        Value::Object(merged) => all.extend(merged),
                        other => return self.fail(mark, refuse(&other)),
                    }
                }
                Ok(all)
            }
            other => self.fail(mark, refuse(&other)),
        }
    }
}
