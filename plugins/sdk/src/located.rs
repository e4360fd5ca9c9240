//! What failures and findings share: where something is wrong, and what to do about it.

/// The methods that say so, for a type with the fields `object`, `field` and `hint`.
macro_rules! located {
    () => {
        /// Names the object, by its index among those given to the call. Without it, it is about
        /// all of them.
        #[must_use]
        pub fn object(mut self, index: usize) -> Self {
            self.object = Some(index);
            self
        }

        /// Names the field of that object, `spec.template.spec.containers[0].image`, or the key of
        /// the configuration.
        #[must_use]
        pub fn field(mut self, path: impl Into<String>) -> Self {
            self.field = Some(path.into());
            self
        }

        /// Says what to do about it.
        #[must_use]
        pub fn hint(mut self, hint: impl Into<String>) -> Self {
            self.hint = Some(hint.into());
            self
        }
    };
}

pub(crate) use located;
