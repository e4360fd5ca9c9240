//! `windlass plugin build [FOLDER]`.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use clap::Args;
use windlass_manifest::Json;

use super::language::{Language, detect};
use super::open::size;
use super::recipe::{RUST_TARGET, Recipe, Step, recipe};
use crate::cli::Failed;
use crate::cli::output::{put, tell};

/// Arguments of `windlass plugin build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The plugin's folder.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The language; default: what the files in FOLDER say.
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// What the plugin exports, in JavaScript and Python: `transformer`, `validator`, `assessor` or
    /// `full`, or another world in its folder `wit`.
    #[arg(long, default_value = "transformer")]
    world: String,
}

/// Builds a plugin and prints where it is.
pub(crate) fn build(args: &BuildArgs) -> Result<ExitCode, Failed> {
    let folder = args.folder.canonicalize().map_err(|error| {
        Failed::new(
            "WL0003",
            format!("{} cannot be opened: {error}", args.folder.display()),
        )
    })?;
    let language = match args.lang {
        Some(language) => language,
        None => detect(&folder)?,
    };
    let name = name(&folder);
    let recipe = recipe(language, &name, &args.world);
    let started = Instant::now();
    tell(format_args!("building {name}, written in {language}"));
    if language == Language::Rust {
        require_rust_target(&folder)?;
    }
    let product = run(&folder, &recipe)?;
    let bytes = fs::metadata(&product)
        .map_err(|error| {
            toolchain_failed(format!(
                "the toolchain ended well, and {} is not there: {error}",
                product.display()
            ))
        })?
        .len();
    let shown = args.folder.join(&recipe.product);
    put(&format!("{}  {}\n", shown.display(), size(bytes)))?;
    tell(format_args!(
        "built in {:.1} s; `windlass plugin test {}` tests it",
        started.elapsed().as_secs_f64(),
        args.folder.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// A plugin's file is called as its folder.
fn name(folder: &Path) -> String {
    folder.file_name().map_or_else(
        || "plugin".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn run(folder: &Path, recipe: &Recipe) -> Result<PathBuf, Failed> {
    let product = folder.join(&recipe.product);
    if let Some(dist) = product.parent() {
        fs::create_dir_all(dist)
            .map_err(|error| toolchain_failed(format!("{}: {error}", dist.display())))?;
    }
    let mut said = Vec::new();
    for step in &recipe.steps {
        if step.unless.is_some_and(|there| folder.join(there).exists()) {
            continue;
        }
        tell(format_args!("  {}", step.command()));
        said = run_step(folder, step)?;
    }
    if recipe.from_cargo {
        let built = cargo_artifact(&said).ok_or_else(|| {
            toolchain_failed(
                "Cargo made no WebAssembly file; has Cargo.toml `crate-type = [\"cdylib\"]` under \
                 `[lib]`?"
                    .to_owned(),
            )
        })?;
        fs::copy(&built, &product).map_err(|error| {
            toolchain_failed(format!(
                "{} cannot be copied to {}: {error}",
                built.display(),
                product.display()
            ))
        })?;
    }
    Ok(product)
}

/// Runs one program to its end and gives what it wrote on standard output; its errors go to the person.
fn run_step(folder: &Path, step: &Step) -> Result<Vec<u8>, Failed> {
    // A program of the plugin's own folder is not looked for in `PATH`.
    let program: OsString = if step.program.components().count() > 1 {
        folder.join(&step.program).into()
    } else {
        step.program.clone().into()
    };
    let output = Command::new(program)
        .args(&step.arguments)
        .envs(step.environment.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output();
    let output = output.map_err(|error| match error.kind() {
        ErrorKind::NotFound => missing(&step.program.display().to_string(), step.remedy),
        _ => toolchain_failed(format!("{} cannot be run: {error}", step.program.display())),
    })?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    // What the tool has to say of its failure may stand on either of the two.
    drop(std::io::stderr().write_all(&printed(&output.stdout)));
    Err(toolchain_failed(format!(
        "`{}` failed ({}); what it said stands above",
        step.command(),
        output.status
    )))
}

/// What a tool wrote, without Cargo's messages for programs.
fn printed(stdout: &[u8]) -> Vec<u8> {
    let lines = stdout.split_inclusive(|byte| *byte == b'\n');
    lines
        .filter(|line| !line.starts_with(b"{\"reason\":"))
        .flatten()
        .copied()
        .collect()
}

/// Finds the component among Cargo's messages, the last of which belongs to the package itself. The
/// format is Cargo's «external tools», `compiler-artifact`.
fn cargo_artifact(messages: &[u8]) -> Option<PathBuf> {
    let text = String::from_utf8_lossy(messages);
    let mut files = text.lines().filter_map(|line| {
        let message: Json = serde_json::from_str(line).ok()?;
        let files = message.get("filenames")?.as_array()?.clone();
        files
            .iter()
            .filter_map(Json::as_str)
            .find(|file| file.ends_with(".wasm"))
            .map(PathBuf::from)
    });
    files.next_back()
}

/// Cargo says of a missing target only that it cannot find `core`.
fn require_rust_target(folder: &Path) -> Result<(), Failed> {
    let output = Command::new("rustc")
        .args(["--print", "target-libdir", "--target", RUST_TARGET])
        .current_dir(folder)
        .output()
        .map_err(|_| missing("rustc", "install Rust with rustup"))?;
    let libraries = String::from_utf8_lossy(&output.stdout);
    if output.status.success() && Path::new(libraries.trim()).is_dir() {
        return Ok(());
    }
    Err(missing(
        &format!("the Rust target {RUST_TARGET}"),
        "run `rustup target add wasm32-wasip2`",
    ))
}

fn missing(what: &str, remedy: &str) -> Failed {
    Failed::new("WL0422", format!("{what} is not there; {remedy}"))
}

fn toolchain_failed(message: String) -> Failed {
    Failed::new("WL0423", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_component_that_cargo_names_is_the_plugin() {
        let messages = concat!(
            r#"{"reason":"compiler-artifact","filenames":["/t/libserde.rlib"]}"#,
            "\n",
            r#"{"reason":"compiler-artifact","filenames":["/t/team.wasm","/t/libteam.rlib"]}"#,
            "\n",
            r#"{"reason":"build-finished","success":true}"#,
        );
        assert_eq!(
            cargo_artifact(messages.as_bytes()),
            Some(PathBuf::from("/t/team.wasm"))
        );
        assert_eq!(cargo_artifact(b"no JSON\n"), None);
        assert_eq!(printed(messages.as_bytes()), b"");
    }

    #[test]
    fn a_program_that_is_not_there_is_named_with_a_remedy() {
        let mut recipe = recipe(Language::Go, "team", "transformer");
        for step in &mut recipe.steps {
            step.program = "no-such-program-of-windlass".into();
        }
        let failed = recipe
            .steps
            .first()
            .and_then(|step| run_step(Path::new("."), step).err())
            .map(|failed| failed.to_string())
            .unwrap_or_default();
        assert!(
            failed.contains("WL0422") && failed.contains("install Go"),
            "{failed}"
        );
    }
}
