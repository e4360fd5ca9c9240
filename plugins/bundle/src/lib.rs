//! The plugins that ship with Windlass, compiled to components by the build and embedded.
