//! From what a person calls a plugin to one that can be called.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use windlass_plugin_host::{Host, HostOptions, Limits, Plugin};
use windlass_render::{Memo, Renderer};

use crate::cli::output::tell;
use crate::cli::{Failed, local};

/// Where `windlass plugin build` puts what it has built, below the plugin's folder.
pub(super) const BUILT: &str = "dist";

/// The largest file that an author may look at. The daemon's own limit is lower, and a file above it
/// gets a remark.
const MODULE_BYTES: u64 = 256 << 20;

/// A renderer that remembers nothing, so that what is shown is what ran.
pub(super) fn renderer(cache_dir: Option<&Path>) -> Result<Renderer, Failed> {
    let host = Host::new(HostOptions {
        cache_dir: Some(local::cache_dir(cache_dir).join("plugins")),
        limits: Limits {
            module_bytes: MODULE_BYTES,
            ..Limits::default()
        },
        compiler: crate::compiler()?,
    })?
    .with_digests(windlass_plugins::digest);
    Ok(Renderer::new(host, Memo::none(), windlass_plugins::get))
}

/// A plugin, and the size of its file in bytes.
pub(super) struct Opened {
    pub(super) plugin: Plugin,
    pub(super) bytes: u64,
}

/// Loads a plugin by the name of a built-in one, by the path of its file, or by its folder.
pub(super) fn open(host: &Host, reference: &str) -> Result<Opened, Failed> {
    let path = Path::new(reference);
    let (name, wasm) = if path.is_dir() {
        let file = built_in(path)?;
        (file.display().to_string(), read(&file)?)
    } else if path.is_file() || is_path(reference) {
        (reference.to_owned(), read(path)?)
    } else {
        let wasm = windlass_plugins::get(reference).ok_or_else(|| unknown(reference))?;
        (reference.to_owned(), Cow::Borrowed(wasm))
    };
    let bytes = wasm.len() as u64;
    let limit = Limits::default().module_bytes;
    if bytes > limit {
        tell(format_args!(
            "note: {name} has {}, and a daemon takes {} unless its operator raises \
             `limits.moduleBytes`",
            size(bytes),
            size(limit)
        ));
    }
    Ok(Opened {
        plugin: host.load(&name, &wasm)?,
        bytes,
    })
}

fn is_path(reference: &str) -> bool {
    let named = |end: &str| reference.ends_with(end);
    named(".wasm") || reference.contains('/')
}

fn read(file: &Path) -> Result<Cow<'static, [u8]>, Failed> {
    std::fs::read(file).map(Cow::Owned).map_err(|error| {
        Failed::new(
            "WL0003",
            format!("{} cannot be opened: {error}", file.display()),
        )
    })
}

fn unknown(name: &str) -> Failed {
    let names: Vec<&str> = windlass_plugins::names().collect();
    Failed::new(
        "WL0425",
        format!(
            "there is no built-in plugin `{name}` and no such file; the built-in ones are {}",
            names.join(", ")
        ),
    )
}

/// Finds the one file that `windlass plugin build` has left in a plugin's folder.
pub(super) fn built_in(folder: &Path) -> Result<PathBuf, Failed> {
    let dist = folder.join(BUILT);
    let mut found: Vec<PathBuf> = std::fs::read_dir(&dist)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .collect();
    found.sort();
    match found.as_slice() {
        [file] => Ok(file.clone()),
        [] => Err(Failed::new(
            "WL0425",
            format!(
                "there is no plugin in {}; `windlass plugin build {}` makes it",
                dist.display(),
                folder.display()
            ),
        )),
        [first, second, ..] => Err(Failed::new(
            "WL0425",
            format!(
                "there is more than one plugin in {}, such as {} and {}; name the one that is meant",
                dist.display(),
                first.display(),
                second.display()
            ),
        )),
    }
}

/// A number of bytes as people read it.
pub(super) fn size(bytes: u64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
    let bytes_as_float = bytes as f64;
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes_as_float / 1024.0),
        _ => format!("{:.1} MiB", bytes_as_float / 1_048_576.0),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(0, "0 B")]
    #[case(1023, "1023 B")]
    #[case(1536, "1.5 KiB")]
    #[case(3 << 20, "3.0 MiB")]
    fn sizes_are_for_people(#[case] bytes: u64, #[case] expected: &str) {
        assert_eq!(size(bytes), expected);
    }

    #[rstest]
    #[case::none(&[], Err("there is no plugin"))]
    #[case::one(&["a.wasm", "notes.txt"], Ok("a.wasm"))]
    #[case::two(&["a.wasm", "b.wasm"], Err("more than one"))]
    fn a_folder_has_one_built_plugin(#[case] files: &[&str], #[case] expected: Result<&str, &str>) {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::create_dir(folder.path().join(BUILT)).unwrap();
        for file in files {
            std::fs::write(folder.path().join(BUILT).join(file), "").unwrap();
        }
        match (built_in(folder.path()), expected) {
            (Ok(found), Ok(name)) => assert!(found.ends_with(name), "{found:?}"),
            (Err(failed), Err(part)) => {
                assert!(failed.to_string().contains(part), "{failed}");
            }
            (found, _) => assert_eq!(found.is_ok(), expected.is_ok(), "{found:?}"),
        }
    }
}
