//! `$(NAME)` in a text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use windlass_plugin_sdk::Json;

/// The values of variables, by name.
pub(super) type Variables = BTreeMap<String, Json>;

/// Replaces the variables of a text, and notes which were used.
///
/// A text that is nothing but one variable becomes its value, a number or a boolean too. `$$` stands
/// for `$`. What is no known variable stays: it may be one of the container's environment.
pub(super) fn expand(text: &str, values: &Variables, used: &mut BTreeSet<String>) -> Json {
    if !text.contains('$') {
        return text.into();
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, from) = rest.split_at(at);
        expanded.push_str(before);
        let after = from.get(1..).unwrap_or_default();
        if after.is_empty() {
            rest = from;
            break;
        }
        if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) =
            after.strip_prefix('(').and_then(|it| it.split_once(')'))
        {
            match values.get(name) {
                Some(Value::Array(_) | Value::Object(_) | Value::Null) | None => {
                    expanded.push_str(&format!("$({name})"));
                }
                Some(value) => {
                    used.insert(name.to_owned());
                    if from.len() == text.len() && after.is_empty() {
                        return value.clone();
                    }
                    match value {
                        Value::String(value) => expanded.push_str(value),
                        other => expanded.push_str(&other.to_string()),
                    }
                }
            }
            rest = after;
        } else {
            // The `$` and what follows stay, so that a `$` right after it begins nothing.
            let next = after.chars().next().map_or(0, char::len_utf8);
            let (kept, after) = from.split_at(1 + next);
            expanded.push_str(kept);
            rest = after;
        }
    }
    expanded.push_str(rest);
    expanded.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::nothing("a", json!("a"))]
    #[case::text("x-$(NAME)-y", json!("x-web-y"))]
    #[case::typed("$(PORT)", json!(8080))]
    #[case::number_in_a_text(":$(PORT)", json!(":8080"))]
    #[case::escaped("$$(NAME)", json!("$(NAME)"))]
    #[case::unknown("$(OTHER) $(NAME)", json!("$(OTHER) web"))]
    #[case::open("$(NAME", json!("$(NAME"))]
    #[case::shell("$HOME $", json!("$HOME $"))]
    #[case::no_text("$(MAP)", json!("$(MAP)"))]
    fn texts_are_expanded(#[case] text: &str, #[case] expected: Json) {
        let values = Variables::from([
            ("NAME".to_owned(), json!("web")),
            ("PORT".to_owned(), json!(8080)),
            ("MAP".to_owned(), json!({})),
        ]);
        assert_eq!(expand(text, &values, &mut BTreeSet::new()), expected);
    }
}
