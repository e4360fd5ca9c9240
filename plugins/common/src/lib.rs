//! What the built-in plugins share, none of which needs a privilege: finding and reading manifest
//! files, variables, the choice of target objects, and paths to fields.
//!
//! Everything here is plain code over the SDK's [`Host`](windlass_plugin_sdk::Host), so that its
//! tests run natively.

pub mod field;
pub mod files;
pub mod glob;
pub mod identity;
pub mod origin;
pub mod target;
pub mod variables;

mod suggest;

pub use identity::Identity;
pub use suggest::closest;
pub use target::{Matcher, Target};
pub use variables::Variables;
