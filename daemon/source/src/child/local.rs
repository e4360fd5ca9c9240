//! Fetching from a repository on this machine.
//!
//! The commit is copied into the mirror and not read in place: the owner may collect garbage or
//! force a branch away while a render reads. Only what the commit's tree holds is copied, so a
//! long history costs nothing.

use git2::{ErrorCode, Odb, OdbLookupFlags, Oid};

use crate::{FetchError, FetchOutcome};

use super::refs::{Advertised, resolve};
use super::{Job, pack};

pub(super) fn fetch(job: &Job<'_>) -> Result<FetchOutcome, FetchError> {
    let source =
        git2::Repository::open(&job.url.folder).map_err(|error| not_a_repository(job, &error))?;
    let refs = advertised(&source).map_err(|error| not_a_repository(job, &error))?;
    let resolved = resolve(&refs, &job.request.reference, &job.url.shown)?;
    let odb = source
        .odb()
        .map_err(|error| not_a_repository(job, &error))?;
    if !odb.exists(resolved.commit) {
        return Err(FetchError::RefNotFound {
            url: job.url.shown.clone(),
            reference: job.request.reference.to_string(),
            near: Vec::new(),
        });
    }
    let forced = job.forced(&odb, resolved.commit);
    if job.has(resolved.commit) {
        return Ok(job.unchanged(resolved, forced));
    }
    let present = |odb: &Odb<'_>, id| odb.exists_ext(id, OdbLookupFlags::NO_REFRESH);
    let bytes = pack::copy_commits(&source, job.mirror, &[resolved.commit], present)
        .map_err(|error| copy_error(job, &error))?;
    pack::mark_shallow(job.mirror.path(), &[resolved.commit], false)
        .map_err(|error| job.mirror_error(error.to_string()))?;
    job.keep(resolved, forced, bytes)
}

fn copy_error(job: &Job<'_>, error: &git2::Error) -> FetchError {
    match (error.code(), job.error(error, false)) {
        // Only the source can lack an object here.
        (ErrorCode::NotFound, _) => FetchError::CorruptPack {
            url: job.url.shown.clone(),
            cause: error.message().to_owned(),
        },
        (_, found) => found,
    }
}

fn not_a_repository(job: &Job<'_>, error: &git2::Error) -> FetchError {
    FetchError::NotARepository {
        url: job.url.shown.clone(),
        cause: crate::classify::clean(error.message()),
    }
}

/// The refs of a repository, as a server would advertise them.
fn advertised(source: &git2::Repository) -> Result<Vec<Advertised>, git2::Error> {
    let mut refs = Vec::new();
    if let Ok(head) = source.find_reference("HEAD")
        && let Ok(resolved) = head.resolve()
        && let Some(id) = resolved.target()
    {
        refs.push(Advertised {
            name: "HEAD".to_owned(),
            id,
            peeled: peeled(&resolved, id),
            symbolic: head.symbolic_target().ok().flatten().map(str::to_owned),
        });
    }
    for reference in source.references()? {
        let reference = reference?;
        // A ref whose name is not UTF-8 cannot be asked for, and one that leads nowhere is none.
        let Ok(name) = reference.name().map(str::to_owned) else {
            continue;
        };
        let Ok(resolved) = reference.resolve() else {
            continue;
        };
        let Some(id) = resolved.target() else {
            continue;
        };
        refs.push(Advertised {
            name,
            id,
            peeled: peeled(&resolved, id),
            symbolic: None,
        });
    }
    Ok(refs)
}

fn peeled(reference: &git2::Reference<'_>, id: Oid) -> Oid {
    reference
        .peel(git2::ObjectType::Any)
        .map_or(id, |object| object.id())
}
