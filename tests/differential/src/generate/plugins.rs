//! `transformers`, `generators` and `validators` of the built-in kinds.

use serde_json::{Value, json};

use super::names::{ANNOTATIONS, LABELS, NAMESPACES};
use super::{Builder, Folder, join};
use crate::node::Node;

impl Builder {
    pub(super) fn plugins(&mut self, folder: &mut Folder, kustomization: &mut Node) {
        for _ in 0..self.random.between(1, 2) {
            let (field, config) = match self.random.below(20) {
                0..=3 => ("generators", self.generator_config(folder)),
                4 => ("validators", self.transformer_config(folder)),
                _ => ("transformers", self.transformer_config(folder)),
            };
            let Some(mut config) = config else { continue };
            if self.random.percent(3) {
                config.set("unknownField", "x");
            }
            let entry = match self.random.below(5) {
                0 | 1 => Node::Documents(vec![config]),
                2 => {
                    // A folder whose kustomization lists the configuration.
                    self.files += 1;
                    let name = format!("plugin-{}", self.files);
                    let inner = join(&folder.path, &name);
                    // What the configuration names lies in the folder of the outer kustomization.
                    self.tree.yaml(join(&inner, "plugin.yaml"), vec![config]);
                    let mut list = Node::map();
                    list.push("resources", "plugin.yaml");
                    self.tree
                        .yaml(join(&inner, "kustomization.yaml"), vec![list]);
                    Node::from(name)
                }
                _ => {
                    let (path, name) = self.new_file(&folder.path, "plugin");
                    self.tree.yaml(path, vec![config]);
                    Node::from(name)
                }
            };
            kustomization.push(field, entry);
        }
    }

    fn generator_config(&mut self, folder: &mut Folder) -> Option<Node> {
        if self.random.percent(15) {
            return Some(self.policy().into());
        }
        let kind = if self.random.percent(60) {
            "ConfigMap"
        } else {
            "Secret"
        };
        let entry = self.generator(folder, kind);
        let mut config = plugin(&format!("{kind}Generator"), "generator");
        let mut metadata = Node::map();
        for (key, value) in entry.entries() {
            match key.as_str() {
                "name" | "namespace" => metadata.set(key, value.clone()),
                _ => config.set(key, value.clone()),
            }
        }
        config.set("metadata", metadata);
        Some(config)
    }

    fn transformer_config(&mut self, folder: &Folder) -> Option<Node> {
        let kinds = [
            "AnnotationsTransformer",
            "LabelTransformer",
            "NamespaceTransformer",
            "PrefixTransformer",
            "SuffixTransformer",
            "PrefixSuffixTransformer",
            "ImageTagTransformer",
            "ReplicaCountTransformer",
            "PatchTransformer",
            "PatchStrategicMergeTransformer",
            "PatchJson6902Transformer",
            "ReplacementTransformer",
            "ValueAddTransformer",
            "HashTransformer",
        ];
        let kind = self.random.text(&kinds);
        let mut config = plugin(&kind, "transformer");
        match kind.as_str() {
            "AnnotationsTransformer" => {
                let annotations = self.pairs(&ANNOTATIONS);
                config.set("annotations", annotations);
                self.specs(&mut config, "metadata/annotations");
            }
            "LabelTransformer" => {
                let labels = self.pairs(&LABELS);
                config.set("labels", labels);
                self.specs(&mut config, "metadata/labels");
            }
            "NamespaceTransformer" => {
                let namespace = self.random.text(&NAMESPACES);
                config.set(
                    "metadata",
                    json!({"name": "transformer", "namespace": namespace}),
                );
                if self.random.percent(40) {
                    config.set("unsetOnly", Value::from(true));
                }
                if self.random.percent(60) {
                    let mode =
                        self.random
                            .text(&["none", "defaultOnly", "allServiceAccounts", "wrong"]);
                    config.set("setRoleBindingSubjects", mode);
                }
                self.specs(&mut config, "metadata/namespace");
            }
            "PrefixTransformer" | "SuffixTransformer" | "PrefixSuffixTransformer" => {
                config.set("prefix", "t-");
                config.set("suffix", "-t");
                self.specs(&mut config, "metadata/name");
            }
            "ImageTagTransformer" => {
                let image = self.image();
                config.set("imageTag", image);
                self.specs(&mut config, "spec/template/spec/containers[]/image");
            }
            "ReplicaCountTransformer" => {
                let name = folder
                    .objects
                    .first()
                    .map(|object| object.name(&mut self.random))?;
                config.set("replica", json!({"name": name, "count": 5}));
                self.specs(&mut config, "spec/replicas");
            }
            "PatchTransformer" => {
                for (key, value) in self.patch(folder)?.entries() {
                    config.set(key, value.clone());
                }
            }
            "PatchStrategicMergeTransformer" => {
                if folder.objects.is_empty() {
                    return None;
                }
                let object = self.random.pick(&folder.objects).clone();
                let patch = self.strategic(&object);
                if self.random.percent(50) {
                    config.set("patches", Node::Documents(vec![patch]));
                } else {
                    let (path, name) = self.new_file(&folder.path, "psm");
                    self.tree.yaml(path, vec![patch]);
                    config.set("paths", vec![Node::from(name)]);
                }
            }
            "PatchJson6902Transformer" => {
                let object = folder.objects.first()?;
                config.set(
                    "target",
                    json!({"kind": object.kind(), "version": object.group_version().1,
                        "group": object.group_version().0, "name": object.names.first()}),
                );
                config.set(
                    "jsonOp",
                    r#"[{"op": "add", "path": "/metadata/labels", "value": {"json": "op"}}]"#,
                );
            }
            "ReplacementTransformer" => {
                let replacement = if self.random.percent(50) {
                    let mut entry = Node::map();
                    entry.set("path", self.replacement_file(folder)?);
                    entry
                } else {
                    self.replacement(folder)?
                };
                config.set("replacements", vec![replacement]);
            }
            "ValueAddTransformer" => self.value_add(folder, &mut config)?,
            _ => {}
        }
        Some(config)
    }

    fn value_add(&mut self, folder: &Folder, config: &mut Node) -> Option<()> {
        config.set("value", "added");
        let object = folder.objects.first()?.clone();
        let path = self.random.text(&[
            "metadata/namespace",
            "metadata/annotations/note",
            "metadata/name",
            "spec/new",
        ]);
        let mut target = json!({ "fieldPath": path });
        if self.random.percent(50) {
            target["selector"] = json!({"kind": object.kind()});
        }
        if self.random.percent(30) {
            target["filePathPosition"] = 1.into();
        }
        if self.random.percent(60) {
            config.set("targets", json!([target]));
        } else {
            let target: Node = json!([target]).into();
            let mut file = Node::map();
            file.set("targets", target);
            let file = self.shared_file(&folder.path, file);
            config.set("targetFilePath", file);
        }
        Some(())
    }

    fn specs(&mut self, config: &mut Node, path: &str) {
        if self.random.percent(95) {
            let mut specs = vec![Node::from(
                json!({"path": path, "create": self.random.percent(70)}),
            )];
            if self.random.percent(12) {
                specs.push(self.field_spec());
            }
            let spelling = if self.random.percent(97) {
                "fieldSpecs"
            } else {
                "fieldspecs"
            };
            config.set(spelling, specs);
        }
    }
}

fn plugin(kind: &str, name: &str) -> Node {
    json!({"apiVersion": "builtin", "kind": kind, "metadata": {"name": name}}).into()
}
