//! Compiles the built-in plugins to components with a Cargo of its own.
//!
//! The components go into one folder beside the profiles of the outer build, `target/plugins`, so
//! that `check`, `clippy`, `test` and `build --release` share them and only the first compiles.

use std::env;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The plugins, by the names that an environment uses; sorted.
const PLUGINS: [&str; 5] = ["manifests", "overlay", "patch", "require", "secrets"];

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";

/// What the outer Cargo, or a person who builds natively, sets for the outer build. It would make
/// the plugins another program, or compile them again and again.
const FOREIGN: [&str; 16] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
    "CARGO_UNSTABLE_SPARSE_REGISTRY",
    "CLIPPY_ARGS",
    "LLVM_PROFILE_FILE",
];

/// The families of variables that Cargo tells a build script about the outer package.
const FOREIGN_PREFIXES: [&str; 6] = [
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "DEP_",
];

fn main() -> ExitCode {
    match build() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("cargo::error={}", reason.replace('\n', "\ncargo::error="));
            ExitCode::FAILURE
        }
    }
}

fn build() -> Result<(), String> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = PathBuf::from(variable("OUT_DIR")?);
    // <target>/<profile>/build/<package>/out
    let target = out
        .ancestors()
        .nth(4)
        .ok_or_else(|| format!("{} is not where Cargo puts it", out.display()))?
        .join("plugins");

    watch(&workspace)?;
    require_target()?;
    compile(&workspace, &target)?;

    let mut index = String::from("[\n");
    for name in PLUGINS {
        let file = format!("windlass_plugin_{name}.wasm");
        let compiled = target.join(TARGET).join(PROFILE).join(&file);
        // A copy of our own: another profile's build may replace the file while rustc reads it.
        let copy = out.join(&file);
        fs::copy(&compiled, &copy).map_err(|error| {
            format!(
                "{} is not there ({error}); has windlass-plugin-{name} \
                 `crate-type = [\"cdylib\", \"rlib\"]`?",
                compiled.display()
            )
        })?;
        let _ = writeln!(index, "    ({name:?}, include_bytes!({copy:?})),");
    }
    index.push(']');
    fs::write(out.join("plugins.in"), index).map_err(|error| error.to_string())
}

/// Tells Cargo what the components are made of.
fn watch(workspace: &Path) -> Result<(), String> {
    let mut paths: Vec<PathBuf> = ["Cargo.toml", "Cargo.lock", "wit", "daemon/manifest/src"]
        .into_iter()
        .chain(["daemon/manifest/Cargo.toml", "rust-toolchain.toml"])
        .map(|path| workspace.join(path))
        .collect();
    let plugins = workspace.join("plugins");
    for entry in fs::read_dir(&plugins).map_err(|error| error.to_string())? {
        let folder = entry.map_err(|error| error.to_string())?.path();
        if folder.join("src").is_dir() && folder.file_name() != Some(OsStr::new("bundle")) {
            paths.extend([folder.join("src"), folder.join("Cargo.toml")]);
        }
    }
    println!("cargo::rerun-if-changed=build.rs");
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(())
}

/// Makes sure that the standard library for the target is there. `rust-toolchain.toml` asks for
/// it, so that it is missing only where the toolchain does not come from rustup.
fn require_target() -> Result<(), String> {
    if has_target()? {
        return Ok(());
    }
    // Whoever forbids rustup to install on its own has not asked us to do it either.
    let allowed = env::var("RUSTUP_AUTO_INSTALL").map_or(true, |value| value != "0");
    let added = allowed
        && Command::new("rustup")
            .args(["target", "add", TARGET])
            .status()
            .is_ok_and(|status| status.success());
    if added && has_target()? {
        return Ok(());
    }
    Err(format!(
        "the built-in plugins need the Rust target {TARGET}, which is not installed; run \
         `rustup target add {TARGET}`, or install it the way your Rust was installed"
    ))
}

fn has_target() -> Result<bool, String> {
    let rustc = variable("RUSTC")?;
    let output = Command::new(&rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .output()
        .map_err(|error| format!("{rustc} cannot be run: {error}"))?;
    let folder = String::from_utf8_lossy(&output.stdout);
    Ok(output.status.success() && Path::new(folder.trim()).is_dir())
}

fn compile(workspace: &Path, target: &Path) -> Result<(), String> {
    let mut cargo = Command::new(variable("CARGO")?);
    cargo
        .current_dir(workspace)
        .args(["build", "--locked", "--lib", "--profile", PROFILE])
        .args(["--target", TARGET, "--target-dir"])
        .arg(target);
    for name in PLUGINS {
        cargo.args(["--package", &format!("windlass-plugin-{name}")]);
    }
    for (name, _) in env::vars_os() {
        let Some(name) = name.to_str() else { continue };
        let foreign = FOREIGN.contains(&name)
            || FOREIGN_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix));
        if foreign {
            cargo.env_remove(name);
        }
    }
    let output = cargo
        .output()
        .map_err(|error| format!("Cargo cannot be run for the plugins: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "the built-in plugins do not compile:\n{}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn variable(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}; this is run by Cargo"))
}
