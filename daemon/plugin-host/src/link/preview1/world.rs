//! Arguments, environment, clocks, randomness and the end of a command.

use super::{MODULE, answer};
use crate::link::RANDOM_BYTES;
use crate::link::preview1::errno::Errno;
use crate::state::{State, Stop, Surroundings};
use wasmtime::{Caller, Linker};

/// The only argument: the name of the program.
const PROGRAM: &[u8] = b"function\0";

/// `clockid`: the clock on the wall.
pub(super) const REALTIME: u32 = 0;
/// `clockid`: the clock that only goes on. The two behind it count the time of a processor.
pub(super) const MONOTONIC: u32 = 1;
/// The last `clockid`.
const LAST_CLOCK: u32 = 3;

pub(super) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    arguments(linker)?;
    clocks(linker)?;
    linker.func_wrap(
        MODULE,
        "random_get",
        |mut caller: Caller<'_, State>, at: u32, length: u32| {
            answer(&mut caller, |memory, state| {
                if u64::from(length) > RANDOM_BYTES {
                    let said = format!("it asked for {length} random bytes at once");
                    return Err(Stop::Misuse(said).into());
                }
                let bytes = memory.bytes_mut(at, length)?;
                state.surroundings.fill(bytes);
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "proc_exit",
        |_: Caller<'_, State>, status: u32| -> wasmtime::Result<()> {
            Err(Stop::Exit(u8::try_from(status).unwrap_or(u8::MAX)).into())
        },
    )?;
    linker.func_wrap(MODULE, "sched_yield", |mut caller: Caller<'_, State>| {
        answer(&mut caller, |_, _| Ok(()))
    })?;
    Ok(())
}

fn arguments(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "args_sizes_get",
        |mut caller: Caller<'_, State>, count: u32, size: u32| {
            answer(&mut caller, |memory, _| {
                memory.put_u32(count, 1)?;
                Ok(memory.put_u32(size, PROGRAM.len() as u32)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "args_get",
        |mut caller: Caller<'_, State>, list: u32, texts: u32| {
            answer(&mut caller, |memory, _| {
                memory.put_u32(list, texts)?;
                Ok(memory.put(texts, PROGRAM)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_sizes_get",
        |mut caller: Caller<'_, State>, count: u32, size: u32| {
            answer(&mut caller, |memory, _| {
                memory.put_u32(count, 0)?;
                Ok(memory.put_u32(size, 0)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "environ_get",
        |mut caller: Caller<'_, State>, _: u32, _: u32| answer(&mut caller, |_, _| Ok(())),
    )?;
    Ok(())
}

fn clocks(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "clock_res_get",
        |mut caller: Caller<'_, State>, clock: u32, at: u32| {
            answer(&mut caller, |memory, _| {
                if clock > LAST_CLOCK {
                    return Err(Errno::INVAL.into());
                }
                Ok(memory.put_u64(at, 1)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "clock_time_get",
        |mut caller: Caller<'_, State>, clock: u32, _precision: u64, at: u32| {
            answer(&mut caller, |memory, state| {
                let now = match clock {
                    REALTIME => Surroundings::WALL_CLOCK_SECONDS * 1_000_000_000,
                    MONOTONIC..=LAST_CLOCK => state.surroundings.now(),
                    _ => return Err(Errno::INVAL.into()),
                };
                Ok(memory.put_u64(at, now)?)
            })
        },
    )?;
    Ok(())
}
