//! A plugin that is ready to be called.

use crate::admission::Entrances;
use crate::call::Call;
use crate::component::Callable;
use crate::function::{self, Command};
use crate::host::Shared;
use crate::{
    Description, Exports, Finding, Health, Imports, Limits, Output, PluginError, PluginId, text,
    wire,
};
use std::fmt;
use std::sync::Arc;
use wasmtime::component::ComponentExportIndex;

/// A compiled plugin. Cheap to clone; may be called from several threads at once.
#[derive(Clone)]
pub struct Plugin {
    id: PluginId,
    description: Arc<Description>,
    loaded: Arc<Loaded>,
    shared: Arc<Shared>,
}

/// What all plugins of the same bytes share.
pub(crate) struct Loaded {
    pub(crate) digest: String,
    pub(crate) code: Code,
}

/// By which door a plugin comes in.
pub(crate) enum Code {
    /// A component, with what it says about itself.
    Component {
        callable: Callable,
        description: Arc<Description>,
    },
    /// A KRM function. It does not describe itself.
    Command(Command),
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.id)
            .field("digest", &self.loaded.digest)
            .field("exports", &self.exports())
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(name: &str, loaded: Arc<Loaded>, shared: Arc<Shared>) -> Self {
        let description = match &loaded.code {
            Code::Component { description, .. } => Arc::clone(description),
            Code::Command(_) => Arc::new(function::description(name, &loaded.digest)),
        };
        Self {
            id: PluginId::new(name, Some(&description.version)),
            description,
            loaded,
            shared,
        }
    }

    /// What a person calls it: the name it was loaded under.
    pub fn name(&self) -> &str {
        self.id.name()
    }

    /// Its version, as it says; of a KRM function, which does not, the beginning of its digest.
    pub fn version(&self) -> &str {
        &self.description.version
    }

    /// The SHA-256 of its file, in hexadecimal: what memoised answers are keyed by.
    pub fn digest(&self) -> &str {
        &self.loaded.digest
    }

    /// What it says about itself.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// Which calls it answers.
    pub fn exports(&self) -> Exports {
        match &self.loaded.code {
            Code::Component { callable, .. } => callable.entrances.exports(),
            Code::Command(_) => Exports {
                transform: true,
                validate: true,
                assess: false,
            },
        }
    }

    /// Makes objects out of objects. `objects` are JSON texts, and so is the answer, which is not
    /// looked into; `config` is the JSON text of an object.
    ///
    /// A KRM function makes objects and checks them in one run: its findings are in the output, and
    /// [`Plugin::validate`] need not be called.
    ///
    /// # Errors
    /// See [`PluginError`]: what the plugin says, a crash, a limit, or a broken contract.
    pub fn transform(
        &self,
        objects: Vec<String>,
        config: &str,
        imports: &mut dyn Imports,
        limits: &Limits,
    ) -> Result<Output<Vec<String>>, PluginError> {
        self.check_count("was given", objects.len(), limits)?;
        let call = self.call(limits);
        let output = match &self.loaded.code {
            Code::Component { callable, .. } => {
                let entrance =
                    self.entrance(callable, "transform", |entrances| &entrances.transform)?;
                let params = (objects.as_slice(), config);
                let answer: Output<(Result<Vec<String>, wire::Failure>,)> =
                    callable.call(&call, "transform", entrance, params, imports)?;
                let (value, output) = answer.take();
                let value = value
                    .0
                    .map_err(|failure| self.failed(failure, objects.len()))?;
                output.with(value)
            }
            Code::Command(command) => {
                let (answer, output) = command.run(&call, &objects, config, imports)?.take();
                Output {
                    findings: Some(answer.findings()),
                    ..output.with(answer.objects())
                }
            }
        };
        self.check_count("gave back", output.value.len(), limits)?;
        self.check_bytes(output.value.iter().map(String::len).sum(), limits)?;
        Ok(output)
    }

    /// Checks objects. The arguments are as for [`Plugin::transform`].
    ///
    /// # Errors
    /// As for [`Plugin::transform`]. What is wrong with the objects is no error.
    pub fn validate(
        &self,
        objects: Vec<String>,
        config: &str,
        imports: &mut dyn Imports,
        limits: &Limits,
    ) -> Result<Output<Vec<Finding>>, PluginError> {
        self.check_count("was given", objects.len(), limits)?;
        let call = self.call(limits);
        let callable = match &self.loaded.code {
            Code::Component { callable, .. } => callable,
            Code::Command(command) => {
                let (answer, output) = command.run(&call, &objects, config, imports)?.take();
                return Ok(output.with(answer.findings_about_given()));
            }
        };
        let entrance = self.entrance(callable, "validate", |entrances| &entrances.validate)?;
        let params = (objects.as_slice(), config);
        let answer: Output<(Result<Vec<wire::Finding>, wire::Failure>,)> =
            callable.call(&call, "validate", entrance, params, imports)?;
        let (value, output) = answer.take();
        let findings = value
            .0
            .map_err(|failure| self.failed(failure, objects.len()))?;
        self.check_count("gave back", findings.len(), limits)?;
        self.check_bytes(findings.iter().map(wire::Finding::bytes).sum(), limits)?;
        let findings = findings
            .into_iter()
            .map(|finding| finding.check(objects.len()))
            .collect::<Result<_, _>>()
            .map_err(|index| self.bad_index("a finding", index, objects.len()))?;
        Ok(output.with(findings))
    }

    /// Says how a live object does. `object` and `config` are JSON texts.
    ///
    /// # Errors
    /// As for [`Plugin::transform`].
    pub fn assess(
        &self,
        object: &str,
        config: &str,
        imports: &mut dyn Imports,
        limits: &Limits,
    ) -> Result<Output<Health>, PluginError> {
        let callable = match &self.loaded.code {
            Code::Component { callable, .. } => callable,
            Code::Command(_) => return Err(self.not_exported("assess")),
        };
        let entrance = self.entrance(callable, "assess", |entrances| &entrances.assess)?;
        let answer: Output<(Result<wire::Health, wire::Failure>,)> = callable.call(
            &self.call(limits),
            "assess",
            entrance,
            (object, config),
            imports,
        )?;
        let (value, output) = answer.take();
        let health = value.0.map_err(|failure| self.failed(failure, 1))?;
        Ok(output.with(health.into()))
    }

    /// Checks what several calls were given and gave back together, for a caller who divides the
    /// objects among them.
    ///
    /// # Errors
    /// [`PluginError::Objects`] and [`PluginError::OutputBytes`], as if it had been one call.
    pub fn check_together(
        &self,
        given: usize,
        gave: usize,
        bytes: usize,
        limits: &Limits,
    ) -> Result<(), PluginError> {
        self.check_count("was given", given, limits)?;
        self.check_count("gave back", gave, limits)?;
        self.check_bytes(bytes, limits)
    }

    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    pub(crate) fn engine(&self) -> &wasmtime::Engine {
        &self.shared.engine
    }

    fn call<'a>(&'a self, limits: &'a Limits) -> Call<'a> {
        Call {
            id: &self.id,
            shared: &self.shared,
            limits,
        }
    }

    fn entrance<'a>(
        &self,
        callable: &'a Callable,
        export: &'static str,
        of: fn(&Entrances) -> &Option<ComponentExportIndex>,
    ) -> Result<&'a ComponentExportIndex, PluginError> {
        of(&callable.entrances)
            .as_ref()
            .ok_or_else(|| self.not_exported(export))
    }

    fn not_exported(&self, export: &'static str) -> PluginError {
        PluginError::NotExported {
            plugin: self.id.clone(),
            export,
        }
    }

    fn check_count(
        &self,
        direction: &'static str,
        count: usize,
        limits: &Limits,
    ) -> Result<(), PluginError> {
        if count <= limits.objects {
            return Ok(());
        }
        Err(PluginError::Objects {
            plugin: self.id.clone(),
            direction,
            count,
            limit: limits.objects,
        })
    }

    fn check_bytes(&self, bytes: usize, limits: &Limits) -> Result<(), PluginError> {
        if bytes as u64 <= limits.output_bytes {
            return Ok(());
        }
        Err(PluginError::OutputBytes {
            plugin: self.id.clone(),
            limit: limits.output_bytes,
        })
    }

    fn failed(&self, failure: wire::Failure, objects: usize) -> PluginError {
        match wire::in_range(failure.object, objects) {
            Ok(object) => PluginError::Failed {
                plugin: self.id.clone(),
                message: text::message(&failure.message),
                object,
                field: failure.field.as_deref().map(text::message),
                hint: failure.hint.as_deref().map(text::message),
                stderr: String::new(),
            },
            Err(index) => self.bad_index("a failure", index, objects),
        }
    }

    fn bad_index(&self, what: &str, index: u32, objects: usize) -> PluginError {
        PluginError::BadAnswer {
            plugin: self.id.clone(),
            reason: format!("{what} is about object {index}, and there are {objects}, from 0"),
        }
    }
}
