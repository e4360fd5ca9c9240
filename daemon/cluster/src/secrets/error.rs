//! What can be missing about a secret.

use windlass_manifest::secret_ref::SecretRef;

/// Why a secret's value cannot be had; says which key of which store.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// No store has this name.
    #[error(
        "the secret store `{store}` is not defined. Add it to `secretStores` of the Repository; \
         defined are: {known}"
    )]
    UnknownStore {
        /// The name that was used.
        store: String,
        /// The names that could have been used.
        known: String,
    },
    /// The store has no such secret.
    #[error(
        "the secret {place} of the store `{store}` does not exist; its key `{key}` is needed. The objects that \
         need it wait for it"
    )]
    Missing {
        /// The store.
        store: String,
        /// Where it was looked for.
        place: String,
        /// The key.
        key: String,
    },
    /// The secret lacks the key.
    #[error(
        "the secret {place} of the store `{store}` has no key `{key}`. The objects that need it wait for it"
    )]
    MissingKey {
        /// The store.
        store: String,
        /// Where it was looked for.
        place: String,
        /// The key.
        key: String,
    },
    /// The rights do not suffice.
    #[error(
        "the secret {place} of the store `{store}` may not be read: {why}. Grant get, list and watch on it"
    )]
    Forbidden {
        /// The store.
        store: String,
        /// Where it was looked for.
        place: String,
        /// What the API server or the system said.
        why: String,
    },
    /// The store does not answer.
    #[error(
        "the store `{store}` could not be read for the secret {place}: {why}. It is tried again"
    )]
    Unreachable {
        /// The store.
        store: String,
        /// Where it was looked for.
        place: String,
        /// What went wrong.
        why: String,
    },
    /// A value that is not text stands where a manifest holds text.
    #[error(
        "the key `{key}` of the secret `{name}` of the store `{store}` is not UTF-8 text, and can only stand in `data` of a Secret"
    )]
    NotText {
        /// The store.
        store: String,
        /// The secret.
        name: String,
        /// The key.
        key: String,
    },
    /// A value is longer than a Kubernetes object may be.
    #[error("the secret {place} of the store `{store}` is longer than {limit} bytes")]
    TooLarge {
        /// The store.
        store: String,
        /// Where it was looked for.
        place: String,
        /// The bound.
        limit: u64,
    },
    /// The body that refers to secrets cannot be read.
    #[error("the object's secret references could not be put in: {0}")]
    Body(String),
}

impl SecretError {
    /// The code of the page that explains this error.
    pub fn code(&self) -> &'static str {
        match self {
            SecretError::UnknownStore { .. } => "WL0800",
            SecretError::Missing { .. } => "WL0801",
            SecretError::MissingKey { .. } => "WL0802",
            SecretError::Forbidden { .. } => "WL0803",
            SecretError::Unreachable { .. } => "WL0804",
            SecretError::NotText { .. } => "WL0805",
            SecretError::TooLarge { .. } => "WL0806",
            SecretError::Body(_) => "WL0807",
        }
    }

    pub(super) fn missing(reference: &SecretRef, place: String) -> Self {
        SecretError::Missing {
            store: reference.store.clone(),
            place,
            key: reference.key.clone(),
        }
    }

    pub(super) fn missing_key(reference: &SecretRef, place: String) -> Self {
        SecretError::MissingKey {
            store: reference.store.clone(),
            place,
            key: reference.key.clone(),
        }
    }
}
