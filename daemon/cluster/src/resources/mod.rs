//! The face of Windlass in the cluster: the custom resources `Repository` and `Environment`.
//!
//! The Rust types are the schema: the definitions that are installed are derived from them, and
//! `environment.yaml` in Git is read into the same types, so neither can say what the other cannot.

#[expect(
    clippy::duplicated_attributes,
    reason = "every printer column has a type of its own, and many have the same"
)]
mod environment;
#[expect(clippy::duplicated_attributes, reason = "as above")]
mod repository;
mod values;

pub use environment::{
    DependsOn, DirectoryTargetSpec, DriftSpec, Environment, EnvironmentSpec, EnvironmentStatus,
    FailureStatus, FindingStatus, IgnoreSpec, KubernetesTargetSpec, OnRemove, PipelineStep,
    PruneLimitSpec, PruneRefusalStatus, RetrySpec, SourceSpec, StepLimits, SyncSpec, TargetSpec,
};
pub use repository::{
    FilesStoreSpec, KubernetesStoreSpec, PluginsSpec, ReferenceSpec, Repository, RepositorySpec,
    RepositoryStatus, SecretName, SecretStoreSpec, WebhookSpec,
};
pub use values::{Size, Span, ValueError};

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;

/// API group of the custom resources.
pub const GROUP: &str = "windlass.dev";
/// The served version of the custom resources.
pub const VERSION: &str = "v1alpha1";
/// Group and version as they stand in `apiVersion`.
pub const API_VERSION: &str = "windlass.dev/v1alpha1";

/// The definitions of the custom resources, as they are installed.
pub fn crds() -> Vec<CustomResourceDefinition> {
    vec![Repository::crd(), Environment::crd()]
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use serde_json::{Value as Json, json};

    #[test]
    fn the_environment_definition_is_a_parent_type_with_a_status_and_columns() {
        let crd = serde_json::to_value(Environment::crd()).unwrap();
        assert_eq!(
            crd["metadata"]["labels"][windlass_engine::applyset::IS_PARENT_TYPE],
            "true",
            "ApplySet tools accept it as a parent"
        );
        let version = &crd["spec"]["versions"][0];
        assert_eq!(version["subresources"]["status"], json!({}));
        let columns: Vec<&str> = version["additionalPrinterColumns"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|column| column["name"].as_str())
            .collect();
        assert_eq!(columns, ["Ready", "Revision", "Objects", "Age", "Message"]);
    }

    #[test]
    fn schemas_are_structural() {
        fn walk(path: &str, schema: &Json) {
            let Some(map) = schema.as_object() else {
                return;
            };
            if map.contains_key("properties") {
                assert!(
                    !map.contains_key("additionalProperties"),
                    "{path} has both properties and additionalProperties"
                );
            }
            assert!(!map.contains_key("$ref"), "{path} has a reference");
            for (name, child) in map {
                walk(&format!("{path}.{name}"), child);
            }
        }
        for crd in crds() {
            walk("crd", &serde_json::to_value(crd).unwrap());
        }
    }

    #[test]
    fn an_unknown_field_is_refused_and_absent_fields_are_not_written() {
        let refused = serde_json::from_value::<EnvironmentSpec>(json!({"dependson": []}));
        assert!(refused.unwrap_err().to_string().contains("dependson"));
        let spec: EnvironmentSpec = serde_json::from_value(json!({
            "dependsOn": [{"name": "infra"}],
            "pipeline": [{"plugin": "overlay", "config": {"a": 1}}],
            "sync": {"prune": false, "timeout": "10m"},
            "target": {"kubernetes": {}},
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(&spec).unwrap(),
            json!({
                "dependsOn": [{"name": "infra"}],
                "pipeline": [{"plugin": "overlay", "config": {"a": 1}}],
                "sync": {"prune": false, "timeout": "10m"},
                "target": {"kubernetes": {}},
            })
        );
    }
}
