//! Laying a partial object over the one it means.

use std::collections::HashMap;
use windlass_manifest::strategic::{self, BuiltinSchema};
use windlass_plugin_common::{Identity, closest, origin};
use windlass_plugin_sdk::{Failure, Json};

/// The annotation by which an object in an overlay says that it is new.
const ADD: &str = "windlass.dev/overlay";

/// The objects so far, found by what they are. A deleted one leaves its place empty.
pub(crate) struct Objects {
    objects: Vec<Option<Json>>,
    by_name: HashMap<Key, Vec<usize>>,
}

/// Group, kind and name.
type Key = (String, String, String);

fn key(identity: &Identity<'_>) -> Key {
    (
        identity.group.to_owned(),
        identity.kind.to_owned(),
        identity.name.to_owned(),
    )
}

impl Objects {
    pub(crate) fn new(objects: Vec<Json>) -> Self {
        let mut by_name: HashMap<Key, Vec<usize>> = HashMap::with_capacity(objects.len());
        for (index, object) in objects.iter().enumerate() {
            by_name
                .entry(key(&Identity::of(object)))
                .or_default()
                .push(index);
        }
        Self {
            objects: objects.into_iter().map(Some).collect(),
            by_name,
        }
    }

    pub(crate) fn into_inner(self) -> Vec<Json> {
        self.objects.into_iter().flatten().collect()
    }

    /// Merges a partial object onto the one that it means.
    ///
    /// A misspelt name would otherwise make a second, broken object; so it is an error that nothing
    /// matches, unless the object says that it is new.
    pub(crate) fn lay(&mut self, mut partial: Json) -> Result<(), Failure> {
        let marker = partial["metadata"]["annotations"][ADD]
            .as_str()
            .map(str::to_owned);
        match marker.as_deref() {
            None => {}
            Some("add") => {
                origin::remove_annotations(&mut partial, &[ADD]);
                return self.add(partial);
            }
            Some(other) => {
                return Err(
                    failure(&partial, format!("the annotation `{ADD}` is `{other}`"))
                        .hint("its only value is `add`"),
                );
            }
        }
        let index = self.find(&partial)?;
        let Some(object) = self.objects[index].take() else {
            return Err(failure(
                &partial,
                "the object was deleted by another overlay",
            ));
        };
        if partial["$patch"] == "delete" {
            return Ok(());
        }
        let from = origin::of(&partial);
        origin::remove_annotations(&mut partial, &[origin::PATH, origin::INDEX]);
        let merged = strategic::apply(&object, &partial, &BuiltinSchema).map_err(|error| {
            let identity = Identity::of(&object);
            Failure::new(match from {
                Some(from) => format!("{from} cannot be laid over {identity}: {error}"),
                None => format!("{identity}: {error}"),
            })
        })?;
        self.objects[index] = Some(merged);
        Ok(())
    }

    /// Adds a whole object that is not there yet.
    pub(crate) fn add(&mut self, object: Json) -> Result<(), Failure> {
        let identity = Identity::of(&object);
        let key = key(&identity);
        let taken = self
            .candidates(&key)
            .find(|(_, known)| identity.namespace == known.namespace);
        if let Some((index, _)) = taken {
            let known = self.objects[index].as_ref().and_then(origin::of);
            let known = known.unwrap_or_else(|| "a step before".to_owned());
            return Err(failure(
                &object,
                format!("the object is already there, from {known}"),
            )
            .hint(
                "to change it, put the partial object where `with` points, without the \
                       annotation",
            ));
        }
        self.by_name
            .entry(key)
            .or_default()
            .push(self.objects.len());
        self.objects.push(Some(object));
        Ok(())
    }

    fn candidates(&self, key: &Key) -> impl Iterator<Item = (usize, Identity<'_>)> {
        let indices = self.by_name.get(key).map_or(&[][..], Vec::as_slice);
        indices.iter().filter_map(|index| {
            let object = self.objects[*index].as_ref()?;
            Some((*index, Identity::of(object)))
        })
    }

    fn find(&self, partial: &Json) -> Result<usize, Failure> {
        let wanted = Identity::of(partial);
        let all: Vec<_> = self.candidates(&key(&wanted)).collect();
        let exact: Vec<_> = all
            .iter()
            .filter(|(_, known)| wanted.namespace.is_none() || wanted.namespace == known.namespace)
            .collect();
        // An object without a namespace gets one later; the overlay may be what gives it.
        let open: Vec<_> = all
            .iter()
            .filter(|(_, known)| known.namespace.is_none())
            .collect();
        match (&exact[..], &open[..]) {
            ([(index, _)], _) | ([], [(index, _)]) => Ok(*index),
            ([], _) => Err(self.nothing(partial, &wanted, &all)),
            (many, _) => {
                let names: Vec<_> = many.iter().map(|(_, known)| known.to_string()).collect();
                Err(failure(
                    partial,
                    format!("more than one object matches: {}", names.join(", ")),
                )
                .hint("say which one with `metadata.namespace`"))
            }
        }
    }

    fn nothing(
        &self,
        partial: &Json,
        wanted: &Identity<'_>,
        all: &[(usize, Identity<'_>)],
    ) -> Failure {
        let failure = failure(partial, "no object of the base matches");
        if let Some((_, known)) = all.first() {
            return failure.hint(format!("there is {known}"));
        }
        let names = self
            .by_name
            .keys()
            .filter(|(group, kind, _)| *group == wanted.group && *kind == wanted.kind)
            .map(|(_, _, name)| name.as_str());
        let mut names: Vec<&str> = names.collect();
        names.sort_unstable();
        failure.hint(match closest(wanted.name, names) {
            Some(known) => format!("did you mean the name `{known}`?"),
            None => format!(
                "a new object belongs into a folder that `add` names, or needs the annotation \
                 `{ADD}: add`"
            ),
        })
    }
}

fn failure(partial: &Json, message: impl std::fmt::Display) -> Failure {
    let identity = Identity::of(partial);
    Failure::new(match origin::of(partial) {
        Some(origin) => format!("{origin}, {identity}: {message}"),
        None => format!("{identity}: {message}"),
    })
}
