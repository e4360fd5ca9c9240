//! What the rest of the process may ask of the controller.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Notify, mpsc, oneshot};

use super::status::{Detail, Summary};
use super::{Key, Message};

/// What the controller publishes for readers that must not wait for it.
#[derive(Default)]
pub(crate) struct Shared {
    ready: AtomicBool,
    stopping: AtomicBool,
    summaries: RwLock<BTreeMap<Key, Summary>>,
    doors: RwLock<BTreeMap<Key, Door>>,
}

/// How a repository is woken.
#[derive(Clone)]
pub(crate) struct Door {
    /// Its address, for webhooks that name one.
    pub(crate) url: String,
    /// The branch it follows, if it follows one.
    pub(crate) branch: Option<String>,
    /// Rings its fetch loop; several rings before it looks are one.
    pub(crate) bell: Arc<Notify>,
    /// What signs its webhooks.
    pub(crate) webhook_secret: Option<Arc<[u8]>>,
}

/// A cheap copy of the way to the controller.
#[derive(Clone)]
pub(crate) struct Handle {
    sender: mpsc::UnboundedSender<Message>,
    shared: Arc<Shared>,
}

/// The controller has ended.
#[derive(Debug)]
pub(crate) struct Stopped;

impl Handle {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Message>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (
            Self {
                sender,
                shared: Arc::new(Shared::default()),
            },
            receiver,
        )
    }

    /// Sends a message; a controller that has ended misses nothing.
    pub(crate) fn send(&self, message: Message) {
        let _ended = self.sender.send(message);
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.shared.ready.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ready(&self) {
        self.shared.ready.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.shared.stopping.load(Ordering::Relaxed)
    }

    /// Makes `/readyz` fail; the controller goes on until [`Message::Stop`].
    pub(crate) fn set_stopping(&self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
    }

    /// Waits until the controller has ended and its requests are through.
    pub(crate) async fn stopped(&self) {
        self.sender.closed().await;
    }

    pub(crate) fn publish(&self, key: &Key, summary: Summary) {
        self.write(|shared| &shared.summaries)
            .insert(key.clone(), summary);
    }

    pub(crate) fn withdraw(&self, key: &Key) {
        self.write(|shared| &shared.summaries).remove(key);
    }

    pub(crate) fn summaries(&self) -> Vec<Summary> {
        let summaries = self
            .shared
            .summaries
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        summaries.values().cloned().collect()
    }

    pub(crate) fn set_door(&self, key: &Key, door: Door) {
        self.write(|shared| &shared.doors).insert(key.clone(), door);
    }

    pub(crate) fn remove_door(&self, key: &Key) {
        self.write(|shared| &shared.doors).remove(key);
    }

    /// The secret that signs the webhooks of one repository.
    pub(crate) fn webhook_secret(&self, namespace: &str, name: &str) -> Option<Arc<[u8]>> {
        let doors = self
            .shared
            .doors
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        doors
            .get(&Key::new(namespace, name))?
            .webhook_secret
            .clone()
    }

    /// Rings every repository for which `concerned(namespace, name, url, branch)`; returns how many.
    pub(crate) fn wake_repositories(
        &self,
        concerned: impl Fn(&str, &str, &str, Option<&str>) -> bool,
    ) -> usize {
        let doors = self
            .shared
            .doors
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut woken = 0;
        for (key, door) in doors.iter() {
            if concerned(&key.namespace, &key.name, &door.url, door.branch.as_deref()) {
                door.bell.notify_one();
                woken += 1;
            }
        }
        woken
    }

    /// Everything about one environment.
    ///
    /// # Errors
    /// [`Stopped`] when the controller has ended.
    pub(crate) async fn detail(
        &self,
        namespace: Option<String>,
        name: String,
    ) -> Result<Option<Detail>, Stopped> {
        let (reply, answer) = oneshot::channel();
        self.send(Message::Detail {
            namespace,
            name,
            reply,
        });
        answer.await.map_err(|_dropped| Stopped)
    }

    fn write<T>(&self, of: impl Fn(&Shared) -> &RwLock<T>) -> std::sync::RwLockWriteGuard<'_, T> {
        let shared: &Shared = &self.shared;
        // A poisoned lock guards plain values that are replaced whole; there is nothing half-done.
        of(shared).write().unwrap_or_else(PoisonError::into_inner)
    }
}
