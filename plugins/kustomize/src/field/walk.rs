//! Walks to the values at a path.

use serde_json::{Map, Value};
use windlass_plugin_sdk::Json;

use super::{FieldPath, FieldSpec, kind_of};
use crate::error::{Error, Result};
use crate::resource::Resource;

/// What is made where nothing is, for a specification that says `create`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing, whatever the specification says.
    Nothing,
    /// A mapping.
    Mapping,
    /// An empty text.
    Text,
}

/// A field that kustomize finds also where there are no annotations, because it keeps what it knows
/// about a resource among them.
const ANNOTATIONS: &str = "metadata/annotations";

/// Which elements of lists were entered on the way: the number of the part at which, and which one.
pub(crate) type Trail = [(usize, usize)];

impl FieldSpec {
    /// Calls `set` for every value of the field in a resource, if it is of the right kind.
    ///
    /// What is missing or null on the way is passed over, or made as `missing` says when the
    /// specification says `create`. A part that ends in `[]` is never made, but null becomes an
    /// empty list there.
    ///
    /// # Errors
    /// A scalar is on the way, the path is malformed, or `set` fails; the path is named.
    pub(crate) fn visit(
        &self,
        resource: &mut Resource,
        missing: Missing,
        set: &mut dyn FnMut(&mut Json, &Trail) -> Result<()>,
    ) -> Result<()> {
        if !self.is_for(&resource.json) {
            return Ok(());
        }
        let missing = if self.create {
            missing
        } else {
            Missing::Nothing
        };
        let lends = self.path.as_str().starts_with(ANNOTATIONS)
            && resource.has_notes()
            && resource.metadata("annotations").is_none();
        if lends {
            resource
                .metadata_mut()
                .insert("annotations".to_owned(), Value::Object(Map::new()));
        }
        let visited = self.path.visit(&mut resource.json, missing, set);
        if lends && resource.metadata("annotations") == Some(&Value::Object(Map::new())) {
            resource.metadata_mut().remove("annotations");
        }
        visited
    }

    /// Whether the object is of the kind of the specification.
    pub(crate) fn is_for(&self, object: &Json) -> bool {
        let text = |field| {
            object
                .get(field)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let gvk = &self.gvk;
        if !gvk.kind.is_empty() && gvk.kind != text("kind") {
            return false;
        }
        if gvk.group.is_empty() && gvk.version.is_empty() {
            return true;
        }
        let (group, version) = crate::id::group_version(text("apiVersion"));
        (gvk.group.is_empty() || gvk.group == group)
            && (gvk.version.is_empty() || gvk.version == version)
    }
}

impl FieldPath {
    /// Calls `set` for every value at the path, as [`FieldSpec::visit`] does.
    ///
    /// # Errors
    /// As [`FieldSpec::visit`].
    pub(crate) fn visit(
        &self,
        object: &mut Json,
        missing: Missing,
        set: &mut dyn FnMut(&mut Json, &Trail) -> Result<()>,
    ) -> Result<()> {
        let parts = self.parts()?;
        let mut walk = Walk {
            parts,
            missing,
            trail: Vec::new(),
            set,
        };
        walk.at(object, 0)
            .map_err(|error| error.field(self.as_str()))
    }
}

struct Walk<'w> {
    parts: &'w [super::path::Part],
    missing: Missing,
    trail: Vec<(usize, usize)>,
    set: &'w mut dyn FnMut(&mut Json, &Trail) -> Result<()>,
}

impl Walk<'_> {
    fn at(&mut self, value: &mut Json, from: usize) -> Result<()> {
        let Some(part) = self.parts.get(from) else {
            return (self.set)(value, &self.trail);
        };
        match value {
            Value::Null => Ok(()),
            Value::Array(elements) => {
                for (index, element) in elements.iter_mut().enumerate() {
                    self.trail.push((from, index));
                    self.at(element, from)?;
                    self.trail.pop();
                }
                Ok(())
            }
            Value::Object(map) => {
                let Some(name) = part.field()? else {
                    return self.at(value, from + 1);
                };
                let made = match self.missing {
                    Missing::Nothing => None,
                    _ if part.is_list => None,
                    Missing::Text if from + 1 == self.parts.len() => {
                        Some(Value::String(String::new()))
                    }
                    Missing::Text | Missing::Mapping => Some(Value::Object(Map::new())),
                };
                let field = match (map.get_mut(name), made) {
                    (Some(field), made) => {
                        if field.is_null() {
                            if let Some(made) = made {
                                *field = made;
                            } else if part.is_list {
                                *field = Value::Array(Vec::new());
                            }
                        }
                        field
                    }
                    (None, None) => return Ok(()),
                    (None, Some(made)) => map.entry(name).or_insert(made),
                };
                self.at(field, from + 1)
            }
            _ => Err(Error::new(format_args!(
                "expected a mapping or a list, found {}",
                kind_of(value)
            ))),
        }
    }
}
