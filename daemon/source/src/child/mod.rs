//! The fetch itself, as it runs in the child process.

mod ancestry;
mod callbacks;
mod local;
mod pack;
mod refs;
mod remote;

use std::io::{BufRead, Read, Write};
use std::path::Path;
use std::process::ExitCode;

use git2::Oid;
use serde::{Deserialize, Serialize};

use crate::classify::classify;
use crate::mirror::{self, KEPT};
use crate::remote_url::{RemoteUrl, Scheme, redact};
use crate::{FetchError, FetchOutcome, FetchRequest};

/// How many bytes of objects one fetch may bring.
pub(crate) const MAX_BYTES: u64 = 8 << 30;
/// The longest request that is read.
const MAX_REQUEST: u64 = 16 << 20;

/// What the child writes on its standard output.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Fetched(FetchOutcome),
    Failed(FetchError),
}

/// Runs one fetch: the body of the hidden subcommand that [`fetch`](crate::fetch) starts.
///
/// Reads a [`FetchRequest`] as one line of JSON from standard input, writes one JSON answer to
/// standard output, and ends at once when standard input is closed: then nobody waits for it any
/// more. Must be the only thing that its process does, because the process may be killed at any
/// moment.
pub fn fetch_child_main() -> ExitCode {
    let mut line = Vec::new();
    let read = std::io::stdin()
        .lock()
        .take(MAX_REQUEST)
        .read_until(b'\n', &mut line);
    let request: FetchRequest = match read.map_err(|error| error.to_string()).and_then(|_| {
        // What serde says of a wrong request can repeat a part of it, and that can be a secret.
        serde_json::from_slice(&line).map_err(|error| format!("{:?} error", error.classify()))
    }) {
        Ok(request) => request,
        Err(cause) => {
            eprintln!("the request on standard input cannot be read: {cause}");
            return ExitCode::from(2);
        }
    };
    if let Err(error) = std::thread::Builder::new()
        .name("watch-parent".to_owned())
        .spawn(end_with_parent)
    {
        eprintln!("the thread that watches the parent cannot be started: {error}");
        return ExitCode::FAILURE;
    }
    let answer = match run(&request) {
        Ok(outcome) => Answer::Fetched(outcome),
        Err(error) => Answer::Failed(error),
    };
    let mut out = std::io::stdout().lock();
    let written = serde_json::to_writer(&mut out, &answer)
        .map_err(std::io::Error::from)
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush());
    drop(out);
    match written {
        Ok(()) => {
            if matches!(answer, Answer::Fetched(_)) {
                tidy(&request.mirror);
            }
            ExitCode::SUCCESS
        }
        Err(_) => ExitCode::FAILURE,
    }
}

/// Waits for the end of standard input, then ends this process the hard way: libgit2 may be deep
/// in a call that nothing else interrupts.
fn end_with_parent() {
    let mut rest = [0; 64];
    while let Ok(1..) = std::io::stdin().lock().read(&mut rest) {}
    let ended =
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    if ended.is_err() {
        std::process::exit(1);
    }
}

fn run(request: &FetchRequest) -> Result<FetchOutcome, FetchError> {
    let url = RemoteUrl::parse(&request.url)?;
    let mirror_error = |cause: String| FetchError::Mirror {
        url: redact(&url.shown),
        mirror: request.mirror.display().to_string(),
        cause,
    };
    std::fs::create_dir_all(&request.mirror).map_err(|error| mirror_error(error.to_string()))?;
    let held =
        mirror::lock(&request.mirror, true).map_err(|error| mirror_error(error.to_string()))?;
    mirror::prepare(&request.mirror).map_err(mirror_error)?;
    let repository = git2::Repository::open_bare(&request.mirror)
        .map_err(|error| mirror_error(error.message().to_owned()))?;
    let job = Job {
        request,
        url: &url,
        mirror: &repository,
        known: request
            .known
            .as_deref()
            .and_then(|known| Oid::from_str(known).ok()),
    };
    let outcome = match url.scheme {
        Scheme::Local => local::fetch(&job),
        Scheme::Https | Scheme::Http | Scheme::Ssh | Scheme::Git => remote::fetch(&job),
    };
    drop(held);
    outcome
}

/// Repacks a mirror that has grown. The answer is out already: what fails here is tried again after
/// the next fetch.
fn tidy(mirror: &Path) {
    let Ok(Some(_held)) = mirror::lock(mirror, false) else {
        return;
    };
    if let Err(cause) = pack::consolidate(mirror) {
        eprintln!("the mirror {} was not repacked: {cause}", mirror.display());
    }
}

/// One fetch, and what every part of it needs.
struct Job<'a> {
    request: &'a FetchRequest,
    url: &'a RemoteUrl,
    mirror: &'a git2::Repository,
    known: Option<Oid>,
}

impl Job<'_> {
    fn error(&self, error: &git2::Error, login: bool) -> FetchError {
        classify(
            error,
            self.url,
            &self.request.mirror.display().to_string(),
            login,
        )
    }

    fn mirror_error(&self, cause: String) -> FetchError {
        FetchError::Mirror {
            url: self.url.shown.clone(),
            mirror: self.request.mirror.display().to_string(),
            cause,
        }
    }

    /// Whether a commit is in the mirror, with all of its tree, and kept there.
    fn has(&self, commit: Oid) -> bool {
        self.mirror
            .refname_to_id(&format!("{KEPT}{commit}"))
            .is_ok()
            && self
                .mirror
                .find_commit(commit)
                .and_then(|commit| commit.tree())
                .is_ok()
    }

    /// Keeps a commit that has come in, and tells of it.
    fn keep(
        &self,
        resolved: refs::Resolved,
        forced: Option<bool>,
        bytes: u64,
    ) -> Result<FetchOutcome, FetchError> {
        let commit = resolved.commit;
        let kept = || {
            self.mirror.find_commit(commit)?.tree()?;
            self.mirror
                .reference(&format!("{KEPT}{commit}"), commit, true, "fetch")
        };
        if let Err(error) = kept() {
            let kind = self
                .mirror
                .find_object(commit, None)
                .ok()
                .and_then(|object| object.kind());
            return Err(match kind {
                Some(kind) if kind != git2::ObjectType::Commit => FetchError::BadReference {
                    url: self.url.shown.clone(),
                    reference: self.request.reference.to_string(),
                    reason: format!("it names a {kind}, and only commits can be followed"),
                },
                _ => self.mirror_error(error.message().to_owned()),
            });
        }
        Ok(FetchOutcome {
            commit: commit.to_string(),
            changed: self.known != Some(commit),
            forced,
            resolved_ref: resolved.name,
            bytes,
        })
    }

    /// What there is to say when nothing had to be fetched.
    fn unchanged(&self, resolved: refs::Resolved, forced: Option<bool>) -> FetchOutcome {
        FetchOutcome {
            commit: resolved.commit.to_string(),
            changed: self.known != Some(resolved.commit),
            forced,
            resolved_ref: resolved.name,
            bytes: 0,
        }
    }

    /// Whether the reference was moved away from the known commit, by the history in the mirror.
    fn forced_here(&self, commit: Oid) -> Option<bool> {
        self.forced(&self.mirror.odb().ok()?, commit)
    }

    /// Whether the reference was moved away from the known commit, by the history in `odb`.
    fn forced(&self, odb: &git2::Odb<'_>, commit: Oid) -> Option<bool> {
        match self.known {
            Some(known) => ancestry::forced(odb, known, commit),
            None => Some(false),
        }
    }
}
