//! Whether a Secret holds values itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use windlass_manifest::secret_ref;
use windlass_plugin_common::field::push_key;
use windlass_plugin_common::variables::SECRET_PREFIX;
use windlass_plugin_sdk::Json;

/// Gives the fields of a Secret that hold a value instead of a reference. Empty values are no
/// secret.
pub(crate) fn plain_fields(object: &Json) -> Vec<String> {
    let mut fields = Vec::new();
    if object["apiVersion"] != "v1" || object["kind"] != "Secret" {
        return fields;
    }
    for map in ["data", "stringData"] {
        for (key, value) in object[map].as_object().into_iter().flatten() {
            let Some(text) = value.as_str().filter(|text| !text.is_empty()) else {
                continue;
            };
            let decoded = match map {
                "data" => STANDARD
                    .decode(text)
                    .ok()
                    .and_then(|it| String::from_utf8(it).ok()),
                _ => None,
            };
            if !refers(text) && !decoded.is_some_and(|text| refers(&text)) {
                let mut field = map.to_owned();
                push_key(&mut field, key);
                fields.push(field);
            }
        }
    }
    fields
}

/// A reference that the plugin `secrets` has yet to replace is one too.
fn refers(text: &str) -> bool {
    text.contains(SECRET_PREFIX) || !secret_ref::find(text).is_empty()
}
