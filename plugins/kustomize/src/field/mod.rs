//! Finds the fields that a field specification names.
//!
//! A specification is a kind and a path. The path does not say where lists are: every element of a
//! list on the way is looked at (kustomize's `api/filters/fieldspec`).

mod path;
mod scalar;
mod shared;
mod walk;

use std::collections::HashMap;
use std::ops::Deref;
use std::rc::Rc;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::id::Gvk;

pub(crate) use path::FieldPath;
pub(crate) use scalar::{kind_of, scalar_text, set_scalar, set_text};
pub(crate) use shared::{Place, Shared};
pub(crate) use walk::{Missing, Trail};

/// A field of the objects of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Written")]
pub(crate) struct FieldSpec {
    /// Which objects have the field; what is empty is not looked at.
    pub(crate) gvk: Gvk,
    /// Where it is.
    pub(crate) path: FieldPath,
    /// Whether it is made when it is not there.
    pub(crate) create: bool,
}

impl FieldSpec {
    /// The field of every object, whatever its kind.
    pub(crate) fn new(path: &'static str, create: bool) -> Self {
        Self {
            gvk: Gvk::default(),
            path: FieldPath::from(path),
            create,
        }
    }

    /// Whether `added` brings nothing new: this is selected by its kind, and has its path.
    fn covers(&self, added: &Self) -> bool {
        let (have, want) = (&self.gvk, &added.gvk);
        (want.group.is_empty() || want.group == have.group)
            && (want.version.is_empty() || want.version == have.version)
            && (want.kind.is_empty() || want.kind == have.kind)
            && self.path == added.path
    }
}

/// A [`FieldSpec`] as it is written.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Written {
    group: Embedded,
    version: Embedded,
    kind: Embedded,
    path: String,
    create: bool,
}

/// A text that has to be written as one, even where a number would do: kustomize has it in a struct
/// in a struct, where its YAML reader does not look.
#[derive(Default, Deserialize)]
pub(crate) struct Embedded(pub(crate) String);

impl From<Written> for FieldSpec {
    fn from(written: Written) -> Self {
        let Written {
            group,
            version,
            kind,
            path,
            create,
        } = written;
        Self {
            gvk: Gvk {
                group: group.0,
                version: version.0,
                kind: kind.0,
            },
            path: FieldPath::from(path),
            create,
        }
    }
}

/// A list of field specifications, shared by everyone who has not added to it.
///
/// The defaults go through every kustomization of a build; merging a list with itself costs nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Vec<FieldSpec>")]
pub(crate) struct FieldSpecs(Rc<Vec<FieldSpec>>);

impl From<Vec<FieldSpec>> for FieldSpecs {
    fn from(list: Vec<FieldSpec>) -> Self {
        Self(Rc::new(list))
    }
}

impl Deref for FieldSpecs {
    type Target = [FieldSpec];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FieldSpecs {
    /// Whether both are the same list in memory.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Adds specifications, each unless a present one covers it (kustomize's `FsSlice.MergeAll`).
    ///
    /// # Errors
    /// A present one covers one that is added and says otherwise about `create`.
    pub(crate) fn merge_all(&self, added: &[FieldSpec]) -> Result<Self> {
        let mut merged: Option<Vec<FieldSpec>> = None;
        // The first that covers decides, so that lists of equal paths are kept in order.
        let mut by_path: HashMap<FieldPath, Vec<usize>> = HashMap::new();
        for (at, spec) in self.iter().enumerate() {
            by_path.entry(spec.path.clone()).or_default().push(at);
        }
        for spec in added {
            let list: &[FieldSpec] = merged.as_deref().unwrap_or(self);
            let places = by_path.entry(spec.path.clone()).or_default();
            let present = places
                .iter()
                .filter_map(|&at| list.get(at))
                .find(|present| present.covers(spec));
            match present {
                Some(present) if present.create == spec.create => {}
                Some(_) => return Err(conflict(spec)),
                None => {
                    places.push(list.len());
                    merged
                        .get_or_insert_with(|| self.to_vec())
                        .push(spec.clone());
                }
            }
        }
        Ok(merged.map_or_else(|| self.clone(), Self::from))
    }

    /// The list in an order of the kinds; equal ones keep theirs.
    pub(crate) fn sorted_by(
        &self,
        order: impl Fn(&Gvk, &Gvk) -> std::cmp::Ordering + Copy,
    ) -> Self {
        if self.is_sorted_by(|a, b| order(&a.gvk, &b.gvk).is_le()) {
            return self.clone();
        }
        let mut list = self.to_vec();
        list.sort_by(|a, b| order(&a.gvk, &b.gvk));
        Self::from(list)
    }
}

fn conflict(spec: &FieldSpec) -> Error {
    let kind = if spec.gvk.kind.is_empty() {
        "every kind"
    } else {
        &spec.gvk.kind
    };
    Error::new(format_args!(
        "the field {} of {kind} is specified twice, once with `create` and once without",
        spec.path
    ))
    .hint("write the same `create` in both places")
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
