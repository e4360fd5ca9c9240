use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use thiserror::Error;

/// How long to wait for more of the same after a first change: one push writes many files.
const SETTLE: Duration = Duration::from_millis(30);
/// How often to look whether a repository that went away is back.
const RETRY: Duration = Duration::from_secs(1);

/// Tells when a repository on this machine has a new commit.
///
/// It watches the refs, so the callback comes within milliseconds of a commit, a push or a tag,
/// and sometimes without a change: ask for the commit, it costs little. When the repository goes
/// away the callback is told once, and again when it is back. Ends when dropped.
#[derive(Debug)]
pub struct LocalWatch {
    stop: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

/// Says why a repository is not watched.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WatchError {
    /// There is no repository.
    #[error("{path}: there is no Git repository to watch ({cause}); check the path")]
    NotARepository {
        /// The path that was given.
        path: String,
        /// What is missing.
        cause: String,
    },
    /// The system cannot watch more, or not this.
    #[error(
        "{path}: changes cannot be watched ({cause}); on Linux raise fs.inotify.max_user_watches and \
         fs.inotify.max_user_instances"
    )]
    System {
        /// The path that was given.
        path: String,
        /// What the system said.
        cause: String,
    },
}

impl WatchError {
    /// Names the page that explains the error.
    pub fn code(&self) -> &'static str {
        match self {
            WatchError::NotARepository { .. } => "WL0251",
            WatchError::System { .. } => "WL0252",
        }
    }
}

enum Signal {
    Changed,
    Gone,
    Stop,
}

impl LocalWatch {
    /// Begins to watch a repository, bare or with a work tree.
    ///
    /// The callback runs on a thread of the watch, one call at a time.
    ///
    /// # Errors
    /// [`WatchError`] when there is no repository or the system cannot watch it.
    pub fn new(
        path: &Path,
        callback: impl Fn(Result<(), WatchError>) + Send + 'static,
    ) -> Result<LocalWatch, WatchError> {
        let (signals, receiver) = mpsc::channel();
        let watcher = arm(path, &signals)?;
        let stop = signals.clone();
        let path = path.to_owned();
        let thread = thread::Builder::new()
            .name("watch-refs".to_owned())
            .spawn({
                let path = path.clone();
                move || attend(&path, watcher, &signals, &receiver, &callback)
            })
            .map_err(|error| system(&path, &error))?;
        Ok(LocalWatch {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for LocalWatch {
    fn drop(&mut self) {
        // A thread that has ended needs no word, and one whose callback drops the watch cannot
        // wait for itself.
        let _: Result<(), _> = self.stop.send(Signal::Stop);
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != thread::current().id()
        {
            drop(thread.join());
        }
    }
}

fn attend(
    path: &Path,
    watcher: RecommendedWatcher,
    signals: &Sender<Signal>,
    receiver: &Receiver<Signal>,
    callback: &dyn Fn(Result<(), WatchError>),
) {
    let mut watcher = Some(watcher);
    loop {
        let first = match &watcher {
            Some(_) => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            None => receiver.recv_timeout(RETRY),
        };
        match first {
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            Ok(Signal::Changed | Signal::Gone) => loop {
                match receiver.recv_timeout(SETTLE) {
                    Ok(Signal::Changed | Signal::Gone) => {}
                    Err(RecvTimeoutError::Timeout) => break,
                    Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                }
            },
            Err(RecvTimeoutError::Timeout) => {}
        }
        let was_there = watcher.is_some();
        match places(path) {
            Err(error) => {
                watcher = None;
                if was_there {
                    callback(Err(error));
                }
            }
            Ok(_) => {
                // The folders may be new ones under the old names, so the watch is renewed with
                // each burst of changes; what changes in between is seen by the reader's own look.
                match arm(path, signals) {
                    Ok(renewed) => {
                        watcher = Some(renewed);
                        callback(Ok(()));
                    }
                    Err(error) => {
                        watcher = None;
                        if was_there {
                            callback(Err(error));
                        }
                    }
                }
            }
        }
    }
}

/// Where a repository keeps its refs.
struct Places {
    /// Where `HEAD` is; with linked work trees not the same as `common`.
    own: PathBuf,
    /// Where `refs` and `packed-refs` are.
    common: PathBuf,
}

/// Finds a repository's folders by gitrepository-layout(5), without opening it: its owner may be
/// someone else.
fn places(path: &Path) -> Result<Places, WatchError> {
    let not = |cause: String| WatchError::NotARepository {
        path: path.display().to_string(),
        cause,
    };
    let dot_git = path.join(".git");
    let own = if dot_git.is_dir() {
        dot_git
    } else if dot_git.is_file() {
        let text = short_file(&dot_git).map_err(|error| not(error.to_string()))?;
        match text.trim().strip_prefix("gitdir:") {
            Some(target) => path.join(target.trim()),
            None => return Err(not("the .git file names no folder".to_owned())),
        }
    } else {
        path.to_owned()
    };
    let common = match short_file(&own.join("commondir")) {
        Ok(text) => own.join(text.trim()),
        Err(_) => own.clone(),
    };
    if !own.join("HEAD").is_file() {
        return Err(not(format!("{} is missing", own.join("HEAD").display())));
    }
    if !common.join("refs").is_dir() {
        return Err(not(format!("{} is missing", common.join("refs").display())));
    }
    Ok(Places { own, common })
}

fn arm(path: &Path, signals: &Sender<Signal>) -> Result<RecommendedWatcher, WatchError> {
    let Places { own, common } = places(path)?;
    let signals = signals.clone();
    let refs = common.join("refs");
    let roots = [own.clone(), common.clone()];
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let signal = match event {
            Ok(event) => match relevant(&event, &refs, &roots) {
                Some(signal) => signal,
                None => return,
            },
            // Events were lost; the refs may have changed.
            Err(_) => Signal::Changed,
        };
        // The watch has ended when nobody receives.
        let _: Result<(), _> = signals.send(signal);
    })
    .map_err(|error| system(path, &error))?;
    let mut watch = |folder: &Path, mode| {
        watcher
            .watch(folder, mode)
            .map_err(|error| system(path, &error))
    };
    watch(&own, RecursiveMode::NonRecursive)?;
    if common != own {
        watch(&common, RecursiveMode::NonRecursive)?;
    }
    watch(&common.join("refs"), RecursiveMode::Recursive)?;
    Ok(watcher)
}

/// What an event means: Git writes a ref to a lock file and renames it, so lock files themselves
/// mean nothing.
fn relevant(event: &notify::Event, refs: &Path, roots: &[PathBuf]) -> Option<Signal> {
    if matches!(event.kind, EventKind::Access(_)) {
        return None;
    }
    let removed = matches!(event.kind, EventKind::Remove(_));
    if removed
        && event
            .paths
            .iter()
            .any(|path| roots.contains(path) || path == refs)
    {
        return Some(Signal::Gone);
    }
    let about_refs = event.paths.iter().any(|path| {
        let name = path.file_name().unwrap_or_default();
        let lock = path.extension().is_some_and(|ending| ending == "lock");
        !lock && (path.starts_with(refs) || name == "HEAD" || name == "packed-refs")
    });
    (about_refs || event.need_rescan()).then_some(Signal::Changed)
}

fn short_file(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut text = String::new();
    fs::File::open(path)?.take(4096).read_to_string(&mut text)?;
    Ok(text)
}

fn system(path: &Path, error: &dyn std::fmt::Display) -> WatchError {
    WatchError::System {
        path: path.display().to_string(),
        cause: error.to_string(),
    }
}
