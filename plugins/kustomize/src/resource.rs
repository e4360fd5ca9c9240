//! One object on its way through a build.

use std::rc::Rc;

use serde_json::{Map, Value};
use windlass_plugin_sdk::Json;

use crate::field::Shared;
use crate::id::{Id, group_version};
use crate::schema::Schema;

/// An object and what the build has to remember about it.
///
/// kustomize keeps the latter in annotations of the object; here it lies beside it, so that no patch
/// of a user can meet it and nothing has to be parsed again and again.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// The object: always a mapping.
    pub(crate) json: Json,
    /// Where it was read, for messages.
    pub(crate) source: Source,
    /// What it was called before, the oldest first.
    pub(crate) previous: Vec<Previous>,
    /// The prefixes that its name was given, the innermost first; never empty texts.
    pub(crate) prefixes: Vec<String>,
    /// The suffixes that its name was given, the innermost first; never empty texts.
    pub(crate) suffixes: Vec<String>,
    /// What a generator does with it when it is there already.
    pub(crate) behavior: Behavior,
    /// Whether the hash of its content is to be put behind its name.
    pub(crate) needs_hash: bool,
    /// As a patch: whether it may change the name of what it is laid over.
    pub(crate) allow_name_change: bool,
    /// As a patch: whether it may change the kind of what it is laid over.
    pub(crate) allow_kind_change: bool,
    /// The names of the variables that are read from it.
    pub(crate) variables: Vec<String>,
    /// The labels and annotations that change together (see [`Resource::settle_shared`]).
    pub(crate) shared: Shared,
}

/// Where an object was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// The file, by its path from the root of the tree; empty for what has none.
    pub(crate) file: Rc<str>,
    /// The number of the document in the file, from 0.
    pub(crate) index: usize,
    /// The line in which the document begins, from 1; 0 where it is not known.
    pub(crate) line: usize,
}

/// What a resource was called before a transformer renamed it. Group and version are those that it
/// has now, as in kustomize.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Previous {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// The effective namespace.
    pub(crate) namespace: String,
}

/// What a generated resource does to one of the same id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Behavior {
    /// Nothing was said: as [`Behavior::Create`].
    #[default]
    Unspecified,
    /// It must not be there.
    Create,
    /// It takes its place.
    Replace,
    /// Its data are added to it.
    Merge,
}

impl Resource {
    /// A resource that was read or made and has no history. `json` has to be a mapping.
    pub(crate) fn new(json: Json, source: Source) -> Self {
        Self {
            json,
            source,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            behavior: Behavior::Unspecified,
            needs_hash: false,
            allow_name_change: false,
            allow_kind_change: false,
            variables: Vec::new(),
            shared: Shared::default(),
        }
    }

    /// The `apiVersion`; empty when there is none.
    pub(crate) fn api_version(&self) -> &str {
        text(self.json.get("apiVersion"))
    }

    /// The kind; empty when there is none.
    pub(crate) fn kind(&self) -> &str {
        text(self.json.get("kind"))
    }

    /// `metadata.name`; empty when there is none.
    pub(crate) fn name(&self) -> &str {
        text(self.metadata("name"))
    }

    /// `metadata.namespace`; empty when there is none.
    pub(crate) fn namespace(&self) -> &str {
        text(self.metadata("namespace"))
    }

    /// A field of `metadata`.
    pub(crate) fn metadata(&self, field: &str) -> Option<&Json> {
        self.json.get("metadata")?.get(field)
    }

    /// The id that it has now.
    pub(crate) fn id<'a>(&'a self, schema: &Schema) -> Id<'a> {
        let (group, version) = group_version(self.api_version());
        let kind = self.kind();
        Id {
            group,
            version,
            kind,
            name: self.name(),
            namespace: schema.effective_namespace(self.api_version(), kind, self.namespace()),
        }
    }

    /// The ids that it had, the oldest first.
    pub(crate) fn previous_ids(&self) -> impl DoubleEndedIterator<Item = Id<'_>> {
        let (group, version) = group_version(self.api_version());
        self.previous.iter().map(move |previous| Id {
            group,
            version,
            kind: &previous.kind,
            name: &previous.name,
            namespace: &previous.namespace,
        })
    }

    /// The id that it had before anything renamed it.
    pub(crate) fn original_id<'a>(&'a self, schema: &Schema) -> Id<'a> {
        self.previous_ids()
            .next()
            .unwrap_or_else(|| self.id(schema))
    }

    /// Remembers the present id; to be called before a name, namespace or kind is changed.
    pub(crate) fn store_previous_id(&mut self, schema: &Schema) {
        let id = self.id(schema);
        let previous = Previous {
            kind: id.kind.to_owned(),
            name: id.name.to_owned(),
            namespace: id.namespace.to_owned(),
        };
        self.previous.push(previous);
    }

    /// Whether kustomize would keep notes on the resource among its annotations.
    pub(crate) fn has_notes(&self) -> bool {
        !self.previous.is_empty()
            || !self.prefixes.is_empty()
            || !self.suffixes.is_empty()
            || self.needs_hash
            || self.behavior != Behavior::Unspecified
    }

    /// The object's fields.
    pub(crate) fn fields_mut(&mut self) -> &mut Map<String, Json> {
        mapping(&mut self.json)
    }

    /// `metadata`, made when it is missing.
    pub(crate) fn metadata_mut(&mut self) -> &mut Map<String, Json> {
        let metadata = self
            .fields_mut()
            .entry("metadata")
            .or_insert_with(|| Value::Object(Map::new()));
        mapping(metadata)
    }

    /// Sets `metadata.name`.
    pub(crate) fn set_name(&mut self, name: &str) {
        self.metadata_mut().insert("name".to_owned(), name.into());
    }

    /// Sets `metadata.namespace`; removes it when it is empty.
    pub(crate) fn set_namespace(&mut self, namespace: &str) {
        let metadata = self.metadata_mut();
        if namespace.is_empty() {
            metadata.remove("namespace");
        } else {
            metadata.insert("namespace".to_owned(), namespace.into());
        }
    }

    /// Sets the kind.
    pub(crate) fn set_kind(&mut self, kind: &str) {
        self.fields_mut().insert("kind".to_owned(), kind.into());
    }

    /// One of the annotations.
    pub(crate) fn annotation(&self, key: &str) -> Option<&str> {
        self.metadata("annotations")?.get(key)?.as_str()
    }

    /// Sets an annotation.
    pub(crate) fn set_annotation(&mut self, key: &str, value: &str) {
        let annotations = self
            .metadata_mut()
            .entry("annotations")
            .or_insert_with(|| Value::Object(Map::new()));
        mapping(annotations).insert(key.to_owned(), value.into());
    }

    /// Removes an annotation, and `metadata.annotations` when nothing is left in it.
    pub(crate) fn remove_annotation(&mut self, key: &str) {
        let Some(annotations) = self.json.pointer_mut("/metadata/annotations") else {
            return;
        };
        let map = mapping(annotations);
        map.remove(key);
        if map.is_empty() {
            self.metadata_mut().remove("annotations");
        }
    }

    /// Whether nothing of it is left, as after a patch that deletes it.
    pub(crate) fn is_empty(&self) -> bool {
        self.json.as_object().is_none_or(Map::is_empty)
    }
}

fn text(value: Option<&Json>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

/// The value as a mapping; what is none becomes an empty one.
pub(crate) fn mapping(value: &mut Json) -> &mut Map<String, Json> {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("it was made a mapping above"),
    }
}
