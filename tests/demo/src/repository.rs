//! The demo's repository: a bare one that is served, and a clone for a person to work in.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc;
use windlass_test_support::git::git_command;
use windlass_test_support::{GitHttp, GitHttpOptions, GitRepository};

use crate::api::DaemonApi;
use crate::folder::Folder;
use crate::{text, webhook};

/// The branch that is followed.
pub(crate) const BRANCH: &str = "main";

const NAME: &str = "environments.git";

/// How often the bare repository is looked at: a person who has pushed should not wait.
const POLL: Duration = Duration::from_millis(250);

/// A served repository with a clone beside it.
#[derive(Debug)]
pub(crate) struct Repository {
    bare: GitRepository,
    clone: PathBuf,
    server: GitHttp,
}

impl Repository {
    /// Commits `example` to a new repository and serves it.
    pub(crate) async fn create(example: &Path, folder: &Folder) -> Result<Self> {
        let served = folder.file("git");
        fs::create_dir(&served).with_context(|| format!("making {}", served.display()))?;
        let (example, clone) = (example.to_owned(), folder.file("repository"));
        let path = served.join(NAME);
        let made = tokio::task::spawn_blocking(move || -> Result<_> {
            let bare = GitRepository::init(&path)?;
            fill(&bare, &example, &clone)?;
            Ok((bare, clone))
        });
        let (bare, clone) = made.await?.context("making the demo's repository")?;
        Ok(Self {
            bare,
            clone,
            server: GitHttp::start(&served, GitHttpOptions::default()).await?,
        })
    }

    /// Where the repository is served.
    pub(crate) fn url(&self) -> String {
        self.server.url(NAME)
    }

    /// The folder to edit, commit and push in.
    pub(crate) fn clone_folder(&self) -> &Path {
        &self.clone
    }

    /// Does a Git host's part: sends a signed webhook after every push. What happened comes as sentences.
    pub(crate) fn announce_pushes(
        &self,
        api: DaemonApi,
        secret: String,
    ) -> Result<mpsc::UnboundedReceiver<String>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let host = Host {
            bare: self.bare.path().to_owned(),
            url: self.url(),
            api,
            secret,
        };
        let mut known = self.bare.head()?;
        tokio::spawn(async move {
            for serial in 1_u64.. {
                let commit = host.next_push(&known, &sender).await;
                let Some(commit) = commit else { return };
                let sentence = host.announce(serial, &commit).await;
                known = commit;
                if sender.send(sentence).is_err() {
                    return;
                }
            }
        });
        Ok(receiver)
    }
}

/// What the demo does in place of a Git host.
struct Host {
    bare: PathBuf,
    url: String,
    api: DaemonApi,
    secret: String,
}

impl Host {
    /// Waits until the branch is at another commit than `known`; `None` when nobody listens any more.
    async fn next_push(
        &self,
        known: &str,
        listener: &mpsc::UnboundedSender<String>,
    ) -> Option<String> {
        loop {
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                () = listener.closed() => return None,
            }
            if let Some(commit) = self.head()
                && commit != known
            {
                return Some(commit);
            }
        }
    }

    /// The commit that the branch is at; git replaces the file of a branch in one step.
    fn head(&self) -> Option<String> {
        let file = self.bare.join("refs/heads").join(BRANCH);
        match fs::read_to_string(file) {
            Ok(commit) => Some(commit.trim().to_owned()),
            // Git may have packed its branches into one file, of which it knows more than this does.
            Err(_) => self.git(&["rev-parse", "--quiet", "--verify", BRANCH]).ok(),
        }
    }

    async fn announce(&self, serial: u64, commit: &str) -> String {
        let subject = self.git(&["log", "-1", "--format=%s", commit]);
        let subject = text::fit(&subject.unwrap_or_default(), 50);
        let short: String = commit.chars().take(8).collect();
        let delivery = format!("{serial}-{commit}");
        let sent = webhook::send(
            &self.api,
            &self.secret,
            &delivery,
            &self.url,
            BRANCH,
            commit,
        );
        match sent.await {
            Ok(result) => format!("push of {short} ({subject}): signed webhook sent, {result}"),
            Err(error) => format!(
                "push of {short} ({subject}): the daemon sees it at its next look, because the webhook failed: {error:#}"
            ),
        }
    }

    fn git(&self, args: &[&str]) -> Result<String> {
        let mut command = git_command();
        command.arg("--git-dir").arg(&self.bare).args(args);
        output(command)
    }
}

fn fill(bare: &GitRepository, example: &Path, clone: &Path) -> Result<()> {
    let mut command = git_command();
    // Older versions of git name the branch of an empty clone by their own default.
    command
        .arg("-c")
        .arg(format!("init.defaultBranch={BRANCH}"));
    command
        .args(["clone", "--quiet"])
        .arg(bare.path())
        .arg(clone);
    output(command)?;
    copy(example, clone)?;
    let git = |args: &[&str]| {
        let mut command = git_command();
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Windlass Demo");
            command.env(format!("GIT_{role}_EMAIL"), "demo@windlass.dev");
        }
        command.arg("-C").arg(clone).args(args);
        output(command)
    };
    git(&["add", "--force", "--all"])?;
    git(&[
        "commit",
        "--quiet",
        "--message",
        "Five systems, nine environments",
    ])?;
    git(&["push", "--quiet", "--set-upstream", "origin", BRANCH])?;
    if !knows_the_user(clone) {
        git(&["config", "user.name", "You"])?;
        git(&["config", "user.email", "you@windlass.dev"])?;
    }
    Ok(())
}

/// Whether git would take a commit by this person, with the configuration that they have.
fn knows_the_user(clone: &Path) -> bool {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(clone)
        .args(["config", "--get", "user.email"]);
    output(command).is_ok_and(|email| !email.is_empty())
}

/// Runs git; its complaints are the error.
fn output(mut command: Command) -> Result<String> {
    let output = command.output().context("running git")?;
    if !output.status.success() {
        let complaints = String::from_utf8_lossy(&output.stderr);
        bail!(
            "{command:?} failed ({}): {}",
            output.status,
            complaints.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Copies the files of a folder with the folders in it.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    let entries = fs::read_dir(from).with_context(|| format!("reading {}", from.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("reading {}", from.display()))?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to).with_context(|| format!("copying {}", from.display()))?;
        }
    }
    Ok(())
}

/// How many environments the files below a folder describe.
pub(crate) fn count_environments(folder: &Path) -> Result<usize> {
    let mut found = 0;
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    for entry in entries {
        let path = entry
            .with_context(|| format!("reading {}", folder.display()))?
            .path();
        if path.is_dir() {
            found += count_environments(&path)?;
        } else if path
            .file_name()
            .is_some_and(|name| name == "environment.yaml")
        {
            found += 1;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_test_support::build::workspace;

    #[test]
    fn the_example_is_cloned_and_pushes_go_where_it_is_served() -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let example = workspace().join("repo-example");
        let bare = GitRepository::init(&scratch.path().join("bare.git"))?;
        let clone = scratch.path().join("clone");
        fill(&bare, &example, &clone)?;
        assert_eq!(count_environments(&clone)?, count_environments(&example)?);
        let first = bare.head()?;
        fs::write(clone.join("README.md"), "changed\n")?;
        for args in [&["commit", "-am", "Change"][..], &["push"]] {
            let mut command = git_command();
            command.arg("-C").arg(&clone).args(args);
            output(command)?;
        }
        assert_ne!(bare.head()?, first, "a plain push arrives");
        Ok(())
    }
}
