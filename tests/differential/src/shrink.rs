//! Makes a tree smaller while it stays what it is.

use crate::node::Node;
use crate::tree::{File, Flags, Tree};

/// How many trees are tried at most: shrinking is a comfort, not a proof.
const TRIES: usize = 4000;

/// Gives a smaller tree that is still wanted; `wanted` is asked about every tree that is tried.
pub fn shrink(tree: &Tree, mut wanted: impl FnMut(&Tree) -> bool) -> Tree {
    let mut best = tree.clone();
    let mut left = TRIES;
    loop {
        let before = best.size();
        files(&mut best, &mut left, &mut wanted);
        let paths: Vec<String> = best.files.keys().cloned().collect();
        for path in paths {
            content(&mut best, &path, &mut left, &mut wanted);
        }
        let mut plain = best.clone();
        plain.flags = Flags {
            reorder: best.flags.reorder,
            unrestricted: false,
        };
        attempt(&mut best, plain, &mut left, &mut wanted);
        if best.size() >= before || left == 0 {
            return best;
        }
    }
}

fn attempt(
    best: &mut Tree,
    candidate: Tree,
    left: &mut usize,
    wanted: &mut impl FnMut(&Tree) -> bool,
) -> bool {
    if *left == 0 || candidate == *best {
        return false;
    }
    *left -= 1;
    if !wanted(&candidate) {
        return false;
    }
    *best = candidate;
    true
}

fn files(best: &mut Tree, left: &mut usize, wanted: &mut impl FnMut(&Tree) -> bool) {
    let paths: Vec<String> = best.files.keys().cloned().collect();
    for path in paths {
        let mut candidate = best.clone();
        candidate.files.remove(&path);
        attempt(best, candidate, left, wanted);
    }
}

/// Takes pieces out of a file, the large ones first.
fn content(best: &mut Tree, path: &str, left: &mut usize, wanted: &mut impl FnMut(&Tree) -> bool) {
    // Steps lead from a file to a node in it. They are made anew after each success, because the rest has moved.
    let mut at = 0;
    loop {
        let Some(File::Yaml(documents)) = best.files.get(path) else {
            return;
        };
        let mut places = Vec::new();
        collect(documents, &mut Vec::new(), &mut places);
        let Some(place) = places.get(at) else { return };
        let mut smaller = false;
        for change in [Change::Remove, Change::Lift, Change::Simplify] {
            let mut candidate = best.clone();
            let Some(File::Yaml(documents)) = candidate.files.get_mut(path) else {
                return;
            };
            if change.apply(documents, place) && attempt(best, candidate, left, wanted) {
                smaller = true;
                break;
            }
        }
        if *left == 0 {
            return;
        }
        if !smaller {
            at += 1;
        }
    }
}

/// Every node of some documents, the outer ones first.
fn collect(nodes: &[Node], at: &mut Vec<usize>, places: &mut Vec<Vec<usize>>) {
    for (index, node) in nodes.iter().enumerate() {
        at.push(index);
        visit(node, at, places);
        at.pop();
    }
}

fn visit(node: &Node, at: &mut Vec<usize>, places: &mut Vec<Vec<usize>>) {
    places.push(at.clone());
    match node {
        Node::List(items) | Node::Documents(items) => collect(items, at, places),
        Node::Map(entries) => {
            for (index, (_, value)) in entries.iter().enumerate() {
                at.push(index);
                visit(value, at, places);
                at.pop();
            }
        }
        Node::Raw(_) | Node::Text(_) => {}
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Takes the node out of what holds it.
    Remove,
    /// Takes the entries of a mapping out, all but the first.
    Lift,
    /// Makes a scalar one that nobody can misread.
    Simplify,
}

impl Change {
    /// Changes the node at a place; false when there is nothing to change.
    fn apply(self, documents: &mut Vec<Node>, place: &[usize]) -> bool {
        let Some((&last, outer)) = place.split_last() else {
            return false;
        };
        let Some((&first, steps)) = outer.split_first() else {
            return match self {
                Self::Remove if documents.len() > 1 && last < documents.len() => {
                    documents.remove(last);
                    true
                }
                _ => documents.get_mut(last).is_some_and(|node| self.on(node)),
            };
        };
        let Some(mut holder) = documents.get_mut(first) else {
            return false;
        };
        for &step in steps {
            let Some(inner) = child(holder, step) else {
                return false;
            };
            holder = inner;
        }
        if self != Self::Remove {
            return child(holder, last).is_some_and(|node| self.on(node));
        }
        match holder {
            Node::List(items) | Node::Documents(items) if last < items.len() => {
                items.remove(last);
                true
            }
            Node::Map(entries) if last < entries.len() => {
                entries.remove(last);
                true
            }
            _ => false,
        }
    }

    fn on(self, node: &mut Node) -> bool {
        match (self, node) {
            (Self::Lift, Node::Map(entries)) if entries.len() > 1 => {
                entries.truncate(1);
                true
            }
            (Self::Lift, Node::List(items) | Node::Documents(items)) if items.len() > 1 => {
                items.truncate(1);
                true
            }
            (Self::Simplify, Node::Text(text)) if text.len() > 1 && text.contains(' ') => {
                "a".clone_into(text);
                true
            }
            (Self::Simplify, Node::List(items)) if !items.is_empty() => {
                items.clear();
                true
            }
            _ => false,
        }
    }
}

fn child(node: &mut Node, at: usize) -> Option<&mut Node> {
    match node {
        Node::List(items) | Node::Documents(items) => items.get_mut(at),
        Node::Map(entries) => entries.get_mut(at).map(|(_, value)| value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::generate;
    use crate::tree::Tree;

    #[test]
    fn what_is_not_needed_goes() {
        let wanted = |tree: &Tree| tree.show().contains("kind: Deployment");
        let tree = (0..).map(generate::tree).find(wanted).unwrap_or_default();
        let small = shrink(&tree, wanted);
        assert!(wanted(&small), "it is still wanted");
        assert!(
            small.size() <= 5,
            "one entry is left of it:\n{}",
            small.show()
        );
    }
}
