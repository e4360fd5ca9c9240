//! The paths of replacements: `spec.template.spec.containers.[name=web].image`.

use std::borrow::Cow;
use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use windlass_manifest::{Rules, plain_scalar, to_yaml};
use windlass_plugin_sdk::Json;

use super::structured;
use super::value::text;
use crate::error::{Error, Result};
use crate::read::named_type as kind_of;

/// More parts than any field has; a path is walked, and made, by recursion.
const MAX_PARTS: usize = 100;

/// How long an expression may be, in bytes.
const MAX_EXPRESSION: usize = 4096;

/// How large a compiled expression may be, in bytes.
const MAX_COMPILED: usize = 1 << 20;

/// A path, taken apart once.
#[derive(Clone, Debug)]
pub(super) struct Path {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
struct Part {
    text: String,
    meaning: Meaning,
}

/// What a part means to the walk that finds all fields at a path.
#[derive(Clone, Debug)]
enum Meaning {
    Field,
    Index(usize),
    /// `*`
    Every,
    /// `[name=web]`; the field is empty for `[=web]`.
    Element {
        field: String,
        value: String,
        search: std::result::Result<Search, String>,
    },
    /// `[web]`
    Malformed,
}

/// Finds an expression in a text, anywhere in it: to kustomize, `[name=web]` names `web-2` too.
#[derive(Clone, Debug)]
enum Search {
    Literal,
    Regex(Box<Regex>),
}

/// What is made where nothing is: what has the kind of the value that is put there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    Scalar,
    List,
    Mapping,
}

impl Make {
    pub(super) fn like(value: &Json) -> Self {
        match value {
            Value::Object(_) => Self::Mapping,
            Value::Array(_) => Self::List,
            _ => Self::Scalar,
        }
    }

    fn empty(self) -> Json {
        match self {
            Self::Scalar => Value::Null,
            Self::List => Value::Array(Vec::new()),
            Self::Mapping => Value::Object(Map::new()),
        }
    }
}

/// A field that a walk has come to.
pub(super) struct Found<'v> {
    pub(super) value: &'v mut Json,
    /// Whether it was made on the way and has no type yet.
    pub(super) untyped: bool,
    /// Whether it lies in a document that a scalar on the way holds. What is changed there is lost,
    /// as in kustomize.
    pub(super) lost: bool,
}

impl Path {
    /// Takes a path apart.
    ///
    /// # Errors
    /// It has too many parts.
    pub(super) fn new(path: &str) -> Result<Self> {
        let parts: Vec<Part> = split(path).into_iter().map(Part::new).collect();
        if parts.len() > MAX_PARTS {
            return Err(Error::new(format_args!(
                "the path of a field has more than {MAX_PARTS} parts"
            )));
        }
        Ok(Self {
            text: path.to_owned(),
            parts,
        })
    }

    /// How many levels of an object it goes down.
    pub(super) fn depth(&self) -> usize {
        self.parts.len()
    }

    /// The one value at the path, as a source is looked up: a part in brackets names the first
    /// element whose field is that text.
    ///
    /// # Errors
    /// A part that fits no list or mapping stands at one that is none.
    pub(super) fn lookup<'v>(&self, object: &'v Json) -> Result<Option<&'v Json>> {
        let mut value = object;
        for part in &self.parts {
            let next = match part.step(value)? {
                Step::Stay => Some(value),
                Step::Nowhere => None,
                Step::Into(index) => value.get(index),
                Step::Field(name) => value.get(name),
            };
            match next {
                Some(next) => value = next,
                None => return Ok(None),
            }
        }
        Ok(Some(value))
    }

    /// The first scalar in which the path does not end, and the rest of the path: a text that may
    /// hold a document of its own.
    pub(super) fn scalar_inside<'v>(
        &self,
        object: &'v mut Json,
    ) -> Option<(&'v mut Json, PathPart<'_>)> {
        let mut value = object;
        for (at, part) in self.parts.iter().enumerate() {
            if at > 0 && !matches!(value, Value::Array(_) | Value::Object(_)) {
                return Some((value, PathPart(&self.parts[at..])));
            }
            value = match part.step(value).ok()? {
                Step::Stay => value,
                Step::Nowhere => return None,
                Step::Into(index) => value.get_mut(index)?,
                Step::Field(name) => value.get_mut(name)?,
            };
        }
        None
    }

    /// The whole path, to be walked.
    pub(super) fn all(&self) -> PathPart<'_> {
        PathPart(&self.parts)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Where a part leads to when one value is looked up.
enum Step<'p> {
    Stay,
    Nowhere,
    Into(usize),
    Field(&'p str),
}

impl Part {
    fn new(text: String) -> Self {
        let meaning = if let Some(index) = index(&text).and_then(|it| usize::try_from(it).ok()) {
            Meaning::Index(index)
        } else if text == "*" {
            Meaning::Every
        } else if let Some(element) = bracketed(&text) {
            match element.split_once('=') {
                Some((field, value)) => Meaning::Element {
                    field: field.to_owned(),
                    value: value.to_owned(),
                    search: Search::new(value),
                },
                None => Meaning::Malformed,
            }
        } else {
            Meaning::Field
        };
        Self { text, meaning }
    }

    fn step<'p>(&'p self, value: &Json) -> Result<Step<'p>> {
        let name = self.text.trim();
        if name.is_empty() {
            return Ok(Step::Stay);
        }
        if value.is_null() {
            return Ok(Step::Nowhere);
        }
        if name == "*" {
            return Err(Error::new("`*` names no single field"));
        }
        if name == "-" {
            let last = list(value, name)?.len().checked_sub(1);
            return Ok(last.map_or(Step::Nowhere, Step::Into));
        }
        if let Some(index) = index(name) {
            let items = list(value, name)?;
            let index = usize::try_from(index)
                .map_err(|_| Error::new(format_args!("the index {index} is negative")))?;
            return Ok(if index < items.len() {
                Step::Into(index)
            } else {
                Step::Nowhere
            });
        }
        if let Some(element) = bracketed(name) {
            let items = list(value, name)?;
            let (field, wanted) = element.split_once('=').ok_or_else(|| malformed(name))?;
            let found = items.iter().position(|item| match field {
                "" => text(item) == wanted,
                field => item.get(field).is_some_and(|value| text(value) == wanted),
            });
            return Ok(found.map_or(Step::Nowhere, Step::Into));
        }
        match value {
            Value::Object(_) => Ok(Step::Field(name)),
            other => Err(expected("a mapping", name, other)),
        }
    }
}

/// What is left of a path.
#[derive(Clone, Copy)]
pub(super) struct PathPart<'p>(&'p [Part]);

impl PathPart<'_> {
    /// Calls `set` for every field at the path, and says how many there are. What is missing is made
    /// when `make` says as what.
    ///
    /// # Errors
    /// A part that fits no list or mapping stands at one that is none, and what `set` says.
    pub(super) fn visit(
        self,
        value: &mut Json,
        make: Option<Make>,
        set: &mut dyn FnMut(Found<'_>) -> Result<()>,
    ) -> Result<usize> {
        let mut walk = Walk {
            make,
            set,
            lost: false,
        };
        walk.at(value, self, false)
    }

    /// What is made in front of this rest of a path.
    fn make(self, last: Make) -> Make {
        match self.0.first().map(|part| &part.meaning) {
            None => last,
            Some(Meaning::Index(_) | Meaning::Element { .. } | Meaning::Malformed) => Make::List,
            Some(Meaning::Field | Meaning::Every) => Make::Mapping,
        }
    }
}

struct Walk<'w> {
    make: Option<Make>,
    set: &'w mut dyn FnMut(Found<'_>) -> Result<()>,
    lost: bool,
}

impl Walk<'_> {
    fn at(&mut self, value: &mut Json, path: PathPart<'_>, untyped: bool) -> Result<usize> {
        let Some((part, rest)) = path.0.split_first() else {
            let lost = self.lost;
            (self.set)(Found {
                value,
                untyped,
                lost,
            })?;
            return Ok(1);
        };
        let rest = PathPart(rest);
        match &part.meaning {
            Meaning::Field => self.field(value, &part.text, rest),
            Meaning::Index(index) => self.index(value, *index, &part.text, rest),
            Meaning::Every => {
                let mut found = 0;
                for item in items(value, &part.text)? {
                    found += self.at(item, rest, false)?;
                }
                Ok(found)
            }
            Meaning::Element {
                field,
                value: wanted,
                search,
            } => {
                let search = search.as_ref().map_err(|reason| {
                    Error::new(format_args!(
                        "`{wanted}` is no regular expression: {reason}"
                    ))
                })?;
                let found = self.elements(value, (part, field, wanted), search, rest, false)?;
                if found > 0 || self.make.is_none() {
                    return Ok(found);
                }
                // It has no type but what it looks like.
                let text = plain_scalar(wanted, Rules::Kustomize)
                    .unwrap_or_else(|| Value::String(wanted.clone()));
                let made = if field.is_empty() {
                    text
                } else {
                    Value::Object(Map::from_iter([(field.clone(), text)]))
                };
                if let Value::Array(items) = value {
                    items.push(made);
                }
                // kustomize searches on and on for an expression that does not match its own text.
                match self.elements(value, (part, field, wanted), search, rest, true)? {
                    0 => Err(Error::new(format_args!(
                        "an element can only be made for a text, which `{wanted}` is not"
                    ))),
                    found => Ok(found),
                }
            }
            Meaning::Malformed => Err(malformed(&part.text)),
        }
    }

    fn field(&mut self, value: &mut Json, name: &str, rest: PathPart<'_>) -> Result<usize> {
        if name.is_empty() {
            return Err(Error::new("a part of the path is empty"));
        }
        let map = match value {
            Value::Object(map) => map,
            Value::Null if self.make.is_none() => return Ok(0),
            other => return Err(expected("a mapping", name, other)),
        };
        let mut untyped = false;
        let field = match (map.get_mut(name), self.make) {
            (Some(field), _) => field,
            (None, None) => return Ok(0),
            (None, Some(make)) => {
                let make = rest.make(make);
                untyped = make == Make::Scalar;
                map.entry(name).or_insert_with(|| make.empty())
            }
        };
        let is_scalar = !matches!(field, Value::Array(_) | Value::Object(_));
        if is_scalar && !rest.0.is_empty() {
            let mut document = structured::document(&text(field))
                .ok_or_else(|| expected("a mapping", name, field))?;
            let around = std::mem::replace(&mut self.lost, true);
            let found = self.at(&mut document, rest, false);
            self.lost = around;
            return found;
        }
        self.at(field, rest, untyped)
    }

    fn index(
        &mut self,
        value: &mut Json,
        index: usize,
        name: &str,
        rest: PathPart<'_>,
    ) -> Result<usize> {
        let mut untyped = false;
        let items = match value {
            Value::Array(items) => items,
            other => return Err(expected("a list", name, other)),
        };
        if let Some(make) = self.make.filter(|_| items.len() == index) {
            let make = rest.make(make);
            untyped = make == Make::Scalar;
            items.push(make.empty());
        }
        let count = items.len();
        match items.get_mut(index) {
            Some(item) => self.at(item, rest, untyped),
            None => Err(Error::new(format_args!(
                "there is no element {index} in a list of {count}"
            ))),
        }
    }

    fn elements(
        &mut self,
        value: &mut Json,
        (part, field, wanted): (&Part, &str, &str),
        search: &Search,
        rest: PathPart<'_>,
        made: bool,
    ) -> Result<usize> {
        let mut found = 0;
        for item in items(value, &part.text)? {
            if field.is_empty() {
                if search.finds(wanted, &shown(item)) {
                    // What follows in the path is not looked at.
                    found += self.at(item, PathPart(&[]), made)?;
                }
            } else if let Some(value) = item.get(field)
                && search.finds(wanted, &shown(value))
            {
                found += self.at(item, rest, false)?;
            }
        }
        Ok(found)
    }
}

impl Search {
    fn new(expression: &str) -> std::result::Result<Self, String> {
        let special = |c| "\\.+*?()|[]{}^$".contains(c);
        if !expression.contains(special) {
            return Ok(Self::Literal);
        }
        if expression.len() > MAX_EXPRESSION {
            return Err(format!("it is longer than {MAX_EXPRESSION} bytes"));
        }
        RegexBuilder::new(expression)
            .size_limit(MAX_COMPILED)
            .build()
            .map(|regex| Self::Regex(Box::new(regex)))
            .map_err(|error| error.to_string())
    }

    fn finds(&self, expression: &str, text: &str) -> bool {
        match self {
            Self::Literal => text.contains(expression),
            Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Takes a path apart at its dots. `\.` is a dot in a part, a dot in front is left out, and a part
/// in brackets keeps its dots; one of several pieces without `=` is the name of a field.
pub(crate) fn split(path: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for piece in path.strip_prefix('.').unwrap_or(path).split('.') {
        match pieces.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            _ => pieces.push(piece.to_owned()),
        }
    }
    let mut parts = Vec::with_capacity(pieces.len());
    let mut pieces = pieces.into_iter();
    while let Some(mut part) = pieces.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            for piece in pieces.by_ref() {
                part.push('.');
                part.push_str(&piece);
                if piece.ends_with(']') {
                    break;
                }
            }
            if !part.contains('=') {
                part = part.trim_matches(['[', ']']).to_owned();
            }
        }
        parts.push(part);
    }
    parts
}

fn bracketed(part: &str) -> Option<&str> {
    part.strip_prefix('[')?.strip_suffix(']')
}

/// An index as Go reads one.
fn index(part: &str) -> Option<i64> {
    part.parse().ok()
}

fn list<'v>(value: &'v Json, name: &str) -> Result<&'v Vec<Json>> {
    value
        .as_array()
        .ok_or_else(|| expected("a list", name, value))
}

fn items<'v>(value: &'v mut Json, name: &str) -> Result<&'v mut [Json]> {
    match value {
        Value::Array(items) => Ok(items),
        Value::Null => Ok(&mut []),
        other => Err(expected("a list", name, other)),
    }
}

/// A value as text that expressions are looked for in.
fn shown(value: &Json) -> Cow<'_, str> {
    match value {
        Value::Array(_) | Value::Object(_) => Cow::Owned(to_yaml(value).trim().to_owned()),
        scalar => match text(scalar) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text),
        },
    }
}

fn expected(what: &str, part: &str, found: &Json) -> Error {
    Error::new(format_args!(
        "expected {what} for `{part}`, found {}",
        kind_of(found)
    ))
}

fn malformed(part: &str) -> Error {
    Error::new(format_args!("`{part}` names no element")).hint("write `[field=value]`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("spec.replicas", &["spec", "replicas"])]
    #[case(".spec.replicas", &["spec", "replicas"])]
    #[case("/spec/replicas", &["/spec/replicas"])]
    #[case(r"metadata.annotations.a\.b/c", &["metadata", "annotations", "a.b/c"])]
    #[case("metadata.annotations.[a.b/c]", &["metadata", "annotations", "a.b/c"])]
    #[case("metadata.annotations.[abc]", &["metadata", "annotations", "[abc]"])]
    #[case("spec.[name=a.b.c].image", &["spec", "[name=a.b.c]", "image"])]
    #[case("spec.[name=a.b", &["spec", "[name=a.b"])]
    #[case(r"a\", &[r"a\"])]
    #[case("", &[""])]
    fn a_path_has_parts(#[case] path: &str, #[case] parts: &[&str]) {
        assert_eq!(split(path), parts, "the parts of {path}");
    }
}
