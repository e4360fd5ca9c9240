use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use crate::objects::Objects;
use crate::remote_url::RemoteUrl;
use crate::{Digest, FetchError, ReadError, ReadOptions, Snapshot};

/// Where a mirror keeps a ref for each commit that must stay.
pub(crate) const KEPT: &str = "refs/windlass/commits/";
/// The file whose lock says that a mirror is being written.
const LOCK: &str = "windlass.lock";
/// The file that lists packs which a finished consolidation still has to remove.
pub(crate) const REPLACED: &str = "windlass.replaced";
/// How old a folder for a fetch's own files must be to count as left behind.
const STALE: Duration = Duration::from_secs(24 * 3600);
/// The start of the name of a folder for a fetch's own files.
pub(crate) const SCRATCH: &str = ".fetch-";

/// A bare mirror of one repository on the local disk.
///
/// It is a cache: everything in it can be fetched again, and removing its folder is safe. A commit
/// stays until [`Repository::retain`] lets it go. Whoever may name a cache folder can read every
/// commit fetched into it: give tenants that must not see each other's repositories a folder each.
#[derive(Clone)]
pub struct Repository {
    path: PathBuf,
    shown: String,
    objects: Arc<Objects>,
}

/// Says why a mirror cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MirrorError {
    /// The address of the repository cannot be understood.
    #[error(transparent)]
    Url(#[from] FetchError),
    /// The folder cannot be made, read or written.
    #[error(
        "the mirror {path} of {url} cannot be used ({cause}); check that this user may write there; it is a cache, \
         and removing it is safe"
    )]
    Unusable {
        /// The mirror's folder.
        path: String,
        /// The repository, without credentials.
        url: String,
        /// What went wrong.
        cause: String,
    },
}

impl MirrorError {
    /// Names the page that explains the error.
    pub fn code(&self) -> &'static str {
        match self {
            MirrorError::Url(error) => error.code(),
            MirrorError::Unusable { .. } => "WL0221",
        }
    }
}

impl Repository {
    /// Opens the mirror of a repository, making it when there is none.
    ///
    /// Its folder is named by a hash of the address, in `cache_dir`. What a killed fetch left
    /// behind is cleared away, and a mirror that cannot be opened is made anew.
    ///
    /// # Errors
    /// [`MirrorError::Url`] for an address that is none, [`MirrorError::Unusable`] when the folder
    /// cannot be written.
    pub fn open(cache_dir: &Path, url: &str) -> Result<Repository, MirrorError> {
        let url = RemoteUrl::parse(url)?;
        let path = cache_dir.join(url.mirror_name());
        let unusable = |cause: String| MirrorError::Unusable {
            path: path.display().to_string(),
            url: url.shown.clone(),
            cause,
        };
        fs::create_dir_all(&path).map_err(|error| unusable(error.to_string()))?;
        clear_scratch(cache_dir);
        // When the lock is taken somebody fetches into the mirror, and has prepared it.
        let held = lock(&path, false).map_err(|error| unusable(error.to_string()))?;
        if held.is_some() {
            prepare(&path).map_err(unusable)?;
        }
        drop(held);
        Ok(Repository {
            objects: Arc::new(Objects::new(&path)),
            shown: url.shown,
            path,
        })
    }

    /// The mirror's folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The repository's address, without credentials.
    pub fn url(&self) -> &str {
        &self.shown
    }

    /// Takes a snapshot of a commit, by its full id.
    ///
    /// # Errors
    /// [`ReadError::NoCommit`] when the mirror does not have it.
    pub fn snapshot(&self, commit: &str) -> Result<Snapshot, ReadError> {
        Snapshot::open(Arc::clone(&self.objects), commit, ReadOptions::default())
    }

    /// The ids of the commits that are kept, sorted.
    ///
    /// # Errors
    /// [`MirrorError::Unusable`] when the mirror cannot be read.
    pub fn commits(&self) -> Result<Vec<String>, MirrorError> {
        let names = self
            .objects
            .with(kept_refs)
            .map_err(|error| self.unusable(error.message()))?;
        let mut commits: Vec<String> = names
            .iter()
            .filter_map(|name| name.strip_prefix(KEPT))
            .map(str::to_owned)
            .collect();
        commits.sort();
        Ok(commits)
    }

    /// Lets go of every commit but these.
    ///
    /// Their objects are removed when a later fetch finds that the mirror has grown; until then
    /// snapshots that are still in use go on reading. Does nothing while a fetch runs: call it again
    /// after the next.
    ///
    /// # Errors
    /// [`MirrorError::Unusable`] when the mirror cannot be written. What was let go of stays so.
    pub fn retain<S: AsRef<str>>(&self, commits: &[S]) -> Result<(), MirrorError> {
        let kept: Vec<Digest> = commits
            .iter()
            .filter_map(|commit| Digest::from_hex(commit.as_ref()))
            .collect();
        // A fetch that runs now is bringing a commit that nobody could have named here yet.
        let Some(_held) =
            lock(&self.path, false).map_err(|error| self.unusable(&error.to_string()))?
        else {
            return Ok(());
        };
        self.objects
            .with(|repository| {
                for name in kept_refs(repository)? {
                    let commit = name.strip_prefix(KEPT).and_then(Digest::from_hex);
                    if commit.is_none_or(|commit| !kept.contains(&commit)) {
                        repository.find_reference(&name)?.delete()?;
                    }
                }
                Ok(())
            })
            .map_err(|error| self.unusable(error.message()))?;
        self.objects.close();
        Ok(())
    }

    fn unusable(&self, cause: &str) -> MirrorError {
        MirrorError::Unusable {
            path: self.path.display().to_string(),
            url: self.shown.clone(),
            cause: cause.to_owned(),
        }
    }
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("url", &self.shown)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// The names of the refs that keep commits.
pub(crate) fn kept_refs(repository: &git2::Repository) -> Result<Vec<String>, git2::Error> {
    let refs = repository.references_glob(&format!("{KEPT}*"))?;
    let mut names = Vec::new();
    for reference in refs {
        names.push(String::from_utf8_lossy(reference?.name_bytes()).into_owned());
    }
    Ok(names)
}

/// Locks a mirror for writing, across processes; the system unlocks it when the holder ends,
/// however it ends. Gives `None` when another holds it and `wait` is false.
pub(crate) fn lock(mirror: &Path, wait: bool) -> io::Result<Option<File>> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(mirror.join(LOCK))?;
    if wait {
        file.lock()?;
        return Ok(Some(file));
    }
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Makes a mirror ready to be written: clears what a killed fetch left, and makes it anew when it
/// cannot be opened. The caller holds the lock.
pub(crate) fn prepare(mirror: &Path) -> Result<(), String> {
    clean(mirror).map_err(|error| error.to_string())?;
    if let Err(error) = git2::Repository::open_bare(mirror) {
        if error.code() == git2::ErrorCode::Owner {
            return Err(format!(
                "{}; make this user its owner, or remove it",
                error.message()
            ));
        }
        remove_content(mirror).map_err(|error| error.to_string())?;
        initialise(mirror).map_err(|error| error.message().to_owned())?;
    }
    Ok(())
}

fn initialise(mirror: &Path) -> Result<(), git2::Error> {
    let mut options = git2::RepositoryInitOptions::new();
    options
        .bare(true)
        .mkdir(false)
        .external_template(false)
        .no_reinit(false);
    let repository = git2::Repository::init_opts(mirror, &options)?;
    // A pack that the system loses in a power failure would leave refs to nothing.
    repository.config()?.set_bool("core.fsyncObjectFiles", true)
}

/// Removes lock files, half-written packs and halves of packs: their writer was killed, since the
/// mirror's lock is held here.
fn clean(mirror: &Path) -> io::Result<()> {
    finish_consolidation(mirror)?;
    remove_locks(mirror, 0)?;
    let packs = mirror.join("objects/pack");
    for file in files(&packs)? {
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let whole = match name
            .strip_prefix("pack-")
            .and_then(|_| name.rsplit_once('.'))
        {
            Some((stem, "pack")) => packs.join(format!("{stem}.idx")).exists(),
            Some((stem, "idx")) => packs.join(format!("{stem}.pack")).exists(),
            Some((_, "keep" | "promisor" | "rev" | "mtimes")) => true,
            _ => false,
        };
        if !whole {
            remove_file(&file)?;
        }
    }
    Ok(())
}

/// Removes the packs that a consolidation replaced. A list is kept on disk because removing only
/// some of them would leave packs that lean on packs that are gone.
pub(crate) fn finish_consolidation(mirror: &Path) -> io::Result<()> {
    let list = mirror.join(REPLACED);
    let names = match fs::read_to_string(&list) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let packs = mirror.join("objects/pack");
    for name in names.lines().filter(|name| !name.contains('/')) {
        // The index goes last: a pack without one is cleared, an index without a pack is not used.
        for ending in ["pack", "idx"] {
            remove_file(&packs.join(format!("{name}.{ending}")))?;
        }
    }
    remove_file(&list)
}

fn remove_locks(folder: &Path, depth: usize) -> io::Result<()> {
    for entry in entries(folder)? {
        let path = entry.path();
        let kind = entry.file_type()?;
        if kind.is_dir() && depth < 8 && path.file_name().is_some_and(|name| name != "objects") {
            remove_locks(&path, depth + 1)?;
        } else if kind.is_file()
            && path.extension().is_some_and(|ending| ending == "lock")
            && path.file_name().is_some_and(|name| name != LOCK)
        {
            remove_file(&path)?;
        }
    }
    Ok(())
}

fn remove_content(mirror: &Path) -> io::Result<()> {
    for entry in entries(mirror)? {
        if entry.file_name() == LOCK {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            remove_file(&entry.path())?;
        }
    }
    Ok(())
}

/// Removes the folders of fetches whose parent was killed, as far as that works.
fn clear_scratch(cache_dir: &Path) {
    let old = |path: &Path| {
        let modified = fs::metadata(path)
            .and_then(|metadata| metadata.modified())
            .ok()?;
        SystemTime::now().duration_since(modified).ok()
    };
    for entry in entries(cache_dir).unwrap_or_default() {
        let ours = entry.file_name().to_string_lossy().starts_with(SCRATCH);
        if ours && old(&entry.path()).is_some_and(|age| age > STALE) {
            // Another process may be removing it too; what stays is tried again next time.
            drop(fs::remove_dir_all(entry.path()));
        }
    }
}

fn entries(folder: &Path) -> io::Result<Vec<fs::DirEntry>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The files of a folder; none when it does not exist.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in entries(folder)? {
        if entry.file_type()?.is_file() {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
