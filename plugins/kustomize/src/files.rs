//! Reading the files of a build, within what kustomize's load restriction allows.

use windlass_plugin_sdk::{FileErrorKind, Host, Json, Level, Ran};

use crate::error::{Error, Result};

/// From where files may be loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Restriction {
    /// From the folder of the kustomization and below (`LoadRestrictionsRootOnly`).
    #[default]
    RootOnly,
    /// From everywhere in the tree (`LoadRestrictionsNone`).
    None,
}

/// A folder that holds a kustomization, by its path from the root of the tree, without a slash at
/// either end; the root itself is the empty text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Folder(String);

impl Folder {
    /// The path from the root of the tree.
    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    /// Resolves a path of a kustomization in this folder.
    ///
    /// # Errors
    /// An absolute path, and one that leads out of the tree.
    pub(crate) fn join(&self, path: &str) -> Result<String> {
        self.resolve(path, true)
    }

    /// Resolves a path that may name a folder; as in a file system, the root is its own parent.
    ///
    /// # Errors
    /// An absolute path.
    pub(crate) fn join_as_folder(&self, path: &str) -> Result<String> {
        self.resolve(path, false)
    }

    fn resolve(&self, path: &str, inside: bool) -> Result<String> {
        if path.starts_with('/') {
            return Err(Error::new(format_args!("{path} is an absolute path"))
                .hint("write the path relative to the folder of the kustomization"));
        }
        let mut parts: Vec<&str> = self.0.split('/').filter(|part| !part.is_empty()).collect();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() && inside {
                        return Err(Error::new(format_args!(
                            "{path} leads out of the tree that the build may read"
                        )));
                    }
                }
                part => parts.push(part),
            }
        }
        Ok(parts.join("/"))
    }

    /// The folder that a path of the step's configuration means.
    ///
    /// # Errors
    /// A path that leads out of the tree.
    pub(crate) fn from_environment(host: &mut dyn Host, path: &str) -> Result<Self> {
        let (from, path) = match path.strip_prefix('/') {
            Some(path) => (Self(String::new()), path),
            None => (Self::from(host.folder()), path),
        };
        from.join(path).map(Self)
    }

    /// The path for messages: `.` for the root of the tree.
    pub(crate) fn shown(&self) -> &str {
        if self.0.is_empty() { "." } else { &self.0 }
    }

    /// Whether a path from the root of the tree is in this folder or below it.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.0.is_empty()
            || path
                .strip_prefix(self.0.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

impl From<String> for Folder {
    fn from(path: String) -> Self {
        Self(path.trim_matches('/').to_owned())
    }
}

/// What is at a path.
pub(crate) enum Found {
    /// A file, with its content.
    File(Vec<u8>),
    Folder,
}

/// The host's files, as the kustomizations of a build see them.
pub(crate) struct Files<'h> {
    host: &'h mut dyn Host,
    restriction: Restriction,
}

impl<'h> Files<'h> {
    /// The files of `host`.
    pub(crate) fn new(host: &'h mut dyn Host, restriction: Restriction) -> Self {
        Self { host, restriction }
    }

    /// Reads a file that a kustomization in `folder` names.
    ///
    /// # Errors
    /// Names the file: it is not there, cannot be read, or lies outside of `folder` under
    /// [`Restriction::RootOnly`].
    pub(crate) fn read(&mut self, folder: &Folder, path: &str) -> Result<Vec<u8>> {
        let full = folder.join(path)?;
        self.permit(folder, &full)?;
        self.content(&full)
    }

    /// Reads a file by its path from the root of the tree, whatever the restriction.
    fn content(&mut self, full: &str) -> Result<Vec<u8>> {
        match self.look(full)? {
            Some(Found::File(content)) => Ok(content),
            Some(Found::Folder) => Err(Error::new(format_args!("{full} is a folder, not a file"))),
            None => Err(Error::new(format_args!("there is no file {full}"))),
        }
    }

    /// Finds out what is at a path from the root of the tree, whatever the restriction.
    ///
    /// It asks for the file and for nothing else, so that what is remembered of a build depends on
    /// no other file of the folder, and a kustomization with thousands of files costs one question
    /// for each.
    ///
    /// # Errors
    /// What the host says, for a path that it does not hand out.
    pub(crate) fn look(&mut self, full: &str) -> Result<Option<Found>> {
        if full.is_empty() {
            return Ok(Some(Found::Folder));
        }
        match self.host.read(&format!("/{full}")) {
            Ok(content) => Ok(Some(Found::File(content))),
            Err(error) => match error.kind {
                FileErrorKind::NotAFile => Ok(Some(Found::Folder)),
                FileErrorKind::NotFound => Ok(None),
                _ => Err(Error::new(error)),
            },
        }
    }

    /// Makes sure that a kustomization in `folder` may load a file.
    ///
    /// # Errors
    /// A file outside of the folder, under [`Restriction::RootOnly`].
    pub(crate) fn permit(&self, folder: &Folder, full: &str) -> Result<()> {
        if self.restriction == Restriction::None || folder.holds(full) {
            return Ok(());
        }
        Err(Error::new(format_args!(
            "{full} is not in or below {}, the folder of the kustomization",
            folder.shown()
        ))
        .hint(
            "give that folder a kustomization of its own and list it under `resources`, or lift \
             the restriction (`loadRestrictor: LoadRestrictionsNone`)",
        ))
    }

    /// Runs a plugin by its path from the root of the tree.
    ///
    /// # Errors
    /// What the plugin says, a crash, and a limit.
    pub(crate) fn run(&mut self, full: &str, objects: Vec<Json>, config: &Json) -> Result<Ran> {
        self.host
            .run_plugin(&format!("/{full}"), objects, config)
            .map_err(|failure| Error::new(format_args!("{full}: {}", failure.message())))
    }

    /// Tells people what may surprise.
    pub(crate) fn warn(&mut self, message: &str) {
        self.host.log(Level::Warning, message);
    }
}
