//! The configuration of `patch`.

use serde::Deserialize;
use serde_json::json;
use windlass_plugin_common::{Target, Variables, target};
use windlass_plugin_sdk::Json;

/// The patches, applied in their order.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub(crate) patches: Vec<Entry>,
    pub(crate) variables: Variables,
}

/// One patch, or the patches of one file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) target: Option<Target>,
    pub(crate) patch: Option<Json>,
    pub(crate) path: Option<String>,
    #[serde(default)]
    pub(crate) allow_no_match: bool,
}

pub(crate) fn schema() -> Json {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Configuration of the plugin patch",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "patches": {
                "description": "The patches, applied in their order.",
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "target": target::schema(),
                        "patch": {
                            "description": "A mapping is a strategic merge patch, a list is a JSON patch (RFC 6902); a text is read as YAML and may be either.",
                            "type": ["object", "array", "string"],
                        },
                        "path": {
                            "description": "A file that holds the patch, instead of `patch`.",
                            "type": "string",
                        },
                        "allowNoMatch": {
                            "description": "Whether it is fine that no object matches.",
                            "type": "boolean",
                            "default": false,
                        },
                    },
                    "oneOf": [{"required": ["patch"]}, {"required": ["path"]}],
                },
            },
            "variables": {
                "description": "What `${NAME}` stands for in the patches. The environment's variables are added by Windlass.",
                "type": "object",
            },
        },
    })
}
