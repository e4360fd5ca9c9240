//! The built-in plugin `manifests`.
