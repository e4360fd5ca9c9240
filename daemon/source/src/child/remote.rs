//! Fetching over a network.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use git2::{AutotagOption, Direction, FetchOptions, Oid};

use crate::{FetchError, FetchOutcome, Reference};

use super::Job;
use super::callbacks::{Conversation, proxy};
use super::refs::{Advertised, Resolved, resolve};

/// How much history comes with a commit that follows a known one: enough to see whether a branch
/// was moved on or moved away, in all but the longest series of commits between two looks.
const HISTORY: i32 = 64;
/// What libgit2 takes for "all history, also what was left out before".
const UNSHALLOW: i32 = i32::MAX;

pub(super) fn fetch(job: &Job<'_>) -> Result<FetchOutcome, FetchError> {
    let conversation = Conversation::new(job.url, &job.request.auth)?;
    let depth = depth(job);
    match attempt(job, &conversation, depth) {
        Err(Failure::NoShallow) => attempt(job, &conversation, 0),
        // Between the list of refs and the request for one, the ref moved: look again.
        Err(Failure::Moved) => attempt(job, &conversation, depth),
        other => other,
    }
    .map_err(|failure| match failure {
        Failure::Said(error) => error,
        Failure::Moved if matches!(job.request.reference, Reference::Commit(_)) => {
            FetchError::RefNotFound {
                url: job.url.shown.clone(),
                reference: job.request.reference.to_string(),
                near: Vec::new(),
            }
        }
        Failure::NoShallow | Failure::Moved => FetchError::Server {
            url: job.url.shown.clone(),
            cause: "it offers a ref and does not give it".to_owned(),
        },
    })
}

enum Failure {
    /// The server cannot leave out history.
    NoShallow,
    /// The server no longer has what it offered.
    Moved,
    Said(FetchError),
}

fn attempt(
    job: &Job<'_>,
    conversation: &Conversation<'_>,
    depth: i32,
) -> Result<FetchOutcome, Failure> {
    let failure = |error: git2::Error| {
        if let Some(noted) = conversation.noted() {
            return Failure::Said(noted);
        }
        let text = error.message();
        if text.contains("doesn't support shallow") {
            return Failure::NoShallow;
        }
        // libgit2 expects no refusal at this point, and names it by its surprise.
        if [
            "not our ref",
            "unexpected packet type",
            "unexpected pkt type",
        ]
        .iter()
        .any(|said| text.contains(said))
        {
            return Failure::Moved;
        }
        Failure::Said(job.error(&error, conversation.has_login()))
    };
    let mut remote = job
        .mirror
        .remote_anonymous(&job.url.address)
        .map_err(failure)?;
    let mut connection = remote
        .connect_auth(
            Direction::Fetch,
            Some(conversation.callbacks()),
            Some(proxy()),
        )
        .map_err(failure)?;
    let refs = advertised(&connection).map_err(failure)?;
    let resolved = resolve(&refs, &job.request.reference, &job.url.shown).map_err(Failure::Said)?;
    if job.has(resolved.commit) {
        let forced = job.forced_here(resolved.commit);
        return Ok(job.unchanged(resolved, forced));
    }

    let mut options = options(conversation, depth);
    let downloaded = connection
        .remote()
        .download(&[resolved.ask.as_str()], Some(&mut options));
    drop(options);
    match downloaded {
        Ok(()) => {}
        Err(error) if error.message().contains("cannot fetch a specific object") => {
            drop(connection);
            return everything(job, conversation, resolved);
        }
        Err(error) => return Err(failure(error)),
    }
    let forced = job.forced_here(resolved.commit);
    job.keep(resolved, forced, conversation.received())
        .map_err(Failure::Said)
}

/// Fetches all branches and tags with their history, for a commit that the server gives out only
/// as a part of them.
fn everything(
    job: &Job<'_>,
    conversation: &Conversation<'_>,
    resolved: Resolved,
) -> Result<FetchOutcome, Failure> {
    let failure = |error: git2::Error| {
        let noted = conversation.noted();
        Failure::Said(noted.unwrap_or_else(|| job.error(&error, conversation.has_login())))
    };
    let depth = if job.mirror.is_shallow() {
        UNSHALLOW
    } else {
        0
    };
    let mut options = options(conversation, depth);
    let mut remote = job
        .mirror
        .remote_anonymous(&job.url.address)
        .map_err(failure)?;
    remote
        .download(
            &["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"],
            Some(&mut options),
        )
        .map_err(failure)?;
    drop(options);
    if job.mirror.find_commit(resolved.commit).is_err() {
        return Err(Failure::Said(FetchError::RefNotFound {
            url: job.url.shown.clone(),
            reference: job.request.reference.to_string(),
            near: Vec::new(),
        }));
    }
    let forced = job.forced_here(resolved.commit);
    job.keep(resolved, forced, conversation.received())
        .map_err(Failure::Said)
}

fn options<'a>(conversation: &'a Conversation<'_>, depth: i32) -> FetchOptions<'a> {
    let mut options = FetchOptions::new();
    options
        .remote_callbacks(conversation.callbacks())
        .proxy_options(proxy())
        .download_tags(AutotagOption::None)
        .update_fetchhead(false)
        .depth(depth);
    options
}

/// How much history to ask for; zero asks for all that is missing.
fn depth(job: &Job<'_>) -> i32 {
    match (job.request.shallow, job.known) {
        (true, Some(known)) if job.has(known) => HISTORY,
        (true, _) => 1,
        (false, _) if job.mirror.is_shallow() => UNSHALLOW,
        (false, _) => 0,
    }
}

/// The refs that the server offers; what an annotated tag points at comes as a ref of its own,
/// with `^{}` after the tag's name.
fn advertised(
    connection: &git2::RemoteConnection<'_, '_, '_>,
) -> Result<Vec<Advertised>, git2::Error> {
    let mut refs: Vec<Advertised> = Vec::new();
    let mut peeled: HashMap<String, Oid> = HashMap::new();
    for head in connection.list()? {
        // git2 panics on a name that is not UTF-8; such a ref cannot be asked for anyway.
        let names = catch_unwind(AssertUnwindSafe(|| {
            (
                head.name().to_owned(),
                head.symref_target().map(str::to_owned),
            )
        }));
        let Ok((name, symbolic)) = names else {
            continue;
        };
        match name.strip_suffix("^{}") {
            Some(tag) => {
                peeled.insert(tag.to_owned(), head.oid());
            }
            None => refs.push(Advertised {
                name,
                id: head.oid(),
                peeled: head.oid(),
                symbolic,
            }),
        }
    }
    for advertised in &mut refs {
        if let Some(id) = peeled.get(&advertised.name) {
            advertised.peeled = *id;
        }
    }
    Ok(refs)
}
