//! The component's side of the contract: what the macros expand to, and nothing for authors.
//!
//! Each exported interface has bindings of its own, so that a component exports exactly what the
//! macro was asked for; the linker merges their worlds.

use crate::{
    Assess, Entry, EntryKind, Failure, FileError, FileErrorKind, Finding, Generate, Health,
    HealthStatus, Host, Json, Level, Plugin, Ran, Scope, Severity, Transform, Validate, run,
};

macro_rules! interface {
    ($module:ident, $inline:literal, $($export:tt)+) => {
        pub mod $module {
            #[allow(
                missing_docs,
                unsafe_code,
                unreachable_pub,
                clippy::all,
                reason = "generated from the contract"
            )]
            pub mod bindings {
                wit_bindgen::generate!({
                    path: "../../wit",
                    inline: $inline,
                    generate_all,
                    pub_export_macro: true,
                });
            }
            $($export)+
        }
    };
}

interface! {
    imports,
    "package windlass:sdk-imports; world imports { include windlass:plugin/host@0.1.0; }",
    pub use bindings::windlass::plugin::{files, log, plugins, secrets, types};
}
interface! {
    describe,
    "package windlass:sdk-describe; world describe { export windlass:plugin/describe@0.1.0; }",
    pub use bindings::export;
    pub use bindings::exports::windlass::plugin::describe::{Description, Guest, Scope};
}
interface! {
    transform,
    "package windlass:sdk-transform; world transform { export windlass:plugin/transform@0.1.0; }",
    pub use bindings::export;
    pub use bindings::exports::windlass::plugin::transform::{Failure, Guest};
}
interface! {
    validate,
    "package windlass:sdk-validate; world validate { export windlass:plugin/validate@0.1.0; }",
    pub use bindings::export;
    pub use bindings::exports::windlass::plugin::validate::{Failure, Finding, Guest};
    pub use bindings::windlass::plugin::types::Severity;
}
interface! {
    assess,
    "package windlass:sdk-assess; world assess { export windlass:plugin/assess@0.1.0; }",
    pub use bindings::export;
    pub use bindings::exports::windlass::plugin::assess::{Failure, Guest, Health};
    pub use bindings::windlass::plugin::types::HealthStatus;
}

struct Imports;

impl Host for Imports {
    fn read(&mut self, path: &str) -> Result<Vec<u8>, FileError> {
        imports::files::read(path).map_err(|error| file_error(path, error))
    }

    fn list(&mut self, path: &str) -> Result<Vec<Entry>, FileError> {
        let entries = imports::files::list(path).map_err(|error| file_error(path, error))?;
        Ok(entries
            .into_iter()
            .map(|entry| Entry {
                name: entry.name,
                kind: match entry.kind {
                    imports::files::EntryKind::File => EntryKind::File,
                    imports::files::EntryKind::Folder => EntryKind::Folder,
                },
            })
            .collect())
    }

    fn exists(&mut self, path: &str) -> Result<bool, FileError> {
        imports::files::exists(path).map_err(|error| file_error(path, error))
    }

    fn folder(&mut self) -> String {
        imports::files::folder()
    }

    fn secret_reference(&mut self, store: &str, name: &str, key: &str) -> Result<String, String> {
        imports::secrets::reference(store, name, key)
    }

    fn run_plugin(
        &mut self,
        path: &str,
        objects: Vec<Json>,
        config: &Json,
    ) -> Result<Ran, Failure> {
        let objects = run::print_all(&objects)?;
        let ran = imports::plugins::run(path, &objects, &config.to_string()).map_err(failure)?;
        Ok(Ran {
            objects: run::parse_all(ran.objects)?,
            findings: ran.findings.into_iter().map(found).collect(),
        })
    }

    fn log(&mut self, level: Level, message: &str) {
        let level = match level {
            Level::Debug => imports::log::Level::Debug,
            Level::Info => imports::log::Level::Info,
            Level::Warning => imports::log::Level::Warning,
            Level::Error => imports::log::Level::Error,
        };
        imports::log::write(level, message);
    }
}

fn file_error(path: &str, error: imports::files::FileError) -> FileError {
    use imports::files::FileError as Wire;
    let kind = match error {
        Wire::NotFound => FileErrorKind::NotFound,
        Wire::NotAFile => FileErrorKind::NotAFile,
        Wire::NotAFolder => FileErrorKind::NotAFolder,
        Wire::OutsideTree => FileErrorKind::OutsideTree,
        Wire::TooLarge(limit) => FileErrorKind::TooLarge(limit),
        Wire::Refused(reason) => FileErrorKind::Refused(reason),
        Wire::Other(reason) => FileErrorKind::Other(reason),
    };
    FileError::new(path, kind)
}

fn failure(failure: imports::types::Failure) -> Failure {
    Failure {
        message: failure.message,
        object: failure.object.map(|index| index as usize),
        field: failure.field,
        hint: failure.hint,
    }
}

fn found(finding: imports::types::Finding) -> Finding {
    Finding {
        severity: match finding.severity {
            imports::types::Severity::Error => Severity::Error,
            imports::types::Severity::Warning => Severity::Warning,
            imports::types::Severity::Info => Severity::Info,
        },
        message: finding.message,
        object: finding.object.map(|index| index as usize),
        field: finding.field,
        hint: finding.hint,
        rule: finding.rule,
    }
}

macro_rules! failure_into {
    ($($module:ident),+) => {
        $(impl From<Failure> for $module::Failure {
            fn from(failure: Failure) -> Self {
                Self {
                    message: failure.message,
                    object: failure.object.map(index),
                    field: failure.field,
                    hint: failure.hint,
                }
            }
        })+
    };
}
failure_into!(transform, validate, assess);

/// An index that does not fit is one that the host will refuse as out of range.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

pub fn described<P: Plugin>() -> describe::Description {
    let description = P::describe();
    describe::Description {
        name: description.name,
        version: description.version,
        summary: description.summary,
        scope: match description.scope {
            Scope::Object => describe::Scope::Object,
            Scope::Set => describe::Scope::Set,
        },
        configuration_schema: description.configuration_schema,
    }
}

pub fn transformed<P: Transform>(
    objects: Vec<String>,
    configuration: &str,
) -> Result<Vec<String>, transform::Failure> {
    run::transform::<P>(objects, configuration, &mut Imports).map_err(Into::into)
}

pub fn generated<P: Generate>(
    objects: Vec<String>,
    configuration: &str,
) -> Result<Vec<String>, transform::Failure> {
    run::generate::<P>(objects, configuration, &mut Imports).map_err(Into::into)
}

pub fn validated<P: Validate>(
    objects: Vec<String>,
    configuration: &str,
) -> Result<Vec<validate::Finding>, validate::Failure> {
    let findings = run::validate::<P>(objects, configuration, &mut Imports)?;
    Ok(findings.into_iter().map(finding).collect())
}

fn finding(finding: Finding) -> validate::Finding {
    validate::Finding {
        severity: match finding.severity {
            Severity::Error => validate::Severity::Error,
            Severity::Warning => validate::Severity::Warning,
            Severity::Info => validate::Severity::Info,
        },
        object: finding.object.map(index),
        field: finding.field,
        message: finding.message,
        hint: finding.hint,
        rule: finding.rule,
    }
}

pub fn assessed<P: Assess>(
    object: &str,
    configuration: &str,
) -> Result<assess::Health, assess::Failure> {
    let Health { status, message } = run::assess::<P>(object, configuration, &mut Imports)?;
    Ok(assess::Health {
        status: match status {
            HealthStatus::Healthy => assess::HealthStatus::Healthy,
            HealthStatus::Progressing => assess::HealthStatus::Progressing,
            HealthStatus::Degraded => assess::HealthStatus::Degraded,
            HealthStatus::Suspended => assess::HealthStatus::Suspended,
            HealthStatus::Terminating => assess::HealthStatus::Terminating,
            HealthStatus::Unknown => assess::HealthStatus::Unknown,
        },
        message,
    })
}
