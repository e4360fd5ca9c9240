//! Anchors and aliases, and how far they may make a document grow.

use serde_json::Value;

use super::{Anchor, Node, Reader};
use crate::Json;
use crate::decode::error::cut;
use crate::decode::scan::Mark;
use crate::decode::{DecodeError, Problem};

impl<'t> Reader<'t, '_> {
    pub(super) fn deeper(&self, depth: usize, mark: Mark) -> Result<(), DecodeError> {
        if depth < self.limits.depth {
            return Ok(());
        }
        let (what, limit) = ("the depth of the nesting", self.limits.depth);
        self.fail(mark, Problem::Limit { what, limit })
    }

    pub(super) fn open(
        &mut self,
        anchor: Option<&'t str>,
        depth: usize,
        mark: Mark,
    ) -> Result<(), DecodeError> {
        self.deeper(depth, mark)?;
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, Anchor::Open);
        }
        Ok(())
    }

    pub(super) fn keep(
        &mut self,
        anchor: Option<&'t str>,
        node: &Node,
        mark: Mark,
    ) -> Result<(), DecodeError> {
        if let Some(anchor) = anchor {
            let copy = self.copy(node, mark)?;
            self.anchors.insert(anchor, Anchor::Done(copy));
        }
        Ok(())
    }

    pub(super) fn alias(&mut self, anchor: &'t str, mark: Mark) -> Result<Node, DecodeError> {
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
            (
                self.copied_nodes,
                limits.copied_nodes,
                "the number of nodes that aliases add",
            ),
            (
                self.copied_bytes,
                limits.bytes,
                "the size of the text that aliases add",
            ),
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
