//! Scalars that readers of YAML disagree about, and values that are not there.

use crate::node::Node;
use crate::random::Random;

/// Scalars as they stand in a file.
pub(super) const SCALARS: [&str; 66] = [
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "Yes",
    "NO",
    "true",
    "True",
    "FALSE",
    "null",
    "~",
    "Null",
    "\"\"",
    "''",
    "0",
    "-0",
    "+1",
    "1",
    "007",
    "0644",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "1E-2",
    "1.0",
    "1.10",
    ".5",
    "-.5",
    "5.",
    "1e400",
    ".inf",
    "-.Inf",
    ".nan",
    "12:30:45",
    "190:20:30",
    "2001-12-14",
    "2001-12-14T21:59:43Z",
    "\"2001-12-14\"",
    "'1'",
    "\"1\"",
    "'yes'",
    "\"true\"",
    "'null'",
    "'0644'",
    "\"1e3\"",
    "123456789012345678901234567890",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "0.1",
    "100000000000000000000.5",
    "1e21",
    "\"a: b\"",
    "'it''s'",
    "\"tab\\there\"",
    "\"h\\u00e9llo \\U0001F680\"",
    "grüße",
    "=",
    "a b  c",
    "\"  spaces  \"",
    "1.2.3",
    "0x",
];

/// Values that are empty in some way.
const EMPTY: [&str; 5] = ["null", "{}", "[]", "\"\"", "~"];

/// Replaces some of the scalars where any is allowed, and empties something now and then.
pub(super) fn sprinkle(random: &mut Random, object: &mut Node) {
    visit(random, object, &mut Vec::new());
    if random.percent(10) {
        empty_one(random, object, 0);
    }
}

/// An odd scalar.
pub(super) fn scalar(random: &mut Random) -> Node {
    Node::Raw(random.text(&SCALARS))
}

fn visit(random: &mut Random, node: &mut Node, path: &mut Vec<String>) {
    match node {
        Node::Map(entries) => {
            let free = path.last().is_some_and(|key| {
                ["data", "annotations", "parameters", "nodeSelector"].contains(&key.as_str())
            });
            if free && random.percent(40) {
                let key = format!("odd-{}", random.below(3));
                entries.retain(|(known, _)| *known != key);
                let value = scalar(random);
                entries.push((key, value));
            }
            for (key, value) in entries {
                let odd = free
                    || ["value", "size", "schedule", "count", "port", "stringData"]
                        .contains(&key.as_str());
                if odd && random.percent(15) && matches!(value, Node::Text(_) | Node::Raw(_)) {
                    *value = scalar(random);
                    continue;
                }
                path.push(key.clone());
                visit(random, value, path);
                path.pop();
            }
        }
        Node::List(items) => {
            let free = path
                .last()
                .is_some_and(|key| ["args", "command", "tags"].contains(&key.as_str()));
            for item in items {
                if free && random.percent(15) {
                    *item = scalar(random);
                } else {
                    visit(random, item, path);
                }
            }
        }
        _ => {}
    }
}

/// Empties one field somewhere below the top.
fn empty_one(random: &mut Random, node: &mut Node, depth: usize) {
    match node {
        Node::Map(entries) => {
            let at = random.below(entries.len());
            let Some((key, value)) = entries.get_mut(at) else {
                return;
            };
            if depth > 0 && key != "name" && random.percent(30) {
                *value = Node::Raw(random.text(&EMPTY));
            } else {
                empty_one(random, value, depth + 1);
            }
        }
        Node::List(items) => {
            let at = random.below(items.len());
            if let Some(item) = items.get_mut(at) {
                empty_one(random, item, depth + 1);
            }
        }
        _ => {}
    }
}
