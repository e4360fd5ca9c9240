//! What a field's type says about merging.

/// How a list merges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Strategy {
    /// The patch's list replaces the list.
    #[default]
    Atomic,
    /// Items with the same value of this key are one item and merge.
    ByKey(&'static str),
    /// The list is a set of scalars; the patch adds to it.
    Set,
}

/// What is known of one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<T> {
    /// How its list merges, if it is a list.
    pub strategy: Strategy,
    /// Whether its map takes `$retainKeys` (a union, of which one member stands).
    pub retain_keys: bool,
    /// Whether its map is replaced and not merged.
    pub replace: bool,
    /// The type of its value, or of its list's items; `None` where nothing below merges by key.
    pub child: Option<T>,
}

impl<T> Default for Field<T> {
    fn default() -> Self {
        Self {
            strategy: Strategy::Atomic,
            retain_keys: false,
            replace: false,
            child: None,
        }
    }
}

/// The types of a family of objects.
pub trait Schema {
    /// A type, cheap to copy.
    type Type: Copy;

    /// The type of a whole object; `None` for a kind without a schema, whose lists are replaced.
    fn root(&self, api_version: &str, kind: &str) -> Option<Self::Type>;

    /// What is known of a field of a type.
    fn field(&self, of: Option<Self::Type>, name: &str) -> Field<Self::Type>;
}
