//! `windlass plugin new NAME --lang LANGUAGE`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::language::Language;
use super::templates;
use crate::cli::Failed;
use crate::cli::output::{put, tell};

/// Arguments of `windlass plugin new`.
#[derive(Debug, Args)]
pub(crate) struct NewArgs {
    /// The plugin's name: lower-case letters, digits and `-`.
    name: String,
    /// The language it is written in.
    #[arg(long, value_enum)]
    lang: Language,
    /// The folder to write it to, which is made; default: NAME.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// The folder `plugins/sdk` of a checkout, for a plugin in Rust that follows it; default: the
    /// plugin gets the SDK of this release as a part of itself.
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

/// Names that a language means something else by.
const TAKEN: [&str; 4] = ["krm", "main", "test", "core"];

const NAME_LENGTH: usize = 63;

/// Writes the plugin and says what to do next.
pub(crate) fn new(args: &NewArgs) -> Result<ExitCode, Failed> {
    check_name(&args.name)?;
    let folder = args.dir.clone().unwrap_or_else(|| args.name.clone().into());
    let shown = folder.display();
    if fs::read_dir(&folder).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(refused(format!(
            "{shown} is there already and is not empty; name another folder with `--dir`"
        )));
    }
    fs::create_dir_all(&folder).map_err(|error| refused(format!("{shown}: {error}")))?;
    let sdk = args.sdk.as_deref().map(sdk).transpose()?;
    for (path, text) in templates::files(args.lang, &args.name, sdk.as_deref()) {
        let path = folder.join(path);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text));
        written
            .map_err(|error| refused(format!("{} cannot be written: {error}", path.display())))?;
        put(&format!("{}\n", path.display()))?;
    }
    tell(format_args!(
        "a plugin in {}; next: `windlass plugin build {shown}` and `windlass plugin test {shown}`",
        args.lang
    ));
    Ok(ExitCode::SUCCESS)
}

fn refused(message: String) -> Failed {
    Failed::new("WL0426", message)
}

/// The name becomes that of a crate, a module, a file and a type; what all of them take is allowed.
fn check_name(name: &str) -> Result<(), Failed> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    };
    if name.len() > NAME_LENGTH || !name.split('-').all(part) {
        return Err(refused(format!(
            "`{name}` cannot be the name of a plugin: it is made of lower-case letters, digits and \
             single `-`, with a letter behind each `-`, and is at most {NAME_LENGTH} long"
        )));
    }
    if TAKEN.contains(&name) {
        return Err(refused(format!(
            "`{name}` cannot be the name of a plugin, because a toolchain takes it; choose another"
        )));
    }
    Ok(())
}

/// The path of an SDK as `Cargo.toml` has it.
fn sdk(given: &Path) -> Result<String, Failed> {
    let found = is_sdk(given).then(|| given.canonicalize().ok()).flatten();
    let found = found.as_deref().and_then(Path::to_str);
    found.map(str::to_owned).ok_or_else(|| {
        refused(format!(
            "{} is not the SDK; it is the folder `plugins/sdk` of a checkout of Windlass",
            given.display()
        ))
    })
}

fn is_sdk(folder: &Path) -> bool {
    fs::read_to_string(folder.join("Cargo.toml"))
        .is_ok_and(|manifest| manifest.contains("name = \"windlass-plugin-sdk\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("team", true)]
    #[case("team-labels2", true)]
    #[case("", false)]
    #[case("Team", false)]
    #[case("team--labels", false)]
    #[case("-team", false)]
    #[case("team-2", false)]
    #[case("../team", false)]
    #[case("test", false)]
    fn a_name_has_to_suit_every_language(#[case] name: &str, #[case] expected: bool) {
        assert_eq!(check_name(name).is_ok(), expected, "{name}");
    }

    #[test]
    fn another_crate_is_no_sdk() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = here.join("../../plugins/sdk");
        assert!(sdk(&checkout).is_ok_and(|sdk| sdk.ends_with("plugins/sdk")));
        assert!(sdk(here).is_err());
    }
}
