//! The traits that an author implements.

use crate::{Description, Failure, Finding, Health, Host, Json};
use serde::de::DeserializeOwned;

/// Says what the plugin is.
pub trait Plugin {
    /// Gives the description: the same one every time.
    fn describe() -> Description;
}

/// Changes objects: all of them come in, all that shall remain go out.
pub trait Transform: Plugin {
    /// The configuration of the step. Derive `Deserialize` with `deny_unknown_fields`, so that a
    /// misspelt key is an error; the SDK adds the key that was probably meant.
    type Config: DeserializeOwned;

    /// Gives the objects that the pipeline goes on with.
    ///
    /// # Errors
    /// Whatever makes it impossible to give an answer. It stops the render.
    fn transform(
        objects: Vec<Json>,
        config: Self::Config,
        host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure>;
}

/// Adds objects to those that are there, without looking at them.
///
/// It does what a [`Transform`] that only adds would do, and spares it the parsing of what it
/// hands through.
pub trait Generate: Plugin {
    /// The configuration of the step, as for [`Transform::Config`].
    type Config: DeserializeOwned;

    /// Gives the objects to add at the end.
    ///
    /// # Errors
    /// Whatever makes it impossible to give an answer. It stops the render.
    fn generate(config: Self::Config, host: &mut dyn Host) -> Result<Vec<Json>, Failure>;
}

/// Checks objects.
pub trait Validate: Plugin {
    /// The configuration of the step, as for [`Transform::Config`].
    type Config: DeserializeOwned;

    /// Gives everything there is to say about the objects; nothing when all is well.
    ///
    /// # Errors
    /// Whatever makes it impossible to check. What is wrong with an object is a [`Finding`].
    fn validate(
        objects: &[Json],
        config: Self::Config,
        host: &mut dyn Host,
    ) -> Result<Vec<Finding>, Failure>;
}

/// Knows the health of live objects.
pub trait Assess: Plugin {
    /// The configuration of the health rule, as for [`Transform::Config`].
    type Config: DeserializeOwned;

    /// Gives the health of one object as it is in the cluster.
    ///
    /// # Errors
    /// Whatever makes it impossible to say. An object that does not say how it does is
    /// [`HealthStatus::Unknown`](crate::HealthStatus::Unknown).
    fn assess(object: &Json, config: Self::Config, host: &mut dyn Host) -> Result<Health, Failure>;
}
