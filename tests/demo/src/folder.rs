use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use windlass_test_support::build::workspace;

/// `target/demo`, made anew for this start and held as long as this lives.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Empties the folder; fails when another demo uses it.
    pub(crate) fn fresh() -> Result<Self> {
        let target = workspace().join("target");
        fs::create_dir_all(&target).with_context(|| format!("making {}", target.display()))?;
        Self::fresh_at(&target.join("demo"))
    }

    fn fresh_at(path: &Path) -> Result<Self> {
        // Beside the folder and not in it, because the folder goes away.
        let beside = path.with_extension("lock");
        let lock =
            File::create(&beside).with_context(|| format!("opening {}", beside.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => bail!(
                "a demo is running already, in {}; end that one first (Ctrl-C)",
                path.display()
            ),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("locking {}", beside.display()));
            }
        }
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("emptying {}", path.display()));
            }
            _ => {}
        }
        fs::create_dir(path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// A path in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_finds_nothing_of_the_one_before_and_waits_for_its_end() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let path = scratch.path().join("demo");
        let first = Folder::fresh_at(&path)?;
        fs::write(first.file("left"), "")?;
        assert!(Folder::fresh_at(&path).is_err(), "it is in use");
        assert!(
            first.file("left").exists(),
            "a second start leaves it alone"
        );
        drop(first);
        let second = Folder::fresh_at(&path)?;
        assert!(!second.file("left").exists(), "it is made anew");
        Ok(())
    }
}
