//! The builds of Windlass: the plugin natively, and the binary.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use serde_json::json;
use windlass_manifest::{INDEX_ANNOTATION, Json, PATH_ANNOTATION};
use windlass_plugin_sdk::run;
use windlass_plugin_sdk::testing::MemoryHost;
use windlass_test_support::Scratch;

use crate::compare::{Ours, read};
use crate::oracle;
use crate::tree::{Reorder, Tree};

/// What a message begins with when the build panicked.
pub(crate) const PANIC: &str = "panic: ";

/// Builds a tree with the plugin, in this process and without a sandbox.
pub fn native(tree: &Tree) -> Ours {
    let mut host = MemoryHost::new().in_folder(&tree.folder);
    for (path, file) in &tree.files {
        host = host.file(path, file.bytes());
    }
    let configuration = json!({
        "path": ".",
        "reorder": match tree.flags.reorder {
            Some(Reorder::None) => "none",
            Some(Reorder::Legacy) | None => "legacy",
        },
        "loadRestrictor": if tree.flags.unrestricted {
            "LoadRestrictionsNone"
        } else {
            "LoadRestrictionsRootOnly"
        },
    })
    .to_string();
    let built = catch_unwind(AssertUnwindSafe(|| {
        run::generate::<windlass_plugin_kustomize::Kustomize>(Vec::new(), &configuration, &mut host)
    }));
    match built {
        Ok(Ok(objects)) => objects.iter().map(|text| finished(text)).collect(),
        Ok(Err(failure)) => Err(failure.to_string()),
        Err(reason) => {
            let text = reason
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| reason.downcast_ref::<&str>().copied());
            Err(format!("{PANIC}{}", text.unwrap_or("without a word")))
        }
    }
}

/// The object without what the plugin notes about its origin for the steps behind it.
fn finished(text: &str) -> Result<Json, String> {
    let mut object: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) else {
        return Ok(object);
    };
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Json::as_object_mut)
    {
        annotations.remove(PATH_ANNOTATION);
        annotations.remove(INDEX_ANNOTATION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    Ok(object)
}

/// Builds a tree with `windlass build`.
///
/// # Errors
/// The process cannot be started.
pub fn process(binary: &Path, tree: &Tree) -> anyhow::Result<Ours> {
    let scratch = Scratch::new("build")?;
    tree.write(scratch.path())?;
    let built = oracle::process(binary, &["build"], scratch.path(), tree)?;
    Ok(built.and_then(|text| read(&text)))
}
