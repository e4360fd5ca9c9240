//! Reading JSON patches.

use serde_json::Value;
use windlass_manifest::{Limits, decode};
use windlass_plugin_sdk::Json;

use super::JsonPatch;
use super::operations::Operation;
use crate::error::{Error, Result};

impl JsonPatch {
    /// Reads a patch: as JSON when it begins with `[`, or else as YAML, of which the first document
    /// counts.
    ///
    /// YAML is read by the rules of kubectl here (`y` is a boolean), as kustomize does it for these
    /// patches and not for resources.
    ///
    /// # Errors
    /// Names the file and the operation: what is neither JSON nor YAML, or no list of mappings.
    pub(in crate::transform) fn parse(file: &str, text: &[u8]) -> Result<Self> {
        let operations = match value(text).and_then(operations) {
            Ok(operations) => operations,
            Err(error) if file.is_empty() => return Err(error),
            Err(error) => return Err(error.file(file)),
        };
        Ok(Self {
            file: file.to_owned(),
            operations,
        })
    }
}

/// Whether a text is a list, so that a JSON patch must be meant.
pub(in crate::transform) fn is_list(text: &[u8]) -> bool {
    text.first() == Some(&b'[') || value(text).is_ok_and(|value| value.is_array())
}

fn value(text: &[u8]) -> Result<Json> {
    if text.is_empty() {
        return Err(Error::new("the patch is empty"));
    }
    if text.first() == Some(&b'[') {
        return serde_json::from_slice(text).map_err(|error| {
            Error::new(format_args!("the patch is not JSON: {error}"))
                .hint("write JSON, or YAML that does not begin with `[`")
        });
    }
    let documents = decode(text, &Limits::default()).map_err(Error::new)?;
    let first = documents.into_iter().next();
    Ok(first.map_or(Value::Null, |document| document.value))
}

fn operations(value: Json) -> Result<Vec<Operation>> {
    let list = match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list,
        _ => {
            return Err(Error::new(
                "a JSON patch (RFC 6902) has to be a list of operations",
            ));
        }
    };
    let numbered = list.into_iter().enumerate();
    numbered
        .map(|(index, operation)| match operation {
            Value::Object(mut fields) => {
                let mut text = |field: &str| match fields.remove(field) {
                    Some(Value::String(text)) => Some(text),
                    _ => None,
                };
                Ok(Operation {
                    kind: text("op"),
                    path: text("path"),
                    from: text("from"),
                    value: fields.remove("value"),
                })
            }
            // An operation that is null fails when it is applied.
            Value::Null => Ok(Operation::default()),
            _ => Err(Error::new("an operation has to be a mapping").field(format!("[{index}]"))),
        })
        .collect()
}
