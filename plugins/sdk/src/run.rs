//! Runs a plugin on the texts that cross the border.
//!
//! The component's exports do nothing but call these functions, so a native test that calls them
//! tests all of the plugin except WebAssembly itself: the parsing of objects and configuration
//! included.

use crate::{
    Assess, Failure, Finding, Generate, Health, Host, Json, Transform, Validate, parse_config,
};

/// Runs [`Transform::transform`].
///
/// # Errors
/// What the plugin says, and an object or a configuration that cannot be read.
pub fn transform<P: Transform>(
    objects: Vec<String>,
    configuration: &str,
    host: &mut dyn Host,
) -> Result<Vec<String>, Failure> {
    let config = parse_config(configuration)?;
    P::transform(parse_all(objects)?, config, host)?
        .into_iter()
        .map(|object| print(&object))
        .collect()
}

/// Runs [`Generate::generate`] and adds its objects to those given.
///
/// # Errors
/// What the plugin says, and a configuration that cannot be read.
pub fn generate<P: Generate>(
    mut objects: Vec<String>,
    configuration: &str,
    host: &mut dyn Host,
) -> Result<Vec<String>, Failure> {
    let config = parse_config(configuration)?;
    let added = P::generate(config, host)?;
    objects.reserve_exact(added.len());
    for object in added {
        objects.push(print(&object)?);
    }
    Ok(objects)
}

/// Runs [`Validate::validate`].
///
/// # Errors
/// What the plugin says, and an object or a configuration that cannot be read.
pub fn validate<P: Validate>(
    objects: Vec<String>,
    configuration: &str,
    host: &mut dyn Host,
) -> Result<Vec<Finding>, Failure> {
    let config = parse_config(configuration)?;
    P::validate(&parse_all(objects)?, config, host)
}

/// Runs [`Assess::assess`].
///
/// # Errors
/// What the plugin says, and an object or a configuration that cannot be read.
pub fn assess<P: Assess>(
    object: &str,
    configuration: &str,
    host: &mut dyn Host,
) -> Result<Health, Failure> {
    let config = parse_config(configuration)?;
    P::assess(&parse(0, object)?, config, host)
}

/// The types of the functions above, under their names.
#[doc(hidden)]
#[allow(
    non_camel_case_types,
    reason = "the macro has the function's name and no other"
)]
pub mod signature {
    use super::{Failure, Finding, Health, Host};

    pub type transform = fn(Vec<String>, &str, &mut dyn Host) -> Result<Vec<String>, Failure>;
    pub type generate = transform;
    pub type validate = fn(Vec<String>, &str, &mut dyn Host) -> Result<Vec<Finding>, Failure>;
    pub type assess = fn(&str, &str, &mut dyn Host) -> Result<Health, Failure>;
}

/// Each text is dropped as soon as it is parsed: the memory of a call is bounded.
pub(crate) fn parse_all(objects: Vec<String>) -> Result<Vec<Json>, Failure> {
    objects
        .into_iter()
        .enumerate()
        .map(|(index, text)| parse(index, &text))
        .collect()
}

fn parse(index: usize, text: &str) -> Result<Json, Failure> {
    serde_json::from_str(text).map_err(|error| {
        Failure::new(format!("the host handed in what is not JSON: {error}")).object(index)
    })
}

#[cfg_attr(
    not(target_family = "wasm"),
    allow(
        dead_code,
        reason = "only the component hands objects to the host by itself"
    )
)]
pub(crate) fn print_all(objects: &[Json]) -> Result<Vec<String>, Failure> {
    objects.iter().map(print).collect()
}

fn print(object: &Json) -> Result<String, Failure> {
    serde_json::to_string(object)
        .map_err(|error| Failure::new(format!("an object cannot be written as JSON: {error}")))
}
