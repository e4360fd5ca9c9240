//! What a function gets to read.

use super::Wrong;
use super::list::{API_VERSION, KIND};
use crate::text;
use serde_json::{Map, Value as Json, json};

/// The name of the ConfigMap that kpt makes of a plain mapping.
const CONFIG_NAME: &str = "function-input";

/// Writes a `ResourceList` as JSON, which is YAML too when the few characters are escaped that YAML
/// does not take as they are.
pub(super) fn resource_list(objects: &[Json], config: &str) -> Result<String, Wrong> {
    let mut list = Map::new();
    list.insert("apiVersion".to_owned(), API_VERSION.into());
    list.insert("kind".to_owned(), KIND.into());
    list.insert("items".to_owned(), objects.into());
    if let Some(config) = function_config(config)? {
        list.insert("functionConfig".to_owned(), config);
    }
    Ok(escape(&Json::Object(list).to_string()))
}

/// Makes the `functionConfig` of a step's configuration: a whole object is handed on as it is, a
/// plain mapping becomes a ConfigMap, as with `configMap` in a Kptfile; an empty one is none.
fn function_config(config: &str) -> Result<Option<Json>, Wrong> {
    let wrong = |message: String, field: Option<&str>, hint: &str| Wrong {
        message,
        object: None,
        field: field.map(str::to_owned),
        hint: Some(hint.to_owned()),
    };
    let config: Json = serde_json::from_str(config).map_err(|error| Wrong {
        message: format!("its configuration is no JSON: {error}"),
        ..Wrong::default()
    })?;
    let Json::Object(config) = config else {
        let hint = "write a mapping, or an object with `apiVersion` and `kind`";
        return Err(wrong(
            "its configuration is no mapping".to_owned(),
            None,
            hint,
        ));
    };
    if config.is_empty() {
        return Ok(None);
    }
    match (
        config.contains_key("apiVersion"),
        config.contains_key("kind"),
    ) {
        (true, true) => return Ok(Some(Json::Object(config))),
        (false, false) => {}
        (api_version, _) => {
            let (there, missing) = match api_version {
                true => ("apiVersion", "kind"),
                false => ("kind", "apiVersion"),
            };
            let message = format!("its configuration has `{there}` and no `{missing}`");
            let hint = "an object needs both; for a plain key of that name, write the ConfigMap \
                        out";
            return Err(wrong(message, Some(there), hint));
        }
    }
    let mut data = Map::new();
    for (key, value) in config {
        let value = match value {
            Json::String(value) => value,
            Json::Number(value) => value.to_string(),
            Json::Bool(value) => value.to_string(),
            Json::Null => String::new(),
            Json::Array(_) | Json::Object(_) => {
                let key = text::message(&key);
                let message = format!(
                    "`{key}` of its configuration is a list or a mapping, and a KRM function takes \
                     texts, or an object"
                );
                let hint = "for a configuration with more than texts, write the object that the \
                            function documents, with its `apiVersion` and `kind`";
                return Err(wrong(message, Some(&key), hint));
            }
        };
        data.insert(key, value.into());
    }
    Ok(Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": CONFIG_NAME},
        "data": data,
    })))
}

/// Escapes what YAML has no place for (YAML 1.2, 5.1) or takes for the end of a line (YAML 1.1, 4.2).
/// In a JSON text such a character stands inside of a string always.
fn escape(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::none(json!({}), None)]
    #[case::scalars(
        json!({"namespace": "shop", "replicas": 3, "strict": true, "empty": null}),
        Some(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "function-input"},
            "data": {"namespace": "shop", "replicas": "3", "strict": "true", "empty": ""}}))
    )]
    #[case::object(
        json!({"apiVersion": "fn.kpt.dev/v1alpha1", "kind": "SetLabels", "labels": {"a": "b"}}),
        Some(json!({"apiVersion": "fn.kpt.dev/v1alpha1", "kind": "SetLabels", "labels": {"a": "b"}}))
    )]
    fn a_configuration_becomes_a_function_config(
        #[case] config: Json,
        #[case] expected: Option<Json>,
    ) {
        assert_eq!(function_config(&config.to_string()).unwrap(), expected);
    }

    #[rstest]
    #[case::half("kind", json!({"kind": "SetLabels", "labels": "a"}))]
    #[case::other_half("apiVersion", json!({"apiVersion": "v1", "data": "a"}))]
    #[case::nested("labels", json!({"labels": {"a": "b"}}))]
    fn a_configuration_that_is_neither_is_refused(#[case] key: &str, #[case] config: Json) {
        let wrong = function_config(&config.to_string()).unwrap_err();
        assert_eq!(wrong.field.as_deref(), Some(key), "{wrong:?}");
        assert!(wrong.hint.is_some(), "says what to do");
    }

    #[test]
    fn the_list_is_json_and_yaml_alike() {
        let object = json!({"text": "a\u{85}b\u{2028}c\u{7f}d\u{1f600}\n\u{feff}"});
        let list = resource_list(std::slice::from_ref(&object), "{}").unwrap();
        assert!(list.contains(r"a\u0085b\u2028c\u007fd😀\n\ufeff"), "{list}");
        let read: Json = serde_json::from_str(&list).unwrap();
        assert_eq!(read["items"][0], object);
        assert_eq!(read["kind"], "ResourceList");
        assert_eq!(read.get("functionConfig"), None);
    }
}
