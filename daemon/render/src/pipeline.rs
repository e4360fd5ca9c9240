//! What is to be rendered.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;
use windlass_manifest::Json;
use windlass_plugin_host::Limits;

/// The steps of one environment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pipeline {
    /// The steps, run in this order; each gets the objects of the one before.
    pub steps: Vec<Step>,
    /// The namespace of namespaced objects that have none, put in after the last step.
    pub namespace: Option<String>,
    /// What `${NAME}` stands for. They are handed to the plugins whose configuration has a property
    /// `variables`; what the step says itself comes first.
    pub variables: BTreeMap<String, Json>,
    /// The environment's folder in the tree; empty for the root.
    pub folder: String,
}

/// One plugin with its configuration.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Which plugin.
    pub plugin: PluginRef,
    /// Its configuration: a mapping; null stands for an empty one.
    pub config: Json,
    /// Limits that differ from the daemon's.
    pub limits: LimitOverrides,
}

/// Where a plugin comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PluginRef {
    /// One that ships with Windlass, by name.
    Builtin(String),
    /// A `.wasm` file in the tree, relative to the environment's folder, or to the root of the tree
    /// with a `/` in front.
    Path(String),
}

impl fmt::Display for PluginRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Builtin(name) | Self::Path(name) => f.write_str(name),
        }
    }
}

/// Limits of one step that differ from the daemon's; `None` leaves the daemon's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct LimitOverrides {
    /// The longest a call may take.
    pub wall_time: Option<Duration>,
    /// The most memory of a call, in bytes.
    pub memory_bytes: Option<u64>,
    /// The most that a call may give back, in bytes.
    pub output_bytes: Option<u64>,
    /// The most that a call may log, in bytes.
    pub log_bytes: Option<u64>,
    /// How often a call may ask the host for something.
    pub host_calls: Option<u64>,
    /// The most objects in or out of a call.
    pub objects: Option<usize>,
    /// The largest plugin, in bytes.
    pub module_bytes: Option<u64>,
    /// The longest that compiling the plugin may take.
    pub compile_time: Option<Duration>,
    /// The most memory that compiling the plugin may take, in bytes.
    pub compile_memory: Option<u64>,
}

impl LimitOverrides {
    /// Gives the limits of a call, none above the operator's ceiling.
    ///
    /// # Errors
    /// The key that asks for more than the ceiling allows, with what it asks for and the ceiling.
    pub(crate) fn apply(&self, default: &Limits, ceiling: &Limits) -> Result<Limits, Excess> {
        let Self {
            wall_time,
            memory_bytes,
            output_bytes,
            log_bytes,
            host_calls,
            objects,
            module_bytes,
            compile_time,
            compile_memory,
        } = self;
        Ok(Limits {
            wall_time: no_longer("wallTime", *wall_time, default.wall_time, ceiling.wall_time)?,
            memory_bytes: within(
                "memory",
                *memory_bytes,
                default.memory_bytes,
                ceiling.memory_bytes,
            )?,
            output_bytes: within(
                "outputBytes",
                *output_bytes,
                default.output_bytes,
                ceiling.output_bytes,
            )?,
            log_bytes: within("logBytes", *log_bytes, default.log_bytes, ceiling.log_bytes)?,
            host_calls: within(
                "hostCalls",
                *host_calls,
                default.host_calls,
                ceiling.host_calls,
            )?,
            objects: within("objects", *objects, default.objects, ceiling.objects)?,
            module_bytes: within(
                "moduleBytes",
                *module_bytes,
                default.module_bytes,
                ceiling.module_bytes,
            )?,
            compile_time: no_longer(
                "compileTime",
                *compile_time,
                default.compile_time,
                ceiling.compile_time,
            )?,
            compile_memory: within(
                "compileMemory",
                *compile_memory,
                default.compile_memory,
                ceiling.compile_memory,
            )?,
        })
    }
}

/// A limit that asks for more than the operator allows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excess {
    pub(crate) key: &'static str,
    pub(crate) asked: String,
    pub(crate) ceiling: String,
}

fn no_longer(
    key: &'static str,
    asked: Option<Duration>,
    default: Duration,
    ceiling: Duration,
) -> Result<Duration, Excess> {
    match asked {
        Some(asked) if asked > ceiling => Err(Excess {
            key,
            asked: format!("{asked:?}"),
            ceiling: format!("{ceiling:?}"),
        }),
        asked => Ok(asked.unwrap_or(default)),
    }
}

fn within<T: PartialOrd + fmt::Display>(
    key: &'static str,
    asked: Option<T>,
    default: T,
    ceiling: T,
) -> Result<T, Excess> {
    match asked {
        Some(asked) if asked > ceiling => Err(Excess {
            key,
            asked: asked.to_string(),
            ceiling: ceiling.to_string(),
        }),
        asked => Ok(asked.unwrap_or(default)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_may_raise_a_limit_up_to_the_ceiling() {
        let default = Limits::default();
        let ceiling = Limits {
            wall_time: Duration::from_secs(60),
            ..default.clone()
        };
        let asked = LimitOverrides {
            wall_time: Some(Duration::from_secs(60)),
            objects: Some(5),
            ..LimitOverrides::default()
        };
        let limits = asked.apply(&default, &ceiling);
        let expected = Limits {
            wall_time: Duration::from_secs(60),
            objects: 5,
            ..default.clone()
        };
        assert_eq!(limits, Ok(expected));

        let asked = LimitOverrides {
            host_calls: Some(u64::MAX),
            ..LimitOverrides::default()
        };
        let excess = asked
            .apply(&default, &ceiling)
            .err()
            .map(|excess| excess.key);
        assert_eq!(
            excess,
            Some("hostCalls"),
            "more than the ceiling is refused by name"
        );
    }
}
