//! Makes random trees of kustomizations.
//!
//! Each tree has a random choice of features switched on (swarm testing, Groce and others 2012): with every feature in
//! every tree, most trees would be wrong for some reason and none would go deep into a few features together.

mod fields;
mod generators;
mod names;
mod odd;
mod patches;
mod plugins;
mod references;
mod resources;
mod workloads;
mod wrong;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::node::Node;
use crate::random::Random;
use crate::tree::{Reorder, Tree};

/// What a tree may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Feature {
    Prefix,
    Suffix,
    Namespace,
    CommonLabels,
    Labels,
    Annotations,
    Images,
    Replicas,
    Patches,
    OldPatches,
    Generators,
    GeneratorOptions,
    Replacements,
    Variables,
    Configurations,
    Crds,
    Plugins,
    Metadata,
    Sort,
    Components,
    OpenApi,
    Odd,
    Lists,
    LocalConfig,
    OldSpellings,
    Wrong,
}

/// Every feature, with how many of a hundred trees have it.
const FEATURES: [(Feature, usize); 26] = [
    (Feature::Prefix, 50),
    (Feature::Suffix, 35),
    (Feature::Namespace, 40),
    (Feature::CommonLabels, 30),
    (Feature::Labels, 35),
    (Feature::Annotations, 30),
    (Feature::Images, 35),
    (Feature::Replicas, 30),
    (Feature::Patches, 50),
    (Feature::OldPatches, 25),
    (Feature::Generators, 45),
    (Feature::GeneratorOptions, 40),
    (Feature::Replacements, 30),
    (Feature::Variables, 25),
    (Feature::Configurations, 20),
    (Feature::Crds, 10),
    (Feature::Plugins, 30),
    (Feature::Metadata, 20),
    (Feature::Sort, 25),
    (Feature::Components, 35),
    (Feature::OpenApi, 8),
    (Feature::Odd, 25),
    (Feature::Lists, 15),
    (Feature::LocalConfig, 8),
    (Feature::OldSpellings, 12),
    (Feature::Wrong, 12),
];

/// An object as it was read, and the names by which it may be found.
#[derive(Clone, Debug)]
struct Object {
    value: Value,
    /// The first as it was read, the last as it is now, as far as that is easily told.
    names: Vec<String>,
}

impl Object {
    fn text(&self, pointer: &str) -> &str {
        self.value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn kind(&self) -> &str {
        self.text("/kind")
    }

    fn api_version(&self) -> &str {
        self.text("/apiVersion")
    }

    /// Group and version.
    fn group_version(&self) -> (&str, &str) {
        let api_version = self.api_version();
        api_version.split_once('/').unwrap_or(("", api_version))
    }

    /// Mostly the first name, sometimes a later one.
    fn name(&self, random: &mut Random) -> String {
        let at = if random.percent(90) {
            0
        } else {
            random.below(self.names.len())
        };
        self.names.get(at).cloned().unwrap_or_default()
    }
}

/// A folder with a kustomization, and what comes out of it.
#[derive(Clone, Debug)]
struct Folder {
    path: String,
    objects: Vec<Object>,
    /// What is generated in it or below.
    generated: Vec<Generated>,
    /// The folders that are in it, itself included.
    holds: BTreeSet<String>,
}

/// A ConfigMap or a Secret that a generator makes.
#[derive(Clone, Debug)]
struct Generated {
    kind: &'static str,
    name: String,
    namespace: Option<String>,
}

/// Makes the tree of a seed.
pub fn tree(seed: u64) -> Tree {
    let mut random = Random::new(seed);
    let mut on = Vec::new();
    for (feature, often) in FEATURES {
        if random.percent(often) {
            on.push(feature);
        }
    }
    let builder = Builder {
        random,
        on,
        tree: Tree::default(),
        used: BTreeSet::new(),
        files: 0,
    };
    builder.build()
}

struct Builder {
    random: Random,
    on: Vec<Feature>,
    tree: Tree,
    /// Kinds and names that are taken.
    used: BTreeSet<(String, String)>,
    files: usize,
}

impl Builder {
    fn build(mut self) -> Tree {
        self.tree.flags.unrestricted = self.random.percent(15);
        let mut bases = Vec::new();
        let few = self.random.percent(70);
        for at in 0..self.random.between(1, if few { 2 } else { 3 }) {
            let path = ["base", "base-b", "apps/base-c"]
                .get(at)
                .copied()
                .unwrap_or("base-d");
            bases.push(self.folder(path, &[], Kind::Base));
        }
        let components = if self.on(Feature::Components) {
            self.components(&bases)
        } else {
            Vec::new()
        };
        let mut middles = Vec::new();
        for at in 0..self.random.below(3) {
            let (path, prefix) = [("mid/a", "ma-"), ("mid-b", "mb-")]
                .get(at)
                .copied()
                .unwrap_or(("mid-c", "mc-"));
            let mut below: Vec<Folder> =
                self.random.some(&bases, 60).into_iter().cloned().collect();
            self.add_components(&mut below, &components, 30);
            // Two folders over the same base need different names.
            let kind = if self.random.percent(90) {
                Kind::Overlay(prefix)
            } else {
                Kind::Overlay("")
            };
            middles.push(self.folder(path, &below, kind));
        }
        let root = *self
            .random
            .pick(&["overlays/prod", "prod", "", "overlays/deep/er"]);
        let mut below: Vec<Folder> = if middles.is_empty() {
            bases.clone()
        } else {
            middles
        };
        let first = below.first().map(|folder| folder.path.clone());
        if self.random.percent(15) && first.as_deref() != Some("base") {
            below.extend(bases.first().cloned());
        }
        self.add_components(&mut below, &components, 50);
        self.folder(root, &below, Kind::Overlay(""));
        root.clone_into(&mut self.tree.folder);
        self.tree.flags.reorder = match self.random.below(4) {
            0 => Some(Reorder::Legacy),
            1 => None,
            _ => Some(Reorder::None),
        };
        if self.on(Feature::Wrong) {
            self.make_wrong();
        }
        self.tree
    }

    fn on(&self, feature: Feature) -> bool {
        self.on.contains(&feature)
    }

    /// Whether a feature is on, and is used here.
    fn here(&mut self, feature: Feature, often: usize) -> bool {
        self.on(feature) && self.random.percent(often)
    }

    /// Adds components whose base is there.
    fn add_components(&mut self, below: &mut Vec<Folder>, components: &[Folder], often: usize) {
        let there = below.iter().any(|folder| folder.holds.contains("base"));
        if there || self.random.percent(3) {
            below.extend(self.random.some(components, often).into_iter().cloned());
        }
    }

    fn components(&mut self, bases: &[Folder]) -> Vec<Folder> {
        let mut components = Vec::new();
        for at in 0..self.random.between(1, 2) {
            let path = ["components/tls", "base/extra"]
                .get(at)
                .copied()
                .unwrap_or("component");
            // A component changes what it is laid over, so it knows the objects of the first base.
            let known = bases.first().cloned();
            components.extend(known.map(|known| self.component(path, known)));
        }
        components
    }

    fn component(&mut self, path: &str, known: Folder) -> Folder {
        let mut kustomization = Node::map();
        kustomization.set("apiVersion", "kustomize.config.k8s.io/v1alpha1");
        kustomization.set("kind", "Component");
        let before = known.objects.len();
        let mut folder = Folder {
            path: path.to_owned(),
            holds: BTreeSet::new(),
            ..known
        };
        if self.random.percent(40) {
            self.own_resources(&mut folder, &mut kustomization);
        }
        self.fields(&mut folder, &mut kustomization);
        // What it adds comes from it; the rest comes from elsewhere.
        folder.objects.drain(..before);
        self.write_kustomization(path, kustomization);
        folder
    }

    /// Makes a kustomization over others.
    fn folder(&mut self, path: &str, below: &[Folder], kind: Kind) -> Folder {
        let mut kustomization = Node::map();
        if self.random.percent(70) {
            kustomization.set("apiVersion", "kustomize.config.k8s.io/v1beta1");
            kustomization.set("kind", "Kustomization");
        }
        if self.random.percent(3) {
            kustomization.set(
                "metadata",
                Node::from(json!({"name": "whole", "labels": {"a": "b"}})),
            );
        }
        let mut folder = Folder {
            path: path.to_owned(),
            objects: Vec::new(),
            generated: Vec::new(),
            holds: BTreeSet::from([path.to_owned()]),
        };
        if kind == Kind::Base || self.random.percent(30) {
            self.own_resources(&mut folder, &mut kustomization);
        }
        for lower in below {
            let is_component = lower.path.starts_with("components/") || lower.path == "base/extra";
            let field = if is_component {
                "components"
            } else if self.on(Feature::OldSpellings) && self.random.percent(50) {
                "bases"
            } else {
                "resources"
            };
            let mut reference = relative(path, &lower.path);
            match self.random.below(12) {
                0 => reference.push('/'),
                1 => reference = format!("./{reference}"),
                _ => {}
            }
            kustomization.push(field, reference);
            folder.objects.extend(lower.objects.iter().cloned());
            folder.generated.extend(lower.generated.iter().cloned());
            folder.holds.extend(lower.holds.iter().cloned());
        }
        self.fields(&mut folder, &mut kustomization);
        if let Kind::Overlay(prefix) = kind
            && !prefix.is_empty()
        {
            kustomization.set("namePrefix", prefix);
        }
        self.write_kustomization(path, kustomization);
        folder
    }

    fn write_kustomization(&mut self, path: &str, kustomization: Node) {
        let name = if self.random.percent(90) {
            "kustomization.yaml"
        } else {
            *self.random.pick(&["kustomization.yml", "Kustomization"])
        };
        self.tree.yaml(join(path, name), vec![kustomization]);
    }

    /// Files of objects.
    fn own_resources(&mut self, folder: &mut Folder, kustomization: &mut Node) {
        let mut objects = Vec::new();
        for _ in 0..self.random.between(1, 6) {
            if let Some(object) = self.object() {
                objects.push(object);
            }
        }
        folder.objects.extend(objects.iter().map(|value| Object {
            value: value.clone(),
            names: vec![
                value
                    .pointer("/metadata/name")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            ],
        }));
        while !objects.is_empty() {
            let count = self.random.between(1, 3).min(objects.len());
            let part: Vec<Value> = objects.drain(..count).collect();
            let documents = if self.here(Feature::Lists, 50) {
                vec![self.listed(part)]
            } else {
                part.into_iter().map(|value| self.written(value)).collect()
            };
            self.files += 1;
            let name = format!("res-{}.yaml", self.files);
            self.tree.yaml(join(&folder.path, &name), documents);
            kustomization.push("resources", name);
        }
    }

    fn object(&mut self) -> Option<Value> {
        let (api_version, kind) = resources::kind(&mut self.random);
        let mut name = names::name_of(&mut self.random, kind);
        if !self.used.insert((kind.to_owned(), name.clone())) {
            if self.random.percent(80) {
                name = format!("{name}-{}", self.used.len());
                self.used.insert((kind.to_owned(), name.clone()));
            } else if self.random.percent(70) {
                return None;
            }
        }
        let mut object = resources::make(&mut self.random, api_version, kind, &name);
        if self.here(Feature::LocalConfig, 15) {
            object["metadata"]["annotations"]["config.kubernetes.io/local-config"] =
                self.random.text(&["true", "false", "yes"]).into();
        }
        Some(object)
    }

    fn listed(&mut self, objects: Vec<Value>) -> Node {
        let first = objects.first();
        let kind = first
            .and_then(|object| object["kind"].as_str())
            .unwrap_or_default()
            .to_owned();
        let api_version = first
            .and_then(|object| object["apiVersion"].as_str())
            .unwrap_or_default()
            .to_owned();
        let items: Vec<Node> = objects
            .into_iter()
            .map(|value| self.written(value))
            .collect();
        let mut list = Node::map();
        if self.random.percent(25) {
            list.set("apiVersion", api_version);
            list.set("kind", format!("{kind}List"));
        } else {
            list.set("apiVersion", "v1");
            list.set("kind", "List");
        }
        list.set("items", items);
        list
    }

    /// The object as it is written into a file.
    fn written(&mut self, value: Value) -> Node {
        let mut node = Node::from(value);
        if self.on(Feature::Odd) {
            odd::sprinkle(&mut self.random, &mut node);
        }
        node
    }

    /// The name of a new file in a folder.
    fn new_file(&mut self, folder: &str, stem: &str) -> (String, String) {
        self.files += 1;
        let name = format!("{stem}-{}.yaml", self.files);
        (join(folder, &name), name)
    }
}

/// What a folder is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Base,
    /// With a prefix for the names, which may be empty.
    Overlay(&'static str),
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// The path to a folder as it is seen from another.
fn relative(from: &str, to: &str) -> String {
    let parts = |path: &str| -> Vec<String> {
        path.split('/')
            .filter(|part| !part.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let (from, to) = (parts(from), parts(to));
    let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let mut path = vec![".."; from.len() - same];
    path.extend(to.iter().skip(same).map(String::as_str));
    if path.is_empty() {
        ".".to_owned()
    } else {
        path.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_tree() {
        assert_eq!(tree(7), tree(7), "the same seed makes the same tree");
        assert_ne!(tree(7), tree(8), "another seed makes another tree");
    }

    #[test]
    fn paths_lead_from_one_folder_to_another() {
        assert_eq!(relative("overlays/prod", "base"), "../../base");
        assert_eq!(relative("", "base"), "base");
        assert_eq!(relative("base/prod", "base"), "..");
    }
}
