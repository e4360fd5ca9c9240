//! Why a strategic merge patch could not be made or applied.

/// Why a strategic merge patch could not be made or applied, with the place in the document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch or an object is no mapping.
    #[error("a strategic merge patch is made of mappings and applied to one, not {found}")]
    NotAMapping {
        /// What it is instead.
        found: &'static str,
    },
    /// A list meets a mapping, or a mapping a scalar.
    #[error("`{path}` is {found}, but {expected} is expected")]
    WrongType {
        /// The place.
        path: String,
        /// What the document holds.
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
    /// A document is nested too deep.
    #[error("`{path}` is nested deeper than {limit} levels")]
    TooDeep {
        /// The place.
        path: String,
        /// The limit.
        limit: usize,
    },
    /// Somebody else changed the same field to another value.
    #[error(
        "`{path}` was changed here and, differently, in the current object; overwrite it or take \
         the change over"
    )]
    Conflict {
        /// The field.
        path: String,
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
            Self::Conflict { .. } => "WL0334",
        }
    }
}
