//! Secrets, bound late: the value is put in on the object, in memory, as the request is sent.
//!
//! A value that is in use is watched and held in memory, so that no request is needed to bind it
//! and a change is noticed at once. What is missing is watched too, and recovers by itself.

mod error;
mod files;
mod kubernetes;
mod value;

pub use error::SecretError;
pub use value::{Bound, SecretValue};
pub(crate) use value::{Mask, wipe};

use crate::Cluster;
use crate::tasks::Task;
use files::Folder;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use windlass_engine::{Desired, Fingerprint, FingerprintKey, drift};
use windlass_manifest::Json;
use windlass_manifest::secret_ref::{ResolveError, SecretRef, refs_in, resolve};

/// Longest wait for the first answer of a store.
const FIRST_ANSWER: Duration = Duration::from_secs(15);

/// A place where secret references are looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// Secrets of the cluster.
    Kubernetes {
        /// Their namespace; the environment's own when absent.
        namespace: Option<String>,
    },
    /// The file `ROOT/NAME/KEY`, as a mounted Secret has it.
    Files {
        /// The folder.
        root: PathBuf,
    },
}

/// The value of a secret has changed, appeared or gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SecretChanged {
    /// The store.
    pub store: String,
    /// The namespace of the Secret; empty for files.
    pub namespace: String,
    /// The secret.
    pub name: String,
}

/// All values of one secret by key.
type Values = BTreeMap<String, SecretValue>;

/// What is known of a secret.
#[derive(Clone)]
enum State {
    Loading,
    Present(Arc<Values>),
    Missing,
    Failed(SecretError),
}

impl State {
    /// Whether both bind to the same values or fail in the same way.
    fn is_like(&self, other: &State) -> bool {
        match (self, other) {
            (State::Present(one), State::Present(two)) => {
                one.len() == two.len()
                    && one
                        .iter()
                        .zip(two.iter())
                        .all(|((k1, v1), (k2, v2))| k1 == k2 && v1.reveal() == v2.reveal())
            }
            (State::Failed(one), State::Failed(two)) => one == two,
            (State::Missing, State::Missing) | (State::Loading, State::Loading) => true,
            _ => false,
        }
    }
}

/// One secret of one store.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Place {
    store: String,
    namespace: String,
    name: String,
}

impl Place {
    /// The secret as messages call it: `shop/database`, or `database` of a folder.
    fn text(&self) -> String {
        if self.namespace.is_empty() {
            self.name.clone()
        } else {
            format!("{}/{}", self.namespace, self.name)
        }
    }
}

struct Entry {
    state: watch::Receiver<State>,
    /// Ends with the entry.
    _task: Option<Task>,
}

/// Holds what is known of one secret and tells when it changes.
struct Teller {
    place: Place,
    state: watch::Sender<State>,
    changes: mpsc::UnboundedSender<SecretChanged>,
}

impl Teller {
    /// Takes a new state over. The first one is what somebody waits for; later ones are changes.
    fn tell(&self, new: State) {
        let mut changed = false;
        self.state.send_modify(|state| {
            changed = !matches!(state, State::Loading) && !state.is_like(&new);
            *state = new;
        });
        if changed {
            // Nobody listens any more when the daemon is about to end.
            drop(self.changes.send(SecretChanged {
                store: self.place.store.clone(),
                namespace: self.place.namespace.clone(),
                name: self.place.name.clone(),
            }));
        }
    }

    fn is_present(&self) -> bool {
        matches!(*self.state.borrow(), State::Present(_))
    }
}

/// The secret stores of one repository. Cheap to clone.
#[derive(Clone)]
pub struct Secrets {
    inner: Arc<Inner>,
}

struct Inner {
    cluster: Option<Cluster>,
    stores: BTreeMap<String, Store>,
    folders: BTreeMap<String, Arc<Folder>>,
    changes: mpsc::UnboundedSender<SecretChanged>,
    entries: Mutex<HashMap<Place, Entry>>,
}

impl Secrets {
    /// Sets the stores up by name; nothing is read or watched before it is asked for.
    ///
    /// `cluster` carries the rights with which Secrets are read; without it the Kubernetes stores
    /// answer that they cannot be reached.
    pub fn new(
        cluster: Option<Cluster>,
        stores: BTreeMap<String, Store>,
        changes: mpsc::UnboundedSender<SecretChanged>,
    ) -> Secrets {
        let folders = stores
            .iter()
            .filter_map(|(name, store)| match store {
                Store::Files { root } => Some((name.clone(), Arc::new(Folder::new(root.clone())))),
                Store::Kubernetes { .. } => None,
            })
            .collect();
        Secrets {
            inner: Arc::new(Inner {
                cluster,
                stores,
                folders,
                changes,
                entries: Mutex::new(HashMap::new()),
            }),
        }
    }

    /// No stores at all, for objects that refer to none.
    pub fn none() -> Secrets {
        let (changes, _) = mpsc::unbounded_channel();
        Secrets::new(None, BTreeMap::new(), changes)
    }

    /// The value of a reference; `namespace` is the environment's.
    ///
    /// # Errors
    /// Which key of which store is missing, or why it cannot be read.
    pub async fn get(
        &self,
        reference: &SecretRef,
        namespace: &str,
    ) -> Result<SecretValue, SecretError> {
        let place = self.place(reference, namespace)?;
        let text = place.text();
        let unreachable = |why: &str| SecretError::Unreachable {
            store: reference.store.clone(),
            place: text.clone(),
            why: why.to_owned(),
        };
        let mut state = self.watched(place);
        let known = tokio::time::timeout(
            FIRST_ANSWER,
            state.wait_for(|state| !matches!(state, State::Loading)),
        )
        .await
        .map_err(|_| unreachable("the store does not answer"))?
        .map_err(|_| unreachable("the store is being closed"))?
        .clone();
        match known {
            State::Present(values) => values
                .get(&reference.key)
                .cloned()
                .ok_or_else(|| SecretError::missing_key(reference, text)),
            State::Failed(error) => Err(error),
            State::Missing | State::Loading => Err(SecretError::missing(reference, text)),
        }
    }

    /// Puts all values into a body.
    ///
    /// # Errors
    /// As [`Secrets::get`]; and a value that is not text where text has to stand.
    pub async fn bind(&self, body: &Json, namespace: &str) -> Result<Bound, SecretError> {
        let mut values = BTreeMap::new();
        let mut mask = Mask::default();
        for reference in refs_in(body) {
            let value = self.get(&reference, namespace).await?;
            mask.push(value.clone());
            values.insert(reference, value);
        }
        let mut bound = Bound::new(body.clone(), mask);
        if values.is_empty() {
            return Ok(bound);
        }
        let mut lookup = |reference: &SecretRef| {
            values
                .get(reference)
                .map(|value| value.reveal().to_vec())
                .ok_or_else(|| SecretError::Body(format!("{} came up late", reference.name)))
        };
        match resolve(bound.object_mut(), &mut lookup) {
            Ok(_) => Ok(bound),
            Err(ResolveError::Lookup(error)) => Err(error),
            Err(ResolveError::NotText(reference)) => Err(SecretError::NotText {
                store: reference.store,
                name: reference.name,
                key: reference.key,
            }),
        }
    }

    /// The fingerprint of what an object claims once its secrets are put in.
    ///
    /// # Errors
    /// As [`Secrets::bind`].
    pub async fn expected(
        &self,
        desired: &Desired,
        namespace: &str,
        key: &FingerprintKey,
    ) -> Result<Fingerprint, SecretError> {
        let body: Json = serde_json::from_str(&desired.body)
            .map_err(|error| SecretError::Body(error.to_string()))?;
        let bound = self.bind(&body, namespace).await?;
        let mut claimed = drift::claim(bound.object());
        let fingerprint = drift::fingerprint(&claimed, &desired.leave, key);
        value::wipe(&mut claimed);
        Ok(fingerprint)
    }

    /// Forgets every secret that is not in use any more, and ends its watch.
    ///
    /// `used` are the references in use, each with the namespace of its environment.
    pub fn keep_only<'a>(&self, used: impl IntoIterator<Item = (&'a SecretRef, &'a str)>) {
        let used: BTreeSet<Place> = used
            .into_iter()
            .filter_map(|(reference, namespace)| self.place(reference, namespace).ok())
            .collect();
        let mut entries = self.entries();
        entries.retain(|place, _| used.contains(place));
    }

    fn place(&self, reference: &SecretRef, namespace: &str) -> Result<Place, SecretError> {
        let namespace = match self.inner.stores.get(&reference.store) {
            None => {
                let known: Vec<&str> = self.inner.stores.keys().map(String::as_str).collect();
                return Err(SecretError::UnknownStore {
                    store: reference.store.clone(),
                    known: if known.is_empty() {
                        "none".to_owned()
                    } else {
                        known.join(", ")
                    },
                });
            }
            Some(Store::Kubernetes { namespace: own }) => {
                own.clone().unwrap_or_else(|| namespace.to_owned())
            }
            Some(Store::Files { .. }) => String::new(),
        };
        Ok(Place {
            store: reference.store.clone(),
            namespace,
            name: reference.name.clone(),
        })
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, HashMap<Place, Entry>> {
        self.inner
            .entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of a secret, which is watched from now on.
    fn watched(&self, place: Place) -> watch::Receiver<State> {
        let mut entries = self.entries();
        if let Some(entry) = entries.get(&place) {
            return entry.state.clone();
        }
        let (sender, receiver) = watch::channel(State::Loading);
        let teller = Teller {
            place: place.clone(),
            state: sender,
            changes: self.inner.changes.clone(),
        };
        let folder = self.inner.folders.get(&place.store);
        let task = match (folder, &self.inner.cluster) {
            (Some(folder), _) => Some(folder.follow(teller)),
            (None, Some(cluster)) => Some(kubernetes::follow(cluster.transport().clone(), teller)),
            (None, None) => {
                teller.tell(State::Failed(SecretError::Unreachable {
                    store: place.store.clone(),
                    place: place.text(),
                    why: "there is no cluster".to_owned(),
                }));
                None
            }
        };
        let entry = Entry {
            state: receiver.clone(),
            _task: task,
        };
        entries.insert(place, entry);
        receiver
    }
}
