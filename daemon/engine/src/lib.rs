//! What Windlass decides: planning, inventory, prune safety, drift and health, without I/O.
//!
//! An environment is a value, [`Environment`], driven by [`Event`]s and answering with
//! [`Command`]s. It reads no clock, opens no connection and holds no task: time comes in as a
//! [`Time`], the cluster as events, and waiting is a state. The same events give the same commands.
//!
//! The road of an object: [`desired_set`] makes a render into [`Desired`] objects, the driver hands
//! them over as [`Event::Rendered`], the environment compares them with the [`Live`] ones that the
//! watches bring, and asks for what is to be applied and deleted. [`Environment::status`] says how
//! far it is, and [`Environment::objects`] shows every object.

mod annotations;
pub mod applyset;
mod claims;
mod desired;
pub mod drift;
mod environment;
mod error;
mod event;
mod fingerprint;
pub mod health;
mod live;
mod options;
mod pointer;
pub mod status;
mod time;

pub use annotations::{CONFLICT, PRUNE};
pub use claims::{ClaimConflict, Claims};
pub use desired::{Blocked, Conflict, Desired, IgnoreRule, desired_set};
pub use environment::Environment;
pub use error::EngineError;
pub use event::{Command, Event, Failure, FailureClass, Outcome, Ticket};
pub use fingerprint::{Fingerprint, FingerprintKey};
pub use live::{Live, compare_versions};
pub use options::{Backoff, DriftMode, Options, PruneLimit, Retry};
pub use pointer::{Pointer, PointerError};
pub use status::{ObjectState, ObjectView, Phase, PruneRefusal, Status};
pub use time::Time;
