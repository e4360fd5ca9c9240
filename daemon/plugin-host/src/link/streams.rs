//! `wasi:io` and the standard streams: input is empty, output is kept for messages.

use super::{WASI, enter};
use crate::state::{State, Stop};
use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentType, Lift, Linker, LinkerInstance, Lower, Resource, ResourceType, WasmList,
};

/// Something to wait for. All that there is has happened already, so one is like another.
pub(super) struct Pollable;
struct Input;
struct Output;
struct IoError;

/// The number behind the handles of resources that have no state.
pub(super) const STATELESS: u32 = 0;

/// How much a guest may write at once, in bytes. The specification asks for 4,096 at least.
const WRITE_BYTES: u64 = 64 << 10;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    #[allow(dead_code, reason = "the type has it, and no stream here ever fails")]
    LastOperationFailed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

type Streamed<T> = (Result<T, StreamError>,);

pub(super) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    poll(linker)?;
    let mut error = linker.instance(&format!("wasi:io/error@{WASI}"))?;
    resource::<IoError>(&mut error, "error")?;
    let mut streams = linker.instance(&format!("wasi:io/streams@{WASI}"))?;
    input(&mut streams)?;
    output(&mut streams)?;
    standard(linker)
}

/// Defines a resource whose handles need no clearing up.
pub(super) fn resource<T: 'static>(
    instance: &mut LinkerInstance<'_, State>,
    name: &str,
) -> wasmtime::Result<()> {
    instance.resource(name, ResourceType::host::<T>(), |_, _| Ok(()))
}

fn poll(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut poll = linker.instance(&format!("wasi:io/poll@{WASI}"))?;
    resource::<Pollable>(&mut poll, "pollable")?;
    poll.func_wrap(
        "[method]pollable.ready",
        |mut store: StoreContextMut<'_, State>, (_,): (Resource<Pollable>,)| {
            enter(&mut store)?;
            Ok((true,))
        },
    )?;
    poll.func_wrap(
        "[method]pollable.block",
        |mut store: StoreContextMut<'_, State>, (_,): (Resource<Pollable>,)| {
            enter(&mut store)?;
            Ok(())
        },
    )?;
    poll.func_wrap(
        "poll",
        |mut store: StoreContextMut<'_, State>, (list,): (Vec<Resource<Pollable>>,)| {
            enter(&mut store)?;
            if list.is_empty() {
                return Err(Stop::Misuse("it polled nothing, for ever".to_owned()).into());
            }
            Ok(((0..).take(list.len()).collect::<Vec<u32>>(),))
        },
    )
}

fn input(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    resource::<Input>(streams, "input-stream")?;
    for read in ["read", "blocking-read"] {
        streams.func_wrap(
            &format!("[method]input-stream.{read}"),
            |mut store: StoreContextMut<'_, State>, _: (Resource<Input>, u64)| {
                enter(&mut store)?;
                let end: Streamed<Vec<u8>> = (Err(StreamError::Closed),);
                Ok(end)
            },
        )?;
    }
    for skip in ["skip", "blocking-skip"] {
        streams.func_wrap(
            &format!("[method]input-stream.{skip}"),
            |mut store: StoreContextMut<'_, State>, _: (Resource<Input>, u64)| {
                enter(&mut store)?;
                let end: Streamed<u64> = (Err(StreamError::Closed),);
                Ok(end)
            },
        )?;
    }
    streams.func_wrap(
        "[method]input-stream.subscribe",
        |mut store: StoreContextMut<'_, State>, _: (Resource<Input>,)| {
            enter(&mut store)?;
            Ok((Resource::<Pollable>::new_own(STATELESS),))
        },
    )
}

fn output(streams: &mut LinkerInstance<'_, State>) -> wasmtime::Result<()> {
    resource::<Output>(streams, "output-stream")?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut store: StoreContextMut<'_, State>, _: (Resource<Output>,)| {
            enter(&mut store)?;
            let room: Streamed<u64> = (Ok(WRITE_BYTES),);
            Ok(room)
        },
    )?;
    for write in ["write", "blocking-write-and-flush"] {
        streams.func_wrap(
            &format!("[method]output-stream.{write}"),
            |mut store: StoreContextMut<'_, State>,
             (_, bytes): (Resource<Output>, WasmList<u8>)| {
                enter(&mut store)?;
                let bytes = bytes.as_le_slice(&store).to_vec();
                store.data_mut().print(&bytes)?;
                let done: Streamed<()> = (Ok(()),);
                Ok(done)
            },
        )?;
    }
    for flush in ["flush", "blocking-flush"] {
        streams.func_wrap(
            &format!("[method]output-stream.{flush}"),
            |mut store: StoreContextMut<'_, State>, _: (Resource<Output>,)| {
                enter(&mut store)?;
                let done: Streamed<()> = (Ok(()),);
                Ok(done)
            },
        )?;
    }
    streams.func_wrap(
        "[method]output-stream.subscribe",
        |mut store: StoreContextMut<'_, State>, _: (Resource<Output>,)| {
            enter(&mut store)?;
            Ok((Resource::<Pollable>::new_own(STATELESS),))
        },
    )
}

fn standard(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker
        .instance(&format!("wasi:cli/stdin@{WASI}"))?
        .func_wrap(
            "get-stdin",
            |mut store: StoreContextMut<'_, State>, (): ()| {
                enter(&mut store)?;
                Ok((Resource::<Input>::new_own(STATELESS),))
            },
        )?;
    for stream in ["stdout", "stderr"] {
        linker
            .instance(&format!("wasi:cli/{stream}@{WASI}"))?
            .func_wrap(
                &format!("get-{stream}"),
                |mut store: StoreContextMut<'_, State>, (): ()| {
                    enter(&mut store)?;
                    Ok((Resource::<Output>::new_own(STATELESS),))
                },
            )?;
    }
    Ok(())
}
