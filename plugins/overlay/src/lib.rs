//! The built-in plugin `overlay`.
