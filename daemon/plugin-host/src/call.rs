//! One call, in an instance of its own.

use crate::cause;
use crate::host::Shared;
use crate::state::{State, Stop};
use crate::{Imports, Limits, PluginError, PluginId};
use std::time::{Duration, Instant};
use wasmtime::{Store, UpdateDeadline};

/// One call of one plugin.
pub(crate) struct Call<'a> {
    pub(crate) id: &'a PluginId,
    pub(crate) shared: &'a Shared,
    pub(crate) limits: &'a Limits,
}

/// A call that came to its end, and what it left behind.
pub(crate) struct Done<R> {
    pub(crate) value: R,
    pub(crate) state: State,
    pub(crate) elapsed: Duration,
}

/// How a call ended without an answer.
pub(crate) enum Ended {
    /// A function is not of the type that the contract gives it.
    Shape {
        export: &'static str,
        error: wasmtime::Error,
    },
    /// The guest or the host ended it.
    Inside(wasmtime::Error),
}

impl Call<'_> {
    /// Runs `body` in a fresh store, within the limits, and answers what the guest asks for.
    pub(crate) fn run<R>(
        &self,
        state: State,
        imports: &mut dyn Imports,
        body: impl AsyncFnOnce(&mut Store<State>) -> Result<R, Ended>,
    ) -> Result<Done<R>, PluginError> {
        let started = Instant::now();
        let _running = self.shared.ticker.run();
        let mut store = self.store(state);
        let bridge = store.data().bridge.clone();
        let ended = bridge.run(body(&mut store), imports).unwrap_or_else(|| {
            Err(Ended::Inside(
                Stop::Misuse("it waits for what never happens".to_owned()).into(),
            ))
        });
        match ended {
            Ok(value) => Ok(Done {
                value,
                state: store.into_data(),
                elapsed: started.elapsed(),
            }),
            Err(Ended::Shape { export, error }) => Err(PluginError::WrongShape {
                plugin: self.id.clone(),
                export,
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

    fn store(&self, state: State) -> Store<State> {
        let mut store = Store::new(&self.shared.engine, state);
        store.limiter(|state| &mut state.memory);
        // What a guest hands over is copied within this bound; each string of a list has a fixed
        // part beside its bytes.
        let strings = self.limits.objects.saturating_mul(size_of::<String>() * 4);
        let bytes = usize::try_from(self.limits.output_bytes).unwrap_or(usize::MAX);
        store.set_hostcall_fuel(bytes.saturating_add(strings));
        // A look at the clock in every tick makes the limit exact when ticks come late.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            Ok(match store.data().time_left() {
                Duration::ZERO => UpdateDeadline::Interrupt,
                _ => UpdateDeadline::Continue(1),
            })
        });
        store
    }
}
