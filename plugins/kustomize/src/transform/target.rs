//! Finding the resource that a patch names by its own id.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::error::{Error, Result};
use crate::id::Id;
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;

/// How many look-ups an index is worth.
const WORTH_AN_INDEX: usize = 3;

/// Looks up the targets of several patches.
///
/// A few look-ups look through all resources, without allocating; more of them share an index. It
/// holds no ids but their hashes, and what it finds is compared, so entries of ids that have changed
/// since do no harm.
pub(super) struct Targets {
    index: Option<HashMap<u64, Vec<usize>>>,
    hasher: RandomState,
    /// Look-ups still to be done without an index.
    left: usize,
}

impl Targets {
    /// Is told how many look-ups there will be, as far as is known.
    pub(super) fn new(lookups: usize) -> Self {
        Self {
            index: None,
            hasher: RandomState::new(),
            left: if lookups > WORTH_AN_INDEX {
                0
            } else {
                WORTH_AN_INDEX
            },
        }
    }

    /// The index of the one resource that has, or had, the id of a patch.
    ///
    /// # Errors
    /// Names the patch when no resource has its id, or several.
    pub(super) fn of_patch(
        &mut self,
        resources: &Resources,
        patch: &Resource,
        schema: &Schema,
    ) -> Result<usize> {
        let id = patch.original_id(schema);
        let found = self.find(resources, &id, schema);
        let error = match found[..] {
            [one] => return Ok(one),
            [] => Error::new(format_args!("there is no {id} for the patch to change")).hint(
                "the patch has to have the apiVersion, kind, name and namespace of a resource, or a \
                 `target` that selects some",
            ),
            [..] => Error::new(format_args!(
                "{} resources are, or were, called {id}, and the patch can be for only one",
                found.len()
            ))
            .hint("select the resource with a `target`"),
        };
        Err(at_source(error, patch))
    }

    /// Takes note of the ids that a resource has got.
    pub(super) fn changed(&mut self, at: usize, resource: &Resource, schema: &Schema) {
        let Self { index, hasher, .. } = self;
        if let Some(index) = index {
            note(index, hasher, at, resource, schema);
        }
    }

    fn find(&mut self, resources: &Resources, id: &Id<'_>, schema: &Schema) -> Vec<usize> {
        let is_it = |resource: &Resource| {
            !resource.is_empty()
                && (has(resource, id, schema) || resource.previous_ids().any(|had| had == *id))
        };
        if self.index.is_none() && self.left > 0 {
            self.left -= 1;
            let all = resources.list.iter().enumerate();
            return all
                .filter(|(_, resource)| is_it(resource))
                .map(|(at, _)| at)
                .collect();
        }
        let Self { index, hasher, .. } = self;
        let index = index.get_or_insert_with(|| {
            let mut index = HashMap::with_capacity(resources.list.len());
            for (at, resource) in resources.list.iter().enumerate() {
                note(&mut index, hasher, at, resource, schema);
            }
            index
        });
        let candidates = index
            .get(&hasher.hash_one(id))
            .into_iter()
            .flatten()
            .copied();
        candidates
            .filter(|at| resources.list.get(*at).is_some_and(is_it))
            .collect()
    }
}

/// Whether a resource has an id, asked in the order that says no soonest.
fn has(resource: &Resource, id: &Id<'_>, schema: &Schema) -> bool {
    resource.name() == id.name && resource.kind() == id.kind && resource.id(schema) == *id
}

fn note(
    index: &mut HashMap<u64, Vec<usize>>,
    hasher: &RandomState,
    at: usize,
    resource: &Resource,
    schema: &Schema,
) {
    for id in resource.previous_ids().chain([resource.id(schema)]) {
        let places = index.entry(hasher.hash_one(id)).or_default();
        if !places.contains(&at) {
            places.push(at);
        }
    }
}
