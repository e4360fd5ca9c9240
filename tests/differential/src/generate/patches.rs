//! Patches, made from the objects that they are for.

use serde_json::{Map, Value, json};
use windlass_manifest::jsonpatch;

use super::names::{LABEL_VALUES, LABELS, NAMESPACES};
use super::{Builder, Feature, Folder, Object, odd};
use crate::node::Node;
use crate::random::Random;

/// The keys by which lists are merged.
const KEYS: [&str; 8] = [
    "name",
    "containerPort",
    "mountPath",
    "port",
    "key",
    "ip",
    "topologyKey",
    "type",
];

impl Builder {
    /// An entry of `patches`, which is the configuration of a `PatchTransformer` as well.
    pub(super) fn patch(&mut self, folder: &Folder) -> Option<Node> {
        if folder.objects.is_empty() {
            return None;
        }
        let object = self.random.pick(&folder.objects).clone();
        let mut entry = Node::map();
        let json = self.random.percent(35);
        let mut target = json || self.random.percent(35);
        let body = if json {
            let list = operations(&mut self.random, &object.value);
            vec![Node::from(list)]
        } else {
            let mut patches = vec![self.strategic(&object)];
            if !target && self.random.percent(15) {
                let other = self.random.pick(&folder.objects).clone();
                patches.push(self.strategic(&other));
            }
            patches
        };
        // Without a target a patch says by itself what it is for.
        target |= json;
        if target {
            let mut selector = self.selector(&object);
            if json && self.random.percent(85) {
                // Operations that fit one object seldom fit another.
                selector.set("kind", object.kind());
                selector.set("name", object.name(&mut self.random));
            }
            entry.set("target", selector);
        }
        if self.random.percent(50) {
            entry.set("patch", Node::Documents(body));
        } else if body.len() == 1
            && self.random.percent(20)
            && let Some(document) = body.first()
        {
            let path = self.shared_file(&folder.path, document.clone());
            entry.set("path", path);
        } else {
            let (path, name) = self.new_file(&folder.path, "patch");
            self.tree.yaml(path, body);
            entry.set("path", name);
        }
        if self.random.percent(20) {
            let mut options = Map::new();
            for option in ["allowNameChange", "allowKindChange"] {
                if self.random.percent(50) {
                    options.insert(option.to_owned(), self.random.percent(80).into());
                }
            }
            entry.set("options", Value::from(options));
        }
        Some(entry)
    }

    /// `patchesStrategicMerge` and `patchesJson6902`.
    pub(super) fn old_patches(&mut self, folder: &Folder, kustomization: &mut Node) {
        if folder.objects.is_empty() {
            return;
        }
        for _ in 0..self.random.between(1, 2) {
            let object = self.random.pick(&folder.objects).clone();
            if self.random.percent(60) {
                let patch = self.strategic(&object);
                if self.random.percent(40) {
                    kustomization.push("patchesStrategicMerge", Node::Documents(vec![patch]));
                } else {
                    let (path, name) = self.new_file(&folder.path, "psm");
                    self.tree.yaml(path, vec![patch]);
                    kustomization.push("patchesStrategicMerge", name);
                }
                continue;
            }
            let list = Node::from(operations(&mut self.random, &object.value));
            let (group, version) = object.group_version();
            let mut target = json!({
                "version": version,
                "kind": object.kind(),
                "name": object.name(&mut self.random),
            });
            if !group.is_empty() {
                target["group"] = group.into();
            }
            let mut entry = Node::map();
            entry.set("target", target);
            if self.random.percent(50) {
                entry.set("patch", Node::Documents(vec![list]));
            } else {
                let (path, name) = self.new_file(&folder.path, "json");
                self.tree.yaml(path, vec![list]);
                entry.set("path", name);
            }
            kustomization.push("patchesJson6902", entry);
        }
    }

    /// A target that selects the object, and perhaps others.
    pub(super) fn selector(&mut self, object: &Object) -> Node {
        let mut target = Node::map();
        let (group, version) = object.group_version();
        if self.random.percent(70) {
            let kind = match self.random.below(5) {
                0 => format!("{}|Service", object.kind()),
                1 => ".*Set|Deployment".to_owned(),
                _ => object.kind().to_owned(),
            };
            target.set("kind", kind);
        }
        if self.random.percent(30) && !group.is_empty() {
            target.set("group", group);
        }
        if self.random.percent(25) {
            target.set("version", version);
        }
        if self.random.percent(55) {
            let name = object.name(&mut self.random);
            let name = match self.random.below(7) {
                0 => ".*".to_owned(),
                1 => format!("{name}|web"),
                2 => "w[a-e]b.*".to_owned(),
                3 => format!("^{name}$"),
                4 => "(web|api|settings)(-[0-9]+)?".to_owned(),
                _ => name,
            };
            target.set("name", name);
        }
        if self.random.percent(12) {
            target.set("namespace", self.random.text(&NAMESPACES));
        }
        if self.random.percent(20) {
            let selectors = [
                "app=web",
                "app in (web,api)",
                "app!=web",
                "!team",
                "app",
                "app notin (db), tier",
                "env==prod",
                "app.kubernetes.io/name=x1",
            ];
            target.set("labelSelector", self.random.text(&selectors));
        }
        if self.random.percent(8) {
            let selectors = ["note=hello", "!note", "team"];
            target.set("annotationSelector", self.random.text(&selectors));
        }
        target
    }

    /// A strategic merge patch for the object.
    pub(super) fn strategic(&mut self, object: &Object) -> Node {
        let value = object.value.clone();
        let mut patch = match sketch(&mut self.random, &value, 0) {
            Some(Value::Object(patch)) => patch,
            _ => Map::new(),
        };
        patch.insert("apiVersion".to_owned(), object.api_version().into());
        patch.insert("kind".to_owned(), object.kind().into());
        let mut metadata = match patch.remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        metadata.insert("name".to_owned(), object.name(&mut self.random).into());
        metadata.remove("namespace");
        if let Some(namespace) = value.pointer("/metadata/namespace")
            && self.random.percent(97)
        {
            metadata.insert("namespace".to_owned(), namespace.clone());
        }
        patch.insert("metadata".to_owned(), metadata.into());
        if self.random.percent(4) {
            patch.insert("$patch".to_owned(), "delete".into());
        }
        let mut node = Node::from(Value::from(patch));
        if self.on(Feature::Odd) {
            odd::sprinkle(&mut self.random, &mut node);
        }
        node
    }
}

/// A part of a value, changed here and there; `None` for nothing of it.
fn sketch(random: &mut Random, value: &Value, depth: usize) -> Option<Value> {
    match value {
        Value::Object(map) => {
            let mut patch = Map::new();
            for (key, value) in map {
                if !random.percent(if depth == 0 { 75 } else { 40 }) {
                    continue;
                }
                if depth > 0 && random.percent(6) {
                    patch.insert(key.clone(), Value::Null);
                } else if let Some(part) = sketch(random, value, depth + 1) {
                    patch.insert(key.clone(), part);
                }
            }
            if depth > 0 && random.percent(15) {
                patch.insert("added".to_owned(), addition(random));
            }
            if depth > 0 && random.percent(4) {
                let directive = random.text(&["replace", "delete", "merge"]);
                patch.insert("$patch".to_owned(), directive.into());
            }
            if depth > 0 && random.percent(1) {
                let keep: Vec<&String> = map.keys().take(1).collect();
                patch.insert("$retainKeys".to_owned(), json!(keep));
            }
            Some(patch.into())
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            Some(list(random, items, depth))
        }
        Value::Array(items) => Some(match random.below(6) {
            0 => json!([]),
            1 => json!(["changed"]),
            2 => items
                .iter()
                .take(1)
                .cloned()
                .chain([json!("more")])
                .collect(),
            3 => items.iter().rev().cloned().collect(),
            _ => items.clone().into(),
        }),
        Value::String(text) if random.percent(50) => Some(format!("{text}-x").into()),
        Value::String(_) => Some(random.text(&LABEL_VALUES).into()),
        Value::Number(_) => Some(random.below(100).into()),
        other => Some(other.clone()),
    }
}

/// A part of a list of mappings, with the keys by which it is merged.
fn list(random: &mut Random, items: &[Value], depth: usize) -> Value {
    let mut patch = Vec::new();
    for item in items {
        if !random.percent(55) {
            continue;
        }
        let Some(mut part) = sketch(random, item, depth + 1) else {
            continue;
        };
        for key in KEYS {
            if let Some(value) = item.get(key)
                && random.percent(95)
            {
                part[key] = value.clone();
            }
        }
        if random.percent(8) {
            part["$patch"] = random.text(&["delete", "replace", "merge"]).into();
        }
        patch.push(part);
    }
    if random.percent(25) {
        let mut new = items.first().cloned().unwrap_or_default();
        for key in ["name", "mountPath", "key"] {
            if new.get(key).is_some() {
                new[key] = "fresh".into();
            }
        }
        let at = random.below(patch.len() + 1);
        patch.insert(at, new);
    }
    if random.percent(3) {
        patch.push(json!({"$patch": "replace"}));
    }
    patch.into()
}

fn addition(random: &mut Random) -> Value {
    match random.below(5) {
        0 => json!("text"),
        1 => json!({"deep": {"er": 1, "none": null}}),
        2 => json!([{"name": "x", "n": null}, {"name": "y"}]),
        3 => json!({}),
        _ => json!([1, 2]),
    }
}

/// A JSON patch for the object, whose operations mostly apply.
fn operations(random: &mut Random, object: &Value) -> Value {
    let mut object = object.clone();
    let mut list = Vec::new();
    for _ in 0..random.between(1, 4) {
        let mut places = Vec::new();
        pointers(&object, "", &mut places);
        if places.is_empty() {
            break;
        }
        let operation = operation(random, &places);
        let one = Value::from(vec![operation.clone()]);
        if jsonpatch::apply(&mut object, &one).is_ok() || random.percent(2) {
            list.push(operation);
        }
    }
    if list.is_empty() && random.percent(95) {
        list.push(json!({"op": "add", "path": "/spec", "value": {"instead": true}}));
    }
    list.into()
}

fn operation(random: &mut Random, places: &[(String, Value)]) -> Value {
    let (path, value) = random.pick(places).clone();
    match random.below(10) {
        0 | 1 => json!({"op": "replace", "path": path, "value": changed(random, &value)}),
        2 => json!({"op": "remove", "path": path}),
        3 => json!({"op": "test", "path": path, "value": value}),
        4 => {
            let (from, _) = random.pick(places).clone();
            json!({"op": random.text(&["copy", "move"]), "from": from, "path": path})
        }
        5 => json!({"op": "add", "path": "/metadata/labels", "value": {"app": "added"}}),
        6 => json!({"op": "add", "path": "/metadata/annotations/example.com~1new", "value": "x"}),
        _ => {
            let path = match &value {
                Value::Array(_) => format!("{path}/-"),
                Value::Object(_) => format!("{path}/{}", random.pick(&LABELS).replace('/', "~1")),
                _ => path,
            };
            json!({"op": "add", "path": path, "value": changed(random, &value)})
        }
    }
}

fn changed(random: &mut Random, value: &Value) -> Value {
    match random.below(4) {
        0 => addition(random),
        1 => json!("set"),
        2 => json!(7),
        _ => value.clone(),
    }
}

/// Every place in a value, except those that say what it is.
fn pointers(value: &Value, at: &str, places: &mut Vec<(String, Value)>) {
    let mut visit = |key: &str, child: &Value| {
        let path = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        if !["/apiVersion", "/kind", "/metadata", "/metadata/name"].contains(&path.as_str()) {
            places.push((path.clone(), child.clone()));
        }
        pointers(child, &path, places);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, child)| visit(key, child)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .for_each(|(at, child)| visit(&at.to_string(), child)),
        _ => {}
    }
}
