//! The objects of a build, in their order.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::id::{Id, OwnedId};
use crate::resource::Resource;
use crate::schema::Schema;

/// The objects of a build in the order in which they were read; no two have the same id.
///
/// Transformers change the resources in place and may remove some. One that can change an id has to
/// call [`Resources::check_unique`] when it is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Resources {
    pub(crate) list: Vec<Resource>,
}

impl Resources {
    /// Adds resources at the end.
    ///
    /// # Errors
    /// Names the first resource whose id is there already, and both places.
    pub(crate) fn append_all(&mut self, added: Vec<Resource>, schema: &Schema) -> Result<()> {
        if added.is_empty() {
            return Ok(());
        }
        let from = self.list.len();
        self.list.extend(added);
        unique(&self.list, from, schema)
    }

    /// Makes sure that no two resources have the same id.
    ///
    /// # Errors
    /// Names the first resource whose id is there already, and both places.
    pub(crate) fn check_unique(&self, schema: &Schema) -> Result<()> {
        unique(&self.list, 0, schema)
    }

    /// Removes what a patch has left nothing of.
    pub(crate) fn drop_empty(&mut self) {
        self.list.retain(|resource| !resource.is_empty());
    }

    /// For every id that a resource has or had, the indexes of those that have or had it, in order.
    ///
    /// One index serves a whole pass, which is what makes a pass linear in the number of resources.
    pub(crate) fn by_any_id(&self, schema: &Schema) -> HashMap<OwnedId, Vec<usize>> {
        let mut index: HashMap<OwnedId, Vec<usize>> = HashMap::with_capacity(self.list.len());
        for (at, resource) in self.list.iter().enumerate() {
            for id in resource.previous_ids().chain([resource.id(schema)]) {
                let found = index.entry(id.to_owned()).or_default();
                if found.last() != Some(&at) {
                    found.push(at);
                }
            }
        }
        index
    }
}

fn unique(list: &[Resource], from: usize, schema: &Schema) -> Result<()> {
    let mut seen: HashMap<Id<'_>, usize> = HashMap::with_capacity(list.len());
    for (at, resource) in list.iter().enumerate() {
        // What a patch has deleted may wait for its removal.
        if resource.is_empty() {
            continue;
        }
        let id = resource.id(schema);
        if let Some(first) = seen.insert(id, at)
            && at >= from
        {
            let error = Error::new(format_args!(
                "{id} is there twice{}",
                other(list.get(first))
            ))
            .hint("rename or remove one of the two, or make one a patch of the other");
            return Err(at_source(error, resource));
        }
    }
    Ok(())
}

fn other(first: Option<&Resource>) -> String {
    match first {
        Some(first) if first.source.line > 0 => {
            format!(", first in {}:{}", first.source.file, first.source.line)
        }
        Some(first) if !first.source.file.is_empty() => {
            format!(", first in {}", first.source.file)
        }
        _ => String::new(),
    }
}

/// Adds the place where a resource was read to an error.
pub(crate) fn at_source(error: Error, resource: &Resource) -> Error {
    let source = &resource.source;
    if source.file.is_empty() || error.has_file() {
        return error;
    }
    let error = error.file(&*source.file);
    if source.line > 0 {
        error.line(source.line)
    } else {
        error
    }
}
