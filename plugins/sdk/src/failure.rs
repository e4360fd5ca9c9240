//! Why a call could not do its work.

use crate::FileError;
use crate::located::located;
use std::fmt;

/// Says why a call could not do its work at all, with the place and the remedy where known.
///
/// It is shown with the plugin's name, version and step in front. Any text becomes one with `?`
/// or `.into()`; any error with `.map_err(Failure::new)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub(crate) message: String,
    pub(crate) object: Option<usize>,
    pub(crate) field: Option<String>,
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// Says what is wrong, in a sentence.
    pub fn new(message: impl fmt::Display) -> Self {
        Self {
            message: message.to_string(),
            object: None,
            field: None,
            hint: None,
        }
    }

    located!();

    /// What is wrong.
    pub fn message(&self) -> &str {
        &self.message
    }
}

/// One line: the message, then the place, then the hint. What a test compares.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (self.object, &self.field) {
            (Some(object), Some(field)) => write!(f, " (object {object}, field {field})")?,
            (Some(object), None) => write!(f, " (object {object})")?,
            (None, Some(field)) => write!(f, " (at {field})")?,
            (None, None) => {}
        }
        match &self.hint {
            Some(hint) => write!(f, "; {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}

impl From<String> for Failure {
    fn from(message: String) -> Self {
        Self::new(message)
    }
}

impl From<&str> for Failure {
    fn from(message: &str) -> Self {
        Self::new(message)
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        Self::new(error)
    }
}
