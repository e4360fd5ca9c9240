//! The configuration of `require`.

use serde::Deserialize;
use serde::de::{self, Deserializer, Unexpected, Visitor};
use serde_json::json;
use std::fmt;
use windlass_plugin_sdk::{Json, Severity};

/// Which rules are in force and what they ask for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Config {
    pub(crate) rules: Levels,
    pub(crate) exempt: Vec<Exempt>,
    pub(crate) limits: Vec<String>,
    pub(crate) requests: Vec<String>,
    pub(crate) minimum_replicas: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Levels::default(),
            exempt: Vec::new(),
            // A processor limit slows a container down although the node is idle; memory without a
            // limit takes the neighbours down.
            limits: vec!["memory".to_owned()],
            requests: vec!["cpu".to_owned(), "memory".to_owned()],
            minimum_replicas: 2,
        }
    }
}

/// Objects that some rules are not for.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Exempt {
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) namespace: Option<String>,
    /// All of them when empty.
    pub(crate) rules: Vec<Rule>,
    /// For the reader of the configuration.
    #[serde(rename = "reason")]
    pub(crate) _reason: Option<String>,
}

/// How bad it is that a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Blocks the sync.
    Error,
    /// Is shown.
    Warning,
    /// Is shown where everything is shown.
    Info,
    /// The rule is not looked at.
    Off,
}

impl Level {
    pub(crate) fn severity(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Info => Some(Severity::Info),
            Self::Off => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Off => "off",
        }
    }
}

/// In YAML, `off` without quotes is `false`, which is read as it was meant.
impl<'de> Deserialize<'de> for Level {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Levels;

        impl Visitor<'_> for Levels {
            type Value = Level;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("error, warning, info or off")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Level, E> {
                [Level::Error, Level::Warning, Level::Info, Level::Off]
                    .into_iter()
                    .find(|level| level.name() == text)
                    .ok_or_else(|| E::unknown_variant(text, &["error", "warning", "info", "off"]))
            }

            fn visit_bool<E: de::Error>(self, on: bool) -> Result<Level, E> {
                match on {
                    false => Ok(Level::Off),
                    true => Err(E::invalid_value(Unexpected::Bool(on), &self)),
                }
            }
        }

        deserializer.deserialize_any(Levels)
    }
}

/// The rules are declared once: the type, the configuration and the schema follow.
macro_rules! rules {
    ($($variant:ident $field:ident $name:literal $level:ident $doc:literal,)+) => {
        /// A rule, by the name under which it is configured.
        #[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
        #[serde(rename_all = "kebab-case")]
        pub(crate) enum Rule {
            $(#[doc = $doc] $variant,)+
        }

        /// The level of every rule.
        #[derive(Debug, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct Levels {
            $(#[serde(rename = $name)] $field: Level,)+
        }

        impl Default for Levels {
            fn default() -> Self {
                Self { $($field: Level::$level,)+ }
            }
        }

        impl Levels {
            /// The level of a rule.
            pub(crate) fn of(&self, rule: Rule) -> Level {
                match rule {
                    $(Rule::$variant => self.$field,)+
                }
            }
        }

        impl fmt::Display for Rule {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $name,)+
                })
            }
        }

        /// Name, default level and what it asks for.
        pub(crate) const RULES: &[(&str, Level, &str)] = &[$(($name, Level::$level, $doc),)+];
    };
}

rules! {
    NoPlainSecrets no_plain_secrets "no-plain-secrets" Error
        "The data of a Secret refers to a store and holds no value itself.",
    NoPrivileged no_privileged "no-privileged" Error
        "No container is privileged.",
    NoLatestTag no_latest_tag "no-latest-tag" Error
        "Every image has a tag other than `latest`, or a digest.",
    NoHostNamespaces no_host_namespaces "no-host-namespaces" Warning
        "No pod shares the network, process or IPC namespace of its node.",
    RunAsNonRoot run_as_non_root "run-as-non-root" Warning
        "Every container runs as a user other than root.",
    ResourceRequests resource_requests "resource-requests" Warning
        "Every container requests what `requests` lists.",
    ResourceLimits resource_limits "resource-limits" Warning
        "Every container is limited in what `limits` lists.",
    Probes probes "probes" Warning
        "Every container of a Deployment, StatefulSet or DaemonSet has a readiness and a liveness probe.",
    MinimumReplicas minimum_replicas "minimum-replicas" Off
        "Every Deployment and StatefulSet has `minimumReplicas` replicas, or an autoscaler.",
}

pub(crate) fn schema() -> Json {
    let levels: serde_json::Map<String, Json> = RULES
        .iter()
        .map(|(name, level, doc)| {
            let schema = json!({"description": doc, "enum": ["error", "warning", "info", "off", false],
                "default": level.name()});
            ((*name).to_owned(), schema)
        })
        .collect();
    let names: Vec<&str> = RULES.iter().map(|(name, ..)| *name).collect();
    let texts = json!({"type": "array", "items": {"type": "string"}});
    let glob = |what: &str| json!({"type": "string", "description": format!("{what}; `*` and `?` are wildcards.")});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the plugin require",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "rules": {
                "description": "How bad it is when a rule is broken.",
                "type": "object",
                "additionalProperties": false,
                "properties": levels,
            },
            "exempt": {
                "description": "Objects that some rules are not for.",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "kind": glob("Kind"),
                        "name": glob("Name"),
                        "namespace": glob("Namespace"),
                        "rules": {"description": "Rules; all when absent.", "type": "array",
                            "items": {"enum": names}},
                        "reason": {"description": "Why, for the reader.", "type": "string"},
                    },
                },
            },
            "limits": texts,
            "requests": texts,
            "minimumReplicas": {"type": "integer", "minimum": 0, "default": 2},
        },
    })
}
