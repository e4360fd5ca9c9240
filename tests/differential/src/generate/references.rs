//! `replacements` and `vars`.

use serde_json::{Value, json};

use super::names::VARIABLES;
use super::{Builder, Folder, Object, relative};
use crate::node::Node;
use crate::random::Random;

impl Builder {
    pub(super) fn replacements(&mut self, folder: &Folder, kustomization: &mut Node) {
        for _ in 0..self.random.between(1, 2) {
            let Some(replacement) = self.replacement(folder) else {
                return;
            };
            if self.random.percent(65) {
                kustomization.push("replacements", replacement);
                continue;
            }
            let (path, name) = self.new_file(&folder.path, "replacement");
            let list = if self.random.percent(50) {
                Node::List(vec![replacement])
            } else {
                replacement
            };
            self.tree.yaml(path, vec![list]);
            let mut entry = Node::map();
            entry.set("path", name);
            kustomization.push("replacements", entry);
        }
    }

    /// An entry of `replacements`.
    pub(super) fn replacement(&mut self, folder: &Folder) -> Option<Node> {
        if folder.objects.is_empty() {
            return None;
        }
        let from = self.random.pick(&folder.objects).clone();
        let mut replacement = Node::map();
        if self.random.percent(10) {
            replacement.set("sourceValue", "fixed-value");
        } else {
            let mut source = Node::map();
            source.set("kind", from.kind());
            source.set("name", from.name(&mut self.random));
            if self.random.percent(60) {
                source.set("fieldPath", leaf(&mut self.random, &from.value, false));
            }
            if self.random.percent(20) {
                source.set(
                    "options",
                    json!({"delimiter": "-", "index": self.random.below(12) / 10}),
                );
            }
            replacement.set("source", source);
        }
        for _ in 0..self.random.between(1, 2) {
            let to = self.random.pick(&folder.objects).clone();
            let mut target = Node::map();
            let select = self.selected(&to);
            target.set("select", select);
            if self.random.percent(15) {
                let other = self.random.pick(&folder.objects).clone();
                let reject = self.selected(&other);
                target.push("reject", reject);
            }
            let mut create = self.random.percent(40);
            for _ in 0..self.random.between(1, 2) {
                let path = if self.random.percent(25) {
                    create |= self.random.percent(90);
                    self.random.text(&[
                        "metadata.annotations.new",
                        "metadata.labels.app",
                        "spec.template.spec.containers.*.image",
                        "spec.template.spec.containers.[name=app].env.[name=VAR_0].value",
                        "data.new",
                        "metadata.name",
                        "spec.parts.[name=wheel].count",
                        "metadata.annotations.[example.com/owner]",
                    ])
                } else {
                    leaf(&mut self.random, &to.value, true)
                };
                target.push("fieldPaths", path);
            }
            let mut options = serde_json::Map::new();
            if create {
                options.insert("create".to_owned(), true.into());
            }
            if self.random.percent(20) {
                options.insert(
                    "delimiter".to_owned(),
                    self.random.text(&["-", ":", "/"]).into(),
                );
                let index = self.random.pick(&[0, 0, 0, 1, -1, 9]);
                options.insert("index".to_owned(), (*index).into());
            }
            if self.random.percent(4) {
                options.insert("encoding".to_owned(), "base64".into());
            }
            if !options.is_empty() {
                target.set("options", Value::from(options));
            }
            replacement.push("targets", target);
        }
        Some(replacement)
    }

    fn selected(&mut self, object: &Object) -> Node {
        let mut select = Node::map();
        if self.random.percent(85) {
            select.set("kind", object.kind());
        }
        if self.random.percent(70) || select.entries().is_empty() {
            select.set("name", object.name(&mut self.random));
        }
        if self.random.percent(10) {
            select.set("version", object.group_version().1);
        }
        select
    }

    pub(super) fn variables(&mut self, folder: &Folder, kustomization: &mut Node) {
        if folder.objects.is_empty() {
            return;
        }
        for name in self.random.some(&VARIABLES, 40) {
            // A name belongs to one variable in the whole tree, or the build fails.
            if !self.used.insert(("var".to_owned(), (*name).to_owned())) && self.random.percent(90)
            {
                continue;
            }
            let object = self.random.pick(&folder.objects).clone();
            let mut variable = Node::map();
            variable.set("name", *name);
            let mut reference = json!({
                "kind": object.kind(),
                "name": object.names.first().cloned().unwrap_or_default(),
                "apiVersion": object.api_version(),
            });
            if self.random.percent(20)
                && let Some(namespace) = object.value.pointer("/metadata/namespace")
            {
                reference["namespace"] = namespace.clone();
            }
            variable.set("objref", reference);
            if self.random.percent(50) {
                let path = leaf(&mut self.random, &object.value, false);
                variable.set("fieldref", json!({ "fieldpath": path }));
            }
            kustomization.push("vars", variable);
        }
    }

    /// Several replacements in a file.
    pub(super) fn replacement_file(&mut self, folder: &Folder) -> Option<String> {
        let replacement = self.replacement(folder)?;
        let (path, name) = self.new_file(&folder.path, "replacements");
        self.tree.yaml(path, vec![Node::List(vec![replacement])]);
        Some(name)
    }

    /// A file that lies outside of the folder, unless it does not; gives its path as the folder sees it.
    pub(super) fn shared_file(&mut self, folder: &str, document: Node) -> String {
        let outside = self.tree.flags.unrestricted || self.random.percent(10);
        let place = if outside { "shared" } else { folder };
        let (path, name) = self.new_file(place, "shared");
        self.tree.yaml(path, vec![document]);
        format!("{}/{name}", relative(folder, place))
    }
}

/// The path to a field, in dots; mostly to a scalar.
fn leaf(random: &mut Random, object: &Value, wildcards: bool) -> String {
    let mut parts = Vec::new();
    let mut value = object;
    loop {
        match value {
            Value::Object(map) if !map.is_empty() => {
                let at = random.below(map.len());
                let Some((key, child)) = map.iter().nth(at) else {
                    break;
                };
                parts.push(if key.contains('.') {
                    if random.percent(60) {
                        format!("[{key}]")
                    } else {
                        key.replace('.', "\\.")
                    }
                } else {
                    key.clone()
                });
                value = child;
            }
            Value::Array(items) if !items.is_empty() => {
                let at = random.below(items.len());
                let Some(child) = items.get(at) else { break };
                let name = child.get("name").and_then(Value::as_str);
                parts.push(match name {
                    Some(name) if random.percent(60) => format!("[name={name}]"),
                    _ if wildcards && random.percent(40) => "*".to_owned(),
                    _ => at.to_string(),
                });
                value = child;
            }
            _ => break,
        }
        if parts.len() > 1 && random.percent(6) {
            break;
        }
    }
    parts.join(".")
}
