use thiserror::Error;

/// Says why a path of a tree could not be read.
///
/// Every variant names the path as it was asked for, relative to the root of the tree.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Nothing is there.
    #[error("{path} is not in the tree{}", via_link(link))]
    NotFound {
        /// The path that was asked for.
        path: String,
        /// The last symbolic link followed on the way, and where it points.
        link: Option<(String, String)>,
    },
    /// A file was expected and something else is there.
    #[error("{path} is {found}, not a file; name a file inside it or correct the path")]
    NotAFile {
        /// The path that was asked for.
        path: String,
        /// What is there, with its article.
        found: &'static str,
    },
    /// A folder was expected and something else is there.
    #[error("{path} is {found}, not a folder; correct the path")]
    NotAFolder {
        /// The path that was asked for.
        path: String,
        /// What is there, with its article.
        found: &'static str,
    },
    /// The path, or a symbolic link on it, leads out of the tree.
    #[error(
        "{path} leads out of the repository{}; only files inside it can be read: move what is needed into the \
         repository and use a relative path",
        via_link(link)
    )]
    OutsideTree {
        /// The path that was asked for.
        path: String,
        /// The symbolic link that leads out, and where it points; `None` when the path itself does.
        link: Option<(String, String)>,
    },
    /// Symbolic links lead to each other.
    #[error(
        "{path} follows more than {limit} symbolic links (the last is {link}); links that lead to each other \
         never end: point one of them at the file itself"
    )]
    SymlinkLoop {
        /// The path that was asked for.
        path: String,
        /// The link at which the search was given up.
        link: String,
        /// How many links one path may follow.
        limit: usize,
    },
    /// The path lies in a Git submodule.
    #[error(
        "{path} lies in the Git submodule {submodule}, and submodules are not fetched; copy the files into the \
         repository, or follow the submodule's repository as one of its own"
    )]
    Submodule {
        /// The path that was asked for.
        path: String,
        /// The folder that is the submodule.
        submodule: String,
    },
    /// The file is a Git LFS pointer: its content is not in the repository.
    #[error(
        "{path} is a Git LFS pointer, and its content is not in the repository; store the file in Git itself \
         (`git lfs migrate export --include='{path}'`) or take it out of the environment"
    )]
    LfsPointer {
        /// The path that was asked for.
        path: String,
    },
    /// The file is larger than may be read.
    #[error(
        "{path} has {size} bytes, more than the {limit} that one file may have; split it or take it out of the \
         environment"
    )]
    TooLarge {
        /// The path that was asked for.
        path: String,
        /// Its size in bytes.
        size: u64,
        /// The largest size that is read, in bytes.
        limit: u64,
    },
    /// The path itself is not one that a tree can hold.
    #[error("`{path}` is not a path of a repository: {reason}")]
    BadPath {
        /// The path that was asked for, shortened.
        path: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// More files carry the name than may be found.
    #[error(
        "more than {limit} files named {name} are in the tree; remove some, split the repository or raise the limit"
    )]
    TooMany {
        /// The file name that was looked for.
        name: String,
        /// How many may be found.
        limit: usize,
    },
    /// Folders are nested deeper than is followed.
    #[error("{path} lies more than {limit} folders deep; flatten the folders above it")]
    TooDeep {
        /// The folder at which the search was given up.
        path: String,
        /// How deep folders may be nested.
        limit: usize,
    },
    /// The commit was never fetched, or was dropped since.
    #[error("commit {commit} is not in the mirror {mirror}; fetch it first")]
    NoCommit {
        /// The commit that was asked for.
        commit: String,
        /// The mirror's folder.
        mirror: String,
    },
    /// An object is missing from the mirror or is not what it should be.
    #[error(
        "{path} cannot be read from the mirror {mirror}: {cause}; the mirror is damaged: remove its folder, \
         the next fetch makes it anew"
    )]
    Damaged {
        /// The path that was asked for, or the object's id.
        path: String,
        /// The mirror's folder.
        mirror: String,
        /// What Git said.
        cause: String,
    },
    /// The operating system refused.
    #[error("{path} cannot be read: {cause}; check that it exists and that this user may read it")]
    Io {
        /// The path, as the operating system knows it.
        path: String,
        /// What the operating system said.
        cause: String,
    },
}

impl ReadError {
    /// Names the page that explains the error.
    pub fn code(&self) -> &'static str {
        match self {
            ReadError::NotFound { .. } => "WL0231",
            ReadError::NotAFile { .. } => "WL0232",
            ReadError::NotAFolder { .. } => "WL0233",
            ReadError::OutsideTree { .. } => "WL0234",
            ReadError::SymlinkLoop { .. } => "WL0235",
            ReadError::Submodule { .. } => "WL0236",
            ReadError::LfsPointer { .. } => "WL0237",
            ReadError::TooLarge { .. } => "WL0238",
            ReadError::BadPath { .. } => "WL0239",
            ReadError::TooMany { .. } => "WL0240",
            ReadError::TooDeep { .. } => "WL0241",
            ReadError::NoCommit { .. } => "WL0242",
            ReadError::Damaged { .. } => "WL0243",
            ReadError::Io { .. } => "WL0244",
        }
    }
}

fn via_link(link: &Option<(String, String)>) -> String {
    match link {
        Some((link, target)) => format!(" (the symbolic link {link} points to {target})"),
        None => String::new(),
    }
}
