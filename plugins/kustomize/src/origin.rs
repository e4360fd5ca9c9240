//! Where resources come from and what has changed them (`buildMetadata`).
//!
//! Both are annotations, as in kustomize, with the same text; a resource that is read with such an
//! annotation brings it along.

use windlass_manifest::{Limits, decode, to_yaml};
use windlass_plugin_sdk::Json;

use crate::resource::Resource;
use crate::resources::Resources;

/// The annotation with the origin of a resource.
const ORIGIN: &str = "config.kubernetes.io/origin";

/// The annotation with the transformers that have changed a resource.
const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";

/// Where a resource comes from: a file, or the configuration of what has made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The path from the folder that is built.
    path: String,
    repo: String,
    r#ref: String,
    /// The file that configures a generator or a transformer.
    configured_in: String,
    /// The object that configures it.
    configured_by: Option<ConfiguredBy>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ConfiguredBy {
    api_version: String,
    kind: String,
    name: String,
    namespace: String,
}

impl Origin {
    /// The origin of what lies at a path below this one.
    pub(crate) fn append(&self, path: &str) -> Self {
        Self {
            path: joined(&self.path, path),
            ..self.clone()
        }
    }

    /// The origin of what a field of the kustomization at this one makes.
    pub(crate) fn configured(&self, file: &str, api_version: &str, kind: &str) -> Self {
        Self {
            path: String::new(),
            repo: self.repo.clone(),
            r#ref: self.r#ref.clone(),
            configured_in: joined(&self.path, file),
            configured_by: Some(ConfiguredBy {
                api_version: api_version.to_owned(),
                kind: kind.to_owned(),
                ..ConfiguredBy::default()
            }),
        }
    }

    /// The origin of what an object makes that configures a generator or a transformer; none when
    /// that object has none itself.
    pub(crate) fn of_config(config: &Resource) -> Option<Self> {
        let own = read(config)?;
        Some(Self {
            path: String::new(),
            configured_in: own.path,
            configured_by: Some(ConfiguredBy {
                api_version: config.api_version().to_owned(),
                kind: config.kind().to_owned(),
                name: config.name().to_owned(),
                namespace: config.namespace().to_owned(),
            }),
            ..own
        })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for (key, value) in [
            ("path", &self.path),
            ("repo", &self.repo),
            ("ref", &self.r#ref),
            ("configuredIn", &self.configured_in),
        ] {
            line(&mut text, "", key, value);
        }
        if let Some(by) = &self.configured_by {
            text.push_str("configuredBy:\n");
            for (key, value) in [
                ("apiVersion", &by.api_version),
                ("kind", &by.kind),
                ("name", &by.name),
                ("namespace", &by.namespace),
            ] {
                line(&mut text, "  ", key, value);
            }
        }
        text
    }

    fn item(&self) -> String {
        let text = self.text();
        let mut item = String::with_capacity(text.len() + 16);
        for (index, line) in text.lines().enumerate() {
            item.push_str(if index == 0 { "- " } else { "  " });
            item.push_str(line);
            item.push('\n');
        }
        item
    }
}

/// Writes a note; with it kustomize writes all annotations anew, and no other field is kept in step
/// with them from then on.
fn note(resource: &mut Resource, name: &str, text: &str) {
    resource.set_annotation(name, text);
    resource.shared.leave("metadata/annotations");
}

/// Writes the origin on every resource, in the place of what is written there.
pub(crate) fn annotate(resources: &mut Resources, origin: &Origin) {
    let text = origin.text();
    for resource in &mut resources.list {
        note(resource, ORIGIN, &text);
    }
}

/// Writes the origin on every resource that has none.
pub(crate) fn add_origin(resources: &mut Resources, origin: &Origin) {
    let text = origin.text();
    for resource in &mut resources.list {
        if resource.annotation(ORIGIN).is_none() {
            note(resource, ORIGIN, &text);
        }
    }
}

/// Writes down that a transformer has run over the resources. One without an origin was made by it.
pub(crate) fn add_transformer(resources: &mut Resources, origin: &Origin) {
    let (text, item) = (origin.text(), origin.item());
    for resource in &mut resources.list {
        if resource.annotation(ORIGIN).is_none() {
            note(resource, ORIGIN, &text);
        } else {
            let before = resource.annotation(TRANSFORMATIONS).unwrap_or_default();
            let after = format!("{before}{item}");
            note(resource, TRANSFORMATIONS, &after);
        }
    }
}

/// Removes the origins.
pub(crate) fn remove_origins(resources: &mut Resources) {
    for resource in &mut resources.list {
        resource.remove_annotation(ORIGIN);
    }
}

/// Removes what was written down about transformers.
pub(crate) fn remove_transformers(resources: &mut Resources) {
    for resource in &mut resources.list {
        resource.remove_annotation(TRANSFORMATIONS);
    }
}

/// Gives a resource the origin of the one that it takes the place of.
pub(crate) fn keep_origin(new: &mut Resource, old: &Resource) {
    if let Some(text) = old.annotation(ORIGIN) {
        note(new, ORIGIN, text);
    }
}

fn read(resource: &Resource) -> Option<Origin> {
    let text = resource.annotation(ORIGIN)?;
    let value = decode(text.as_bytes(), &Limits::default())
        .ok()
        .and_then(|documents| documents.into_iter().next())
        .map_or(Json::Null, |document| document.value);
    let field = |name: &str| {
        value
            .get(name)
            .and_then(Json::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Some(Origin {
        path: field("path"),
        repo: field("repo"),
        r#ref: field("ref"),
        ..Origin::default()
    })
}

fn line(text: &mut String, indent: &str, key: &str, value: &str) {
    if value.is_empty() {
        return;
    }
    let is_plain = value.starts_with(|first: char| first.is_ascii_alphabetic())
        && value
            .chars()
            .all(|it| it.is_ascii_alphanumeric() || "-_./".contains(it));
    let written = if is_plain {
        value.to_owned()
    } else {
        to_yaml(&Json::from(value)).trim_end().to_owned()
    };
    text.push_str(&format!("{indent}{key}: {written}\n"));
}

/// The two paths joined, without `.` and with `..` resolved as far as there is something to leave.
fn joined(base: &str, path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    if parts.is_empty() && !(base.is_empty() && path.is_empty()) {
        return ".".to_owned();
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resource::Source;
    use rstest::rstest;
    use serde_json::json;

    fn one() -> Resources {
        let object = json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}});
        Resources {
            list: vec![Resource::new(object, Source::default())],
        }
    }

    #[test]
    fn what_was_read_and_changed_is_written_down() {
        let mut resources = one();
        let base = Origin::default().append("../base");
        annotate(&mut resources, &base.append("service.yaml"));
        for kind in ["PrefixTransformer", "LabelTransformer"] {
            let by = base.configured("kustomization.yaml", "builtin", kind);
            add_transformer(&mut resources, &by);
        }
        let annotations = &resources.list[0].json["metadata"]["annotations"];
        assert_eq!(annotations[ORIGIN], "path: ../base/service.yaml\n");
        let expected = "\
- configuredIn: ../base/kustomization.yaml
  configuredBy:
    apiVersion: builtin
    kind: PrefixTransformer
- configuredIn: ../base/kustomization.yaml
  configuredBy:
    apiVersion: builtin
    kind: LabelTransformer
";
        assert_eq!(annotations[TRANSFORMATIONS], expected);
        remove_origins(&mut resources);
        remove_transformers(&mut resources);
        assert_eq!(resources.list[0].metadata("annotations"), None);
    }

    #[rstest]
    #[case("", "a.yaml", "a.yaml")]
    #[case("../base", "../x/./a.yaml", "../x/a.yaml")]
    #[case("", "../..", "../..")]
    #[case("base", "..", ".")]
    fn paths_are_joined(#[case] base: &str, #[case] path: &str, #[case] expected: &str) {
        assert_eq!(joined(base, path), expected);
    }
}
