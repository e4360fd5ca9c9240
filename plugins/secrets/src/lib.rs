//! The built-in plugin `secrets`: puts references to secrets where their values belong.
//!
//! It never sees a value. The reference that the host gives is opaque text; the value takes its
//! place when the object is sent to the cluster.

mod config;
mod make;
mod reference;

use config::{Config, Place};
use windlass_plugin_common::{Identity, Variables, field::FieldPath};
use windlass_plugin_sdk::{Description, Failure, Host, Json, Plugin, Transform};

/// Replaces `${secret:STORE/NAME/KEY}` by references, and makes Secret objects out of stores.
#[derive(Debug)]
pub struct Secrets;

impl Plugin for Secrets {
    fn describe() -> Description {
        Description::new(
            "secrets",
            env!("CARGO_PKG_VERSION"),
            "Puts references to secrets where their values belong; it never sees a value.",
        )
        .configuration_schema(config::schema().to_string())
    }
}

impl Transform for Secrets {
    type Config = Config;

    fn transform(
        mut objects: Vec<Json>,
        config: Config,
        host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure> {
        let Config {
            secrets,
            place,
            variables,
        } = config;
        for (index, place) in place.into_iter().enumerate() {
            put(&mut objects, place, &format!("place[{index}]"), &variables)?;
        }
        for (index, object) in objects.iter_mut().enumerate() {
            reference::replace(object, host).map_err(|wrong| {
                let at = format!("{}, {}", Identity::of(object), wrong.field);
                Failure::new(format!("{at}: {}", wrong.message))
                    .object(index)
                    .field(wrong.field)
                    .hint(wrong.hint)
            })?;
        }
        for (index, secret) in secrets.into_iter().enumerate() {
            objects.push(make::secret(
                secret,
                &format!("secrets[{index}]"),
                &variables,
                host,
            )?);
        }
        Ok(objects)
    }
}

/// Puts a text into a field of some objects. The references in it are replaced with all others.
fn put(
    objects: &mut [Json],
    place: Place,
    key: &str,
    variables: &Variables,
) -> Result<(), Failure> {
    let Place {
        target,
        field,
        value,
        allow_no_match,
    } = place;
    let matcher = target.matcher(&format!("{key}.target"))?;
    let at_field = format!("{key}.field");
    let path = FieldPath::new(&field).map_err(|reason| Failure::new(reason).field(&at_field))?;
    let value = variables.text(&value, &format!("{key}.value"))?;
    let mut matched = false;
    for (index, object) in objects.iter_mut().enumerate() {
        if matcher.matches(object) {
            matched = true;
            path.set(object, Json::String(value.clone()))
                .map_err(|reason| {
                    Failure::new(format!(
                        "{key} does not fit {}: {reason}",
                        Identity::of(object)
                    ))
                    .object(index)
                })?;
        }
    }
    if matched || allow_no_match {
        return Ok(());
    }
    Err(Failure::new(format!("no object matches: {target}"))
        .field(key)
        .hint("correct the target, or set `allowNoMatch: true`"))
}

windlass_plugin_sdk::export_transformer!(Secrets);

#[cfg(test)]
mod tests;
