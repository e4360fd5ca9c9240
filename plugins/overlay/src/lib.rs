//! The built-in plugin `overlay`: what differs in this environment, laid over a shared base.

mod config;
mod merge;

use config::Config;
use merge::Objects;
use windlass_plugin_common::files::{self, OneOrMany, Rules};
use windlass_plugin_sdk::{Description, Failure, Host, Json, Plugin, Transform};

/// Reads a base and merges the partial objects of the environment onto it.
#[derive(Debug)]
pub struct Overlay;

impl Plugin for Overlay {
    fn describe() -> Description {
        Description::new(
            "overlay",
            env!("CARGO_PKG_VERSION"),
            "Lays the partial objects of an environment over a shared base.",
        )
        .configuration_schema(config::SCHEMA)
    }
}

impl Transform for Overlay {
    type Config = Config;

    fn transform(
        mut objects: Vec<Json>,
        config: Config,
        host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure> {
        let Config {
            base,
            with,
            add,
            recursive,
            exclude,
            variables,
        } = config;
        let paths =
            |it: &Option<OneOrMany>| it.as_ref().map_or(Vec::new(), |it| it.as_slice().to_vec());
        let (base, add) = (paths(&base), paths(&add));
        let rules = Rules::new(recursive, &[], &exclude)?;
        let files = files::find(host, "base", &base, &rules)?;
        objects.extend(files::read(host, &files, &variables)?);

        let mut objects = Objects::new(objects);
        let elsewhere = rules.clone().skip(base.iter().chain(&add));
        let files = files::find(host, "with", with.as_slice(), &elsewhere)?;
        for partial in files::read(host, &files, &variables)? {
            objects.lay(partial)?;
        }
        let files = files::find(host, "add", &add, &rules)?;
        for object in files::read(host, &files, &variables)? {
            objects.add(object)?;
        }
        Ok(objects.into_inner())
    }
}

windlass_plugin_sdk::export_transformer!(Overlay);

#[cfg(test)]
mod tests;
