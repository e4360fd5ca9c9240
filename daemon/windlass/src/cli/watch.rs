//! `windlass render PATH --watch`: renders again when something that was read is saved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use similar::TextDiff;
use windlass_manifest::{ObjectId, Origin, to_yaml};
use windlass_render::{Objects, ReadSet, Rendered};

use super::Failed;
use super::output::{put, tell};

/// How long to wait for more of the same after a first change: an editor writes a file in several
/// steps, a checkout many files.
const SETTLE: Duration = Duration::from_millis(30);

/// What a look at the environment gave, and where its files are.
pub(super) struct Looked {
    pub(super) rendered: Rendered,
    /// The root of the tree that the paths in `rendered.reads` begin at.
    pub(super) root: PathBuf,
}

/// Renders, waits for a change, and prints what it made of the objects, until somebody ends it.
///
/// `look` renders; `show` prints all objects, once; `tell_findings` tells what the validators found. A
/// render that fails is told, and the next change tried.
///
/// # Errors
/// When the output is not read any more, or the system cannot watch.
pub(super) fn watch(
    folder: &Path,
    look: &dyn Fn() -> Result<Looked, Failed>,
    show: &dyn Fn(&Objects) -> Result<(), Failed>,
    tell_findings: &dyn Fn(&Rendered),
) -> Result<std::convert::Infallible, Failed> {
    let mut places = BTreeSet::from([existing(folder)]);
    let mut shown: Option<Objects> = None;
    let mut found = Vec::new();
    let mut last_failure = None;
    let mut again = false;
    loop {
        // Before the look, so that nothing is missed that changes during it.
        let (_watcher, events) = arm(&places)?;
        let started = Instant::now();
        let mut wanted = places.clone();
        match look() {
            Ok(Looked { rendered, root }) => {
                last_failure = None;
                wanted = read_places(&root, &rendered.reads);
                wanted.insert(existing(folder));
                let elapsed = started.elapsed().as_secs_f64() * 1000.0;
                let count = rendered.objects.len();
                match &shown {
                    None => {
                        show(&rendered.objects)?;
                        tell(format_args!("{count} objects in {elapsed:.1} ms; watching"));
                    }
                    Some(before) => {
                        let changes = changes(before, &rendered.objects);
                        put(&text(&changes))?;
                        if !again {
                            tell(format_args!("{} in {elapsed:.1} ms", summary(&changes)));
                        }
                    }
                }
                if found != rendered.findings {
                    tell_findings(&rendered);
                    found.clone_from(&rendered.findings);
                }
                shown = Some(rendered.objects);
            }
            Err(failed) => {
                let failed = failed.to_string();
                // A second look at the same mistake says nothing new.
                if last_failure.as_ref() != Some(&failed) {
                    tell(&failed);
                }
                last_failure = Some(failed);
            }
        }
        // What was read for the first time was not watched while it was read.
        again = wanted != places;
        places = wanted;
        if !again {
            wait(&events);
        }
    }
}

/// Watches folders, each by itself: a repository may hold far more than an environment reads.
fn arm(places: &BTreeSet<PathBuf>) -> Result<(RecommendedWatcher, Receiver<()>), Failed> {
    let (sender, events) = mpsc::channel();
    let system = |error: &notify::Error| {
        Failed::new(
            "WL0252",
            format!(
                "changes cannot be watched ({error}); on Linux raise fs.inotify.max_user_watches \
                 and fs.inotify.max_user_instances"
            ),
        )
    };
    let told = move |event: notify::Result<notify::Event>| {
        let reads_only = event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_)));
        if !reads_only {
            // Nobody waits any more when the watch is renewed.
            let _nobody_waits: Result<(), _> = sender.send(());
        }
    };
    let mut watcher = notify::recommended_watcher(told).map_err(|error| system(&error))?;
    for place in places {
        match watcher.watch(place, RecursiveMode::NonRecursive) {
            Ok(()) => {}
            // It went away just now; its folder is watched, or the next look finds another.
            Err(_) if !place.exists() => {}
            Err(error) => return Err(system(&error)),
        }
    }
    Ok((watcher, events))
}

/// Waits for a change, and for the end of the burst that it is a part of.
fn wait(events: &Receiver<()>) {
    if events.recv().is_err() {
        return;
    }
    loop {
        match events.recv_timeout(SETTLE) {
            Ok(()) => {}
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// The folders in which something would have to change for the render to come out otherwise.
fn read_places(root: &Path, reads: &ReadSet) -> BTreeSet<PathBuf> {
    let mut places = BTreeSet::new();
    for (access, _) in reads.iter() {
        let path = root.join(access.path());
        let real = path.canonicalize().ok();
        for path in [Some(path), real].into_iter().flatten() {
            // A folder is watched itself, for what is added to it, and a file by its folder: editors
            // put a new one in its place.
            if path.is_dir() {
                places.insert(path);
            } else if let Some(above) = path.parent() {
                places.insert(existing(above));
            }
        }
    }
    places
}

/// The folder, or the nearest one above it that is there.
fn existing(folder: &Path) -> PathBuf {
    let mut above = folder.ancestors();
    above
        .find(|above| above.is_dir())
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// What became of an object.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    action: &'static str,
    object: ObjectId,
    origin: Origin,
    diff: String,
}

/// Compares two renders object by object; sorted by object.
fn changes(before: &Objects, after: &Objects) -> Vec<Change> {
    let texts = |objects: &Objects| -> BTreeMap<ObjectId, (String, Origin)> {
        objects
            .iter()
            .map(|one| {
                let text = to_yaml(one.object.json());
                (one.object.id(), (text, one.origin.clone()))
            })
            .collect()
    };
    let (before, after) = (texts(before), texts(after));
    let ids: BTreeSet<&ObjectId> = before.keys().chain(after.keys()).collect();
    let mut changes = Vec::new();
    for id in ids {
        let (old, new) = (before.get(id), after.get(id));
        let (action, origin) = match (old, new) {
            (None, Some((_, origin))) => ("create", origin),
            (Some((_, origin)), None) => ("delete", origin),
            (Some((old, _)), Some((new, origin))) if old != new => ("update", origin),
            _ => continue,
        };
        let side = |side: Option<&(String, Origin)>| {
            side.map(|(text, _)| text.clone()).unwrap_or_default()
        };
        let diff = TextDiff::from_lines(side(old), side(new))
            .unified_diff()
            .context_radius(3)
            .to_string();
        changes.push(Change {
            action,
            object: id.clone(),
            origin: origin.clone(),
            diff,
        });
    }
    changes
}

fn text(changes: &[Change]) -> String {
    let mut text = String::new();
    for change in changes {
        text.push_str(&format!(
            "{} {} ({})\n",
            change.action, change.object, change.origin
        ));
        for line in change.diff.lines() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    text
}

fn summary(changes: &[Change]) -> String {
    let count = |action: &str| changes.iter().filter(|one| one.action == action).count();
    format!(
        "{} new, {} changed, {} gone",
        count("create"),
        count("update"),
        count("delete")
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use serde_json::json;
    use windlass_manifest::Object;
    use windlass_render::RenderedObject;

    fn objects(values: &[(&str, &str)]) -> Objects {
        let objects = values.iter().map(|(name, colour)| RenderedObject {
            object: Object::from_json(json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": name}, "data": {"colour": colour},
            }))
            .unwrap(),
            origin: Origin::default(),
        });
        objects.collect::<Vec<_>>().into()
    }

    #[test]
    fn objects_are_compared_by_what_they_are() {
        let before = objects(&[("a", "red"), ("b", "red"), ("c", "red")]);
        let after = objects(&[("d", "red"), ("c", "red"), ("b", "blue")]);
        let changes = changes(&before, &after);
        let actions: Vec<_> = changes
            .iter()
            .map(|change| (change.action, change.object.name.as_str()))
            .collect();
        assert_eq!(actions, [("delete", "a"), ("update", "b"), ("create", "d")]);
        assert!(
            changes[1].diff.contains("-  colour: red\n+  colour: blue"),
            "{}",
            changes[1].diff
        );
        assert_eq!(summary(&changes), "1 new, 1 changed, 1 gone");
    }

    #[test]
    fn a_folder_that_is_gone_is_waited_for_where_it_was() {
        let folder = tempfile::TempDir::new().unwrap();
        let gone = folder.path().join("a/b/c");
        assert_eq!(existing(&gone), folder.path());
    }
}
