//! The `Environment` resource: one schema in Git and in the cluster.

use super::values::{Size, Span, any_map, any_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What an environment is: where its manifests come from, what is made of them and where they go.
///
/// Every field may be absent; what absence means is said at the field. Absent fields are not
/// written, so that server-side apply owns only what Git says.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "Environment",
    plural = "environments",
    shortname = "wenv",
    category = "windlass",
    namespaced,
    status = "EnvironmentStatus",
    derive = "PartialEq",
    doc = "A folder of a Git repository whose manifests are rendered and kept applied.",
    label("applyset.kubernetes.io/is-parent-type", "true"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.revision"),
    printcolumn(name = "Objects", type_ = "integer", json_path = ".status.objects"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EnvironmentSpec {
    /// Environments of the same repository that have to be ready at this revision first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<DependsOn>,
    /// Namespace for objects that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The steps that make the objects; when absent, the folder's content decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Vec<PipelineStep>>,
    /// Named scalars that the steps can use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "any_map")]
    pub variables: BTreeMap<String, Json>,
    /// Service account whose rights are used; the daemon's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account: Option<String>,
    /// How objects are brought into the cluster and kept there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<SyncSpec>,
    /// Fields of live objects that are left to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreSpec>,
    /// Where the objects go; the cluster of the daemon when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetSpec>,
    /// Set by a person in the cluster: nothing is written while true.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspend: Option<bool>,
    /// Set by a person in the cluster: the commit to stay at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Only in the cluster: the folder, for an environment without an environment.yaml.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceSpec>,
    /// Set by a person in the cluster: the digest of the refused prune that shall be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm_prune: Option<String>,
}

/// An environment that has to be ready first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DependsOn {
    /// Name of the environment, in the same repository.
    pub name: String,
}

/// One step of a pipeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PipelineStep {
    /// Name of a built-in plugin, or path of a `.wasm` file: relative to the environment's folder,
    /// or to the root of the repository when it starts with `/`.
    pub plugin: String,
    /// The plugin's own configuration.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "any_object")]
    pub config: Map<String, Json>,
    /// Bounds of this step, within what the operator allows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<StepLimits>,
}

/// Bounds of one step; an absent one is the daemon's default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepLimits {
    /// Longest run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_time: Option<Span>,
    /// Most memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// Most output, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_bytes: Option<Size>,
    /// Most log output, in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_bytes: Option<Size>,
    /// Most calls of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_calls: Option<u32>,
    /// Most objects handed back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u32>,
}

/// How objects are applied, pruned and kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncSpec {
    /// Whether objects that left Git leave the cluster; true when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune: Option<bool>,
    /// What is done about drift; `correct` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift: Option<DriftSpec>,
    /// How long objects may take to become healthy; 5m when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Span>,
    /// How much may be pruned at once without a person's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_limit: Option<PruneLimitSpec>,
    /// What happens to the objects when the environment leaves Git; `keep` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_remove: Option<OnRemove>,
    /// How failed requests are repeated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetrySpec>,
}

/// What is done about drift.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DriftSpec {
    /// The drifted objects are applied again.
    #[default]
    Correct,
    /// It is reported, and nothing is written.
    Report,
}

/// What happens to the objects of an environment that left Git.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnRemove {
    /// They stay until a person confirms.
    #[default]
    Keep,
    /// They are deleted.
    Prune,
}

/// A prune above both bounds waits for a person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PruneLimitSpec {
    /// Share of the environment's objects; 30 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
    /// Number of objects; 10 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u32>,
}

/// First and longest pauses before a request is repeated; they double in between.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetrySpec {
    /// First pause after a passing failure; 1s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transient: Option<Span>,
    /// Longest pause after passing failures; 2m when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transient_max: Option<Span>,
    /// First pause after the API server refused an object; 30s when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<Span>,
    /// Longest pause after refusals; 10m when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected_max: Option<Span>,
}

/// Fields that are left to others, on the objects that match.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IgnoreSpec {
    /// API group; the core group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Kind.
    pub kind: String,
    /// Name; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Namespace; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// JSON pointers (RFC 6901) such as `/spec/replicas`.
    pub fields: Vec<String>,
}

/// Where objects go; exactly one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetSpec {
    /// The cluster of the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<KubernetesTargetSpec>,
    /// A folder, one file for each object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<DirectoryTargetSpec>,
}

/// The cluster of the daemon; there is nothing to set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesTargetSpec {}

/// A folder as a target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DirectoryTargetSpec {
    /// Path on the daemon's machine.
    pub path: String,
}

/// The folder of an environment that was made in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceSpec {
    /// Name of the Repository, in the same namespace.
    pub repository: String,
    /// Path of the folder in the repository.
    pub path: String,
}

/// What became of an environment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// Generation of the spec that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, Rendered, Applied, Healthy, Drifted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Commit that is applied in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// Commit that was tried last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempted_revision: Option<String>,
    /// Number of objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u32>,
    /// Number of healthy objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_objects: Option<u32>,
    /// Folder in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The state in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Objects that failed; the first 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureStatus>,
    /// What validators said; the first 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingStatus>,
    /// A prune that waits for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prune_refusal: Option<PruneRefusalStatus>,
    /// When everything was last found in sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_synced: Option<Time>,
    /// The last request for a sync that was taken up: the value of the annotation
    /// `windlass.dev/sync-requested-at`, by which a person sees that it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_request: Option<String>,
    /// Objects pruned by the last sync that pruned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<u32>,
}

/// An object that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureStatus {
    /// The object, as `Deployment.apps shop/server`.
    pub object: String,
    /// Where it comes from, as `base/server.yaml (document 2)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// Code of the error.
    pub code: String,
    /// What went wrong.
    pub message: String,
}

/// What a validator said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingStatus {
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// The step that said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// The object it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The field it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What was found.
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// A prune that was refused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PruneRefusalStatus {
    /// Digest that `spec.confirmPrune` has to name.
    pub digest: String,
    /// Number of objects that would be deleted.
    pub objects: u32,
    /// Number of objects in the environment.
    pub of: u32,
}
