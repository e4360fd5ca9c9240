//! Why a call ended without an answer.

use crate::state::{State, Stop};
use crate::{Limits, PluginError, PluginId};
use wasmtime::Trap;

/// Finds the cause that a person can act on. The order matters: a guest that was refused
/// memory and then runs into the time limit was too slow, one that crashes was short of memory.
pub(crate) fn find(
    plugin: PluginId,
    limits: &Limits,
    error: &wasmtime::Error,
    state: &State,
) -> PluginError {
    let stderr = state.printed.show();
    let trap = error.downcast_ref::<Trap>();
    match (trap, error.downcast_ref::<Stop>()) {
        (Some(Trap::Interrupt), _) => PluginError::WallTime {
            plugin,
            limit: limits.wall_time,
            stderr,
        },
        (Some(Trap::StackOverflow), _) => PluginError::StackOverflow { plugin, stderr },
        (_, Some(Stop::HostCalls)) => PluginError::HostCalls {
            plugin,
            limit: limits.host_calls,
            stderr,
        },
        (_, Some(Stop::LogBytes)) => PluginError::LogBytes {
            plugin,
            limit: limits.log_bytes,
            stderr,
        },
        (_, Some(Stop::OutputBytes)) => PluginError::OutputBytes {
            plugin,
            limit: limits.output_bytes,
        },
        (_, Some(Stop::Exit(status))) => PluginError::Exited {
            plugin,
            status: *status,
            stderr,
        },
        (_, Some(Stop::Misuse(reason))) => PluginError::Crashed {
            plugin,
            reason: reason.clone(),
            stderr,
        },
        _ if state.memory.refused.is_some() => PluginError::Memory {
            plugin,
            wanted: state.memory.refused.unwrap_or_default(),
            limit: limits.memory_bytes,
            stderr,
        },
        (Some(Trap::UnreachableCodeReached), _) => PluginError::Crashed {
            plugin,
            reason: "it panicked or aborted".to_owned(),
            stderr,
        },
        // The stack of compiled code is a part of its memory, with nothing below it.
        (Some(Trap::MemoryOutOfBounds), _) => PluginError::Crashed {
            plugin,
            reason: "it reached outside of its memory, which is also how a plugin ends that calls \
                     itself without end"
                .to_owned(),
            stderr,
        },
        (Some(trap), _) => PluginError::Crashed {
            plugin,
            reason: trap.to_string(),
            stderr,
        },
        (None, None) if is_too_much(error) => PluginError::OutputBytes {
            plugin,
            limit: limits.output_bytes,
        },
        (None, None) => PluginError::BadAnswer {
            plugin,
            reason: format!("{error:#}"),
        },
    }
}

/// wasmtime has no public type for this error, only its words.
fn is_too_much(error: &wasmtime::Error) -> bool {
    format!("{error:#}").contains("fuel allocated for hostcalls has been exhausted")
}
