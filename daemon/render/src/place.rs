//! Where a key of a step's configuration was written.

use crate::path::join;
use crate::schema::Violation;
use windlass_manifest::{Json, Limits, decode_with_positions};
use windlass_source::Tree;

/// The file that an environment is configured in.
const FILE: &str = "environment.yaml";

/// Gives file, line and column of what is wrong with the configuration of a step, counted from 0.
/// `None` when the step was not written in the environment's folder, but in the cluster.
pub(crate) fn find(
    tree: &dyn Tree,
    folder: &str,
    step: usize,
    config: &Json,
    violation: &Violation,
) -> Option<String> {
    let file = join(folder, FILE);
    let text = tree.read(&file).ok()?;
    let documents = decode_with_positions(&text, &Limits::default()).ok()?;
    let document = documents.into_iter().find(|it| !it.value.is_null())?;
    let step = format!("/spec/pipeline/{step}");
    let written = format!("{step}/config");
    document.value.pointer(&step)?;
    // Somebody else's step of the same number would be the wrong place.
    let nothing = Json::Object(serde_json::Map::new());
    if document.value.pointer(&written).unwrap_or(&nothing) != config {
        return None;
    }
    let whole = format!("{written}{}", violation.pointer());
    let mut pointer = whole.as_str();
    loop {
        if let Some(position) = document.position(pointer) {
            return Some(format!("{file}:{}:{}", position.line, position.column));
        }
        pointer = &pointer[..pointer.rfind('/')?];
    }
}
