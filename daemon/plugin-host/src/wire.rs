//! The contract's types as they cross the border, and their way to ours.
#![allow(
    dead_code,
    reason = "enumerations are lifted by their number and never constructed"
)]

use crate::text::{self, message};
use crate::{description, imports, nested, outcome};
use wasmtime::component::{ComponentType, Lift, Lower};

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) object: Option<u32>,
    pub(crate) field: Option<String>,
    pub(crate) hint: Option<String>,
}

impl From<nested::RunFailure> for Failure {
    fn from(failure: nested::RunFailure) -> Self {
        Self {
            message: failure.message,
            object: failure.object.map(index),
            field: failure.field,
            hint: failure.hint,
        }
    }
}

/// There are fewer objects than this in any call.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Severity {
    #[component(name = "error")]
    Error,
    #[component(name = "warning")]
    Warning,
    #[component(name = "info")]
    Info,
}

#[derive(ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Finding {
    severity: Severity,
    object: Option<u32>,
    field: Option<String>,
    message: String,
    hint: Option<String>,
    rule: Option<String>,
}

impl Finding {
    /// The size of all its texts, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        let optional = [&self.field, &self.hint, &self.rule];
        let texts = optional.into_iter().flatten().map(String::len);
        texts.sum::<usize>() + self.message.len()
    }

    /// `Err` with the index when there is no such object.
    pub(crate) fn check(self, objects: usize) -> Result<outcome::Finding, u32> {
        Ok(outcome::Finding {
            severity: match self.severity {
                Severity::Error => outcome::Severity::Error,
                Severity::Warning => outcome::Severity::Warning,
                Severity::Info => outcome::Severity::Info,
            },
            object: in_range(self.object, objects)?,
            field: self.field.as_deref().map(message),
            message: message(&self.message),
            hint: self.hint.as_deref().map(message),
            rule: self.rule.as_deref().map(message),
        })
    }
}

impl From<outcome::Finding> for Finding {
    fn from(finding: outcome::Finding) -> Self {
        Self {
            severity: match finding.severity {
                outcome::Severity::Error => Severity::Error,
                outcome::Severity::Warning => Severity::Warning,
                outcome::Severity::Info => Severity::Info,
            },
            object: finding.object.map(index),
            field: finding.field,
            message: finding.message,
            hint: finding.hint,
            rule: finding.rule,
        }
    }
}

/// What came of a run of another plugin.
#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Ran {
    pub(crate) objects: Vec<String>,
    pub(crate) findings: Vec<Finding>,
}

/// `Err` with the index when there is no such object.
pub(crate) fn in_range(object: Option<u32>, objects: usize) -> Result<Option<usize>, u32> {
    let Some(index) = object else { return Ok(None) };
    match usize::try_from(index) {
        Ok(at) if at < objects => Ok(Some(at)),
        _ => Err(index),
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum HealthStatus {
    #[component(name = "healthy")]
    Healthy,
    #[component(name = "progressing")]
    Progressing,
    #[component(name = "degraded")]
    Degraded,
    #[component(name = "suspended")]
    Suspended,
    #[component(name = "terminating")]
    Terminating,
    #[component(name = "unknown")]
    Unknown,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Health {
    status: HealthStatus,
    message: Option<String>,
}

impl From<Health> for outcome::Health {
    fn from(health: Health) -> Self {
        Self {
            status: match health.status {
                HealthStatus::Healthy => outcome::HealthStatus::Healthy,
                HealthStatus::Progressing => outcome::HealthStatus::Progressing,
                HealthStatus::Degraded => outcome::HealthStatus::Degraded,
                HealthStatus::Suspended => outcome::HealthStatus::Suspended,
                HealthStatus::Terminating => outcome::HealthStatus::Terminating,
                HealthStatus::Unknown => outcome::HealthStatus::Unknown,
            },
            message: health.message.as_deref().map(message),
        }
    }
}

#[derive(ComponentType, Lift, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Scope {
    #[component(name = "object")]
    Object,
    #[component(name = "set")]
    Set,
}

#[derive(ComponentType, Lift)]
#[component(record)]
pub(crate) struct Description {
    name: String,
    version: String,
    summary: String,
    scope: Scope,
    #[component(name = "configuration-schema")]
    configuration_schema: Option<String>,
}

/// The longest name or version, in bytes.
const NAME_BYTES: usize = 128;

impl TryFrom<Description> for description::Description {
    type Error = String;

    fn try_from(said: Description) -> Result<Self, String> {
        let config_schema = match &said.configuration_schema {
            None => None,
            Some(text) => Some(serde_json::from_str(text).map_err(|error| {
                format!("`describe` gave a configuration schema that is not JSON: {error}")
            })?),
        };
        Ok(Self {
            name: one_word("name", said.name)?,
            version: one_word("version", said.version)?,
            scope: match said.scope {
                Scope::Object => description::Scope::Object,
                Scope::Set => description::Scope::Set,
            },
            config_schema,
            summary: text::message(&said.summary),
        })
    }
}

fn one_word(what: &str, word: String) -> Result<String, String> {
    let sound = !word.is_empty()
        && word.len() <= NAME_BYTES
        && word.chars().all(|character| character.is_ascii_graphic());
    if sound {
        Ok(word)
    } else {
        Err(format!(
            "`describe` gave the {what} `{}`; it has to be of 1 to {NAME_BYTES} visible ASCII \
             characters, without spaces",
            text::clean(&word, NAME_BYTES)
        ))
    }
}

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum Level {
    #[component(name = "debug")]
    Debug,
    #[component(name = "info")]
    Info,
    #[component(name = "warning")]
    Warning,
    #[component(name = "error")]
    Error,
}

impl From<Level> for outcome::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::Debug => Self::Debug,
            Level::Info => Self::Info,
            Level::Warning => Self::Warning,
            Level::Error => Self::Error,
        }
    }
}

#[derive(ComponentType, Lower)]
#[component(variant)]
pub(crate) enum FileError {
    #[component(name = "not-found")]
    NotFound,
    #[component(name = "not-a-file")]
    NotAFile,
    #[component(name = "not-a-folder")]
    NotAFolder,
    #[component(name = "outside-tree")]
    OutsideTree,
    #[component(name = "too-large")]
    TooLarge(u64),
    #[component(name = "refused")]
    Refused(String),
    #[component(name = "other")]
    Other(String),
}

impl From<imports::FileError> for FileError {
    fn from(error: imports::FileError) -> Self {
        match error {
            imports::FileError::NotFound => Self::NotFound,
            imports::FileError::NotAFile => Self::NotAFile,
            imports::FileError::NotAFolder => Self::NotAFolder,
            imports::FileError::OutsideTree => Self::OutsideTree,
            imports::FileError::TooLarge { limit } => Self::TooLarge(limit),
            imports::FileError::Refused(reason) => Self::Refused(reason),
            imports::FileError::Other(reason) => Self::Other(reason),
        }
    }
}

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
pub(crate) enum EntryKind {
    #[component(name = "file")]
    File,
    #[component(name = "folder")]
    Folder,
}

#[derive(ComponentType, Lower)]
#[component(record)]
pub(crate) struct Entry {
    name: String,
    kind: EntryKind,
}

impl From<imports::DirEntry> for Entry {
    fn from(entry: imports::DirEntry) -> Self {
        Self {
            name: entry.name,
            kind: match entry.kind {
                imports::EntryKind::File => EntryKind::File,
                imports::EntryKind::Folder => EntryKind::Folder,
            },
        }
    }
}
