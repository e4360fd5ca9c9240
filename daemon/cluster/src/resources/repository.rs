//! The `Repository` resource: where environments come from, and what they may do at most.

use super::values::Span;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

/// A Git repository, how it is reached, and the bounds of its environments.
#[skip_serializing_none]
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "windlass.dev",
    version = "v1alpha1",
    kind = "Repository",
    plural = "repositories",
    shortname = "wrepo",
    category = "windlass",
    namespaced,
    status = "RepositoryStatus",
    derive = "PartialEq",
    doc = "A Git repository whose environments are followed.",
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.url"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Revision", type_ = "string", json_path = ".status.revision"),
    printcolumn(
        name = "Environments",
        type_ = "integer",
        json_path = ".status.environments"
    ),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    ),
    printcolumn(name = "Message", type_ = "string", json_path = ".status.message")
)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RepositorySpec {
    /// Address: `https://…`, `ssh://…`, `git@host:path` or a path on the daemon's machine.
    pub url: String,
    /// What to follow; the default branch when absent.
    #[serde(rename = "ref")]
    pub reference: Option<ReferenceSpec>,
    /// Pause between two looks at the server; 1m when absent.
    pub interval: Option<Span>,
    /// Longest time that a fetch may take; 1m when absent.
    pub timeout: Option<Span>,
    /// Secret in the same namespace with the keys `username`, `password`, `token`, `identity`,
    /// `identity.pub`, `known_hosts`, `ca.crt`, as far as they are needed.
    pub secret_ref: Option<SecretName>,
    /// Certificates of authorities to trust besides the system's, in PEM.
    pub ca: Option<String>,
    /// Namespaces that objects may be in; `*` is any, and the default.
    pub namespaces: Option<Vec<String>>,
    /// What plugins the environments may use.
    pub plugins: Option<PluginsSpec>,
    /// Where secret references are looked up, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secret_stores: Vec<SecretStoreSpec>,
    /// Service account whose rights are used at most; the daemon's own when absent.
    pub service_account: Option<String>,
    /// Nothing is fetched or written while true.
    pub suspend: Option<bool>,
    /// Pushes that the server announces.
    pub webhook: Option<WebhookSpec>,
}

/// What to follow; exactly one is set.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReferenceSpec {
    /// A branch.
    pub branch: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// The highest tag within this range of semantic versions.
    pub semver: Option<String>,
    /// A commit.
    pub commit: Option<String>,
}

/// A Secret in the same namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretName {
    /// Name of the Secret.
    pub name: String,
}

/// What plugins the environments may use besides the built-in ones.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PluginsSpec {
    /// Whether `.wasm` files of the repository may run; true when absent, for they are sandboxed.
    pub allow_paths: Option<bool>,
}

/// A place where secret references are looked up; exactly one kind is set.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretStoreSpec {
    /// Name that references use.
    pub name: String,
    /// Secrets of the cluster.
    pub kubernetes: Option<KubernetesStoreSpec>,
    /// Files below a folder, such as a mounted Secret.
    pub files: Option<FilesStoreSpec>,
}

/// Secrets of the cluster as a store.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KubernetesStoreSpec {
    /// Namespace of the Secrets; the environment's own when absent.
    pub namespace: Option<String>,
}

/// Files as a store: the value of a key is the content of `PATH/NAME/KEY`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FilesStoreSpec {
    /// Folder on the daemon's machine.
    pub path: String,
}

/// Pushes that the server announces.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WebhookSpec {
    /// Secret whose key `token` signs the announcements.
    pub secret_ref: SecretName,
}

/// What became of a repository.
#[skip_serializing_none]
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RepositoryStatus {
    /// Generation of the spec that this status is about.
    pub observed_generation: Option<i64>,
    /// Ready, Reconciling, Stalled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// Commit that is in force.
    pub revision: Option<String>,
    /// Number of environments found at that commit.
    pub environments: Option<u32>,
    /// When the server last answered.
    pub last_fetched: Option<Time>,
    /// The state in one sentence.
    pub message: Option<String>,
}
