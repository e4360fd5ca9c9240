//! Core modules that can be run as programs.

use crate::call::Ended;
use crate::link::preview1::MODULE;
use crate::state::{State, Stop};
use crate::{PluginError, PluginId};
use wasmtime::{ExternType, InstancePre, Linker, Module, Store};

/// A program for WASI preview 1, ready to be run.
pub(crate) struct Command {
    instance: InstancePre<State>,
}

/// The function that runs a program.
const START: &str = "_start";

impl Command {
    /// Looks at what a module imports and exports, before anything of it runs.
    pub(crate) fn admit(
        plugin: &PluginId,
        linker: &Linker<State>,
        module: &Module,
    ) -> Result<Self, PluginError> {
        for import in module.imports() {
            if let Some(reason) = refusal(import.module()) {
                return Err(PluginError::ForbiddenImport {
                    plugin: plugin.clone(),
                    import: format!("{}.{}", import.module(), import.name()),
                    reason: reason.to_owned(),
                });
            }
        }
        check_exports(module).map_err(|reason| PluginError::NoCommand {
            plugin: plugin.clone(),
            reason: reason.to_owned(),
        })?;
        let instance = linker.instantiate_pre(module).map_err(|error| {
            PluginError::ForbiddenImport {
                plugin: plugin.clone(),
                import: MODULE.to_owned(),
                reason: format!(
                    "it asks for what this interface does not have ({error:#}); leave out the code \
                     or the dependency that needs more than WASI preview 1"
                ),
            }
        })?;
        Ok(Self { instance })
    }

    /// The program's code.
    pub(crate) fn module(&self) -> &Module {
        self.instance.module()
    }

    /// Runs the program to its end and gives its exit status.
    pub(super) async fn start(&self, store: &mut Store<State>) -> Result<u8, Ended> {
        // A module may have code that runs before its entrance, and exits.
        let ended = match self.instance.instantiate_async(&mut *store).await {
            Ok(instance) => {
                let start = instance
                    .get_typed_func::<(), ()>(&mut *store, START)
                    .map_err(|error| Ended::Shape {
                        export: START,
                        error,
                    })?;
                start.call_async(&mut *store, ()).await
            }
            Err(error) => Err(error),
        };
        match ended {
            Ok(()) => Ok(0),
            Err(error) => match error.downcast_ref::<Stop>() {
                Some(Stop::Exit(status)) => Ok(*status),
                _ => Err(Ended::Inside(error)),
            },
        }
    }
}

/// Why nothing of this module can be imported; none when it can.
fn refusal(module: &str) -> Option<&'static str> {
    match module {
        MODULE => None,
        "wasi_unstable" => Some(
            "this is WASI from before preview 1; build the program with a toolchain of 2020 or \
             later",
        ),
        "go" | "gojs" => {
            Some("this is a browser's; build the program with `GOOS=wasip1` in place of `GOOS=js`")
        }
        _ if module.contains(':') => Some(
            "this is a part of a component; make a component of the module (`wasm-tools component \
             new`), or build it for `wasm32-wasip2`",
        ),
        _ => Some(
            "a program gets WASI preview 1 and nothing else, so that the same commit always \
             renders the same; leave out the code or the dependency that imports this",
        ),
    }
}

fn check_exports(module: &Module) -> Result<(), &'static str> {
    match module.get_export(START) {
        Some(ExternType::Func(start))
            if start.params().len() == 0 && start.results().len() == 0 => {}
        Some(_) => return Err("its `_start` is no function without parameters and results"),
        None if module.get_export("_initialize").is_some() => {
            return Err("it is a library (a reactor), and exports `_initialize` but no `_start`");
        }
        None => return Err("it exports no `_start`"),
    }
    match module.get_export("memory") {
        Some(ExternType::Memory(_)) => Ok(()),
        _ => Err("it exports no `memory`"),
    }
}
