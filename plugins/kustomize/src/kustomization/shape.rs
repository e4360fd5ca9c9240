//! Which keys a kustomization has and what their values are.
//!
//! kustomize decodes with Go's JSON decoder, which refuses unknown keys, takes keys in any case, and
//! takes null for "not set". All of this is done here, on the value and before any type sees it, so
//! that a message can name the line, the field and the key that was probably meant.

use serde_json::{Map, Value};
use windlass_plugin_common::closest;
use windlass_plugin_common::field::kind_of;
use windlass_plugin_sdk::Json;

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    Text,
    Bool,
    Integer,
    /// Whatever it is, it is looked at elsewhere.
    Any,
    /// A mapping from texts to texts.
    Texts,
    List(&'static Shape),
    Fields(&'static [(&'static str, Shape)]),
}

use Shape::{Any, Bool, Fields, Integer, List, Text, Texts};

const NAMES: Shape = List(&Text);

const FIELD_SPEC: Shape = Fields(&[
    ("group", Text),
    ("version", Text),
    ("kind", Text),
    ("path", Text),
    ("create", Bool),
]);

const SELECTOR: Shape = Fields(&[
    ("group", Text),
    ("version", Text),
    ("kind", Text),
    ("name", Text),
    ("namespace", Text),
    ("annotationSelector", Text),
    ("labelSelector", Text),
]);

const PATCH: Shape = Fields(&[
    ("path", Text),
    ("patch", Text),
    ("target", SELECTOR),
    (
        "options",
        Fields(&[("allowNameChange", Bool), ("allowKindChange", Bool)]),
    ),
]);

const IMAGE: Shape = Fields(&[
    ("name", Text),
    ("newName", Text),
    ("tagSuffix", Text),
    ("newTag", Text),
    ("digest", Text),
]);

const GENERATOR_OPTIONS: Shape = Fields(&[
    ("labels", Texts),
    ("annotations", Texts),
    ("disableNameSuffixHash", Bool),
    ("immutable", Bool),
]);

const CONFIG_MAP: Shape = Fields(&[
    ("namespace", Text),
    ("name", Text),
    ("behavior", Text),
    ("literals", NAMES),
    ("files", NAMES),
    ("envs", NAMES),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
]);

const SECRET: Shape = Fields(&[
    ("namespace", Text),
    ("name", Text),
    ("behavior", Text),
    ("literals", NAMES),
    ("files", NAMES),
    ("envs", NAMES),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
    ("type", Text),
]);

const FIELD_OPTIONS: Shape = Fields(&[
    ("delimiter", Text),
    ("index", Integer),
    ("encoding", Text),
    ("create", Bool),
]);

/// A replacement, in a kustomization or in a file of its own.
pub(super) const REPLACEMENT: Shape = Fields(&[
    (
        "source",
        Fields(&[
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
            ("fieldPath", Text),
            ("options", FIELD_OPTIONS),
        ]),
    ),
    (
        "targets",
        List(&Fields(&[
            ("select", SELECTOR),
            ("reject", List(&SELECTOR)),
            ("fieldPaths", NAMES),
            ("options", FIELD_OPTIONS),
        ])),
    ),
    ("sourceValue", Text),
    ("path", Text),
]);

const VARIABLE: Shape = Fields(&[
    ("name", Text),
    (
        "objref",
        Fields(&[
            ("apiVersion", Text),
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
        ]),
    ),
    ("fieldref", Fields(&[("fieldPath", Text)])),
]);

const LABEL: Shape = Fields(&[
    ("pairs", Texts),
    ("includeSelectors", Bool),
    ("includeTemplates", Bool),
    ("includeVolumeClaimTemplates", Bool),
    ("fields", List(&FIELD_SPEC)),
]);

/// A Kustomization or a Component: the fields of kustomize 5.8's `types.Kustomization`.
pub(super) const KUSTOMIZATION: Shape = Fields(&[
    ("apiVersion", Text),
    ("kind", Text),
    (
        "metadata",
        Fields(&[
            ("name", Text),
            ("namespace", Text),
            ("labels", Texts),
            ("annotations", Texts),
        ]),
    ),
    ("openapi", Texts),
    ("namePrefix", Text),
    ("nameSuffix", Text),
    ("namespace", Text),
    ("commonLabels", Texts),
    ("labels", List(&LABEL)),
    ("commonAnnotations", Texts),
    ("patchesStrategicMerge", NAMES),
    ("patchesJson6902", List(&PATCH)),
    ("patches", List(&PATCH)),
    ("images", List(&IMAGE)),
    ("imageTags", List(&IMAGE)),
    ("replacements", List(&REPLACEMENT)),
    (
        "replicas",
        List(&Fields(&[("name", Text), ("count", Integer)])),
    ),
    ("vars", List(&VARIABLE)),
    (
        "sortOptions",
        Fields(&[
            ("order", Text),
            (
                "legacySortOptions",
                Fields(&[("orderFirst", NAMES), ("orderLast", NAMES)]),
            ),
        ]),
    ),
    ("resources", NAMES),
    ("components", NAMES),
    ("crds", NAMES),
    ("bases", NAMES),
    ("configMapGenerator", List(&CONFIG_MAP)),
    ("secretGenerator", List(&SECRET)),
    ("helmGlobals", Any),
    ("helmCharts", Any),
    ("helmChartInflationGenerator", Any),
    ("generatorOptions", GENERATOR_OPTIONS),
    ("configurations", NAMES),
    ("generators", NAMES),
    ("transformers", NAMES),
    ("validators", NAMES),
    ("buildMetadata", NAMES),
]);

/// A value that is not as it has to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// JSON pointer to the value, or to the key that is not known.
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

/// Checks a value, writes its keys as they are documented and removes what is null.
///
/// # Errors
/// [`Misfit`] for the first thing that is wrong, in the order of the keys.
pub(super) fn fit(value: &mut Json, shape: Shape) -> Result<(), Misfit> {
    fit_at(value, shape, "")
}

// The depth is that of the shapes, which are constants.
fn fit_at(value: &mut Json, shape: Shape, pointer: &str) -> Result<(), Misfit> {
    match (shape, &mut *value) {
        (Any, _) | (Text, Value::String(_)) | (Bool, Value::Bool(_)) => Ok(()),
        // Go's zero value.
        (Text, Value::Null) => {
            *value = Value::String(String::new());
            Ok(())
        }
        (Integer, Value::Number(number)) if number.is_i64() || number.is_u64() => Ok(()),
        (Texts, Value::Object(map)) => map.iter_mut().try_for_each(|(key, value)| {
            fit_at(value, Text, &format!("{pointer}/{}", escape(key)))
        }),
        (List(item), Value::Array(list)) => list
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, value)| fit_at(value, *item, &format!("{pointer}/{index}"))),
        (Fields(_), Value::Null) => {
            *value = Value::Object(Map::new());
            Ok(())
        }
        (Fields(fields), Value::Object(map)) => fit_fields(map, fields, pointer),
        (shape, other) => Err(Misfit {
            pointer: pointer.to_owned(),
            message: format!(
                "{} is expected, but this is {}",
                wanted(shape),
                kind_of(other)
            ),
            hint: matches!(shape, Text)
                .then(|| "put the value in quotes".to_owned())
                .filter(|_| other.is_number() || other.is_boolean()),
        }),
    }
}

fn fit_fields(
    map: &mut Map<String, Json>,
    fields: &[(&'static str, Shape)],
    pointer: &str,
) -> Result<(), Misfit> {
    let mut fitted = Map::new();
    for (key, mut value) in std::mem::take(map) {
        let at = format!("{pointer}/{}", escape(&key));
        let known = fields.iter().find(|(name, _)| *name == key).or_else(|| {
            fields
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(&key))
        });
        let Some((name, shape)) = known else {
            let near = closest(&key, fields.iter().map(|(name, _)| *name));
            return Err(Misfit {
                pointer: at,
                message: format!("there is no field `{key}` here"),
                hint: Some(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("the fields are {}", names(fields)),
                }),
            });
        };
        if value.is_null() {
            continue;
        }
        fit_at(&mut value, *shape, &at)?;
        fitted.insert((*name).to_owned(), value);
    }
    *map = fitted;
    Ok(())
}

fn names(fields: &[(&'static str, Shape)]) -> String {
    let names: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
    names.join(", ")
}

fn wanted(shape: Shape) -> &'static str {
    match shape {
        Text => "a text",
        Bool => "true or false",
        Integer => "a whole number",
        Any => "anything",
        Texts => "a mapping from texts to texts",
        List(Text) => "a list of texts",
        List(_) => "a list of mappings",
        Fields(_) => "a mapping",
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The field that a JSON pointer means, as it is written in messages: `patches[2].target.kind`.
pub(super) fn field(pointer: &str) -> String {
    let mut field = String::new();
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        if !field.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
            field.push_str(&format!("[{part}]"));
        } else {
            if !field.is_empty() {
                field.push('.');
            }
            field.push_str(&part);
        }
    }
    field
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[test]
    fn keys_are_taken_in_any_case_and_null_is_not_set() {
        let mut value =
            json!({"NamePrefix": "a-", "resources": null, "patches": [{"Target": null}]});
        fit(&mut value, KUSTOMIZATION).unwrap();
        assert_eq!(value, json!({"namePrefix": "a-", "patches": [{}]}));
    }

    #[rstest]
    #[case(json!({"resource": []}), "/resource", "there is no field `resource` here", Some("did you mean `resources`?"))]
    #[case(json!({"namePrefix": 5}), "/namePrefix", "a text is expected, but this is a number", Some("put the value in quotes"))]
    #[case(json!({"resources": ["a", ["b"]]}), "/resources/1", "a text is expected, but this is a list", None)]
    #[case(json!({"patches": [{"target": {"kinds": "A"}}]}), "/patches/0/target/kinds", "there is no field `kinds` here", Some("did you mean `kind`?"))]
    #[case(json!({"replicas": [{"name": "a", "count": "3"}]}), "/replicas/0/count", "a whole number is expected, but this is text", None)]
    fn a_misfit_is_named(
        #[case] mut value: Json,
        #[case] pointer: &str,
        #[case] message: &str,
        #[case] hint: Option<&str>,
    ) {
        let expected = Misfit {
            pointer: pointer.to_owned(),
            message: message.to_owned(),
            hint: hint.map(str::to_owned),
        };
        assert_eq!(fit(&mut value, KUSTOMIZATION).unwrap_err(), expected);
    }

    #[test]
    fn a_pointer_is_written_as_a_field() {
        assert_eq!(field("/patches/2/target/kind"), "patches[2].target.kind");
        assert_eq!(field("/commonLabels/a~1b"), "commonLabels.a/b");
    }
}
