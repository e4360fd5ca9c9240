//! Sets the images of containers (`images`).

use regex_lite::Regex;
use serde::Deserialize;
use serde_json::Value;
use windlass_plugin_sdk::Json;

use super::Transformer;
use crate::error::{Error, Result};
use crate::field::{FieldSpecs, Missing, kind_of, scalar_text, set_text};
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;
use crate::selector::{compiled, is_special};

/// Changes references to one image (`ImageTagTransformer`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ImageTag {
    /// The image, and what becomes of it.
    pub(crate) image_tag: Image,
    /// The fields that hold references, besides those of containers.
    pub(crate) field_specs: FieldSpecs,
}

/// An image, and what becomes of references to it; what is empty stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Image {
    /// The name in the references, without tag and digest.
    pub(crate) name: String,
    /// The new name.
    pub(crate) new_name: String,
    /// What is put behind the tag, if there is neither a new tag nor a digest.
    pub(crate) tag_suffix: String,
    /// The new tag; without a digest, that of the reference goes.
    pub(crate) new_tag: String,
    /// The new digest; without a new tag, the tag of the reference goes.
    pub(crate) digest: String,
}

impl Transformer for ImageTag {
    fn transform(&self, resources: &mut Resources, _schema: &Schema) -> Result<()> {
        let update = Update {
            image: &self.image_tag,
            name: Name::new(&self.image_tag.name),
        };
        for resource in &mut resources.list {
            update
                .apply(resource, &self.field_specs)
                .map_err(|error| at_source(error, resource))?;
        }
        Ok(())
    }
}

/// An image whose name is ready to be looked for.
struct Update<'i> {
    image: &'i Image,
    name: Name<'i>,
}

impl Update<'_> {
    fn apply(&self, resource: &mut Resource, fields: &FieldSpecs) -> Result<()> {
        if resource.kind() == "CustomResourceDefinition" {
            return Ok(());
        }
        // Containers first, wherever they are; then the fields, which may hold the same containers:
        // a suffix is added twice there, as in kustomize.
        self.containers(&mut resource.json)?;
        for spec in fields.iter() {
            spec.visit(resource, Missing::Nothing, &mut |value, _| {
                self.update(value)
            })?;
        }
        Ok(())
    }

    /// Looks for lists of containers at any depth.
    fn containers(&self, value: &mut Json) -> Result<()> {
        match value {
            Value::Array(elements) => {
                for element in elements {
                    self.containers(element)?;
                }
            }
            Value::Object(map) => {
                for (key, value) in map {
                    self.containers(value)?;
                    if let (Value::Array(containers), "containers" | "initContainers") =
                        (value, key.as_str())
                    {
                        self.in_list(containers).map_err(|error| error.field(key))?;
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn in_list(&self, containers: &mut [Json]) -> Result<()> {
        for container in containers {
            match container {
                Value::Null => {}
                Value::Object(container) => {
                    if let Some(image) = container.get_mut("image") {
                        self.update(image)?;
                    }
                }
                other => {
                    return Err(Error::new(format_args!(
                        "expected a container, found {}",
                        kind_of(other)
                    )));
                }
            }
        }
        Ok(())
    }

    fn update(&self, value: &mut Json) -> Result<()> {
        let Some(text) = scalar_text(value) else {
            return Err(Error::new(format_args!(
                "expected the reference of an image, found {}",
                kind_of(value)
            )));
        };
        if value.is_null() || !self.name.is_of(&text) {
            return Ok(());
        }
        let updated = self.image.updated(&text);
        set_text(value, updated)
    }
}

impl Image {
    fn updated(&self, reference: &str) -> String {
        let (name, mut tag, mut digest) = split(reference);
        let suffixed;
        match (self.new_tag.is_empty(), self.digest.is_empty()) {
            (true, true) if self.tag_suffix.is_empty() => {}
            (true, true) => {
                suffixed = format!("{tag}{}", self.tag_suffix);
                (tag, digest) = (&suffixed, "");
            }
            // Either one takes the place of both.
            _ => (tag, digest) = (&self.new_tag, &self.digest),
        }
        let name = if self.new_name.is_empty() {
            name
        } else {
            &self.new_name
        };
        let mut result = String::with_capacity(name.len() + tag.len() + digest.len() + 2);
        result.push_str(name);
        for (mark, part) in [(':', tag), ('@', digest)] {
            if !part.is_empty() {
                result.push(mark);
                result.push_str(part);
            }
        }
        result
    }
}

/// The name of an image, of which kustomize makes a regular expression.
enum Name<'n> {
    /// Nothing is special in it but points, which stand for any character.
    Plain(&'n str),
    /// An expression for a whole reference; one that is none matches nothing.
    Expression(Option<Box<Regex>>),
}

impl<'n> Name<'n> {
    fn new(name: &'n str) -> Self {
        if !name.contains(|c| is_special(c) && c != '.') {
            return Self::Plain(name);
        }
        let expression = format!(
            "^{name}(:[a-zA-Z0-9_.{{}}-]*)?\
             (@[a-zA-Z0-9]+([.+_-][a-zA-Z0-9]+)*:[a-zA-Z0-9_.{{}}-]*)?$"
        );
        Self::Expression(compiled(&expression).ok().map(Box::new))
    }

    fn is_of(&self, reference: &str) -> bool {
        match self {
            Self::Plain(name) => matches(reference, name),
            Self::Expression(expression) => expression
                .as_ref()
                .is_some_and(|expression| expression.is_match(reference)),
        }
    }
}

/// Whether a reference is the name, with or without a tag and a digest behind it.
fn matches(reference: &str, name: &str) -> bool {
    let mut rest = reference.chars();
    for expected in name.chars() {
        match rest.next() {
            Some(found) if found == expected => {}
            Some(found) if expected == '.' && found != '\n' => {}
            _ => return false,
        }
    }
    let rest = rest.as_str();
    let rest = match rest.strip_prefix(':') {
        Some(tag) => tag.trim_start_matches(is_tag_character),
        None => rest,
    };
    rest.is_empty() || rest.strip_prefix('@').is_some_and(is_digest)
}

fn is_tag_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '{' | '}' | '-')
}

/// `sha256:…`; parts of the algorithm are joined by one of `.+_-`.
fn is_digest(text: &str) -> bool {
    let Some((algorithm, value)) = text.split_once(':') else {
        return false;
    };
    value.chars().all(is_tag_character)
        && algorithm
            .split(['.', '+', '_', '-'])
            .all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// Takes a reference apart into name, tag and digest. A colon before the first slash belongs to the
/// port of a registry.
fn split(reference: &str) -> (&str, &str, &str) {
    let from = reference.find('/').unwrap_or(0);
    let (_, path) = reference.split_at(from);
    match (path.find(':'), path.find('@')) {
        (None, None) => (reference, "", ""),
        (colon, Some(at)) if colon.is_none_or(|colon| at < colon) => {
            let (name, digest) = reference.split_at(from + at);
            (name, "", strip(digest))
        }
        (Some(colon), at) => {
            let (head, digest) = match at {
                Some(at) => reference.split_at(from + at),
                None => (reference, ""),
            };
            let (name, tag) = head.split_at(from + colon);
            (name, strip(tag), strip(digest))
        }
        (None, Some(_)) => (reference, "", ""),
    }
}

/// Without the mark in front.
fn strip(part: &str) -> &str {
    part.strip_prefix([':', '@']).unwrap_or(part)
}

#[cfg(test)]
#[path = "image_tests.rs"]
mod tests;
