//! The built-in plugin `secrets`.
