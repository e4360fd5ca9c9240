//! Compiles the built-in plugins to components with a Cargo of its own.
//!
//! The components go into one folder beside the profiles of the outer build, `target/plugins`, so
//! that `check`, `clippy`, `test` and `build --release` share them and only the first compiles.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsStr;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use sha2::{Digest as _, Sha256};

/// The plugins, by the names that an environment uses; sorted.
const PLUGINS: [&str; 6] = [
    "kustomize",
    "manifests",
    "overlay",
    "patch",
    "require",
    "secrets",
];

const TARGET: &str = "wasm32-wasip2";
const PROFILE: &str = "plugin";

/// What the outer Cargo, or a person who builds natively, sets for the outer build. It would make
/// the plugins another program, or compile them again and again. Everything else stays: where
/// Cargo's home and registries are, the job server that both builds share, and the variables of
/// rustup, which choose the toolchain and may forbid installing one.
const FOREIGN: [&str; 17] = [
    "RUSTFLAGS",
    "RUSTDOCFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_LINKER",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_ENCODED_RUSTDOCFLAGS",
    "CARGO_INCREMENTAL",
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
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest
        .ancestors()
        .nth(2)
        .ok_or_else(|| format!("{} is not in the workspace", manifest.display()))?;
    let out = PathBuf::from(variable("OUT_DIR")?);
    let target = outer_target(&out, &variable("TARGET")?)
        .ok_or_else(|| format!("{} is not where Cargo puts it", out.display()))?
        .join("plugins");

    require_target()?;
    compile(workspace, &target)?;
    let artifacts = target.join(TARGET).join(PROFILE);
    watch(workspace, &artifacts)?;

    let mut index = String::from("[\n");
    for name in PLUGINS {
        let file = format!("windlass_plugin_{name}.wasm");
        let compiled = artifacts.join(&file);
        // A copy of our own: another profile's build may replace the file while rustc reads it.
        let copy = out.join(&file);
        fs::copy(&compiled, &copy).map_err(|error| {
            format!(
                "{} is not there ({error}); has windlass-plugin-{name} \
                 `crate-type = [\"cdylib\", \"rlib\"]`?",
                compiled.display()
            )
        })?;
        let wasm = fs::read(&copy)
            .map_err(|error| format!("{} cannot be read: {error}", copy.display()))?;
        let digest: [u8; 32] = Sha256::digest(wasm).into();
        let _ = writeln!(
            index,
            "    ({name:?}, include_bytes!({copy:?}), {digest:?}),"
        );
    }
    index.push(']');
    fs::write(out.join("plugins.in"), index).map_err(|error| error.to_string())
}

/// Finds the target folder of the outer build, wherever `CARGO_TARGET_DIR` or a configuration has
/// put it: Cargo tells a build script nothing but `<target>/<profile>/build/<package>/out`, with
/// the triple in between when the outer build was given one.
fn outer_target<'a>(out: &'a Path, triple: &str) -> Option<&'a Path> {
    let folder = out.ancestors().nth(4)?;
    if folder.file_name() == Some(OsStr::new(triple)) {
        return folder.parent();
    }
    Some(folder)
}

/// Tells Cargo what the components are made of: the sources that the nested build has read, which
/// leaves out the tests, and what describes their packages.
///
/// A build that fails tells nothing, and need not: Cargo runs its script again.
fn watch(workspace: &Path, artifacts: &Path) -> Result<(), String> {
    let mut paths = BTreeSet::new();
    for name in PLUGINS {
        let list = artifacts.join(format!("windlass_plugin_{name}.d"));
        let list = fs::read_to_string(&list)
            .map_err(|error| format!("{} cannot be read: {error}", list.display()))?;
        for source in sources(&list) {
            paths.extend(
                source
                    .ancestors()
                    .map(|folder| folder.join("Cargo.toml"))
                    .find(|it| it.is_file()),
            );
            paths.insert(source);
        }
    }
    paths.extend(
        ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"].map(|name| workspace.join(name)),
    );
    println!("cargo::rerun-if-changed=build.rs");
    for path in paths {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    Ok(())
}

/// Takes apart a list of sources as Cargo writes it: lines `artifact: source source`, with a `\`
/// in front of each space of a name.
fn sources(list: &str) -> Vec<PathBuf> {
    list.lines()
        .filter_map(|line| line.split_once(": "))
        .flat_map(|(_, sources)| {
            let sources = sources.replace("\\ ", "\0");
            sources
                .split(' ')
                .map(|source| PathBuf::from(source.replace('\0', " ")))
                .collect::<Vec<_>>()
        })
        .collect()
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
