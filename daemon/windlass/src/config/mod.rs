//! Configuration files, read once into types that cannot be wrong.

mod document;
mod environment;
mod error;

pub(crate) use environment::{
    FILE_NAME, Found, MAX_ENVIRONMENTS, discover, read, resolve_pipeline, slug,
};
pub(crate) use error::ConfigError;
