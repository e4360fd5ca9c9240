//! Writes to the folder of results beside the renders: a large set takes longer to be written than
//! to be found again.

use super::StepResult;
use super::disk::Disk;
use crate::set::Hash;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};

/// How many results may wait. More are not written: they are run again by the next process.
const WAITING: usize = 64;

/// A thread that writes. Dropping this waits until it has written all it was given.
pub(super) struct Writer {
    send: Option<SyncSender<(Hash, Arc<StepResult>)>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread; `None`, with a warning, when that is not possible.
    pub(super) fn start(disk: &Arc<Disk>) -> Option<Self> {
        let disk = Arc::clone(disk);
        let (send, receive) = mpsc::sync_channel::<(Hash, Arc<StepResult>)>(WAITING);
        let started = thread::Builder::new()
            .name("memo-writer".to_owned())
            .spawn(move || {
                for (key, result) in receive {
                    disk.put(&key, &result);
                }
            });
        match started {
            Ok(thread) => Some(Self {
                send: Some(send),
                thread: Some(thread),
            }),
            Err(error) => {
                tracing::warn!(%error, "a thread cannot be started; the next start renders anew");
                None
            }
        }
    }

    /// Has a result written, soon.
    pub(super) fn put(&self, key: Hash, result: Arc<StepResult>) {
        if let Some(send) = &self.send
            && send.try_send((key, result)).is_err()
        {
            tracing::debug!("a step is not remembered: too many wait to be written");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.send.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing more to write.
            drop(thread.join());
        }
    }
}
