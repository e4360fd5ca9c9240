//! Reads the files of `crds`: OpenAPI definitions of types, some of whose fields are marked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use windlass_plugin_sdk::Json;

use super::{NameBackReferences, References, TransformerConfig, compare, first_document};
use crate::error::{Error, Result};
use crate::field::{FieldPath, FieldSpec, FieldSpecs, kind_of};
use crate::id::Gvk;

const ANNOTATION: &str = "x-kubernetes-annotation";
const LABEL_SELECTOR: &str = "x-kubernetes-label-selector";
const IDENTITY: &str = "x-kubernetes-identity";
const REFERENCE_VERSION: &str = "x-kubernetes-object-ref-api-version";
const REFERENCE_KIND: &str = "x-kubernetes-object-ref-kind";
const REFERENCE_NAME: &str = "x-kubernetes-object-ref-name-key";

/// Deeper than any type is; more means that types refer to each other in a circle.
const MAX_DEPTH: usize = 50;

/// More fields than all types of a file have, counted once for every way to them.
const MAX_FIELDS: usize = 100_000;

/// The properties of a type, by name.
type Properties<'a> = &'a Map<String, Json>;

/// What the marks of a file's types say.
///
/// # Errors
/// The file is not a mapping of definitions, or its types refer to each other in a circle.
pub(super) fn config(text: &[u8]) -> Result<TransformerConfig> {
    let file = match first_document(text)? {
        Value::Object(file) => file,
        other => {
            return Err(Error::new(format_args!(
                "expected OpenAPI definitions by the name of their type, found {}",
                kind_of(&other)
            )));
        }
    };
    let mut types = BTreeMap::new();
    for (name, definition) in &file {
        if let Some(properties) = properties(definition).map_err(|error| error.field(name))? {
            types.insert(name.as_str(), properties);
        }
    }
    let mut found = Found {
        types: &types,
        fields: 0,
        config: Lists::default(),
    };
    for (name, properties) in &types {
        if ["kind", "apiVersion", "metadata"]
            .iter()
            .all(|field| properties.contains_key(*field))
        {
            // The name of a type ends in its kind: `example.com/pkg/v1.Shop`.
            let kind = name.rsplit('.').next().unwrap_or_default();
            found
                .walk(kind, properties, &mut Vec::new())
                .map_err(|error| error.field(*name))?;
        }
    }
    found.config.finish()
}

fn properties(definition: &Json) -> Result<Option<Properties<'_>>> {
    let Value::Object(definition) = definition else {
        return match definition {
            Value::Null => Ok(None),
            _ => Err(Error::new(format_args!(
                "expected a definition with a `Schema`, found {}",
                kind_of(definition)
            ))),
        };
    };
    let schema = definition
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case("Schema"))
        .map(|(_, schema)| schema);
    let properties = match schema {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(schema)) => schema.get("properties"),
        Some(schema) => {
            return Err(Error::new(format_args!(
                "expected a `Schema`, found {}",
                kind_of(schema)
            )));
        }
    };
    match properties {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(properties)) => Ok(Some(properties)),
        Some(properties) => Err(Error::new(format_args!(
            "expected `properties`, found {}",
            kind_of(properties)
        ))),
    }
}

struct Found<'a> {
    types: &'a BTreeMap<&'a str, Properties<'a>>,
    fields: usize,
    config: Lists,
}

#[derive(Default)]
struct Lists {
    annotations: Vec<FieldSpec>,
    labels: Vec<FieldSpec>,
    names: Vec<FieldSpec>,
    references: BTreeMap<(String, String), Vec<FieldSpec>>,
}

impl<'a> Found<'a> {
    fn walk(
        &mut self,
        kind: &str,
        properties: Properties<'a>,
        path: &mut Vec<&'a str>,
    ) -> Result<()> {
        if path.len() > MAX_DEPTH {
            return Err(Error::new(format_args!(
                "the type at {} is more than {MAX_DEPTH} levels deep",
                path[..8].join("/")
            ))
            .hint("types that refer to each other in a circle cannot be listed under `crds`"));
        }
        for (name, property) in properties {
            self.fields += 1;
            if self.fields > MAX_FIELDS {
                return Err(Error::new(format_args!(
                    "the types of the file have more than {MAX_FIELDS} fields"
                )));
            }
            path.push(name);
            self.property(kind, property, path)?;
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, kind: &str, property: &'a Json, path: &mut Vec<&'a str>) -> Result<()> {
        let mark = |name: &str| property.get(name).and_then(Value::as_str);
        let lists = &mut self.config;
        if mark(ANNOTATION).is_some() {
            lists.annotations.push(spec(kind, path));
        }
        if mark(LABEL_SELECTOR).is_some() {
            lists.labels.push(spec(kind, path));
        }
        if mark(IDENTITY).is_some() {
            lists.names.push(spec(kind, path));
        }
        if let (Some(version), Some(target)) = (mark(REFERENCE_VERSION), mark(REFERENCE_KIND)) {
            path.push(mark(REFERENCE_NAME).unwrap_or("name"));
            lists
                .references
                .entry((target.to_owned(), version.to_owned()))
                .or_default()
                .push(spec(kind, path));
            path.pop();
        }
        if let Some(referred) = mark("$ref").and_then(|name| self.types.get(name)) {
            self.walk(kind, referred, path)?;
        }
        Ok(())
    }
}

fn spec(kind: &str, path: &[&str]) -> FieldSpec {
    FieldSpec {
        gvk: Gvk {
            kind: kind.to_owned(),
            ..Gvk::default()
        },
        path: FieldPath::from(path.join("/")),
        create: false,
    }
}

impl Lists {
    fn finish(self) -> Result<TransformerConfig> {
        let merged = |list: Vec<FieldSpec>| {
            FieldSpecs::default()
                .merge_all(&list)
                .map(|list| list.sorted_by(compare))
        };
        let references = self
            .references
            .into_iter()
            .map(|((kind, version), referrers)| {
                Ok(NameBackReferences {
                    gvk: Gvk {
                        group: String::new(),
                        version,
                        kind,
                    },
                    referrers: FieldSpecs::default().merge_all(&referrers)?,
                })
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(TransformerConfig {
            common_annotations: merged(self.annotations)?,
            common_labels: merged(self.labels)?,
            name_prefix: merged(self.names)?,
            name_reference: References::from(references).sorted(),
            ..TransformerConfig::default()
        })
    }
}
