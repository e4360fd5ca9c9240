//! Files as secrets: `ROOT/NAME/KEY`, noticed when they change.
//!
//! A mounted Secret changes by the swap of one symlink (`..data`), which a watch on the folder sees.

use super::{SecretError, SecretValue, State, Teller, Values};
use crate::tasks::Task;
use notify::{RecursiveMode, Watcher as _};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// Longest value, in bytes: that of a Kubernetes object.
const VALUE_LIMIT: u64 = 1 << 20;
/// Most keys of one secret.
const KEY_LIMIT: usize = 1_000;
/// A swap is several events; they are read as one.
const SETTLE: Duration = Duration::from_millis(50);
/// How often files are looked at where the system cannot watch them.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// A folder of secrets.
///
/// One watch serves all secrets below it: the system allows only some hundred of them.
pub(super) struct Folder {
    root: PathBuf,
    /// Ticks whenever something below the folder changes.
    ticks: watch::Sender<()>,
    watcher: Mutex<Option<notify::RecommendedWatcher>>,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Folder {
            root,
            ticks: watch::Sender::new(()),
            watcher: Mutex::new(None),
        }
    }

    /// Watches the folder if it is not watched yet; `false` when the system cannot.
    fn watch(&self) -> bool {
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        if watcher.is_none() {
            let ticks = self.ticks.clone();
            let on_event = move |event: notify::Result<notify::Event>| {
                // Reading is an event too, and would never end.
                if event.is_ok_and(|event| !event.kind.is_access()) {
                    ticks.send_replace(());
                }
            };
            *watcher = notify::recommended_watcher(on_event)
                .and_then(|mut watcher| {
                    watcher.watch(&self.root, RecursiveMode::Recursive)?;
                    Ok(watcher)
                })
                .ok();
        }
        watcher.is_some()
    }

    /// Follows one secret: reads it, and again whenever something below the folder changes.
    pub(super) fn follow(self: &Arc<Self>, teller: Teller) -> Task {
        let folder = Arc::clone(self);
        Task::spawn(async move {
            let mut ticks = folder.ticks.subscribe();
            loop {
                let (here, store, name) = (
                    Arc::clone(&folder),
                    teller.place.store.clone(),
                    teller.place.name.clone(),
                );
                // The watch comes before the read, so that no change falls between them.
                let work = move || (here.watch(), read(&here.root, &store, &name));
                let Ok((watched, state)) = tokio::task::spawn_blocking(work).await else {
                    return;
                };
                teller.tell(state);
                if !watched {
                    tokio::time::sleep(LOOK_AGAIN).await;
                } else if ticks.changed().await.is_err() {
                    return;
                } else {
                    tokio::time::sleep(SETTLE).await;
                    ticks.mark_unchanged();
                }
            }
        })
    }
}

/// Whether a name stays in its folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

fn read(root: &Path, store: &str, name: &str) -> State {
    match try_read(root, store, name) {
        Ok(Some(values)) => State::Present(Arc::new(values)),
        Ok(None) => State::Missing,
        Err(error) => State::Failed(error),
    }
}

fn try_read(root: &Path, store: &str, name: &str) -> Result<Option<Values>, SecretError> {
    let place = || name.to_owned();
    let failed = |error: std::io::Error| match error.kind() {
        ErrorKind::PermissionDenied => SecretError::Forbidden {
            store: store.to_owned(),
            place: place(),
            why: error.to_string(),
        },
        _ => SecretError::Unreachable {
            store: store.to_owned(),
            place: place(),
            why: error.to_string(),
        },
    };
    if !is_plain(name) {
        return Ok(None);
    }
    let entries = match std::fs::read_dir(root.join(name)) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(error)),
    };
    let home = root.canonicalize().map_err(failed)?;
    let mut values = BTreeMap::new();
    for entry in entries.take(KEY_LIMIT) {
        let entry = entry.map_err(failed)?;
        let Ok(key) = entry.file_name().into_string() else {
            continue;
        };
        // `..data` and its versions are the machinery of a mounted Secret.
        if key.starts_with("..") {
            continue;
        }
        let path = match entry.path().canonicalize() {
            Ok(path) if path.is_file() => path,
            Ok(_) => continue,
            // Swapped away in between: the event of the swap reads it again.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if !path.starts_with(&home) {
            return Err(SecretError::Forbidden {
                store: store.to_owned(),
                place: place(),
                why: format!("the key `{key}` is a link out of {}", root.display()),
            });
        }
        let mut value = Vec::new();
        let file = std::fs::File::open(&path).map_err(failed)?;
        file.take(VALUE_LIMIT + 1)
            .read_to_end(&mut value)
            .map_err(failed)?;
        if value.len() as u64 > VALUE_LIMIT {
            return Err(SecretError::TooLarge {
                store: store.to_owned(),
                place: format!("{name}/{key}"),
                limit: VALUE_LIMIT,
            });
        }
        values.insert(key, SecretValue::new(value));
    }
    Ok(Some(values))
}
