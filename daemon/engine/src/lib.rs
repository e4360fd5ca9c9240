//! What Windlass decides: planning, inventory, prune safety, drift and health, without I/O.
//!
//! An environment is a value, [`Environment`], driven by [`Event`]s and answering with
//! [`Command`]s. It reads no clock, opens no connection and holds no task: time comes in as a
//! [`Time`], the cluster as events, and waiting is a state. The same events give the same commands.

pub mod applyset;
pub mod drift;
mod fingerprint;
pub mod health;
mod pointer;
mod time;

pub use fingerprint::{Fingerprint, FingerprintKey};
pub use pointer::{Pointer, PointerError};
pub use time::Time;
