//! Pipelines of plugin steps, memoised by what each step read.
//!
//! A [`Renderer`] turns a [`Tree`](windlass_source::Tree) and a [`Pipeline`] into [`Rendered`]
//! objects. A render is a pure function of the content it read, the plugins and the configuration:
//! every read of a plugin is recorded, and a step whose inputs and reads are what they were is not
//! run again. An environment none of whose reads changed costs a few look-ups in the tree, however
//! many files it has.
//!
//! Everything here blocks. A [`Renderer`] is shared: any number of threads may render at once.

mod alone;
mod each;
mod error;
mod finish;
mod memo;
mod nested;
mod path;
mod pipeline;
mod place;
mod plugins;
mod reads;
mod rendered;
mod renderer;
mod schema;
mod set;
mod step;
#[cfg(test)]
#[path = "../tests/common/tree.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "shared with the integration tests"
)]
mod tree;
mod view;

pub use alone::Alone;
pub use error::{Duplicate, RenderError, StepContext};
pub use memo::Memo;
pub use pipeline::{LimitOverrides, Pipeline, PluginRef, Step};
pub use reads::{Access, ReadSet, Seen};
pub use rendered::{Objects, Rendered, RenderedObject, StepFinding, StepTrace};
pub use renderer::Renderer;
