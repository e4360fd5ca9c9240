//! What a validator has to say.

use crate::located::located;
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Blocks the sync of the environment.
    Error,
    /// Is shown, and blocks nothing.
    Warning,
    /// Is shown where everything is shown.
    Info,
}

/// One thing that a validator has to say about the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub(crate) severity: Severity,
    pub(crate) message: String,
    pub(crate) object: Option<usize>,
    pub(crate) field: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) rule: Option<String>,
}

impl Finding {
    /// Says what is wrong, in a sentence, and how bad it is.
    pub fn new(severity: Severity, message: impl fmt::Display) -> Self {
        Self {
            severity,
            message: message.to_string(),
            object: None,
            field: None,
            hint: None,
            rule: None,
        }
    }

    /// A finding that blocks the sync.
    pub fn error(message: impl fmt::Display) -> Self {
        Self::new(Severity::Error, message)
    }

    /// A finding that is shown and blocks nothing.
    pub fn warning(message: impl fmt::Display) -> Self {
        Self::new(Severity::Warning, message)
    }

    /// A finding that is shown where everything is shown.
    pub fn info(message: impl fmt::Display) -> Self {
        Self::new(Severity::Info, message)
    }

    located!();

    /// Names the rule that was broken.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// How bad it is.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}
