//! The built-in plugin `require`.
