//! Which objects a patch or a placement is for.

use crate::Identity;
use crate::glob::Glob;
use serde::Deserialize;
use std::fmt;
use windlass_manifest::selector::Selector;
use windlass_plugin_sdk::{Failure, Json};

/// The choice of objects as it is written. What is absent is not compared; `*`, `?` and `[…]` are
/// wildcards in every text.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Target {
    /// The API group; `""` is the core group.
    pub group: Option<String>,
    /// The version within the group.
    pub version: Option<String>,
    /// The kind.
    pub kind: Option<String>,
    /// The name.
    pub name: Option<String>,
    /// The namespace; `""` means objects that name none.
    pub namespace: Option<String>,
    /// A selector for the labels: `app=web,tier in (a, b)`.
    pub label_selector: Option<String>,
    /// A selector for the annotations, of the same form.
    pub annotation_selector: Option<String>,
}

/// The JSON Schema of a [`Target`], for the schema of a plugin's configuration.
pub fn schema() -> Json {
    let text =
        |description: &str| serde_json::json!({"type": "string", "description": description});
    serde_json::json!({
        "type": "object",
        "description": "The objects: what is absent is not compared; `*`, `?` and `[a-z]` are wildcards.",
        "additionalProperties": false,
        "properties": {
            "group": text("API group; empty for the core group."),
            "version": text("Version within the group."),
            "kind": text("Kind."),
            "name": text("Name."),
            "namespace": text("Namespace; empty for objects that name none."),
            "labelSelector": text("Selector for the labels: `app=web,tier in (a, b)`."),
            "annotationSelector": text("Selector for the annotations, of the same form."),
        },
    })
}

/// A [`Target`] that is known to be well-formed.
#[derive(Debug)]
pub struct Matcher {
    group: Option<Pattern>,
    version: Option<Pattern>,
    kind: Option<Pattern>,
    name: Option<Pattern>,
    namespace: Option<Pattern>,
    labels: Option<Selector>,
    annotations: Option<Selector>,
}

#[derive(Debug)]
enum Pattern {
    /// The empty text, which a glob cannot mean.
    Nothing,
    Glob(Glob),
}

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Nothing => text.is_empty(),
            Self::Glob(glob) => glob.matches_name(text),
        }
    }
}

impl Target {
    /// Reads the patterns and selectors. `place` is the key of the target in the configuration.
    ///
    /// # Errors
    /// Names the key that is wrong.
    pub fn matcher(&self, place: &str) -> Result<Matcher, Failure> {
        let pattern = |key: &str, text: &Option<String>| match text.as_deref() {
            None => Ok(None),
            Some("") => Ok(Some(Pattern::Nothing)),
            Some(text) => pattern(text)
                .map(|glob| Some(Pattern::Glob(glob)))
                .map_err(|failure| failure.field(format!("{place}.{key}"))),
        };
        let selector = |key: &str, text: &Option<String>| match text {
            None => Ok(None),
            Some(text) => text.parse::<Selector>().map(Some).map_err(|error| {
                Failure::new(format!("`{text}` is not a selector: {error}"))
                    .field(format!("{place}.{key}"))
            }),
        };
        Ok(Matcher {
            group: pattern("group", &self.group)?,
            version: pattern("version", &self.version)?,
            kind: pattern("kind", &self.kind)?,
            name: pattern("name", &self.name)?,
            namespace: pattern("namespace", &self.namespace)?,
            labels: selector("labelSelector", &self.label_selector)?,
            annotations: selector("annotationSelector", &self.annotation_selector)?,
        })
    }
}

/// A person who knows kustomize may write a regular expression; as a glob it would silently match
/// nothing, or too much.
fn pattern(text: &str) -> Result<Glob, Failure> {
    if text.contains(['^', '$', '|', '(', ')', '\\', '+']) || text.contains(".*") {
        return Err(
            Failure::new(format!("`{text}` looks like a regular expression"))
                .hint("patterns are globs: `web-*` is every name that begins with `web-`"),
        );
    }
    Glob::new(text).map_err(Failure::from)
}

impl Matcher {
    /// Says whether an object is meant.
    pub fn matches(&self, object: &Json) -> bool {
        let identity = Identity::of(object);
        let is = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
        };
        is(&self.group, identity.group)
            && is(&self.version, identity.version)
            && is(&self.kind, identity.kind)
            && is(&self.name, identity.name)
            && is(&self.namespace, identity.namespace.unwrap_or_default())
            && selects(&self.labels, &object["metadata"]["labels"])
            && selects(&self.annotations, &object["metadata"]["annotations"])
    }
}

fn selects(selector: &Option<Selector>, map: &Json) -> bool {
    let Some(selector) = selector else {
        return true;
    };
    let entries = map.as_object().into_iter().flatten();
    selector.matches(entries.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))))
}

/// What the target asks for, for messages: `kind Deployment, name web-*`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            ("group", &self.group),
            ("version", &self.version),
            ("kind", &self.kind),
            ("namespace", &self.namespace),
            ("name", &self.name),
            ("labels", &self.label_selector),
            ("annotations", &self.annotation_selector),
        ];
        let mut separator = "";
        for (what, text) in parts {
            if let Some(text) = text {
                write!(f, "{separator}{what} `{text}`")?;
                separator = ", ";
            }
        }
        if separator.is_empty() {
            f.write_str("any object")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn target(value: Json) -> Target {
        serde_json::from_value(value).unwrap()
    }

    #[rstest]
    #[case::any(json!({}), true)]
    #[case::kind(json!({"kind": "Deployment"}), true)]
    #[case::group(json!({"group": "apps", "version": "v1"}), true)]
    #[case::core_group(json!({"group": ""}), false)]
    #[case::name_glob(json!({"name": "web-*"}), true)]
    #[case::name_is_anchored(json!({"name": "web"}), false)]
    #[case::namespace(json!({"namespace": "shop"}), true)]
    #[case::no_namespace(json!({"namespace": ""}), false)]
    #[case::labels(json!({"labelSelector": "app in (web, api),!old"}), true)]
    #[case::other_labels(json!({"labelSelector": "app=api"}), false)]
    #[case::annotations(json!({"annotationSelector": "team"}), true)]
    #[case::all_of_them(json!({"kind": "Deployment", "name": "api-*"}), false)]
    fn objects_are_chosen(#[case] asked: Json, #[case] expected: bool) {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web-1", "namespace": "shop",
                "labels": {"app": "web"}, "annotations": {"team": "a"}}});
        let matcher = target(asked).matcher("target").unwrap();
        assert_eq!(matcher.matches(&object), expected);
    }

    #[rstest]
    #[case::regex(json!({"name": "web-.*"}), "`web-.*` looks like a regular expression (at \
        patches[0].target.name); patterns are globs: `web-*` is every name that begins with `web-`")]
    #[case::glob(json!({"kind": "[a"}),
        "the pattern `[a` holds a `[` that is never closed (at patches[0].target.kind)")]
    fn what_is_wrong_is_named(#[case] asked: Json, #[case] expected: &str) {
        let failure = target(asked).matcher("patches[0].target").unwrap_err();
        assert_eq!(failure.to_string(), expected);
    }

    #[test]
    fn a_wrong_selector_is_named() {
        let asked = target(json!({"labelSelector": "app in web"}));
        let failure = asked.matcher("target").unwrap_err().to_string();
        assert!(
            failure.contains("`app in web` is not a selector"),
            "{failure}"
        );
        assert!(failure.contains("(at target.labelSelector)"), "{failure}");
    }
}
