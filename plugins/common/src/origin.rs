//! Where an object was read from, kept in its annotations while it is on its way.

pub use windlass_manifest::{INDEX_ANNOTATION as INDEX, PATH_ANNOTATION as PATH};
use windlass_plugin_sdk::Json;

/// Says where an object was read from, for messages: `base/web.yaml (document 2)`.
pub fn of(object: &Json) -> Option<String> {
    let annotations = &object["metadata"]["annotations"];
    let path = annotations[PATH].as_str()?;
    match annotations[INDEX]
        .as_str()
        .and_then(|index| index.parse::<usize>().ok())
    {
        Some(index) if index > 0 => Some(format!("{path} (document {})", index + 1)),
        _ => Some(path.to_owned()),
    }
}

/// Removes annotations, and the mapping when nothing is left in it.
pub fn remove_annotations(object: &mut Json, names: &[&str]) {
    let Some(Json::Object(metadata)) = object.get_mut("metadata") else {
        return;
    };
    let Some(Json::Object(annotations)) = metadata.get_mut("annotations") else {
        return;
    };
    for name in names {
        annotations.remove(*name);
    }
    if annotations.is_empty() {
        metadata.remove("annotations");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case::first(json!({PATH: "a.yaml", INDEX: "0"}), Some("a.yaml"))]
    #[case::second(json!({PATH: "a.yaml", INDEX: "1"}), Some("a.yaml (document 2)"))]
    #[case::none(json!({}), None)]
    fn an_origin_reads_as_a_person_would_say_it(
        #[case] annotations: Json,
        #[case] expected: Option<&str>,
    ) {
        let object = json!({"metadata": {"annotations": annotations}});
        assert_eq!(of(&object).as_deref(), expected);
    }

    #[test]
    fn no_empty_mapping_is_left() {
        let mut object = json!({"metadata": {"name": "a", "annotations": {PATH: "a.yaml"}}});
        remove_annotations(&mut object, &[PATH, INDEX]);
        assert_eq!(object, json!({"metadata": {"name": "a"}}));
    }
}
