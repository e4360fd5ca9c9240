//! The built-in plugin `require`: a policy of what every workload should have.

mod config;
mod exempt;
mod images;
mod pods;
mod rules;
mod secrets;

use config::Config;
use exempt::Exemptions;
use rules::Check;
use windlass_plugin_sdk::{Description, Failure, Finding, Host, Json, Plugin, Validate};

/// Checks workloads and Secrets against rules that can be switched one by one.
#[derive(Debug)]
pub struct Require;

impl Plugin for Require {
    fn describe() -> Description {
        Description::new(
            "require",
            env!("CARGO_PKG_VERSION"),
            "Checks that workloads have limits, probes and fixed images, and that no secret is plain.",
        )
        .configuration_schema(config::schema().to_string())
    }
}

impl Validate for Require {
    type Config = Config;

    fn validate(
        objects: &[Json],
        config: Config,
        _host: &mut dyn Host,
    ) -> Result<Vec<Finding>, Failure> {
        let exemptions = Exemptions::new(&config.exempt)?;
        let mut check = Check::new(&config, &exemptions, objects);
        for (index, object) in objects.iter().enumerate() {
            check.object(index, object);
        }
        Ok(check.into_findings())
    }
}

windlass_plugin_sdk::export_validator!(Require);

#[cfg(test)]
mod tests;
