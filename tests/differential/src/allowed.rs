//! The differences that are meant; `docs/kustomize.md` gives the reason for each under the same name.

use windlass_manifest::{Json, Limits, Rules, decode_by, to_yaml};

use crate::compare::Ours;
use crate::node::Node;
use crate::oracle::Built;
use crate::tree::{File, Tree};

/// A difference that is meant.
#[derive(Debug)]
pub struct Allowance {
    /// Its name, as in the documentation.
    pub name: &'static str,
    applies: fn(&Tree, &Built, &Ours) -> bool,
}

/// The differences that the results of any tree show.
pub const ALLOWANCES: &[Allowance] = &[
    Allowance {
        name: "kustomize ends with a panic",
        applies: |_, theirs, _| {
            theirs.as_ref().is_err_and(|error| {
                error.starts_with("panic: ") || error.starts_with("kustomize ended")
            })
        },
    },
    Allowance {
        name: "an integer of more than 64 bits",
        applies: |_, theirs, ours| theirs.is_ok() && fails_with(ours, "does not fit 64 bits"),
    },
    Allowance {
        name: "a number that JSON does not have",
        applies: |_, theirs, ours| {
            fails_with(ours, "is a number that JSON does not have")
                || theirs
                    .as_ref()
                    .is_err_and(|error| error.contains("json: unsupported value"))
        },
    },
    Allowance {
        name: "a value of the wrong type that does not stay",
        applies: |_, theirs, ours| theirs.is_ok() && fails_with(ours, "cannot take the place of"),
    },
    Allowance {
        name: "an expression that is none, for no object",
        applies: |_, theirs, ours| theirs.is_ok() && fails_with(ours, "not a regular expression"),
    },
];

/// The differences that need a tree with nothing else in it to be told from others: they are asked
/// once the tree has been made as small as it can be.
pub const SMALL_ALLOWANCES: &[Allowance] = &[
    Allowance {
        name: "a name that is no text",
        applies: |tree, theirs, ours| {
            let numbered = |text: &String| text.lines().any(is_numbered);
            if theirs.is_ok() && fails_with(ours, "the object has no `kind`") {
                return true;
            }
            (holds(tree, &["replacements"]) || holds(tree, &["op: "]))
                && ours.is_ok()
                && match theirs {
                    Ok(text) => numbered(text),
                    Err(error) => error.contains("number of previous names"),
                }
        },
    },
    Allowance {
        name: "the hash of an object whose kind is changed",
        applies: |tree, theirs, ours| {
            theirs.is_ok()
                && ours.is_ok()
                && holds(tree, &["Generator"])
                && (holds(tree, &["allowKindChange"]) || holds(tree, &["- kind\n"]))
        },
    },
    Allowance {
        name: "notes on an object that has lost its metadata",
        applies: |tree, theirs, ours| {
            theirs.is_ok()
                && ours.is_ok()
                && holds(tree, &["transformerAnnotations"])
                && (holds(tree, &["$patch"]) || holds(tree, &["/metadata/annotations\"\n"]))
        },
    },
    Allowance {
        name: "an object without an apiVersion",
        applies: |_, theirs, ours| {
            ours.is_ok()
                && theirs
                    .as_ref()
                    .is_ok_and(|text| text.lines().any(|line| line == "apiVersion: null"))
        },
    },
    Allowance {
        name: "a validator that changes nothing",
        applies: |tree, theirs, ours| {
            ours.is_ok()
                && holds(tree, &["validators"])
                && theirs
                    .as_ref()
                    .is_err_and(|error| error.contains("validator shouldn't modify"))
        },
    },
];

/// The difference that goes away when scalars are spelled as Windlass prints them.
pub const SPELLING: &str = "how a scalar is spelled";

/// The tree with every scalar spelled as Windlass prints its value; `None` when it is so already.
pub fn respelled(tree: &Tree) -> Option<Tree> {
    let mut plain = tree.clone();
    for file in plain.files.values_mut() {
        if let File::Yaml(documents) = file {
            documents.iter_mut().for_each(respell);
        }
    }
    (plain != *tree).then_some(plain)
}

fn respell(node: &mut Node) {
    match node {
        Node::Raw(text) => {
            let value = decode_by(Rules::Kustomize, text.as_bytes(), &Limits::default())
                .ok()
                .and_then(|documents| documents.into_iter().next())
                .map(|document| document.value);
            match value {
                // Floats are printed in many ways.
                Some(Json::Number(number)) if number.is_f64() => "7".clone_into(text),
                None | Some(Json::Array(_) | Json::Object(_)) => {}
                Some(value) => to_yaml(&value).trim_end().clone_into(text),
            }
        }
        Node::Text(text) => {
            let spelled = to_yaml(&text.as_str().into());
            if !spelled.starts_with('|') {
                *node = Node::Raw(spelled.trim_end().to_owned());
            }
        }
        Node::Documents(nodes) | Node::List(nodes) => nodes.iter_mut().for_each(respell),
        Node::Map(entries) => entries.iter_mut().for_each(|(_, node)| respell(node)),
    }
}

/// The allowance under which a difference falls.
pub fn allowed(tree: &Tree, theirs: &Built, ours: &Ours) -> Option<&'static str> {
    first(ALLOWANCES, tree, theirs, ours)
}

/// The allowance under which a difference of a tree falls that cannot be made smaller.
pub fn allowed_if_small(tree: &Tree, theirs: &Built, ours: &Ours) -> Option<&'static str> {
    first(SMALL_ALLOWANCES, tree, theirs, ours)
}

fn first(list: &[Allowance], tree: &Tree, theirs: &Built, ours: &Ours) -> Option<&'static str> {
    list.iter()
        .find(|allowance| (allowance.applies)(tree, theirs, ours))
        .map(|allowance| allowance.name)
}

/// Whether a line of YAML gives a number as the name or namespace of an object.
fn is_numbered(line: &str) -> bool {
    let line = line.trim();
    ["name: ", "namespace: "]
        .iter()
        .filter_map(|field| line.strip_prefix(field))
        .any(|value| value.parse::<i64>().is_ok())
}

fn fails_with(ours: &Ours, text: &str) -> bool {
    ours.as_ref().is_err_and(|error| error.contains(text))
}

/// Whether every one of these texts stands somewhere in the tree.
fn holds(tree: &Tree, texts: &[&str]) -> bool {
    texts.iter().all(|text| {
        tree.files
            .values()
            .any(|file| String::from_utf8_lossy(&file.bytes()).contains(text))
    })
}
