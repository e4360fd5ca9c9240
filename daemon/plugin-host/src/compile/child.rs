//! The compiling itself, as it runs in the child process.

use super::form;
use crate::cache::{Cache, Form};
use crate::host;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::io::{BufRead, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use wasmtime::Engine;

/// The longest request that is read, without the plugin behind it.
const MAX_REQUEST: u64 = 64 << 10;

/// What the child reads on its standard input; the bytes of the plugin follow.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The folder for compiled plugins.
    pub(super) folder: PathBuf,
    /// How much memory there is, in bytes.
    pub(super) memory: u64,
    /// The size of the plugin.
    pub(super) bytes: usize,
}

/// What the child writes on its standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Compiled,
    Invalid(String),
    Memory,
    Broken(String),
}

/// Compiles one plugin: the body of the hidden subcommand behind
/// [`Compiler::Child`](crate::Compiler::Child).
///
/// Reads a request and the plugin from standard input, puts the code into the folder of compiled
/// plugins, writes one JSON answer to standard output, and ends at once when standard input is
/// closed: then nobody waits for it any more. Must be the only thing that its process does, because
/// the process limits its own memory, and may be killed at any moment.
pub fn compile_child_main() -> ExitCode {
    let answer = match prepare() {
        Ok((request, wasm)) => compile(&request, &wasm),
        Err(reason) => Answer::Broken(reason),
    };
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer(&mut out, &answer)
        .map_err(std::io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    match written {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn prepare() -> Result<(Request, Vec<u8>), String> {
    let mut stdin = std::io::stdin().lock();
    let mut line = Vec::new();
    stdin
        .by_ref()
        .take(MAX_REQUEST)
        .read_until(b'\n', &mut line)
        .map_err(|error| format!("the request cannot be read: {error}"))?;
    let request: Request = serde_json::from_slice(&line)
        .map_err(|error| format!("the request cannot be read: {error}"))?;
    let limit = Some(request.memory);
    let memory = Rlimit {
        current: limit,
        maximum: limit,
    };
    // Of data, not of addresses: what is reserved and never touched costs nothing.
    setrlimit(Resource::Data, memory)
        .map_err(|error| format!("its memory cannot be limited: {error}"))?;
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // A core file of a child that ran out of memory would be as large as that memory. Where this
    // cannot be set, the rest works as well.
    let _: rustix::io::Result<()> = setrlimit(Resource::Core, none);
    let mut wasm = vec![0; request.bytes];
    stdin
        .read_exact(&mut wasm)
        .map_err(|error| format!("the plugin cannot be read: {error}"))?;
    drop(stdin);
    std::thread::Builder::new()
        .name("watch-parent".to_owned())
        .spawn(end_with_parent)
        .map_err(|error| format!("a thread cannot be started: {error}"))?;
    Ok((request, wasm))
}

/// Waits for the end of standard input, then ends this process the hard way: the compiler is
/// interrupted by nothing else.
fn end_with_parent() {
    let mut rest = [0; 64];
    while let Ok(1..) = std::io::stdin().lock().read(&mut rest) {}
    let ended =
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    if ended.is_err() {
        std::process::exit(1);
    }
}

fn compile(request: &Request, wasm: &[u8]) -> Answer {
    let engine = match Engine::new(&host::config()) {
        Ok(engine) => engine,
        Err(error) => return Answer::Broken(format!("{error:#}")),
    };
    let cache = match Cache::open(&request.folder, &engine) {
        Ok(cache) => cache,
        Err(reason) => {
            let folder = request.folder.display();
            return Answer::Broken(format!("the folder {folder} is not used: {reason}"));
        }
    };
    let Ok(form) = form(wasm) else {
        return Answer::Invalid("it does not begin as a plugin".to_owned());
    };
    let code = match form {
        Form::Component => engine.precompile_component(wasm),
        Form::Module => engine.precompile_module(wasm),
    };
    let code = match code {
        Ok(code) => code,
        Err(error) => {
            let reason = format!("{error:#}");
            return match is_want_of_memory(&reason) {
                true => Answer::Memory,
                false => Answer::Invalid(reason),
            };
        }
    };
    match cache.put_code(&Sha256::digest(wasm).into(), form, None, &code) {
        Ok(()) => Answer::Compiled,
        Err(reason) => Answer::Broken(format!(
            "the compiled plugin cannot be written to {}: {reason}",
            request.folder.display()
        )),
    }
}

/// The system's words for it, which come through as a part of other errors.
fn is_want_of_memory(reason: &str) -> bool {
    reason.contains("Cannot allocate memory") || reason.contains("out of memory")
}
