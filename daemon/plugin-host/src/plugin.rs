//! A plugin that is ready to be called.

use crate::cause;
use crate::host::{Shared, Unlabelled};
use crate::state::{State, Stop};
use crate::wire;
use crate::{
    Description, Exports, Finding, Health, Imports, Limits, NoImports, Output, PluginError,
    PluginId, text,
};
use std::fmt;
use std::sync::Arc;
use std::time::Instant;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Lift, Lower};
use wasmtime::{Store, UpdateDeadline};

/// A compiled plugin. Cheap to clone; may be called from several threads at once.
#[derive(Clone)]
pub struct Plugin {
    id: PluginId,
    loaded: Arc<Loaded>,
    shared: Arc<Shared>,
}

/// What all plugins of the same bytes share.
pub(crate) struct Loaded {
    digest: String,
    exports: Exports,
    unlabelled: Unlabelled,
    pub(crate) description: Description,
}

impl Loaded {
    pub(crate) fn new(digest: String, unlabelled: Unlabelled, description: Description) -> Self {
        Self {
            digest,
            exports: unlabelled.entrances.exports(),
            unlabelled,
            description,
        }
    }
}

impl fmt::Debug for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plugin")
            .field("id", &self.id)
            .field("digest", &self.loaded.digest)
            .field("exports", &self.loaded.exports)
            .finish_non_exhaustive()
    }
}

impl Plugin {
    pub(crate) fn new(name: &str, loaded: Arc<Loaded>, shared: Arc<Shared>) -> Self {
        Self {
            id: PluginId::new(name, Some(&loaded.description.version)),
            loaded,
            shared,
        }
    }

    /// What a person calls it: the name it was loaded under.
    pub fn name(&self) -> &str {
        self.id.name()
    }

    /// Its version, as it says.
    pub fn version(&self) -> &str {
        &self.loaded.description.version
    }

    /// The SHA-256 of the component, in hexadecimal: what memoised answers are keyed by.
    pub fn digest(&self) -> &str {
        &self.loaded.digest
    }

    /// What it says about itself.
    pub fn description(&self) -> &Description {
        &self.loaded.description
    }

    /// Which calls it answers.
    pub fn exports(&self) -> Exports {
        self.loaded.exports
    }

    /// Makes objects out of objects. `objects` are JSON texts, and so is the answer, which is not
    /// looked into; `config` is the JSON text of an object.
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
        let entrance = self.entrance("transform", &self.entrances().transform)?;
        self.check_count("was given", objects.len(), limits)?;
        let params = (objects.as_slice(), config);
        let call = Call::new(&self.id, "transform", limits);
        let answer: Output<(Result<Vec<String>, wire::Failure>,)> = call.run(
            &self.loaded.unlabelled,
            &self.shared,
            entrance,
            params,
            imports,
        )?;
        let Output {
            value: (value,),
            log,
            elapsed,
            peak_memory,
        } = answer;
        let value = value.map_err(|failure| self.failed(failure, objects.len()))?;
        self.check_count("gave back", value.len(), limits)?;
        self.check_bytes(value.iter().map(String::len).sum(), limits)?;
        Ok(Output {
            value,
            log,
            elapsed,
            peak_memory,
        })
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
        let entrance = self.entrance("validate", &self.entrances().validate)?;
        self.check_count("was given", objects.len(), limits)?;
        let params = (objects.as_slice(), config);
        let call = Call::new(&self.id, "validate", limits);
        let answer: Output<(Result<Vec<wire::Finding>, wire::Failure>,)> = call.run(
            &self.loaded.unlabelled,
            &self.shared,
            entrance,
            params,
            imports,
        )?;
        let findings = answer
            .value
            .0
            .map_err(|failure| self.failed(failure, objects.len()))?;
        self.check_count("gave back", findings.len(), limits)?;
        self.check_bytes(findings.iter().map(wire::Finding::bytes).sum(), limits)?;
        let value = findings
            .into_iter()
            .map(|finding| finding.check(objects.len()))
            .collect::<Result<_, _>>()
            .map_err(|index| self.bad_index("a finding", index, objects.len()))?;
        Ok(Output {
            value,
            log: answer.log,
            elapsed: answer.elapsed,
            peak_memory: answer.peak_memory,
        })
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
        let entrance = self.entrance("assess", &self.entrances().assess)?;
        let call = Call::new(&self.id, "assess", limits);
        let answer: Output<(Result<wire::Health, wire::Failure>,)> = call.run(
            &self.loaded.unlabelled,
            &self.shared,
            entrance,
            (object, config),
            imports,
        )?;
        Ok(Output {
            value: answer
                .value
                .0
                .map_err(|failure| self.failed(failure, 1))?
                .into(),
            log: answer.log,
            elapsed: answer.elapsed,
            peak_memory: answer.peak_memory,
        })
    }

    fn entrances(&self) -> &crate::admission::Entrances {
        &self.loaded.unlabelled.entrances
    }

    fn entrance<'a>(
        &self,
        export: &'static str,
        entrance: &'a Option<ComponentExportIndex>,
    ) -> Result<&'a ComponentExportIndex, PluginError> {
        entrance.as_ref().ok_or_else(|| PluginError::NotExported {
            plugin: self.id.clone(),
            export,
        })
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

impl Unlabelled {
    /// Asks the plugin what it is.
    pub(crate) fn describe(
        &self,
        id: &PluginId,
        shared: &Shared,
        limits: &Limits,
    ) -> Result<Description, PluginError> {
        let entrance = &self.entrances.describe;
        let answer: Output<(wire::Description,)> =
            Call::new(id, "describe", limits).run(self, shared, entrance, (), &mut NoImports)?;
        Description::try_from(answer.value.0).map_err(|reason| PluginError::BadAnswer {
            plugin: id.clone(),
            reason,
        })
    }
}

/// One call of one function of a plugin, in an instance of its own.
struct Call<'a> {
    id: &'a PluginId,
    export: &'static str,
    limits: &'a Limits,
}

/// How a call ended without an answer.
enum Ended {
    /// The function is not of the type that the contract gives it.
    Shape(wasmtime::Error),
    /// The guest or the host ended it.
    Inside(wasmtime::Error),
}

impl<'a> Call<'a> {
    fn new(id: &'a PluginId, export: &'static str, limits: &'a Limits) -> Self {
        Self { id, export, limits }
    }

    fn run<P, R>(
        &self,
        unlabelled: &Unlabelled,
        shared: &Shared,
        entrance: &ComponentExportIndex,
        params: P,
        imports: &mut dyn Imports,
    ) -> Result<Output<R>, PluginError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let started = Instant::now();
        let _running = shared.ticker.run();
        let mut store = self.store(shared, started);
        let bridge = store.data().bridge.clone();
        let call = async {
            let instance = unlabelled
                .instance
                .instantiate_async(&mut store)
                .await
                .map_err(Ended::Inside)?;
            let function = instance
                .get_typed_func::<P, R>(&mut store, entrance)
                .map_err(Ended::Shape)?;
            function
                .call_async(&mut store, params)
                .await
                .map_err(Ended::Inside)
        };
        let ended = bridge.run(call, imports).unwrap_or_else(|| {
            Err(Ended::Inside(
                Stop::Misuse("it waits for what never happens".to_owned()).into(),
            ))
        });
        match ended {
            Ok(value) => {
                let state = store.into_data();
                Ok(Output {
                    value,
                    elapsed: started.elapsed(),
                    peak_memory: state.memory.peak(),
                    log: state.into_log(),
                })
            }
            Err(Ended::Shape(error)) => Err(PluginError::WrongShape {
                plugin: self.id.clone(),
                export: self.export,
                reason: format!("{error:#}"),
            }),
            Err(Ended::Inside(error)) => Err(cause::find(
                self.id.clone(),
                self.limits,
                &error,
                store.data(),
            )),
        }
    }

    fn store(&self, shared: &Shared, started: Instant) -> Store<State> {
        let mut store = Store::new(&shared.engine, State::new(self.limits));
        store.limiter(|state| &mut state.memory);
        // What a guest hands over is copied within this bound; each string of a list has a fixed
        // part beside its bytes.
        let strings = self.limits.objects.saturating_mul(size_of::<String>() * 4);
        let bytes = usize::try_from(self.limits.output_bytes).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(bytes.saturating_add(strings));
        // A look at the clock in every tick makes the limit exact when ticks come late.
        let wall_time = self.limits.wall_time;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| {
            Ok(if started.elapsed() < wall_time {
                UpdateDeadline::Continue(1)
            } else {
                UpdateDeadline::Interrupt
            })
        });
        store
    }
}
