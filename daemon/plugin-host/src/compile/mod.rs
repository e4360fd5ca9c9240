//! From the bytes of a plugin to code.
//!
//! Compiling takes time and memory that the author of a plugin decides, and neither can be bounded
//! inside of a process: so the daemon compiles in a child, which is killed when it needs too much.

mod child;
mod process;

pub use child::compile_child_main;

use crate::cache::{Cache, Form};
use crate::{Limits, PluginError, PluginId};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

/// Where plugins are compiled.
///
/// It is no trait that others implement: what comes out is machine code, which is run and cannot be
/// checked, so that nothing but this crate may make it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Compiler {
    /// In this process, without a bound on time and memory: for tests, and for programs that read
    /// nobody else's plugins.
    #[default]
    InProcess,
    /// In a child process, within [`Limits::compile_time`] and [`Limits::compile_memory`].
    Child(CompileCommand),
}

/// Says how to start the process that compiles: a program that calls [`compile_child_main`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileCommand {
    /// The program. It has to be of the same build as the one that starts it: what another one
    /// compiles is not found.
    pub program: PathBuf,
    /// Its arguments, as a rule the hidden subcommand.
    pub args: Vec<OsString>,
}

impl CompileCommand {
    /// Starts the running program again with other arguments.
    ///
    /// # Errors
    /// When the system does not know which program is running.
    pub fn current_program<A: Into<OsString>>(
        args: impl IntoIterator<Item = A>,
    ) -> io::Result<Self> {
        Ok(Self {
            program: std::env::current_exe()?,
            args: args.into_iter().map(Into::into).collect(),
        })
    }
}

/// Why a plugin was not compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The bytes are no plugin, or a damaged one.
    Invalid(String),
    /// It took longer than it may.
    Time,
    /// It took more memory than it may.
    Memory,
    /// The process that compiles could not do its work.
    Broken(String),
}

impl Failure {
    /// Whether the next attempt would end in the same way, at the same price.
    pub(crate) fn is_dear(&self) -> bool {
        !matches!(self, Self::Invalid(_))
    }

    /// The failure as a person gets to read it.
    pub(crate) fn about(self, plugin: PluginId, limits: &Limits) -> PluginError {
        match self {
            Self::Invalid(reason) => PluginError::NotAComponent { plugin, reason },
            Self::Time => PluginError::CompileTime {
                plugin,
                limit: limits.compile_time,
            },
            Self::Memory => PluginError::CompileMemory {
                plugin,
                limit: limits.compile_memory,
            },
            Self::Broken(reason) => PluginError::Compiler { plugin, reason },
        }
    }
}

/// Held while compiling. One at a time in the whole process, since each takes all cores and a lot
/// of memory; whoever waits has all of its time still before it.
pub(crate) fn one_at_a_time() -> MutexGuard<'static, ()> {
    static COMPILING: Mutex<()> = Mutex::new(());
    COMPILING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Compiles in this process.
pub(crate) fn here(engine: &Engine, wasm: &[u8]) -> Result<crate::cache::Compiled, Failure> {
    use crate::cache::Compiled;
    let compiled = match form(wasm)? {
        Form::Component => Component::from_binary(engine, wasm).map(Compiled::Component),
        Form::Module => Module::from_binary(engine, wasm).map(Compiled::Module),
    };
    compiled.map_err(|error| Failure::Invalid(format!("{error:#}")))
}

/// Compiles in a child process, which puts the code into the cache.
pub(crate) fn in_child(
    command: &CompileCommand,
    cache: &Cache,
    wasm: &[u8],
    limits: &Limits,
) -> Result<(), Failure> {
    // What is no plugin at all is known without a process.
    form(wasm)?;
    process::run(command, cache.folder(), wasm, limits)
}

/// What kind of file it is, by its first eight bytes.
fn form(wasm: &[u8]) -> Result<Form, Failure> {
    match wasm.get(..8) {
        Some(b"\0asm\x0d\0\x01\0") => Ok(Form::Component),
        Some(b"\0asm\x01\0\0\0") => Ok(Form::Module),
        _ => Err(Failure::Invalid(
            "it does not begin as one; is it another file, or a Git LFS pointer?".to_owned(),
        )),
    }
}
