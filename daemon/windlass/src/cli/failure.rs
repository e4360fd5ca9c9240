//! How a command says that it failed.

use std::fmt;
use std::process::ExitCode;

use crate::config::ConfigError;

use super::output::tell;

/// The exit code of a command that was carried out and whose output nobody reads to its end: what shells report for
/// a program that SIGPIPE ended, as `pipefail` scripts expect of everything in front of `| head`.
const UNREAD: u8 = 141;

/// An error for the terminal: code, sentence, and where to read on.
#[derive(Debug)]
pub(crate) struct Failed {
    code: String,
    message: String,
    unread: bool,
}

impl Failed {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            unread: false,
        }
    }

    /// The reader of the output has gone, which is no error of anybody's.
    pub(crate) fn unread() -> Self {
        Self {
            unread: true,
            ..Self::new("WL0002", "nobody reads the output")
        }
    }

    /// Prints the error and gives the exit code that goes with it.
    pub(crate) fn report(&self) -> ExitCode {
        if self.unread {
            return ExitCode::from(UNREAD);
        }
        tell(self);
        ExitCode::from(2)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error[{}]: {}", self.code, self.message)?;
        write!(f, "  `windlass explain {}` says more", self.code)
    }
}

impl std::error::Error for Failed {}

impl From<ConfigError> for Failed {
    fn from(error: ConfigError) -> Self {
        Self::new(error.code, error.to_string())
    }
}

impl From<windlass_source::ReadError> for Failed {
    fn from(error: windlass_source::ReadError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<windlass_render::RenderError> for Failed {
    fn from(error: windlass_render::RenderError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<windlass_plugin_host::PluginError> for Failed {
    fn from(error: windlass_plugin_host::PluginError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<windlass_cluster::ClusterError> for Failed {
    fn from(error: windlass_cluster::ClusterError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<windlass_engine::EngineError> for Failed {
    fn from(error: windlass_engine::EngineError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<windlass_engine::Failure> for Failed {
    fn from(failure: windlass_engine::Failure) -> Self {
        Self::new(failure.code, failure.message)
    }
}
