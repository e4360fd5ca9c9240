//! `configMapGenerator`, `secretGenerator` and their options.

use serde_json::{Value, json};

use super::names::{ANNOTATIONS, LABEL_VALUES, LABELS, NAMESPACES, name_of};
use super::{Builder, Feature, Folder, Generated, join, odd};
use crate::node::Node;

const ENVIRONMENT: &str = "\
# a comment
A=1
  B=two words
C=
D

E=\"quoted\"
F='x' # not a comment
G=a=b=c
";

const LITERALS: [&str; 9] = [
    "a=1",
    "b=two words",
    "c=x=y",
    "d='single'",
    "e=\"double\"",
    "f=",
    "g=$(CONF)",
    "host=db.prod.svc",
    "h=grüße",
];

impl Builder {
    pub(super) fn generators(&mut self, folder: &mut Folder, kustomization: &mut Node) {
        if self.here(Feature::GeneratorOptions, 50) {
            let options = self.options();
            kustomization.set("generatorOptions", options);
        }
        for _ in 0..self.random.between(1, 2) {
            let kind = if self.random.percent(60) {
                "ConfigMap"
            } else {
                "Secret"
            };
            let generator = self.generator(folder, kind);
            let field = if kind == "ConfigMap" {
                "configMapGenerator"
            } else {
                "secretGenerator"
            };
            kustomization.push(field, generator);
        }
    }

    /// An entry of one of the fields, which is the configuration of a generator as well.
    pub(super) fn generator(&mut self, folder: &mut Folder, kind: &'static str) -> Node {
        let mut generator = Node::map();
        let earlier: Vec<Generated> = folder
            .generated
            .iter()
            .filter(|other| other.kind == kind)
            .cloned()
            .collect();
        if !earlier.is_empty() && self.random.percent(60) {
            let behavior = match self.random.below(20) {
                0 => "create",
                1 => "unspecified",
                2..=7 => "replace",
                _ => "merge",
            };
            generator.set("behavior", behavior);
            let known = self.random.pick(&earlier).clone();
            generator.set("name", known.name);
            if let Some(namespace) = known.namespace {
                generator.set("namespace", namespace);
            }
        } else {
            let mut name = name_of(&mut self.random, kind);
            if !self.used.insert((kind.to_owned(), name.clone())) {
                name = format!("{name}-{}", self.used.len());
                self.used.insert((kind.to_owned(), name.clone()));
            }
            generator.set("name", name.clone());
            let mut namespace = None;
            if self.random.percent(12) {
                let chosen = self.random.text(&NAMESPACES);
                generator.set("namespace", chosen.clone());
                namespace = Some(chosen);
            }
            folder.generated.push(Generated {
                kind,
                name,
                namespace,
            });
        }
        if kind == "Secret" && self.random.percent(40) {
            generator.set(
                "type",
                self.random
                    .text(&["Opaque", "kubernetes.io/tls", "kubernetes.io/basic-auth"]),
            );
        }
        self.sources(folder, &mut generator);
        if self.on(Feature::GeneratorOptions) && self.random.percent(50) {
            let options = self.options();
            generator.set("options", options);
        }
        generator
    }

    fn sources(&mut self, folder: &Folder, generator: &mut Node) {
        if self.random.percent(70) {
            let literals: Vec<Node> = self
                .random
                .some(&LITERALS, 35)
                .into_iter()
                .map(|text| Node::from(*text))
                .collect();
            if !literals.is_empty() {
                generator.set("literals", literals);
            }
        }
        if self.random.percent(30) {
            self.files += 1;
            let name = format!("file-{}.txt", self.files);
            let content: &[u8] = match self.random.below(5) {
                0 => b"plain text",
                1 => b"two\nlines\n",
                2 => b"\x00\xff binary",
                3 => b"",
                _ => b"trailing  \n\ttab\r\n",
            };
            self.tree.text(join(&folder.path, &name), content);
            let reference = match self.random.below(3) {
                0 => format!("key.txt={name}"),
                _ => name,
            };
            generator.push("files", reference);
        }
        if self.random.percent(25) {
            self.files += 1;
            let name = format!("env-{}.env", self.files);
            self.tree.text(join(&folder.path, &name), ENVIRONMENT);
            if self.on(Feature::OldSpellings) && self.random.percent(50) {
                generator.set("env", name);
            } else {
                generator.push("envs", name);
            }
        }
    }

    fn options(&mut self) -> Node {
        let mut options = Node::map();
        if self.random.percent(40) {
            options.set("disableNameSuffixHash", Node::Raw(self.boolean()));
        }
        if self.random.percent(30) {
            options.set("immutable", Node::Raw(self.boolean()));
        }
        if self.random.percent(40) {
            let labels = self.pairs(&LABELS);
            options.set("labels", labels);
        }
        if self.random.percent(30) {
            let annotations = self.pairs(&ANNOTATIONS);
            options.set("annotations", annotations);
        }
        options
    }

    /// A mapping of texts.
    pub(super) fn pairs(&mut self, keys: &[&str]) -> Node {
        let mut pairs = Node::map();
        for key in self.random.some(keys, 30) {
            pairs.set(key, self.random.text(&LABEL_VALUES));
        }
        if pairs.entries().is_empty() || self.random.percent(10) {
            let key = self.random.text(keys);
            let value = if self.on(Feature::Odd) && self.random.percent(8) {
                odd::scalar(&mut self.random)
            } else {
                Node::from("extra")
            };
            pairs.set(&key, value);
        }
        pairs
    }

    fn boolean(&mut self) -> String {
        self.random.text(&["true", "true", "false"])
    }

    /// A policy for the generator of that name.
    pub(super) fn policy(&mut self) -> Value {
        json!({
            "apiVersion": "builtin",
            "kind": "IAMPolicyGenerator",
            "metadata": {"name": "policy"},
            "cloud": "gke",
            "kubernetesService": {"namespace": self.random.text(&NAMESPACES), "name": "runner"},
            "serviceAccount": {"name": "cloud", "projectId": "project"},
        })
    }
}
