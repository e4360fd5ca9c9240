//! Where in an object a string is, as far as it matters for the type of what replaces it.

use windlass_plugin_sdk::Json;

/// A place in an object. Kubernetes refuses numbers and booleans where it wants text, so a variable
/// that is a number becomes text there without quotes and casts in the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The object itself; whether its `data` is text.
    Root { data: bool },
    /// `metadata` of the object.
    Metadata,
    /// Anything.
    Free,
    /// A mapping or a list of texts.
    Texts,
    /// The environment variables of a container.
    Env,
    /// One of them.
    EnvItem,
    /// A text.
    Text,
}

impl Place {
    pub(super) fn root(object: &Json) -> Self {
        let kind = object["kind"].as_str();
        Self::Root {
            data: object["apiVersion"] == "v1" && matches!(kind, Some("ConfigMap" | "Secret")),
        }
    }

    pub(super) fn key(self, key: &str) -> Self {
        match (self, key) {
            (Self::Root { .. }, "apiVersion" | "kind") => Self::Text,
            (Self::Root { .. }, "metadata") => Self::Metadata,
            (Self::Root { data: true }, "data" | "stringData" | "binaryData") => Self::Texts,
            (Self::Metadata, "name" | "namespace" | "generateName") => Self::Text,
            (Self::EnvItem, "name" | "value") | (Self::Texts, _) => Self::Text,
            (Self::Text, _) => Self::Free,
            (_, "labels" | "annotations" | "matchLabels" | "nodeSelector") => Self::Texts,
            (_, "command" | "args") => Self::Texts,
            (_, "env") => Self::Env,
            _ => Self::Free,
        }
    }

    pub(super) fn item(self) -> Self {
        match self {
            Self::Env => Self::EnvItem,
            Self::Texts => Self::Text,
            _ => Self::Free,
        }
    }
}
