//! The sandbox: runs plugins as WebAssembly components, and KRM functions as WebAssembly commands,
//! within limits.
//!
//! A [`Host`] compiles plugins and keeps them; a [`Plugin`] is one of them, ready to be called.
//! Every call gets an instance of its own, which is thrown away afterwards: nothing that a plugin
//! does can be seen by the next call, so that its answer depends on the arguments and on what
//! [`Imports`] said, and on nothing else. What a call may use is bounded by [`Limits`].
//!
//! This is the only crate that knows wasmtime. Everything here blocks; a caller in an async
//! runtime uses its threads for blocking work.

mod admission;
mod bridge;
mod cache;
mod call;
mod cause;
mod compile;
mod component;
mod description;
mod error;
mod function;
mod host;
mod imports;
mod limits;
mod link;
mod nested;
mod outcome;
mod plugin;
mod state;
mod surface;
mod text;
mod ticker;
mod wire;

pub use compile::{CompileCommand, Compiler, compile_child_main};
pub use description::{Description, Exports, Scope};
pub use error::{PluginError, PluginId};
pub use host::{Host, HostOptions};
pub use imports::{DirEntry, EntryKind, FileError, Imports, NoImports};
pub use limits::Limits;
pub use nested::{Ran, Run, RunEnd, RunFailure};
pub use outcome::{Finding, Health, HealthStatus, Level, LogLine, Output, Severity};
pub use plugin::Plugin;
pub use surface::Kind;

/// The version of the contract `windlass:plugin` that this host implements.
pub const CONTRACT_VERSION: &str = "0.1.0";
