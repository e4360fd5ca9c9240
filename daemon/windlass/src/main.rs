//! The Windlass daemon and command line.
fn main() {}
