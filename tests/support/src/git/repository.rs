use std::ffi::OsStr;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::{Context as _, Result, bail};

/// The branch that commits go to.
const BRANCH: &str = "refs/heads/main";

/// The committer's clock starts at the beginning of 2026 and gains a second with every commit: equal histories have
/// equal ids, and no two commits of a repository are ever the same.
const EPOCH: u64 = 1_767_225_600;

const IDENTITY: &str = "Windlass Tests <tests@windlass.dev>";

/// What a commit makes of a path.
#[derive(Clone, Copy, Debug)]
pub enum Entry<'a> {
    /// A file.
    File(&'a [u8]),
    /// A file that may be executed.
    Executable(&'a [u8]),
    /// A symbolic link to a target.
    Symlink(&'a str),
    /// A submodule at a commit.
    Submodule(&'a str),
    /// Nothing: the file or folder is removed.
    Removed,
}

/// A bare repository to which a test commits without a work tree.
#[derive(Debug)]
pub struct GitRepository {
    path: PathBuf,
    commits: AtomicU64,
}

impl GitRepository {
    /// Makes an empty bare repository, whose default branch is `main`.
    pub fn init(path: &Path) -> Result<Self> {
        let mut command = git_command();
        command
            .args(["init", "--quiet", "--bare", "--initial-branch=main"])
            .arg(path);
        run(command, None)?;
        Ok(Self {
            path: path.to_owned(),
            commits: AtomicU64::new(0),
        })
    }

    /// The folder of the repository.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes (`Some`) and removes (`None`) files on top of `main`, and returns the commit's id.
    pub fn commit(&self, changes: &[(&str, Option<&str>)], message: &str) -> Result<String> {
        let entries: Vec<(&str, Entry<'_>)> = changes
            .iter()
            .map(|(path, text)| match text {
                Some(text) => (*path, Entry::File(text.as_bytes())),
                None => (*path, Entry::Removed),
            })
            .collect();
        self.commit_entries(&entries, message)
    }

    /// Commits entries of any kind on top of `main`; one process however many there are.
    pub fn commit_entries(&self, entries: &[(&str, Entry<'_>)], message: &str) -> Result<String> {
        let at = EPOCH + self.commits.fetch_add(1, Ordering::Relaxed);
        let mut stream = format!("commit {BRANCH}\ncommitter {IDENTITY} {at} +0000\n").into_bytes();
        data(&mut stream, message.as_bytes());
        if let Some(parent) = self.resolve(BRANCH)? {
            stream.extend(format!("from {parent}\n").into_bytes());
        }
        for (path, entry) in entries {
            let path = quote(path);
            let (mode, content) = match entry {
                Entry::File(content) => ("100644", *content),
                Entry::Executable(content) => ("100755", *content),
                Entry::Symlink(target) => ("120000", target.as_bytes()),
                Entry::Submodule(commit) => {
                    stream.extend(format!("M 160000 {commit} {path}\n").into_bytes());
                    continue;
                }
                Entry::Removed => {
                    stream.extend(format!("D {path}\n").into_bytes());
                    continue;
                }
            };
            stream.extend(format!("M {mode} inline {path}\n").into_bytes());
            data(&mut stream, content);
        }
        self.git_with_input(&["fast-import", "--quiet", "--force"], stream)?;
        self.head()
    }

    /// Puts `main` on another commit: history is rewritten, as by a forced push.
    pub fn reset_to(&self, commit: &str) -> Result<()> {
        self.git(&["update-ref", BRANCH, commit])?;
        Ok(())
    }

    /// Puts a branch on a commit, making it if need be.
    pub fn branch(&self, name: &str, commit: &str) -> Result<()> {
        self.git(&["update-ref", &format!("refs/heads/{name}"), commit])?;
        Ok(())
    }

    /// Puts an annotated tag on a commit, moving it if it exists.
    pub fn tag(&self, name: &str, commit: &str) -> Result<()> {
        self.git(&[
            "tag",
            "--force",
            "--annotate",
            "--message",
            name,
            name,
            commit,
        ])?;
        Ok(())
    }

    /// The id of the commit that `main` is on.
    pub fn head(&self) -> Result<String> {
        self.resolve(BRANCH)?
            .context("nothing has been committed yet")
    }

    /// The id of what a name stands for, or `None` when it stands for nothing.
    pub fn resolve(&self, name: &str) -> Result<Option<String>> {
        let mut command = self.command();
        command.args(["rev-parse", "--quiet", "--verify", name]);
        let output = command.output().context("running git rev-parse")?;
        let id = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok((output.status.success() && !id.is_empty()).then_some(id))
    }

    /// Runs git in the repository and returns what it wrote.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        let mut command = self.command();
        command.args(args);
        run(command, None)
    }

    /// Runs git in the repository with something to read, for the plumbing that builds odd trees.
    pub fn git_with_input(&self, args: &[&str], input: Vec<u8>) -> Result<String> {
        let mut command = self.command();
        command.args(args);
        run(command, Some(input))
    }

    fn command(&self) -> Command {
        let mut command = git_command();
        command.arg("--git-dir").arg(&self.path);
        command
    }
}

/// A `git` that knows neither the configuration of the user nor that of the machine, and never asks for a password.
pub fn git_command() -> Command {
    let mut command = Command::new("git");
    // A hook or an alias that runs the tests may have pointed git at a repository of its own.
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_git_variable(name)) {
        command.env_remove(name);
    }
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_AUTHOR_NAME", "Windlass Tests")
        .env("GIT_AUTHOR_EMAIL", "tests@windlass.dev")
        .env("GIT_COMMITTER_NAME", "Windlass Tests")
        .env("GIT_COMMITTER_EMAIL", "tests@windlass.dev");
    command
}

fn is_git_variable(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"GIT_")
}

fn run(mut command: Command, input: Option<Vec<u8>>) -> Result<String> {
    let name = format!("{command:?}");
    command
        .stdin(if input.is_some() {
            Stdio::piped()
        } else {
            Stdio::null()
        })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let stdin = child.stdin.take();
    // Written from a thread of its own: git may fill its output before it has read all of this.
    let writer = thread::spawn(move || {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            // A git that stops reading says why on standard error.
            drop(stdin.write_all(&input));
        }
    });
    let output = child
        .wait_with_output()
        .with_context(|| format!("running {name}"))?;
    drop(writer.join());
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout)
        .trim_end()
        .to_owned())
}

fn data(stream: &mut Vec<u8>, content: &[u8]) {
    stream.extend(format!("data {}\n", content.len()).into_bytes());
    stream.extend(content);
    stream.push(b'\n');
}

/// Quotes a path as the import stream wants it, so that spaces and line ends in names mean themselves.
fn quote(path: &str) -> String {
    let escaped = path
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("\"{escaped}\"")
}
