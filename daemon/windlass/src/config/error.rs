//! The error that a person meets when a configuration file is wrong.

use std::fmt;

/// What is wrong with a configuration file, where, and what would be right.
///
/// One type for every configuration error, because all of them are answered in the same way: the
/// environment or the command that the file belongs to stops, and the person is shown the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigError {
    /// The code with a page: `windlass explain WL0101`.
    pub(crate) code: &'static str,
    /// The file, as a path inside the repository.
    pub(crate) file: String,
    /// Line and column, both from 1; `None` where the error is about the file as a whole.
    pub(crate) position: Option<(usize, usize)>,
    /// What is wrong, in a sentence without a full stop.
    pub(crate) message: String,
    /// What to write instead, where that is known.
    pub(crate) remedy: Option<String>,
}

impl ConfigError {
    pub(crate) fn new(code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            file: file.to_owned(),
            position: None,
            message: message.into(),
            remedy: None,
        }
    }

    pub(crate) fn at(mut self, position: Option<(usize, usize)>) -> Self {
        self.position = position;
        self
    }

    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if let Some((line, column)) = self.position {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)?;
        if let Some(remedy) = &self.remedy {
            write!(f, "; {remedy}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
