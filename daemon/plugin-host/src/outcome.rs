//! What comes out of a call.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The answer of a call, with what there is to know about how it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Output<T> {
    /// The answer.
    pub value: T,
    /// What a transformer found that checks in the same call, as KRM functions do; the objects are
    /// counted in the answer. None: it did not check, [`validate`](crate::Plugin::validate) does.
    pub findings: Option<Vec<Finding>>,
    /// What the plugin logged, in order; then the end of what it printed, at level debug.
    pub log: Vec<LogLine>,
    /// How long it took, the making of the instance included.
    pub elapsed: Duration,
    /// The most memory it had at any time, in bytes.
    pub peak_memory: u64,
}

impl<T> Output<T> {
    /// Takes the answer out.
    pub(crate) fn take(self) -> (T, Output<()>) {
        let rest = Output {
            value: (),
            findings: self.findings,
            log: self.log,
            elapsed: self.elapsed,
            peak_memory: self.peak_memory,
        };
        (self.value, rest)
    }

    /// Puts another answer in its place.
    pub(crate) fn with<U>(self, value: U) -> Output<U> {
        Output {
            value,
            findings: self.findings,
            log: self.log,
            elapsed: self.elapsed,
            peak_memory: self.peak_memory,
        }
    }
}

/// How important a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For the plugin's author.
    Debug,
    /// What happened.
    Info,
    /// What may surprise.
    Warning,
    /// What went wrong, without stopping the call.
    Error,
}

/// One line that a plugin logged. Control characters are taken out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How important it is.
    pub level: Level,
    /// What it says.
    pub message: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Blocks the sync of the environment.
    Error,
    /// Is shown, and blocks nothing.
    Warning,
    /// Is shown where everything is shown.
    Info,
}

/// One thing that a validator has to say about the objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Which of the objects of the call, by index; always in range. None: the set as a whole.
    pub object: Option<usize>,
    /// Which field of the object.
    pub field: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The rule that was broken.
    pub rule: Option<String>,
}

/// The state of a live object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HealthStatus {
    /// It does what its specification says.
    Healthy,
    /// It is on its way there.
    Progressing,
    /// It will not get there by waiting.
    Degraded,
    /// It was told to stand still.
    Suspended,
    /// It is being deleted.
    Terminating,
    /// The object does not say.
    Unknown,
}

/// The health of one live object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// The state.
    pub status: HealthStatus,
    /// Why, as a person would want to read it.
    pub message: Option<String>,
}
