//! How each language is built, as values: which programs run, in which order, and what to do when one
//! is not there.

use std::path::{Path, PathBuf};

use super::language::Language;
use super::open::BUILT;

/// The target of components in Rust.
pub(super) const RUST_TARGET: &str = "wasm32-wasip2";

/// What is to be run to build a plugin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    pub(super) steps: Vec<Step>,
    /// Where the plugin is afterwards, from its folder.
    pub(super) product: PathBuf,
    /// Where the toolchain leaves it, when only the toolchain knows: it says so in JSON lines.
    pub(super) from_cargo: bool,
}

/// One program.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(&'static str, &'static str)>,
    /// What to do when the program is not there, as the rest of «… is not there; ».
    pub(super) remedy: &'static str,
    /// The step is left out when this exists, from the plugin's folder.
    pub(super) unless: Option<&'static str>,
}

impl Step {
    fn new(program: impl Into<PathBuf>, arguments: &[&str], remedy: &'static str) -> Self {
        Self {
            program: program.into(),
            arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
            environment: Vec::new(),
            remedy,
            unless: None,
        }
    }

    fn unless(self, there: &'static str) -> Self {
        Self {
            unless: Some(there),
            ..self
        }
    }

    /// The command as a person would type it.
    pub(super) fn command(&self) -> String {
        let mut words: Vec<String> = self
            .environment
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        words.push(self.program.display().to_string());
        words.extend(self.arguments.iter().cloned());
        words.join(" ")
    }
}

const NO_CARGO: &str = "install Rust with rustup";
const NO_GO: &str = "install Go 1.24 or later";
const NO_NPM: &str = "install Node.js 20 or later, which brings npm";
const NO_PYTHON: &str = "install Python 3.10 or later";
const NO_TOOL: &str = "delete the folder with the installed packages and build again";

/// Python's packages are installed beside the plugin, never for the whole machine.
const VENV: &str = ".venv";

/// Gives the recipe of a language for a plugin of this name. `world` is that of the contract, for
/// languages whose bindings are made from it.
pub(super) fn recipe(language: Language, name: &str, world: &str) -> Recipe {
    let product = Path::new(BUILT).join(format!("{name}.wasm"));
    let out = product.display().to_string();
    let steps = match language {
        Language::Rust => vec![Step::new(
            "cargo",
            &[
                "build",
                "--release",
                "--target",
                RUST_TARGET,
                "--message-format",
                "json-render-diagnostics",
            ],
            NO_CARGO,
        )],
        Language::Go => {
            let go = Step::new(
                "go",
                &[
                    "build",
                    "-trimpath",
                    "-buildvcs=false",
                    "-ldflags=-s -w",
                    "-o",
                    &out,
                    ".",
                ],
                NO_GO,
            );
            vec![Step {
                environment: vec![("GOOS", "wasip1"), ("GOARCH", "wasm"), ("CGO_ENABLED", "0")],
                ..go
            }]
        }
        Language::Js => vec![
            Step::new("npm", &["install", "--no-audit", "--no-fund"], NO_NPM)
                .unless("node_modules"),
            Step::new(
                "node_modules/.bin/componentize-qjs",
                &[
                    "--wit",
                    "wit",
                    "--world",
                    world,
                    "--sync",
                    "--js",
                    "plugin.js",
                    "--output",
                    &out,
                ],
                NO_TOOL,
            ),
        ],
        Language::Python => {
            let mut steps = Vec::from(python());
            steps.push(Step::new(
                ".venv/bin/componentize-py",
                &[
                    "-d",
                    "wit",
                    "-w",
                    world,
                    "componentize",
                    // Python asks for sockets at its start, which no plugin gets.
                    "--stub-wasi",
                    "plugin",
                    "-o",
                    &out,
                ],
                NO_TOOL,
            ));
            steps
        }
        Language::C => {
            let mut steps = Vec::from(python());
            steps.push(Step::new(
                ".venv/bin/python",
                &[
                    "-m",
                    "ziglang",
                    "cc",
                    "--target=wasm32-wasi",
                    "-Os",
                    "-s",
                    "-o",
                    &out,
                    "plugin.c",
                ],
                NO_TOOL,
            ));
            steps
        }
    };
    Recipe {
        steps,
        product,
        from_cargo: language == Language::Rust,
    }
}

/// The packages that `requirements.txt` pins, in an environment of the plugin's own.
fn python() -> [Step; 2] {
    [
        Step::new("python3", &["-m", "venv", VENV], NO_PYTHON).unless(VENV),
        Step::new(
            ".venv/bin/python",
            &[
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--requirement",
                "requirements.txt",
            ],
            NO_TOOL,
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        Language::Go,
        "GOOS=wasip1 GOARCH=wasm CGO_ENABLED=0 go build -trimpath"
    )]
    #[case(Language::Rust, "cargo build --release --target wasm32-wasip2")]
    #[case(Language::C, ".venv/bin/python -m ziglang cc --target=wasm32-wasi")]
    #[case(Language::Js, "node_modules/.bin/componentize-qjs --wit wit")]
    #[case(Language::Python, ".venv/bin/componentize-py -d wit -w transformer")]
    fn the_last_step_makes_the_plugin(#[case] language: Language, #[case] expected: &str) {
        let recipe = recipe(language, "team", "transformer");
        assert_eq!(recipe.product, Path::new("dist/team.wasm"));
        let last = recipe.steps.last().map(Step::command).unwrap_or_default();
        assert!(last.starts_with(expected), "{last}");
        assert!(
            recipe.from_cargo || last.contains("dist/team.wasm"),
            "{last}"
        );
    }
}
