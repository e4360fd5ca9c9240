//! WASI preview 1, for commands: three streams, files that were handed in, and nothing else.
//!
//! Every function of the specification is there, since standard libraries import them whether they
//! are used or not. Names, numbers and layouts are those of `wasi_snapshot_preview1.witx`.

mod errno;
mod files;
mod memory;
mod poll;
mod process;
mod world;

pub(crate) use process::Process;

use crate::state::{State, Stop};
use errno::{Errno, Fault};
use memory::Memory;
use wasmtime::{Caller, Engine, Extern, FuncType, Linker, Val, ValType};

/// The name of the module that a command imports.
pub(crate) const MODULE: &str = "wasi_snapshot_preview1";

/// Everything that a command may import.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    world::define(&mut linker)?;
    poll::define(&mut linker)?;
    files::define(&mut linker)?;
    refusals(&mut linker)?;
    Ok(linker)
}

/// What is only ever refused, with the types of its parameters (`i` for 32 bits, `I` for 64) and the
/// error.
const REFUSALS: [(&str, &str, Errno); 19] = [
    ("fd_allocate", "iII", Errno::ROFS),
    ("fd_fdstat_set_rights", "iII", Errno::NOSYS),
    ("fd_filestat_set_size", "iI", Errno::ROFS),
    ("fd_filestat_set_times", "iIIi", Errno::ROFS),
    ("fd_pwrite", "iiiIi", Errno::ROFS),
    ("fd_renumber", "ii", Errno::NOSYS),
    ("path_create_directory", "iii", Errno::ROFS),
    ("path_filestat_set_times", "iiiiIIi", Errno::ROFS),
    ("path_link", "iiiiiii", Errno::ROFS),
    ("path_readlink", "iiiiii", Errno::INVAL),
    ("path_remove_directory", "iii", Errno::ROFS),
    ("path_rename", "iiiiii", Errno::ROFS),
    ("path_symlink", "iiiii", Errno::ROFS),
    ("path_unlink_file", "iii", Errno::ROFS),
    ("proc_raise", "i", Errno::NOSYS),
    ("sock_accept", "iii", Errno::NOTSOCK),
    ("sock_recv", "iiiiii", Errno::NOTSOCK),
    ("sock_send", "iiiii", Errno::NOTSOCK),
    ("sock_shutdown", "ii", Errno::NOTSOCK),
];

fn refusals(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for (name, parameters, errno) in REFUSALS {
        let parameters = parameters.chars().map(|kind| match kind {
            'I' => ValType::I64,
            _ => ValType::I32,
        });
        let shape = FuncType::new(linker.engine(), parameters, [ValType::I32]);
        linker.func_new(MODULE, name, shape, move |mut caller, _, results| {
            caller.data_mut().count_call()?;
            results.fill(Val::I32(i32::from(errno.0)));
            Ok(())
        })?;
    }
    Ok(())
}

/// Counts a call of the host, lets it work on the guest's memory, and gives what the guest is told.
fn answer(
    caller: &mut Caller<'_, State>,
    act: impl FnOnce(&mut Memory<'_>, &mut State) -> Result<(), Fault>,
) -> wasmtime::Result<i32> {
    caller.data_mut().count_call()?;
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(Stop::Misuse("it exports no memory".to_owned()).into());
    };
    let (bytes, state) = memory.data_and_store_mut(caller);
    match act(&mut Memory(bytes), state) {
        Ok(()) => Ok(0),
        Err(Fault::Errno(errno)) => Ok(i32::from(errno.0)),
        Err(Fault::Stop(stop)) => Err(stop.into()),
    }
}
