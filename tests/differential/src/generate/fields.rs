//! The fields of a kustomization.

use serde_json::{Value, json};

use super::names::{ANNOTATIONS, IMAGE_NAMES, LABELS, NAMESPACES};
use super::{Builder, Feature, Folder};
use crate::node::Node;

impl Builder {
    /// Adds fields to a kustomization whose objects are known.
    pub(super) fn fields(&mut self, folder: &mut Folder, kustomization: &mut Node) {
        if self.here(Feature::Generators, 45) {
            self.generators(folder, kustomization);
        }
        if self.here(Feature::Patches, 60) {
            for _ in 0..self.random.between(1, 3) {
                if let Some(patch) = self.patch(folder) {
                    kustomization.push("patches", patch);
                }
            }
        }
        if self.here(Feature::OldPatches, 50) {
            self.old_patches(folder, kustomization);
        }
        if self.here(Feature::Replacements, 50) {
            self.replacements(folder, kustomization);
        }
        if self.here(Feature::Variables, 50) {
            self.variables(folder, kustomization);
        }
        if self.here(Feature::Plugins, 40) {
            self.plugins(folder, kustomization);
        }
        self.metadata_fields(kustomization);
        if self.here(Feature::Images, 55) {
            self.images(kustomization);
        }
        if self.here(Feature::Replicas, 55) {
            self.replicas(folder, kustomization);
        }
        if self.here(Feature::Configurations, 60) {
            let (path, name) = self.new_file(&folder.path, "config");
            let config = self.configuration();
            self.tree.yaml(path, vec![config]);
            kustomization.push("configurations", name);
        }
        if self.here(Feature::Crds, 60) {
            let (path, name) = self.new_file(&folder.path, "crd");
            self.tree.yaml(path, vec![definitions().into()]);
            kustomization.push("crds", name);
        }
        if self.here(Feature::OpenApi, 60) {
            if self.random.percent(70) {
                let (path, name) = self.new_file(&folder.path, "schema");
                self.tree.yaml(path, vec![schema().into()]);
                kustomization.set("openapi", json!({ "path": name }));
            } else {
                let version = self.random.text(&["v1.21.2", "v1.21.2", "v1.20.4"]);
                kustomization.set("openapi", json!({ "version": version }));
            }
        }
        if self.here(Feature::Metadata, 70) {
            let options = [
                "originAnnotations",
                "transformerAnnotations",
                "managedByLabel",
            ];
            let chosen: Vec<Node> = self
                .random
                .some(&options, 50)
                .into_iter()
                .map(|name| Node::from(*name))
                .collect();
            kustomization.set("buildMetadata", chosen);
        }
        if self.here(Feature::Sort, 50) {
            self.sort(kustomization);
        }
        self.rename(folder, kustomization);
    }

    fn metadata_fields(&mut self, kustomization: &mut Node) {
        if self.here(Feature::CommonLabels, 50) {
            let labels = self.pairs(&LABELS);
            kustomization.set("commonLabels", labels);
        }
        if self.here(Feature::Annotations, 50) {
            let annotations = self.pairs(&ANNOTATIONS);
            kustomization.set("commonAnnotations", annotations);
        }
        if self.here(Feature::Labels, 55) {
            for _ in 0..self.random.between(1, 2) {
                let mut label = Node::map();
                let pairs = self.pairs(&LABELS);
                label.set("pairs", pairs);
                for option in [
                    "includeSelectors",
                    "includeTemplates",
                    "includeVolumeClaimTemplates",
                ] {
                    if self.random.percent(30) {
                        label.set(
                            option,
                            Node::Raw(self.random.text(&["true", "true", "false"])),
                        );
                    }
                }
                if self.random.percent(18) {
                    let spec = self.field_spec();
                    label.set("fields", vec![spec]);
                }
                kustomization.push("labels", label);
            }
        }
    }

    fn images(&mut self, kustomization: &mut Node) {
        let field = if self.on(Feature::OldSpellings) && self.random.percent(50) {
            "imageTags"
        } else {
            "images"
        };
        for _ in 0..self.random.between(1, 3) {
            let image = self.image();
            kustomization.push(field, image);
        }
    }

    pub(super) fn image(&mut self) -> Node {
        let mut image = Node::map();
        image.set("name", self.random.text(&IMAGE_NAMES));
        if self.random.percent(40) {
            image.set(
                "newName",
                self.random
                    .text(&["mirror.example/nginx", "other", "host:5000/x/y"]),
            );
        }
        if self.random.percent(50) {
            let tag = ["2.0", "latest", "v1"];
            // A tag that is a number in YAML is refused, which is worth to be seen now and then.
            let value = if self.random.percent(1) {
                Node::Raw("1.10".to_owned())
            } else {
                Node::from(self.random.text(&tag))
            };
            image.set("newTag", value);
        }
        if self.random.percent(20) {
            image.set(
                "digest",
                "sha256:1111111111111111111111111111111111111111111111111111111111111111",
            );
        }
        if self.random.percent(15) {
            image.set("tagSuffix", "-alpine");
        }
        image
    }

    fn replicas(&mut self, folder: &Folder, kustomization: &mut Node) {
        let kinds = [
            "Deployment",
            "StatefulSet",
            "ReplicaSet",
            "ReplicationController",
        ];
        let names: Vec<String> = folder
            .objects
            .iter()
            .filter(|object| kinds.contains(&object.kind()) || self.random.percent(1))
            .map(|object| object.names.first().cloned().unwrap_or_default())
            .collect();
        if names.is_empty() {
            return;
        }
        for _ in 0..self.random.between(1, 2) {
            let name = self.random.pick(&names).clone();
            let count = self.random.below(9);
            kustomization.push(
                "replicas",
                Node::from(json!({"name": name, "count": count})),
            );
        }
    }

    fn sort(&mut self, kustomization: &mut Node) {
        let mut options = Node::map();
        let order = self.random.text(&["legacy", "fifo", "legacy"]);
        if order == "legacy" && self.random.percent(40) {
            options.set(
                "legacySortOptions",
                json!({
                    "orderFirst": ["Namespace", "ConfigMap", "Widget"],
                    "orderLast": ["Deployment", "ValidatingWebhookConfiguration"],
                }),
            );
        }
        options.set("order", order);
        kustomization.set("sortOptions", options);
    }

    /// The fields that change names, after all others: those speak of the names from below.
    fn rename(&mut self, folder: &mut Folder, kustomization: &mut Node) {
        let mut prefix = String::new();
        let mut suffix = String::new();
        if self.here(Feature::Prefix, 60) {
            prefix = self.random.text(&["p-", "prod-", "x", "a.b-"]);
            kustomization.set("namePrefix", prefix.clone());
        }
        if self.here(Feature::Suffix, 50) {
            suffix = self.random.text(&["-s", "-v1", "x"]);
            kustomization.set("nameSuffix", suffix.clone());
        }
        if self.here(Feature::Namespace, 55) {
            kustomization.set("namespace", self.random.text(&NAMESPACES));
        }
        for object in &mut folder.objects {
            let last = object.names.last().cloned().unwrap_or_default();
            let name = format!("{prefix}{last}{suffix}");
            if name != last {
                object.names.push(name);
            }
        }
    }

    /// A file of `configurations`.
    fn configuration(&mut self) -> Node {
        let mut config = Node::map();
        for field in self.random.some(
            &[
                "namePrefix",
                "nameSuffix",
                "namespace",
                "commonLabels",
                "labels",
                "templateLabels",
                "commonAnnotations",
                "images",
                "replicas",
                "varReference",
            ],
            25,
        ) {
            let spec = match *field {
                "images" => json!({"path": "spec/image", "kind": "Widget"}),
                "replicas" => json!({"path": "spec/replicas", "kind": "Widget", "create": true}),
                "varReference" => json!({"path": "spec/size", "kind": "Widget"}),
                "namespace" => json!({"path": "spec/namespace", "kind": "Gadget", "create": true}),
                "namePrefix" | "nameSuffix" => {
                    json!({"path": "spec/size", "kind": "Widget", "group": "example.com"})
                }
                _ => json!({"path": "spec/selector/matchLabels", "kind": "Widget",
                    "create": self.random.percent(70)}),
            };
            config.push(field, Node::from(spec));
            if self.random.percent(4) {
                let spec = self.field_spec();
                config.push(field, spec);
            }
        }
        if self.random.percent(60) {
            config.push(
                "nameReference",
                Node::from(json!({
                    "kind": "ConfigMap",
                    "version": "v1",
                    "fieldSpecs": [
                        {"kind": "Widget", "path": "spec/configRef/name"},
                        {"kind": "Gadget", "group": "example.com", "path": "spec/configRef/name"},
                    ],
                })),
            );
        }
        if self.random.percent(25) {
            config.push(
                "nameReference",
                Node::from(json!({
                    "kind": self.random.text(&["Widget", "Gadget", "Service"]),
                    "fieldSpecs": [{"kind": "ConfigMap", "path": "data/host"}],
                })),
            );
        }
        config
    }

    /// A field specification that may or may not mean something.
    pub(super) fn field_spec(&mut self) -> Node {
        let paths = [
            "metadata/labels",
            "metadata/annotations",
            "spec/template/metadata/labels",
            "spec/selector/matchLabels",
            "spec/parts/name",
            "spec/parts[]/name",
            "spec/containers[]/image",
            "data/a",
            "spec/new/deep",
            "metadata/labels/example.com\\/slash",
        ];
        let mut spec = json!({ "path": self.random.text(&paths) });
        if self.random.percent(60) {
            spec["kind"] = self
                .random
                .text(&["Deployment", "Widget", "ConfigMap", "Service"])
                .into();
        }
        if self.random.percent(20) {
            spec["group"] = self.random.text(&["apps", "example.com"]).into();
        }
        if self.random.percent(20) {
            spec["version"] = "v1".into();
        }
        // Those of labels and annotations are created by default, and the two have to agree.
        let default = paths[..2].iter().any(|path| spec["path"] == *path);
        if default || self.random.percent(40) {
            spec["create"] = true.into();
        }
        spec.into()
    }
}

/// Definitions for `crds`, with the extensions that name references.
fn definitions() -> Value {
    json!({
        "example.com/v1.Widget": {"Schema": {
            "description": "A widget",
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": {"$ref": "example.com/v1.WidgetSpec"},
            },
        }},
        "example.com/v1.WidgetSpec": {"Schema": {"properties": {
            "configRef": {
                "x-kubernetes-object-ref-api-version": "v1",
                "x-kubernetes-object-ref-kind": "ConfigMap",
                "$ref": "example.com/v1.Ref",
            },
            "size": {"type": "string", "x-kubernetes-annotation": ""},
        }}},
        "example.com/v1.Ref": {"Schema": {"properties": {"name": {"type": "string"}}}},
    })
}

/// A schema for `openapi`, with a merge key for a list of a custom kind.
fn schema() -> Value {
    json!({"definitions": {
        "v1.Widget": {
            "type": "object",
            "properties": {
                "apiVersion": {"type": "string"},
                "kind": {"type": "string"},
                "metadata": {"type": "object"},
                "spec": {"type": "object", "properties": {
                    "parts": {
                        "type": "array",
                        "items": {"type": "object"},
                        "x-kubernetes-patch-merge-key": "name",
                        "x-kubernetes-patch-strategy": "merge",
                    },
                    "tags": {
                        "type": "array",
                        "items": {"type": "string"},
                        "x-kubernetes-patch-strategy": "merge",
                    },
                }},
            },
            "x-kubernetes-group-version-kind": [
                {"group": "example.com", "kind": "Widget", "version": "v1"},
            ],
        },
    }})
}
