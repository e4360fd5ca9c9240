//! The built-in plugin `patch`: changes objects of the steps before.

mod apply;
mod config;

use apply::Patch;
use config::Config;
use windlass_plugin_sdk::{Description, Failure, Host, Json, Plugin, Transform};

/// Applies strategic merge patches and JSON patches (RFC 6902) to chosen objects.
#[derive(Debug)]
pub struct Patches;

impl Plugin for Patches {
    fn describe() -> Description {
        Description::new(
            "patch",
            env!("CARGO_PKG_VERSION"),
            "Changes objects by strategic merge patches and JSON patches.",
        )
        .configuration_schema(config::schema().to_string())
    }
}

impl Transform for Patches {
    type Config = Config;

    fn transform(
        objects: Vec<Json>,
        config: Config,
        host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure> {
        let mut objects: Vec<Option<Json>> = objects.into_iter().map(Some).collect();
        for (index, entry) in config.patches.into_iter().enumerate() {
            for patch in Patch::read(index, entry, &config.variables, host)? {
                patch.apply(&mut objects)?;
            }
        }
        Ok(objects.into_iter().flatten().collect())
    }
}

windlass_plugin_sdk::export_transformer!(Patches);

#[cfg(test)]
mod tests;
