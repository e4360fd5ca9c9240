//! Sorts the result (`sortOptions`, `--reorder`).

use std::cmp::{Ordering, Reverse};
use std::collections::HashMap;

use serde::Deserialize;

use crate::config::{FIRST, LAST};
use crate::error::{Error, Result};
use crate::id::group_version;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::schema::Schema;
use crate::transform::Transformer;

/// In which order a build gives its objects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct SortOptions {
    order: String,
    legacy_sort_options: Option<LegacySortOptions>,
}

/// Which kinds come first and last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LegacySortOptions {
    order_first: Vec<String>,
    order_last: Vec<String>,
}

impl SortOptions {
    /// The order of the command when nothing is said: by kind, those that others need first.
    pub(crate) fn legacy() -> Self {
        Self {
            order: "legacy".to_owned(),
            legacy_sort_options: None,
        }
    }

    fn ranks(&self) -> HashMap<&str, i64> {
        let (first, last): (Vec<&str>, Vec<&str>) = match &self.legacy_sort_options {
            Some(options) => (
                options.order_first.iter().map(String::as_str).collect(),
                options.order_last.iter().map(String::as_str).collect(),
            ),
            None => (FIRST.to_vec(), LAST.to_vec()),
        };
        let before = i64::try_from(first.len()).unwrap_or(i64::MAX);
        (-before..)
            .zip(first)
            .chain((1..).zip(last))
            .map(|(rank, kind)| (kind, rank))
            .collect()
    }
}

impl Transformer for SortOptions {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        match (self.order.as_str(), &self.legacy_sort_options) {
            ("fifo", None) => Ok(()),
            ("fifo", Some(_)) => Err(Error::new(
                "`legacySortOptions` is set, and the order is not `legacy`",
            )
            .field("order")),
            ("legacy", _) => {
                let ranks = self.ranks();
                // The texts are made once for each resource and not for each comparison.
                let mut keyed: Vec<(Key, Resource)> = std::mem::take(&mut resources.list)
                    .into_iter()
                    .map(|resource| (Key::of(&resource, &ranks), resource))
                    .collect();
                keyed.sort_by(|(a, _), (b, _)| a.compare(b));
                resources.list = keyed.into_iter().map(|(_, resource)| resource).collect();
                resources.check_unique(schema)
            }
            (other, _) => Err(Error::new(format_args!("{other:?} is no order"))
                .field("order")
                .hint("write `legacy` or `fifo`")),
        }
    }
}

/// What a resource is sorted by.
#[derive(Debug)]
struct Key {
    rank: i64,
    /// A Namespace of the core group, which comes before those of other groups.
    is_namespace: bool,
    core: bool,
    /// Group, version and kind, as kustomize compares them.
    type_name: String,
    /// Kind, version and group, then namespace and name.
    name: String,
}

impl Key {
    fn of(resource: &Resource, ranks: &HashMap<&str, i64>) -> Self {
        let (group, version) = group_version(resource.api_version());
        let kind = resource.kind();
        let or = |text: &'_ str, none: &'static str| -> String {
            if text.is_empty() { none } else { text }.to_owned()
        };
        let (g, v, k) = (or(group, "~G"), or(version, "~V"), or(kind, "~K"));
        let type_text = format!(
            "{}.{}.{}",
            or(kind, "[noKind]"),
            or(version, "[noVer]"),
            or(group, "[noGrp]")
        );
        Self {
            rank: ranks.get(kind).copied().unwrap_or_default(),
            is_namespace: kind == "Namespace",
            core: group.is_empty(),
            type_name: format!("{g}_{v}_{k}"),
            name: format!(
                "{type_text}|{}|{}",
                or(resource.namespace(), "~X"),
                or(resource.name(), "~N")
            ),
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let types = if self.is_namespace && other.is_namespace && (self.core || other.core) {
            Reverse(&self.type_name).cmp(&Reverse(&other.type_name))
        } else {
            self.type_name.cmp(&other.type_name)
        };
        self.rank
            .cmp(&other.rank)
            .then(types)
            .then_with(|| self.name.cmp(&other.name))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::resource::Source;
    use rstest::rstest;
    use serde_json::json;

    fn sorted(options: &SortOptions, ids: &[(&str, &str, &str)]) -> Result<Vec<String>> {
        let mut resources = Resources::default();
        for (api_version, kind, name) in ids {
            resources.list.push(Resource::new(
                json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}),
                Source::default(),
            ));
        }
        options.transform(&mut resources, &Schema::default())?;
        Ok(resources
            .list
            .iter()
            .map(|resource| format!("{} {}", resource.kind(), resource.name()))
            .collect())
    }

    #[test]
    fn kinds_that_others_need_come_first() {
        let order = sorted(
            &SortOptions::legacy(),
            &[
                (
                    "admissionregistration.k8s.io/v1",
                    "ValidatingWebhookConfiguration",
                    "w",
                ),
                ("batch/v1", "Job", "j"),
                ("apps/v1", "Deployment", "b"),
                ("apps/v1", "Deployment", "a"),
                ("v1", "Namespace", "n"),
                ("v1", "Service", "s"),
            ],
        );
        assert_eq!(
            order.unwrap(),
            [
                "Namespace n",
                "Service s",
                "Deployment a",
                "Deployment b",
                "Job j",
                "ValidatingWebhookConfiguration w"
            ]
        );
    }

    #[rstest]
    #[case(json!({"order": "fifo", "legacySortOptions": {}}), "`legacySortOptions` is set")]
    #[case(json!({"order": "size"}), "\"size\" is no order (at order); write `legacy` or `fifo`")]
    fn a_wrong_order_is_named(#[case] options: serde_json::Value, #[case] message: &str) {
        let options: SortOptions = serde_json::from_value(options).unwrap();
        let error = sorted(&options, &[]).unwrap_err().to_string();
        assert!(error.starts_with(message), "{error}");
    }
}
