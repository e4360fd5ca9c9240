//! What a guest finds behind its imports.

mod contract;
pub(crate) mod preview1;
mod streams;
mod wasi;

use crate::state::{State, Stop};
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;
use wasmtime::component::types::ComponentItem;

/// The version under which everything of WASI is defined. A component asks for any `0.2.x` and
/// gets this, as semver has it.
const WASI: &str = "0.2.0";

/// The most random bytes at once: a guest decides how many the host has to make.
const RANDOM_BYTES: u64 = 1 << 20;

/// Everything a component may import.
pub(crate) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    contract::define(&mut linker)?;
    wasi::define(&mut linker)?;
    streams::define(&mut linker)?;
    Ok(linker)
}

/// Defines the rest of an allowed WASI interface as functions that end the call.
///
/// They are methods of resources that a plugin cannot get (files without a folder to begin with),
/// and functions that later versions of 0.2 added.
pub(crate) fn define_unreachable(
    linker: &mut Linker<State>,
    interface: &str,
    functions: impl Iterator<Item = (String, ComponentItem)>,
) -> wasmtime::Result<()> {
    let name = format!("{interface}@{WASI}");
    let mut instance = linker.instance(&name)?;
    for (function, item) in functions {
        if !matches!(item, ComponentItem::ComponentFunc(_)) {
            continue;
        }
        let full_name = format!("{interface} {function}");
        // The error says that it is defined already: then there is something better behind it.
        drop(instance.func_new(&function, move |_, _, _, _| {
            Err(Stop::Misuse(format!(
                "it called `{full_name}`, behind which there is nothing in Windlass"
            ))
            .into())
        }));
    }
    Ok(())
}

/// Counts the call and gives the state: how every host function begins.
fn enter<'a>(store: &'a mut StoreContextMut<'_, State>) -> Result<&'a mut State, Stop> {
    let state = store.data_mut();
    state.count_call()?;
    Ok(state)
}
