//! Labels every object with the team that answers for it.

use serde::Deserialize;
use windlass_plugin_sdk::{Description, Failure, Host, Json, Plugin, Scope, Transform};

struct TeamLabels;

/// What stands under `config` in the step.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    team: String,
    #[serde(default = "label")]
    label: String,
}

fn label() -> String {
    "team".to_owned()
}

const SCHEMA: &str = r#"{
  "type": "object",
  "additionalProperties": false,
  "required": ["team"],
  "properties": {
    "team": {"type": "string", "description": "Who answers for the objects."},
    "label": {"type": "string", "default": "team", "description": "The label's key."}
  }
}"#;

impl Plugin for TeamLabels {
    fn describe() -> Description {
        Description::new(
            "team-labels",
            env!("CARGO_PKG_VERSION"),
            "Labels every object with its team.",
        )
        .scope(Scope::Object)
        .configuration_schema(SCHEMA)
    }
}

impl Transform for TeamLabels {
    type Config = Config;

    fn transform(
        mut objects: Vec<Json>,
        config: Config,
        _host: &mut dyn Host,
    ) -> Result<Vec<Json>, Failure> {
        let Config { team, label } = config;
        if !is_label_value(&team) {
            let message = format!("`{team}` cannot be the value of a label");
            return Err(Failure::new(message).field("team"));
        }
        for object in &mut objects {
            object["metadata"]["labels"][&label] = team.as_str().into();
        }
        Ok(objects)
    }
}

fn is_label_value(text: &str) -> bool {
    let alphanumeric = |end: Option<char>| end.is_some_and(|end| end.is_ascii_alphanumeric());
    text.len() <= 63
        && alphanumeric(text.chars().next())
        && alphanumeric(text.chars().last())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

windlass_plugin_sdk::export_transformer!(TeamLabels);
