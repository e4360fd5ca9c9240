//! One plugin that runs another.

use crate::{Finding, LogLine, PluginError};
use std::time::Duration;

/// What a plugin asks to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The plugin's file, as the asking plugin wrote it, at most 4,096 bytes.
    pub path: String,
    /// The objects, as JSON texts.
    pub objects: Vec<String>,
    /// The configuration, as JSON text.
    pub config: String,
    /// How much time the asking plugin has left.
    pub within: Duration,
}

/// How a run came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunEnd {
    /// What came of it.
    pub result: Result<Ran, RunFailure>,
    /// How long it took to make plugins ready that were not. The asking plugin gets this time back:
    /// a large plugin takes longer to compile than a call may take.
    pub loading: Duration,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// The objects after it, as JSON texts.
    pub objects: Vec<String>,
    /// What was found about these objects.
    pub findings: Vec<Finding>,
    /// What was logged and printed, which goes into the log of the asking plugin.
    pub log: Vec<LogLine>,
}

/// Why a run gave nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFailure {
    /// What is wrong, with the name of the plugin.
    pub message: String,
    /// Which of the objects that it was given.
    pub object: Option<usize>,
    /// Which field of the object, or key of the configuration.
    pub field: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

impl From<RunFailure> for RunEnd {
    fn from(failure: RunFailure) -> Self {
        Self {
            result: Err(failure),
            loading: Duration::ZERO,
        }
    }
}

impl From<String> for RunFailure {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

impl From<PluginError> for RunFailure {
    fn from(error: PluginError) -> Self {
        match error {
            PluginError::Failed {
                plugin,
                message,
                object,
                field,
                hint,
                stderr,
            } => {
                // Without its place and its hint, which go on by themselves.
                let bare = PluginError::Failed {
                    plugin,
                    message,
                    object: None,
                    field: None,
                    hint: None,
                    stderr,
                };
                Self {
                    message: bare.to_string(),
                    object,
                    field,
                    hint,
                }
            }
            error => error.to_string().into(),
        }
    }
}
