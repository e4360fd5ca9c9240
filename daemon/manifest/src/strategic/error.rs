//! Why a strategic merge patch could not be applied.

/// Why a strategic merge patch could not be applied, with the place in the patch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch or the object is no mapping.
    #[error("a strategic merge patch is a mapping, not {found}")]
    NotAMapping {
        /// What it is instead.
        found: &'static str,
    },
    /// A list meets a mapping, or a mapping a scalar.
    #[error("`{path}` is {found}, but {expected} is expected")]
    WrongType {
        /// The place.
        path: String,
        /// What the patch holds.
        found: &'static str,
        /// What fits.
        expected: &'static str,
    },
    /// An item of a list that merges by key has no such key.
    #[error("an item of `{path}` has no `{key}`, by which the items of this list are told apart")]
    NoMergeKey {
        /// The list.
        path: String,
        /// Its merge key.
        key: String,
    },
    /// A directive is unknown or has a value that it does not take.
    #[error("`{path}`: {reason}")]
    Directive {
        /// The place of the directive.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The patch is nested too deep.
    #[error("`{path}` is nested deeper than {limit} levels")]
    TooDeep {
        /// The place.
        path: String,
        /// The limit.
        limit: usize,
    },
}

impl PatchError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotAMapping { .. } | Self::WrongType { .. } => "WL0330",
            Self::NoMergeKey { .. } => "WL0331",
            Self::Directive { .. } => "WL0332",
            Self::TooDeep { .. } => "WL0333",
        }
    }
}
