//! Git behind two verbs, fetch and read.
//!
//! [`fetch`] asks a server for its refs and brings one commit into a [`Repository`], a bare mirror
//! on the local disk; it runs in a child process, because a server that hangs can only be left by
//! ending the process that talks to it. A [`Snapshot`] reads a commit's tree straight from the
//! mirror's object database: nothing is ever checked out. [`Tree`] is the face that a snapshot
//! shares with a local [`Folder`]. [`LocalWatch`] tells when a repository on this machine has a new
//! commit. This is the only room that knows git2.

mod child;
mod classify;
mod digest;
mod fetch_error;
mod finder;
mod folder;
mod known_hosts;
mod mirror;
mod objects;
mod process;
mod read_error;
mod remote_url;
mod request;
mod resolve;
mod snapshot;
mod tree;
mod version_range;
mod watch;

pub use child::fetch_child_main;
pub use digest::Digest;
pub use fetch_error::FetchError;
pub use finder::{Finder, find_files};
pub use folder::Folder;
pub use mirror::{MirrorError, Repository};
pub use process::{ChildCommand, fetch};
pub use read_error::ReadError;
pub use request::{Auth, FetchOutcome, FetchRequest, Reference};
pub use snapshot::{Commit, Snapshot};
pub use tree::{Child, Entry, EntryKind, ReadOptions, Tree};
pub use watch::{LocalWatch, WatchError};
