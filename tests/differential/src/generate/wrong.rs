//! Makes a tree wrong, or at least strange.

use super::{Builder, odd};
use crate::node::Node;
use crate::tree::File;

impl Builder {
    pub(super) fn make_wrong(&mut self) {
        match self.random.below(14) {
            0 => self.lose_a_file(),
            1 => self.break_a_file(),
            2 => self.in_a_kustomization(|_, kustomization| {
                kustomization.push("resources", "absent.yaml");
            }),
            3 => self.in_a_kustomization(|_, kustomization| {
                kustomization.push("resources", ".");
            }),
            4 => self.in_a_kustomization(|builder, kustomization| {
                let field = builder.random.text(&[
                    "resource",
                    "nameprefix",
                    "configmapGenerator",
                    "NamePrefix",
                    "x",
                ]);
                kustomization.set(&field, "value");
            }),
            5 => self.double_a_document(),
            6 => self.in_a_kustomization(|builder, kustomization| {
                let fields = [
                    "namePrefix",
                    "resources",
                    "images",
                    "labels",
                    "patches",
                    "replicas",
                ];
                let field = builder.random.text(&fields);
                let value = odd::scalar(&mut builder.random);
                kustomization.set(&field, value);
            }),
            7 => self.in_a_kustomization(|builder, kustomization| {
                let fields = ["resources", "components", "patches", "transformers"];
                let field = builder.random.text(&fields);
                kustomization.push(&field, "../../../../outside");
            }),
            8 => self.in_a_kustomization(|builder, kustomization| {
                let kind = builder
                    .random
                    .text(&["Component", "Kustomization", "Other"]);
                kustomization.set("kind", kind);
            }),
            9 => self.second_kustomization(),
            10 => self.drop_a_field(),
            11 => self.in_a_kustomization(|_, kustomization| {
                let patch = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: nowhere\n";
                let mut entry = Node::map();
                entry.set("patch", patch);
                kustomization.push("patches", entry);
            }),
            12 => self.in_a_kustomization(|_, kustomization| {
                let mut entry = Node::map();
                let mut target = Node::map();
                target.set("name", "a(");
                entry.set("target", target);
                entry.set("patch", "[]");
                kustomization.push("patches", entry);
            }),
            _ => self.odd_value(),
        }
    }

    fn path(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        let paths: Vec<String> = self
            .tree
            .files
            .keys()
            .filter(|path| wanted(path))
            .cloned()
            .collect();
        (!paths.is_empty()).then(|| self.random.pick(&paths).clone())
    }

    fn in_a_kustomization(&mut self, change: impl FnOnce(&mut Self, &mut Node)) {
        let Some(path) = self.path(is_kustomization) else {
            return;
        };
        let Some(File::Yaml(mut documents)) = self.tree.files.remove(&path) else {
            return;
        };
        if let Some(kustomization) = documents.first_mut() {
            change(self, kustomization);
        }
        self.tree.files.insert(path, File::Yaml(documents));
    }

    fn lose_a_file(&mut self) {
        if let Some(path) = self.path(|_| true) {
            self.tree.files.remove(&path);
        }
    }

    fn break_a_file(&mut self) {
        let texts = [
            "a: b: c\n",
            "",
            "# nothing\n",
            "---\n---\n",
            "- 1\n- 2\n",
            "just text\n",
            "{\"apiVersion\": \"v1\", \"kind\": \"ConfigMap\", \"metadata\": {\"name\": \"json\"}}\n",
            "kind: ConfigMap\nmetadata:\n  name: no-version\n",
            "apiVersion: v1\nmetadata:\n  name: no-kind\n",
            "apiVersion: v1\nkind: ConfigMap\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: \"\"\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  generateName: g-\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: 5\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: tab\n\tdata: x\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: &m\n  name: anchor\ndata:\n  copy: *n\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: anchored\n  labels: &l\n    a: b\n  annotations: *l\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: twice\n  name: twice\n",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: crlf\r\ndata:\r\n  a: b\r\n",
        ];
        if let Some(path) = self.path(|_| true) {
            let text = self.random.text(&texts);
            self.tree.text(path, text);
        }
    }

    fn double_a_document(&mut self) {
        if let Some(path) = self.path(|path| path.contains("res-"))
            && let Some(File::Yaml(documents)) = self.tree.files.get_mut(&path)
            && let Some(first) = documents.first().cloned()
        {
            documents.push(first);
        }
    }

    fn second_kustomization(&mut self) {
        let Some(path) = self.path(is_kustomization) else {
            return;
        };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        if let Some(file) = self.tree.files.get(&path).cloned() {
            let other = super::join(folder, "kustomization.yml");
            self.tree.files.insert(other, file);
        }
    }

    /// Removes an entry somewhere, often one that is needed.
    fn drop_a_field(&mut self) {
        let Some(path) = self.path(|_| true) else {
            return;
        };
        let Some(File::Yaml(mut documents)) = self.tree.files.remove(&path) else {
            return;
        };
        if let Some(document) = documents.first_mut() {
            drop_one(self, document);
        }
        self.tree.files.insert(path, File::Yaml(documents));
    }

    /// Puts an odd scalar where a file has any scalar.
    fn odd_value(&mut self) {
        let Some(path) = self.path(|_| true) else {
            return;
        };
        let Some(File::Yaml(mut documents)) = self.tree.files.remove(&path) else {
            return;
        };
        if let Some(document) = documents.first_mut() {
            odd_one(self, document);
        }
        self.tree.files.insert(path, File::Yaml(documents));
    }
}

fn is_kustomization(path: &str) -> bool {
    path.ends_with("kustomization.yaml")
        || path.ends_with("kustomization.yml")
        || path.ends_with("Kustomization")
}

fn drop_one(builder: &mut Builder, node: &mut Node) {
    match node {
        Node::Map(entries) if !entries.is_empty() => {
            let at = builder.random.below(entries.len());
            if builder.random.percent(40) {
                entries.remove(at);
            } else if let Some((_, value)) = entries.get_mut(at) {
                drop_one(builder, value);
            }
        }
        Node::List(items) | Node::Documents(items) if !items.is_empty() => {
            let at = builder.random.below(items.len());
            if builder.random.percent(30) {
                items.remove(at);
            } else if let Some(item) = items.get_mut(at) {
                drop_one(builder, item);
            }
        }
        _ => {}
    }
}

fn odd_one(builder: &mut Builder, node: &mut Node) {
    match node {
        Node::Map(entries) if !entries.is_empty() => {
            let at = builder.random.below(entries.len());
            if let Some((_, value)) = entries.get_mut(at) {
                odd_one(builder, value);
            }
        }
        Node::List(items) | Node::Documents(items) if !items.is_empty() => {
            let at = builder.random.below(items.len());
            if let Some(item) = items.get_mut(at) {
                odd_one(builder, item);
            }
        }
        other => *other = odd::scalar(&mut builder.random),
    }
}
