//! The `Environment` resource: one schema in Git and in the cluster.

use super::values::{Size, Span, any_map, any_object};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use serde_with::skip_serializing_none;
use std::collections::BTreeMap;

/// What an environment is: where its manifests come from, what is made of them and where they go.
///
/// Every field may be absent; what absence means is said at the field. Absent fields are not
/// written, so that server-side apply owns only what Git says.
#[skip_serializing_none]
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
    pub namespace: Option<String>,
    /// The steps that make the objects; when absent, the folder's content decides.
    pub pipeline: Option<Vec<PipelineStep>>,
    /// Named scalars that the steps can use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "any_map")]
    pub variables: BTreeMap<String, Json>,
    /// Service account whose rights are used; the daemon's own when absent.
    pub service_account: Option<String>,
    /// How objects are brought into the cluster and kept there.
    pub sync: Option<SyncSpec>,
    /// Fields of live objects that are left to others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreSpec>,
    /// Where the objects go; the cluster of the daemon when absent.
    pub target: Option<TargetSpec>,
    /// Set by a person in the cluster: nothing is written while true.
    pub suspend: Option<bool>,
    /// Set by a person in the cluster: the commit to stay at.
    pub revision: Option<String>,
    /// Only in the cluster: the folder, for an environment without an environment.yaml.
    pub source: Option<SourceSpec>,
    /// Set by a person in the cluster: the digest of the refused prune that shall be done.
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
#[skip_serializing_none]
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
    pub limits: Option<StepLimits>,
}

/// Bounds of one step; an absent one is the daemon's default.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StepLimits {
    /// Longest run.
    pub wall_time: Option<Span>,
    /// Most memory.
    pub memory: Option<Size>,
    /// Most output, in bytes.
    pub output_bytes: Option<Size>,
    /// Most log output, in bytes.
    pub log_bytes: Option<Size>,
    /// Most calls of the host.
    pub host_calls: Option<u32>,
    /// Most objects handed back.
    pub objects: Option<u32>,
    /// Largest plugin.
    pub module_bytes: Option<Size>,
    /// Longest time for compiling the plugin.
    pub compile_time: Option<Span>,
    /// Most memory for compiling the plugin.
    pub compile_memory: Option<Size>,
}

/// How objects are applied, pruned and kept.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SyncSpec {
    /// Whether objects that left Git leave the cluster; true when absent.
    pub prune: Option<bool>,
    /// What is done about drift; `correct` when absent.
    pub drift: Option<DriftSpec>,
    /// How long objects may take to become healthy; 5m when absent.
    pub timeout: Option<Span>,
    /// How much may be pruned at once without a person's word.
    pub prune_limit: Option<PruneLimitSpec>,
    /// What happens to the objects when the environment leaves Git; `keep` when absent.
    pub on_remove: Option<OnRemove>,
    /// How failed requests are repeated.
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
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PruneLimitSpec {
    /// Share of the environment's objects; 30 when absent.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u8>,
    /// Number of objects; 10 when absent.
    pub objects: Option<u32>,
}

/// First and longest pauses before a request is repeated; they double in between.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RetrySpec {
    /// First pause after a passing failure; 1s when absent.
    pub transient: Option<Span>,
    /// Longest pause after passing failures; 2m when absent.
    pub transient_max: Option<Span>,
    /// First pause after the API server refused an object; 30s when absent.
    pub rejected: Option<Span>,
    /// Longest pause after refusals; 10m when absent.
    pub rejected_max: Option<Span>,
}

/// Fields that are left to others, on the objects that match.
#[skip_serializing_none]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct IgnoreSpec {
    /// API group; the core group when absent.
    pub group: Option<String>,
    /// Kind.
    pub kind: String,
    /// Name; any when absent.
    pub name: Option<String>,
    /// Namespace; any when absent.
    pub namespace: Option<String>,
    /// JSON pointers (RFC 6901) such as `/spec/replicas`.
    pub fields: Vec<String>,
}

/// Where objects go; exactly one is set.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TargetSpec {
    /// The cluster of the daemon.
    pub kubernetes: Option<KubernetesTargetSpec>,
    /// A folder, one file for each object.
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
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentStatus {
    /// Generation of the spec that this status is about.
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled, Rendered, Applied, Healthy, Drifted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Commit that is applied in full.
    pub revision: Option<String>,
    /// Commit that was tried last.
    pub attempted_revision: Option<String>,
    /// Digest of the objects of `revision`: by it a restart knows that a later commit left them as they are.
    pub render_digest: Option<String>,
    /// Number of objects.
    pub objects: Option<u32>,
    /// Number of healthy objects.
    pub ready_objects: Option<u32>,
    /// Folder in the repository.
    pub path: Option<String>,
    /// The state in one sentence.
    pub message: Option<String>,
    /// Objects that failed; the first 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<FailureStatus>,
    /// What validators said; the first 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingStatus>,
    /// A prune that waits for a person.
    pub prune_refusal: Option<PruneRefusalStatus>,
    /// When everything was last found in sync.
    pub last_synced: Option<Time>,
    /// The last request for a sync that was taken up: the value of the annotation
    /// `windlass.dev/sync-requested-at`, by which a person sees that it was heard.
    pub last_sync_request: Option<String>,
    /// Objects pruned by the last sync that pruned.
    pub pruned: Option<u32>,
}

/// An object that failed.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureStatus {
    /// The object, as `Deployment.apps shop/server`.
    pub object: String,
    /// Where it comes from, as `base/server.yaml (document 2)`.
    pub origin: Option<String>,
    /// Code of the error.
    pub code: String,
    /// What went wrong.
    pub message: String,
}

/// What a validator said.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindingStatus {
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// The step that said it.
    pub step: Option<String>,
    /// The object it is about.
    pub object: Option<String>,
    /// The field it is about.
    pub field: Option<String>,
    /// What was found.
    pub message: String,
    /// What to do about it.
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
