//! The imports of the contract: `files`, `secrets`, `log` and `plugins`.

use super::enter;
use crate::state::{State, Stop};
use crate::{FileError, Imports, Run, RunEnd, RunFailure, wire};
use std::borrow::Cow;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

/// The longest path, and the longest part of a secret's reference, in bytes.
const PATH_BYTES: usize = 4096;

type Files<A> = (Result<A, wire::FileError>,);

pub(super) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    files(linker)?;
    secrets(linker)?;
    log(linker)?;
    plugins(linker)
}

fn files(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut files = linker.instance("windlass:plugin/files@0.1.0")?;
    files.func_wrap_async("read", |store, (path,): (WasmStr,)| {
        Box::new(ask_file(store, path, |imports, path| imports.read(path)))
    })?;
    files.func_wrap_async("list", |store, (path,): (WasmStr,)| {
        Box::new(ask_file(store, path, |imports, path| {
            let entries = imports.list(path)?;
            Ok(entries
                .into_iter()
                .map(Into::into)
                .collect::<Vec<wire::Entry>>())
        }))
    })?;
    files.func_wrap_async("exists", |store, (path,): (WasmStr,)| {
        Box::new(ask_file(store, path, |imports, path| imports.exists(path)))
    })?;
    files.func_wrap_async("folder", |mut store, (): ()| {
        Box::new(async move {
            enter(&mut store)?;
            let bridge = store.data().bridge.clone();
            Ok((bridge.ask(|imports| imports.folder()).await,))
        })
    })
}

async fn ask_file<A: Send + 'static>(
    mut store: StoreContextMut<'_, State>,
    path: WasmStr,
    question: impl FnOnce(&mut dyn Imports, &str) -> Result<A, FileError> + Send + 'static,
) -> wasmtime::Result<Files<A>> {
    enter(&mut store)?;
    let Some(path) = short(&store, &path)? else {
        let reason = format!("the path is longer than {PATH_BYTES} bytes");
        return Ok((Err(wire::FileError::Other(reason)),));
    };
    let bridge = store.data().bridge.clone();
    let answer = bridge.ask(move |imports| question(imports, &path)).await;
    Ok((answer.map_err(Into::into),))
}

fn secrets(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut secrets = linker.instance("windlass:plugin/secrets@0.1.0")?;
    secrets.func_wrap_async(
        "reference",
        |mut store, (of, name, key): (WasmStr, WasmStr, WasmStr)| {
            Box::new(async move {
                enter(&mut store)?;
                let (Some(of), Some(name), Some(key)) = (
                    short(&store, &of)?,
                    short(&store, &name)?,
                    short(&store, &key)?,
                ) else {
                    let reason = format!("a part of it is longer than {PATH_BYTES} bytes");
                    return Ok((Err(reason),));
                };
                let bridge = store.data().bridge.clone();
                let answer = bridge
                    .ask(move |imports| imports.secret_reference(&of, &name, &key))
                    .await;
                Ok((answer,))
            })
        },
    )
}

fn log(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut log = linker.instance("windlass:plugin/log@0.1.0")?;
    log.func_wrap_async(
        "write",
        |mut store, (level, message): (wire::Level, WasmStr)| {
            Box::new(async move {
                enter(&mut store)?;
                let message = message.to_str(&store)?.into_owned();
                let state = store.data_mut();
                let level = level.into();
                let message = state.log(level, &message)?;
                let bridge = state.bridge.clone();
                bridge
                    .ask(move |imports| imports.log(level, &message))
                    .await;
                Ok(())
            })
        },
    )
}

fn plugins(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker
        .instance("windlass:plugin/plugins@0.1.0")?
        .func_wrap_async(
            "run",
            |store, (path, objects, config): (WasmStr, Vec<String>, WasmStr)| {
                Box::new(run(store, path, objects, config))
            },
        )
}

async fn run(
    mut store: StoreContextMut<'_, State>,
    path: WasmStr,
    objects: Vec<String>,
    config: WasmStr,
) -> wasmtime::Result<(Result<wire::Ran, wire::Failure>,)> {
    enter(&mut store)?;
    let Some(path) = short(&store, &path)? else {
        let reason = format!("the path is longer than {PATH_BYTES} bytes");
        return Ok((Err(RunFailure::from(reason).into()),));
    };
    let question = Run {
        path: path.clone(),
        objects,
        config: text(&store, &config)?.into_owned(),
        within: store.data().time_left(),
    };
    let bridge = store.data().bridge.clone();
    let RunEnd { result, loading } = bridge
        .ask(move |imports| imports.run_plugin(question))
        .await;
    let state = store.data_mut();
    state.extend(loading);
    let ran = match result {
        Ok(ran) => ran,
        Err(failure) => return Ok((Err(failure.into()),)),
    };
    for line in ran.log {
        state.log(line.level, &format!("{path}: {}", line.message))?;
    }
    Ok((Ok(wire::Ran {
        objects: ran.objects,
        findings: ran.findings.into_iter().map(Into::into).collect(),
    }),))
}

/// Copies a text out of the guest if it is not too long for what it is.
fn short(store: &StoreContextMut<'_, State>, text: &WasmStr) -> wasmtime::Result<Option<String>> {
    let text = self::text(store, text)?;
    Ok((text.len() <= PATH_BYTES).then(|| text.into_owned()))
}

fn text<'a>(
    store: &'a StoreContextMut<'_, State>,
    text: &WasmStr,
) -> wasmtime::Result<Cow<'a, str>> {
    let text = text
        .to_str(store)
        .map_err(|error| Stop::Misuse(format!("it passed a text that is not Unicode: {error}")))?;
    Ok(text)
}
