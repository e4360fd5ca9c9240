//! The real `kustomize build`, asked through a process that stays.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::json;
use windlass_test_support::{Scratch, oracles};

use crate::tree::Tree;

/// What a build gave: its standard output, or why it failed.
pub type Built = std::result::Result<String, String>;

/// The real `kustomize build`.
#[derive(Debug)]
pub struct Kustomize {
    server: Option<Server>,
    scratch: Scratch,
    builds: usize,
}

#[derive(Debug)]
struct Server {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    output: String,
    #[serde(default)]
    error: String,
}

impl Kustomize {
    /// Builds the oracle when it has not been built yet.
    ///
    /// # Errors
    /// It cannot be built.
    pub fn start() -> Result<Self> {
        oracles::kustomize_server()?;
        Ok(Self {
            server: None,
            scratch: Scratch::new("differential")?,
            builds: 0,
        })
    }

    /// Builds a tree.
    ///
    /// # Errors
    /// The oracle cannot be asked; that a tree cannot be built is an answer.
    pub fn build(&mut self, tree: &Tree) -> Result<Built> {
        self.builds += 1;
        let root = self.scratch.path().join(self.builds.to_string());
        tree.write(&root)?;
        let built = self.ask(&root.join(&tree.folder), tree);
        std::fs::remove_dir_all(&root).with_context(|| format!("removing {}", root.display()))?;
        built
    }

    fn ask(&mut self, folder: &Path, tree: &Tree) -> Result<Built> {
        let mut arguments = vec![folder.to_string_lossy().into_owned()];
        arguments.extend(tree.flags.arguments().into_iter().map(str::to_owned));
        let mut server = match self.server.take() {
            Some(server) => server,
            None => Server::start()?,
        };
        writeln!(server.requests, "{}", json!({ "args": arguments }))
            .context("asking kustomize")?;
        let mut line = String::new();
        server
            .answers
            .read_line(&mut line)
            .context("reading the answer of kustomize")?;
        if line.is_empty() {
            // A stack that overflows ends a Go program whatever it does; the command would end in the same way.
            let status = server.process.wait().context("waiting for kustomize")?;
            return Ok(Err(format!("kustomize ended: {status}")));
        }
        let answer: Answer = serde_json::from_str(&line).context("the answer of kustomize")?;
        self.server = Some(server);
        Ok(if answer.error.is_empty() {
            Ok(answer.output)
        } else {
            Err(answer.error)
        })
    }
}

impl Server {
    fn start() -> Result<Self> {
        let mut process = Command::new(oracles::kustomize_server()?)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting kustomize")?;
        let (Some(requests), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            bail!("kustomize has no pipes");
        };
        Ok(Self {
            process,
            requests,
            answers: BufReader::new(answers),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends by itself when its standard input is closed; this is for one that is in the middle of a build.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Builds a tree with a process of its own, as people do.
///
/// # Errors
/// The process cannot be started.
pub fn kustomize_process(tree: &Tree) -> Result<Built> {
    let scratch = Scratch::new("kustomize")?;
    tree.write(scratch.path())?;
    process(&oracles::kustomize()?, &["build"], scratch.path(), tree)
}

/// Runs a program on a tree that has been written to `root`.
///
/// # Errors
/// The process cannot be started.
pub fn process(program: &Path, before: &[&str], root: &Path, tree: &Tree) -> Result<Built> {
    let output = Command::new(program)
        .args(before)
        .arg(root.join(&tree.folder))
        .args(tree.flags.arguments())
        .output()
        .with_context(|| format!("running {}", program.display()))?;
    Ok(if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    })
}
