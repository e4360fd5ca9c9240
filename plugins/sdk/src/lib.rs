//! What a Rust plugin author needs: one trait, one macro.
