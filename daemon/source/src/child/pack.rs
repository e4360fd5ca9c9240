//! Moving whole commits between object databases, and keeping a mirror in few packs.

use std::collections::HashSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use git2::{ObjectType, Odb, Oid};

use crate::EntryKind;
use crate::mirror::{self, REPLACED, files, kept_refs};
use crate::objects::TreeData;

use super::MAX_BYTES;

/// How many packs a mirror may have before they are made one.
const MOST_PACKS: usize = 40;

/// Copies a commit and all of its tree, without its history, leaving out what is there already.
///
/// A tree that is there is whole: packs come in whole and go in whole. So a copy costs what has
/// changed. Gives the number of bytes written.
pub(crate) fn copy_commits(
    from: &git2::Repository,
    to: &git2::Repository,
    commits: &[Oid],
    present: impl Fn(&Odb<'_>, Oid) -> bool,
) -> Result<u64, git2::Error> {
    let source = from.odb()?;
    let target = to.odb()?;
    let mut builder = from.packbuilder()?;
    let mut seen = HashSet::new();
    let mut todo = Vec::new();
    for &commit in commits {
        if !present(&target, commit) && seen.insert(commit) {
            builder.insert_object(commit, None)?;
        }
        todo.push(from.find_commit(commit)?.tree_id());
    }
    while let Some(tree) = todo.pop() {
        if present(&target, tree) || !seen.insert(tree) {
            continue;
        }
        builder.insert_object(tree, None)?;
        let object = source.read(tree)?;
        if object.kind() != ObjectType::Tree {
            return Err(git2::Error::from_str(
                "a tree in the packfile is not a tree",
            ));
        }
        let entries = TreeData::decode(object.data().to_vec())
            .map_err(|cause| git2::Error::from_str(&cause))?;
        for entry in entries.iter() {
            let Some(id) = entry.id.oid() else { continue };
            match entry.kind {
                EntryKind::Folder => todo.push(id),
                EntryKind::Submodule => {}
                EntryKind::File | EntryKind::Symlink => {
                    if !present(&target, id) && seen.insert(id) {
                        let name = String::from_utf8_lossy(entry.name);
                        let name = name.replace('\0', "");
                        builder.insert_object(id, Some(&name))?;
                    }
                }
            }
        }
    }
    if builder.object_count() == 0 {
        return Ok(0);
    }
    builder.set_threads(0);
    let mut writer = target.packwriter()?;
    let mut bytes = 0;
    let mut failed = None;
    let built = builder.foreach(|chunk| {
        bytes += chunk.len() as u64;
        if bytes > MAX_BYTES {
            return false;
        }
        match writer.write_all(chunk) {
            Ok(()) => true,
            Err(_) => {
                // The writer's own error says only that writing failed; Git knows why.
                failed = Some(git2::Error::last_error(-1));
                false
            }
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    built?;
    writer.commit()?;
    Ok(bytes)
}

/// Marks commits as ones whose parents are not here.
pub(crate) fn mark_shallow(mirror: &Path, commits: &[Oid], replace: bool) -> std::io::Result<()> {
    let file = mirror.join("shallow");
    let mut lines: Vec<String> = match fs::read_to_string(&file) {
        Ok(text) if !replace => text.lines().map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    for commit in commits {
        let line = commit.to_string();
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let text = lines.join("\n") + "\n";
    let mut new = tempfile::NamedTempFile::new_in(mirror)?;
    new.write_all(text.as_bytes())?;
    new.persist(&file)?;
    Ok(())
}

/// Makes one pack of the kept commits when there are too many, and removes the others.
///
/// Readers in other processes keep the packs they have open and find the new one for the rest. What
/// `retain` let go of goes here; so does history beyond the kept commits.
pub(crate) fn consolidate(path: &Path) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let folder = path.join("objects/pack");
    let old: Vec<String> = files(&folder)
        .map_err(|error| text(&error))?
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "pack"))
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
        .collect();
    if old.len() <= MOST_PACKS {
        return Ok(());
    }
    let repository = git2::Repository::open_bare(path).map_err(|error| text(&error))?;
    let commits: Vec<Oid> = kept_refs(&repository)
        .map_err(|error| text(&error))?
        .iter()
        .filter_map(|name| repository.refname_to_id(name).ok())
        .collect();
    copy_commits(&repository, &repository, &commits, |_, _| false).map_err(|error| text(&error))?;
    mark_shallow(path, &commits, true).map_err(|error| text(&error))?;
    let new: Vec<String> = files(&folder)
        .map_err(|error| text(&error))?
        .iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "pack"))
        .filter_map(|file| Some(file.file_stem()?.to_str()?.to_owned()))
        .filter(|name| !old.contains(name))
        .collect();
    // Without a new pack the content was one of the old packs exactly; nothing may be removed.
    if new.is_empty() && !commits.is_empty() {
        return Ok(());
    }
    let list = tempfile::NamedTempFile::new_in(path).map_err(|error| text(&error))?;
    fs::write(list.path(), old.join("\n")).map_err(|error| text(&error))?;
    list.persist(path.join(REPLACED))
        .map_err(|error| text(&error))?;
    mirror::finish_consolidation(path).map_err(|error| text(&error))
}
