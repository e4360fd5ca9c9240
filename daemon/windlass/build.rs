//! Embeds the pages of `docs/errors`, so that `windlass explain` needs no network, and the component that
//! `windlass plugin bench` compares with.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?)
        .join("../../docs/errors");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut pages = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        if name.starts_with("WL") && path.extension().is_some_and(|e| e == "md") {
            pages.push((name.to_owned(), path.canonicalize()?));
        }
    }
    pages.sort();
    let mut code = String::from("&[\n");
    for (name, path) in pages {
        writeln!(code, "    ({name:?}, include_str!({path:?})),").map_err(io::Error::other)?;
    }
    code.push(']');
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("pages.rs"), code)?;
    nothing(Path::new(&out))
}

/// Compiles the component that does nothing from its text.
fn nothing(out: &Path) -> io::Result<()> {
    let text = "src/cli/plugin/nothing.wat";
    println!("cargo::rerun-if-changed={text}");
    let component = wat::parse_file(text).map_err(io::Error::other)?;
    fs::write(out.join("nothing.wasm"), component)
}
