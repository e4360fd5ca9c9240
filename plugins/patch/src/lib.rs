//! The built-in plugin `patch`.
