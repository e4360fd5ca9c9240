//! What a function has to say about the objects.

use super::Wrong;
use crate::text::{self, message};
use crate::{Finding, Limits, Severity};
use serde_json::Value as Json;
use std::collections::HashMap;
use windlass_manifest::{INDEX_ANNOTATION, PATH_ANNOTATION};

/// The longest place that is shown, in bytes.
const PLACE_BYTES: usize = 512;

/// One entry of `results`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Result {
    severity: Severity,
    message: String,
    object: Option<Reference>,
    field: Option<String>,
    proposed: Option<String>,
    file: Option<File>,
}

/// Which object a result is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Reference {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

/// In which file, and the how manieth document of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct File {
    path: String,
    index: u64,
}

/// Reads `results`: a list, or in versions before v1 a mapping with the list in `items`.
pub(super) fn read(results: &Json, limits: &Limits) -> std::result::Result<Vec<Result>, String> {
    let list = match results {
        Json::Null => return Ok(Vec::new()),
        Json::Array(list) => list,
        Json::Object(results) => match results.get("items") {
            None | Some(Json::Null) => return Ok(Vec::new()),
            Some(Json::Array(list)) => list,
            Some(_) => return Err("the `results` of its ResourceList are no list".to_owned()),
        },
        _ => return Err("the `results` of its ResourceList are no list".to_owned()),
    };
    if list.len() > limits.objects {
        return Err(format!(
            "its ResourceList has {} results, and {} is the limit; if that is right, raise \
             `limits.objects`",
            list.len(),
            limits.objects
        ));
    }
    Ok(list.iter().map(Result::read).collect())
}

impl Result {
    fn read(result: &Json) -> Self {
        let text = |value: &Json| value.as_str().map(message);
        let severity = match result["severity"].as_str() {
            Some("error") => Severity::Error,
            // The specification's default.
            Some("info") | None => Severity::Info,
            Some(_) => Severity::Warning,
        };
        let proposed = match &result["field"]["proposedValue"] {
            Json::Null => None,
            Json::String(value) => Some(message(value)),
            value => Some(message(&value.to_string())),
        };
        let file = text(&result["file"]["path"]).map(|path| File {
            path,
            index: result["file"]["index"].as_u64().unwrap_or_default(),
        });
        Self {
            severity,
            message: text(&result["message"]).unwrap_or_else(|| "(no message)".to_owned()),
            object: Reference::read(&result["resourceRef"]),
            field: text(&result["field"]["path"]).filter(|field| !field.is_empty()),
            proposed,
            file,
        }
    }

    fn finding(&self, places: &Places) -> Finding {
        let object = places.of(self);
        Finding {
            severity: self.severity,
            object,
            field: self.field.clone(),
            message: match object {
                Some(_) => self.message.clone(),
                None => self.with_place(),
            },
            hint: self
                .proposed
                .as_ref()
                .map(|value| format!("the function proposes: {value}")),
            rule: None,
        }
    }

    /// The message with what the function said about the place, for an object that is not there.
    fn with_place(&self) -> String {
        let place = match (&self.object, &self.file) {
            (Some(object), _) if object.namespace.is_empty() => {
                format!("{} {}: ", object.kind, object.name)
            }
            (Some(object), _) => {
                format!("{} {}/{}: ", object.kind, object.namespace, object.name)
            }
            (None, Some(file)) if !file.path.is_empty() => format!("{}: ", file.path),
            _ => return self.message.clone(),
        };
        format!("{}{}", text::clean(&place, PLACE_BYTES), self.message)
    }
}

impl Reference {
    /// Reads a reference, or the head of an object. Versions before v1 have the name in `metadata`
    /// of a reference too.
    fn read(value: &Json) -> Option<Self> {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let named = |key: &str| match &value[key] {
            Json::Null => text(&value["metadata"][key]),
            name => text(name),
        };
        let reference = Self {
            api_version: text(&value["apiVersion"]),
            kind: text(&value["kind"]),
            namespace: named("namespace"),
            name: named("name"),
        };
        (!reference.name.is_empty()).then_some(reference)
    }
}

/// Where objects are, by what a result may say of them.
struct Places {
    objects: HashMap<Reference, usize>,
    files: HashMap<File, usize>,
}

impl Places {
    fn new(objects: &[Json]) -> Self {
        let mut places = Self {
            objects: HashMap::new(),
            files: HashMap::new(),
        };
        for (index, object) in objects.iter().enumerate() {
            let metadata = &object["metadata"];
            let reference = Reference {
                api_version: object["apiVersion"].as_str().unwrap_or_default().to_owned(),
                kind: object["kind"].as_str().unwrap_or_default().to_owned(),
                namespace: metadata["namespace"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                name: metadata["name"].as_str().unwrap_or_default().to_owned(),
            };
            places.objects.entry(reference).or_insert(index);
            let annotations = &metadata["annotations"];
            if let Some(path) = annotations[PATH_ANNOTATION].as_str() {
                let number = annotations[INDEX_ANNOTATION].as_str();
                let file = File {
                    path: path.to_owned(),
                    index: number.and_then(|it| it.parse().ok()).unwrap_or_default(),
                };
                places.files.entry(file).or_insert(index);
            }
        }
        places
    }

    fn of(&self, result: &Result) -> Option<usize> {
        let object = result.object.as_ref();
        let file = result.file.as_ref();
        object
            .and_then(|object| self.objects.get(object))
            .or_else(|| file.and_then(|file| self.files.get(file)))
            .copied()
    }
}

/// Says it in the words of the contract; an object is given by its place among `objects`.
pub(super) fn findings(results: &[Result], objects: &[Json]) -> Vec<Finding> {
    if results.is_empty() {
        return Vec::new();
    }
    let places = Places::new(objects);
    results
        .iter()
        .map(|result| result.finding(&places))
        .collect()
}

/// Why a function ended with an exit status that is not 0, as far as its results say so.
pub(super) fn failure(results: &[Result], given: &[Json], status: u8) -> Wrong {
    let errors: Vec<&Result> = results
        .iter()
        .filter(|result| result.severity == Severity::Error)
        .collect();
    match errors.as_slice() {
        [] => Wrong {
            message: format!("it exited with status {status}"),
            ..Wrong::default()
        },
        [result] => {
            let finding = result.finding(&Places::new(given));
            Wrong {
                message: finding.message,
                object: finding.object,
                field: finding.field,
                hint: finding.hint,
            }
        }
        [_, ..] => {
            let mut message = format!("it found {} errors:", errors.len());
            for result in errors {
                if message.len() > text::MESSAGE_BYTES {
                    break;
                }
                message.push_str("\n- ");
                message.push_str(&result.with_place());
                if let Some(field) = &result.field {
                    message.push_str(&format!(" (field {field})"));
                }
            }
            Wrong {
                message,
                ..Wrong::default()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn objects() -> Vec<Json> {
        vec![
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}),
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a",
                "namespace": "n", "annotations": {"internal.config.kubernetes.io/path": "x.yaml",
                    "internal.config.kubernetes.io/index": "2"}}}),
        ]
    }

    fn result(value: Json) -> Result {
        Result::read(&value)
    }

    #[rstest]
    #[case::reference(
        json!({"message": "m", "severity": "error", "field": {"path": "spec.a", "proposedValue": 3},
            "resourceRef": {"apiVersion": "v1", "kind": "Service", "name": "a", "namespace": "n"}}),
        (Severity::Error, Some(1), Some("spec.a"), "m", Some("the function proposes: 3"))
    )]
    #[case::old_reference(
        json!({"message": "m", "severity": "warning", "resourceRef":
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}}}),
        (Severity::Warning, Some(0), None, "m", None)
    )]
    #[case::file(
        json!({"message": "m", "file": {"path": "x.yaml", "index": 2}}),
        (Severity::Info, Some(1), None, "m", None)
    )]
    #[case::gone(
        json!({"message": "m", "resourceRef":
            {"apiVersion": "v1", "kind": "Pod", "name": "b", "namespace": "n"}}),
        (Severity::Info, None, None, "Pod n/b: m", None)
    )]
    #[case::other_file(
        json!({"message": "m", "severity": "fatal", "file": {"path": "y.yaml"}}),
        (Severity::Warning, None, None, "y.yaml: m", None)
    )]
    #[case::nothing(json!("odd"), (Severity::Info, None, None, "(no message)", None))]
    fn a_result_becomes_a_finding(
        #[case] value: Json,
        #[case] expected: (Severity, Option<usize>, Option<&str>, &str, Option<&str>),
    ) {
        let findings = findings(&[result(value)], &objects());
        let [finding] = findings.try_into().unwrap();
        let seen = (
            finding.severity,
            finding.object,
            finding.field.as_deref(),
            finding.message.as_str(),
            finding.hint.as_deref(),
        );
        assert_eq!(seen, expected);
    }

    #[test]
    fn results_of_older_versions_are_a_mapping() {
        let old = json!({"name": "f", "items": [{"message": "m"}]});
        let limits = Limits::default();
        assert_eq!(read(&old, &limits).unwrap().len(), 1);
        assert!(read(&json!("text"), &limits).is_err(), "a text is none");
    }

    #[test]
    fn the_errors_among_the_results_are_why_it_failed() {
        let error = |name: &str| {
            result(
                json!({"message": "bad", "severity": "error", "field": {"path": "spec"},
                "resourceRef": {"apiVersion": "v1", "kind": "Service", "name": name}}),
            )
        };
        let info = result(json!({"message": "fine"}));
        let one = failure(&[info.clone(), error("a")], &objects(), 1);
        assert_eq!((one.message.as_str(), one.object), ("bad", Some(0)));
        let two = failure(&[error("a"), error("b")], &objects(), 1);
        assert_eq!(
            two.message,
            "it found 2 errors:\n- Service a: bad (field spec)\n- Service b: bad (field spec)"
        );
        let none = failure(&[info], &objects(), 3);
        assert_eq!(none.message, "it exited with status 3");
    }
}
