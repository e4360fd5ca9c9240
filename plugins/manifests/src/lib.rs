//! The built-in plugin `manifests`: the objects that are written in files.

mod config;

use config::Config;
use windlass_plugin_common::files::{self, Rules};
use windlass_plugin_sdk::{Description, Failure, Generate, Host, Json, Plugin};

/// Reads manifest files and adds their objects to those that are there.
#[derive(Debug)]
pub struct Manifests;

impl Plugin for Manifests {
    fn describe() -> Description {
        Description::new(
            "manifests",
            env!("CARGO_PKG_VERSION"),
            "Reads the objects that are written in YAML and JSON files.",
        )
        .configuration_schema(config::SCHEMA)
    }
}

impl Generate for Manifests {
    type Config = Config;

    fn generate(config: Config, host: &mut dyn Host) -> Result<Vec<Json>, Failure> {
        let Config {
            paths,
            recursive,
            include,
            exclude,
            variables,
        } = config;
        let rules = Rules::new(recursive, &include, &exclude)?;
        let found = files::find(host, "paths", paths.as_slice(), &rules)?;
        files::read(host, &found, &variables)
    }
}

windlass_plugin_sdk::export_generator!(Manifests);

#[cfg(test)]
mod tests;
