//! The rest of WASI 0.2, with nothing behind it: no environment, no files, no network, clocks and
//! randomness that are the same in every call.

use super::streams::{Pollable, STATELESS, resource};
use super::{RANDOM_BYTES, WASI, enter};
use crate::state::{State, Stop, Surroundings};
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower, Resource, Val};

struct TerminalInput;
struct TerminalOutput;
struct Descriptor;
struct DirectoryEntryStream;

#[derive(ComponentType, Lift, Lower, Clone, Copy)]
#[component(record)]
struct Datetime {
    seconds: u64,
    nanoseconds: u32,
}

pub(super) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    environment(linker)?;
    exit(linker)?;
    terminal(linker)?;
    clocks(linker)?;
    random(linker)?;
    filesystem(linker)
}

fn environment(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut environment = linker.instance(&format!("wasi:cli/environment@{WASI}"))?;
    environment.func_wrap(
        "get-environment",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            enter(&mut store)?;
            Ok((Vec::<(String, String)>::new(),))
        },
    )?;
    environment.func_wrap(
        "get-arguments",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            enter(&mut store)?;
            Ok((Vec::<String>::new(),))
        },
    )?;
    environment.func_wrap(
        "initial-cwd",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            enter(&mut store)?;
            Ok((None::<String>,))
        },
    )
}

fn exit(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut exit = linker.instance(&format!("wasi:cli/exit@{WASI}"))?;
    exit.func_wrap(
        "exit",
        |_: StoreContextMut<'_, State>, (status,): (Result<(), ()>,)| -> wasmtime::Result<()> {
            Err(Stop::Exit(u8::from(status.is_err())).into())
        },
    )?;
    exit.func_wrap(
        "exit-with-code",
        |_: StoreContextMut<'_, State>, (status,): (u8,)| -> wasmtime::Result<()> {
            Err(Stop::Exit(status).into())
        },
    )
}

fn terminal(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut input = linker.instance(&format!("wasi:cli/terminal-input@{WASI}"))?;
    resource::<TerminalInput>(&mut input, "terminal-input")?;
    let mut output = linker.instance(&format!("wasi:cli/terminal-output@{WASI}"))?;
    resource::<TerminalOutput>(&mut output, "terminal-output")?;
    linker
        .instance(&format!("wasi:cli/terminal-stdin@{WASI}"))?
        .func_wrap(
            "get-terminal-stdin",
            |mut store: StoreContextMut<'_, State>, (): ()| {
                enter(&mut store)?;
                Ok((None::<Resource<TerminalInput>>,))
            },
        )?;
    for stream in ["stdout", "stderr"] {
        linker
            .instance(&format!("wasi:cli/terminal-{stream}@{WASI}"))?
            .func_wrap(
                &format!("get-terminal-{stream}"),
                |mut store: StoreContextMut<'_, State>, (): ()| {
                    enter(&mut store)?;
                    Ok((None::<Resource<TerminalOutput>>,))
                },
            )?;
    }
    Ok(())
}

fn clocks(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut wall = linker.instance(&format!("wasi:clocks/wall-clock@{WASI}"))?;
    for (function, seconds, nanoseconds) in [
        ("now", Surroundings::WALL_CLOCK_SECONDS, 0),
        ("resolution", 1, 0),
    ] {
        wall.func_wrap(
            function,
            move |mut store: StoreContextMut<'_, State>, (): ()| {
                enter(&mut store)?;
                Ok((Datetime {
                    seconds,
                    nanoseconds,
                },))
            },
        )?;
    }
    let mut monotonic = linker.instance(&format!("wasi:clocks/monotonic-clock@{WASI}"))?;
    monotonic.func_wrap("now", |mut store: StoreContextMut<'_, State>, (): ()| {
        Ok((enter(&mut store)?.surroundings.now(),))
    })?;
    monotonic.func_wrap(
        "resolution",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            enter(&mut store)?;
            Ok((1_u64,))
        },
    )?;
    monotonic.func_wrap(
        "subscribe-instant",
        |mut store: StoreContextMut<'_, State>, (instant,): (u64,)| {
            enter(&mut store)?.surroundings.sleep_until(instant);
            Ok((Resource::<Pollable>::new_own(STATELESS),))
        },
    )?;
    monotonic.func_wrap(
        "subscribe-duration",
        |mut store: StoreContextMut<'_, State>, (nanoseconds,): (u64,)| {
            enter(&mut store)?.surroundings.sleep(nanoseconds);
            Ok((Resource::<Pollable>::new_own(STATELESS),))
        },
    )
}

fn random(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    for (interface, infix) in [("random", ""), ("insecure", "insecure-")] {
        let mut random = linker.instance(&format!("wasi:random/{interface}@{WASI}"))?;
        random.func_wrap(
            &format!("get-{infix}random-bytes"),
            |mut store: StoreContextMut<'_, State>, (length,): (u64,)| {
                let state = enter(&mut store)?;
                if length > RANDOM_BYTES {
                    let said = format!("it asked for {length} random bytes at once");
                    return Err(Stop::Misuse(said).into());
                }
                let mut bytes = vec![0; usize::try_from(length)?];
                state.surroundings.fill(&mut bytes);
                Ok((bytes,))
            },
        )?;
        random.func_wrap(
            &format!("get-{infix}random-u64"),
            |mut store: StoreContextMut<'_, State>, (): ()| {
                Ok((enter(&mut store)?.surroundings.random(),))
            },
        )?;
    }
    let mut seed = linker.instance(&format!("wasi:random/insecure-seed@{WASI}"))?;
    seed.func_wrap(
        "insecure-seed",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            let surroundings = &mut enter(&mut store)?.surroundings;
            Ok(((surroundings.random(), surroundings.random()),))
        },
    )
}

fn filesystem(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut types = linker.instance(&format!("wasi:filesystem/types@{WASI}"))?;
    resource::<Descriptor>(&mut types, "descriptor")?;
    resource::<DirectoryEntryStream>(&mut types, "directory-entry-stream")?;
    // It has an enumeration of forty errors in its type, and none of them to give.
    types.func_new("filesystem-error-code", |mut store, _, _, results| {
        enter(&mut store)?;
        results.fill(Val::Option(None));
        Ok(())
    })?;
    let mut preopens = linker.instance(&format!("wasi:filesystem/preopens@{WASI}"))?;
    preopens.func_wrap(
        "get-directories",
        |mut store: StoreContextMut<'_, State>, (): ()| {
            enter(&mut store)?;
            Ok((Vec::<(Resource<Descriptor>, String)>::new(),))
        },
    )
}
