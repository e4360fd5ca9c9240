//! The health of live objects.

use std::fmt;

/// The state of a live object, in the words that Windlass uses everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// The state.
    pub status: HealthStatus,
    /// Why, as a person would want to read it.
    pub message: Option<String>,
}

impl Health {
    /// A state that needs no explanation.
    pub fn new(status: HealthStatus) -> Self {
        Self {
            status,
            message: None,
        }
    }

    /// Says why.
    #[must_use]
    pub fn message(mut self, message: impl fmt::Display) -> Self {
        self.message = Some(message.to_string());
        self
    }
}
