//! What a Rust plugin author needs: one trait, one macro.
//!
//! A plugin is a type with no value. It says what it is ([`Plugin`]), does its work in one or more
//! of [`Transform`], [`Generate`], [`Validate`] and [`Assess`], and is turned into a component by
//! [`export!`]:
//!
//! ```
//! use serde::Deserialize;
//! use windlass_plugin_sdk::{Description, Failure, Host, Json, Plugin, Scope, Transform};
//!
//! struct Team;
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     name: String,
//! }
//!
//! impl Plugin for Team {
//!     fn describe() -> Description {
//!         Description::new("team", env!("CARGO_PKG_VERSION"), "Labels every object with its team.")
//!             .scope(Scope::Object)
//!     }
//! }
//!
//! impl Transform for Team {
//!     type Config = Config;
//!
//!     fn transform(
//!         mut objects: Vec<Json>,
//!         config: Config,
//!         _host: &mut dyn Host,
//!     ) -> Result<Vec<Json>, Failure> {
//!         for object in &mut objects {
//!             object["metadata"]["labels"]["team"] = config.name.as_str().into();
//!         }
//!         Ok(objects)
//!     }
//! }
//!
//! windlass_plugin_sdk::export_transformer!(Team);
//! ```
//!
//! The crate is of `crate-type = ["cdylib", "rlib"]` and is built with
//! `cargo build --release --target wasm32-wasip2`. The same crate compiles natively, where the
//! macro exports nothing: tests call [`run`] with a [`testing::MemoryHost`], need no WebAssembly and
//! take milliseconds.

mod config;
mod describe;
mod failure;
mod finding;
mod health;
mod host;
mod located;
mod macros;
mod plugin;
pub mod run;
pub mod testing;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod wasm;

pub use config::parse as parse_config;
pub use describe::{Description, Scope};
pub use failure::Failure;
pub use finding::{Finding, Severity};
pub use health::{Health, HealthStatus};
pub use host::{Entry, EntryKind, FileError, FileErrorKind, Host, Level, Ran};
pub use plugin::{Assess, Generate, Plugin, Transform, Validate};

/// One Kubernetes object, or any other JSON value. Keys are sorted, as everywhere in Windlass.
pub type Json = serde_json::Value;
