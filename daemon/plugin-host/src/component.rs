//! Plugins that are components: their exports are functions of the contract.

use crate::admission::Entrances;
use crate::call::{Call, Ended};
use crate::host::Shared;
use crate::state::State;
use crate::{Description, Imports, Limits, NoImports, Output, PluginError, PluginId, wire};
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, InstancePre, Lift, Lower};

/// A component that can be called.
pub(crate) struct Callable {
    pub(crate) instance: InstancePre<State>,
    pub(crate) entrances: Entrances,
}

impl Callable {
    /// Asks the plugin what it is.
    pub(crate) fn describe(
        &self,
        id: &PluginId,
        shared: &Shared,
        limits: &Limits,
    ) -> Result<Description, PluginError> {
        let call = Call { id, shared, limits };
        let entrance = &self.entrances.describe;
        let answer: Output<(wire::Description,)> =
            self.call(&call, "describe", entrance, (), &mut NoImports)?;
        Description::try_from(answer.value.0).map_err(|reason| PluginError::BadAnswer {
            plugin: id.clone(),
            reason,
        })
    }

    /// Calls one function.
    pub(crate) fn call<P, R>(
        &self,
        call: &Call<'_>,
        export: &'static str,
        entrance: &ComponentExportIndex,
        params: P,
        imports: &mut dyn Imports,
    ) -> Result<Output<R>, PluginError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        R: ComponentNamedList + Lift + Send + Sync + 'static,
    {
        let done = call.run(State::new(call.limits), imports, async |store| {
            let instance = self
                .instance
                .instantiate_async(&mut *store)
                .await
                .map_err(Ended::Inside)?;
            let function = instance
                .get_typed_func::<P, R>(&mut *store, entrance)
                .map_err(|error| Ended::Shape { export, error })?;
            function
                .call_async(&mut *store, params)
                .await
                .map_err(Ended::Inside)
        })?;
        Ok(Output {
            value: done.value,
            findings: None,
            elapsed: done.elapsed,
            peak_memory: done.state.memory.peak(),
            log: done.state.into_log(),
        })
    }
}
