//! A proxy between the daemon and the API server that counts what changes the cluster and stops the world at one request.
//!
//! "Killed between any two requests" is a promise that luck cannot test. The proxy makes it a table: the n-th request that
//! changes something is held, either before the API server sees it or after it was executed and before the daemon hears
//! of it, and from then on nothing passes. The test kills the daemon at its leisure and knows exactly what the cluster saw.

mod ledger;
mod proxy;

pub use ledger::{Cut, Ledger, Moment, Mutation};
pub use proxy::Proxy;
