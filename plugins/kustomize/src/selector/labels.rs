//! Label selectors, in the grammar of Kubernetes.

use std::borrow::Cow;
use std::cmp::Ordering;

use windlass_manifest::Selector;

use crate::error::{Error, Result};

/// Requirements on labels, or why a text has none.
///
/// That a text is no selector counts only when a resource depends on it, as in kustomize.
#[derive(Clone, Debug)]
pub(super) struct LabelSelector(std::result::Result<Requirements, String>);

#[derive(Clone, Debug)]
struct Requirements {
    /// What the selectors of `kubectl -l` have.
    common: Selector,
    /// The keys that `common` asks for, which is all that is looked up in a resource.
    keys: Vec<String>,
    /// `key > 1` and `key < 1`.
    bounds: Vec<Bound>,
}

#[derive(Clone, Debug)]
struct Bound {
    key: String,
    side: Ordering,
    limit: i64,
}

impl LabelSelector {
    pub(super) fn new(text: &str) -> Self {
        Self(parse(text))
    }

    /// Whether labels, asked by their keys, meet all requirements.
    pub(super) fn matches<'l>(&self, label: impl Fn(&str) -> Option<Cow<'l, str>>) -> Result<bool> {
        let requirements = self.0.as_ref().map_err(Error::new)?;
        let Requirements {
            common,
            keys,
            bounds,
        } = requirements;
        let within = |bound: &Bound| {
            let number = label(&bound.key).and_then(|value| value.parse::<i64>().ok());
            number.is_some_and(|number| number.cmp(&bound.limit) == bound.side)
        };
        if !bounds.iter().all(within) {
            return Ok(false);
        }
        if keys.is_empty() {
            return Ok(true);
        }
        let found: Vec<(&str, Cow<'l, str>)> = keys
            .iter()
            .filter_map(|key| Some((key.as_str(), label(key)?)))
            .collect();
        Ok(common.matches(found.iter().map(|(key, value)| (*key, &**value))))
    }
}

fn parse(text: &str) -> std::result::Result<Requirements, String> {
    let parts = text.split(',');
    let (bounds, common): (Vec<&str>, Vec<&str>) =
        parts.partition(|part| part.contains(['<', '>']));
    let bounds = bounds
        .into_iter()
        .map(bound)
        .collect::<std::result::Result<Vec<_>, String>>()?;
    let common = common.join(",");
    let selector: Selector = if bounds.is_empty() || !common.trim().is_empty() {
        common.parse().map_err(|error| format!("{error}"))?
    } else {
        Selector::default()
    };
    Ok(Requirements {
        keys: keys(&common),
        common: selector,
        bounds,
    })
}

/// The keys in the text of a selector that has been read: what stands before an operator. Too many do
/// no harm.
fn keys(selector: &str) -> Vec<String> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let words = selector.split(|c| !is_key(c));
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn bound(part: &str) -> std::result::Result<Bound, String> {
    let wrong = || {
        format!(
            "`{}` is not a comparison of a label with a number",
            part.trim()
        )
    };
    let at = part.find(['<', '>']).ok_or_else(wrong)?;
    let (key, rest) = part.split_at(at);
    let side = if rest.starts_with('<') {
        Ordering::Less
    } else {
        Ordering::Greater
    };
    // Reads the key as the one of a requirement that the label exists.
    let key = key.trim();
    key.parse::<Selector>().map_err(|_| wrong())?;
    if key.is_empty() || key.starts_with('!') {
        return Err(wrong());
    }
    let limit = rest[1..].trim().parse().map_err(|_| wrong())?;
    Ok(Bound {
        key: key.to_owned(),
        side,
        limit,
    })
}
