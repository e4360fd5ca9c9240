//! Choosing resources: by what they are called, where they are, and how they are labelled.

mod labels;
mod pattern;

pub(crate) use self::pattern::{compiled, is_special};
use serde::Deserialize;

use self::labels::LabelSelector;
use self::pattern::Pattern;
use crate::error::{Error, Result};
use crate::id::Id;
use crate::merge::text;
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// Which resources are meant, as it is written in a configuration. What is empty is not looked at.
///
/// Group, version, kind, name and namespace are regular expressions (RE2) that have to match the
/// whole text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Selector {
    /// The group.
    pub(crate) group: String,
    /// The version.
    pub(crate) version: String,
    /// The kind.
    pub(crate) kind: String,
    /// The name.
    pub(crate) name: String,
    /// The namespace; `default` also selects what names none.
    pub(crate) namespace: String,
    /// A label selector that the annotations have to meet.
    pub(crate) annotation_selector: String,
    /// A label selector.
    pub(crate) label_selector: String,
}

impl Selector {
    /// Makes the selector ready for use.
    ///
    /// # Errors
    /// Names the field with the expression that is none.
    pub(crate) fn compile(&self) -> Result<Matcher> {
        Ok(Matcher {
            regex: self.regex()?,
            labels: LabelSelector::new(&self.label_selector),
            annotations: LabelSelector::new(&self.annotation_selector),
        })
    }

    /// The expressions for what resources are called.
    ///
    /// # Errors
    /// Names the field with the expression that is none.
    pub(crate) fn regex(&self) -> Result<SelectorRegex> {
        let pattern = |field: &str, text: &str| {
            Pattern::new(text).map_err(|reason| {
                Error::new(format_args!(
                    "`{text}` is not a regular expression: {reason}"
                ))
                .field(field)
            })
        };
        Ok(SelectorRegex {
            group: pattern("group", &self.group)?,
            version: pattern("version", &self.version)?,
            kind: pattern("kind", &self.kind)?,
            name: pattern("name", &self.name)?,
            namespace: pattern("namespace", &self.namespace)?,
        })
    }
}

/// What resources have to be called.
#[derive(Clone, Debug)]
pub(crate) struct SelectorRegex {
    group: Pattern,
    version: Pattern,
    kind: Pattern,
    name: Pattern,
    namespace: Pattern,
}

impl SelectorRegex {
    /// Whether group, version and kind are meant.
    pub(crate) fn match_gvk(&self, group: &str, version: &str, kind: &str) -> bool {
        self.kind.matches(kind) && self.group.matches(group) && self.version.matches(version)
    }

    /// Whether a name is meant.
    pub(crate) fn match_name(&self, name: &str) -> bool {
        self.name.matches(name)
    }

    /// Whether a namespace is meant, which has to be an effective one.
    pub(crate) fn match_namespace(&self, namespace: &str) -> bool {
        self.namespace.matches(namespace)
    }

    fn match_either(&self, now: &Id<'_>, once: &Id<'_>) -> bool {
        (self.match_name(now.name) || self.match_name(once.name))
            && (self.match_namespace(now.namespace) || self.match_namespace(once.namespace))
    }
}

/// A [`Selector`] that is ready for use.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    regex: SelectorRegex,
    labels: LabelSelector,
    annotations: LabelSelector,
}

impl Matcher {
    /// The indexes of the resources that are meant, in order.
    ///
    /// # Errors
    /// A label selector that is none, if there is a resource on which it has to decide.
    pub(crate) fn select(&self, resources: &Resources, schema: &Schema) -> Result<Vec<usize>> {
        let mut selected = Vec::new();
        for (at, resource) in resources.list.iter().enumerate() {
            if self.matches(resource, schema)? {
                selected.push(at);
            }
        }
        Ok(selected)
    }

    /// Whether a resource is meant, by the names that it has now or had first.
    ///
    /// # Errors
    /// As [`Matcher::select`].
    pub(crate) fn matches(&self, resource: &Resource, schema: &Schema) -> Result<bool> {
        let now = resource.id(schema);
        if resource.is_empty()
            || !self.regex.match_gvk(now.group, now.version, now.kind)
            || !self.regex.match_either(&now, &resource.original_id(schema))
        {
            return Ok(false);
        }
        let matches = |selector: &LabelSelector, field: &str, of: &str| {
            let map = resource.metadata(of).and_then(|labels| labels.as_object());
            let found = |key: &str| map.and_then(|map| map.get(key)).map(text);
            selector
                .matches(found)
                .map_err(|error| at_source(error.field(field), resource))
        };
        Ok(matches(&self.labels, "labelSelector", "labels")?
            && matches(&self.annotations, "annotationSelector", "annotations")?)
    }
}

#[cfg(test)]
mod tests;
