//! A path to a field, taken apart once.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::error::{Error, Result};

/// More parts than any field has; a path is walked, and made, by recursion.
const MAX_PARTS: usize = 100;

/// The path of a field specification: `spec/template/metadata/labels`.
///
/// Parts are separated by slashes; `\/` is a slash in a part, and a slash in front is left out.
#[derive(Clone)]
pub(crate) struct FieldPath(Rc<Parsed>);

struct Parsed {
    text: Cow<'static, str>,
    parts: Vec<Part>,
    too_long: bool,
}

/// One part of a path.
pub(crate) struct Part {
    name: Cow<'static, str>,
    meaning: Meaning,
    /// Whether it ends in `[]`: it names a list, and is never made.
    pub(crate) is_list: bool,
}

/// What a part means when it meets a mapping. kustomize looks every part up with the getter that its
/// patches also use, so that some names mean something else there and always fail here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Field,
    /// Only blanks: the getter skips it.
    Skipped,
    Empty,
    Index,
    Wildcard,
    Element,
}

impl Part {
    /// The name of the field; `None` when the part stands for the mapping itself.
    ///
    /// # Errors
    /// The part can name no field of a mapping.
    pub(crate) fn field(&self) -> Result<Option<&str>> {
        let error = match self.meaning {
            Meaning::Field => return Ok(Some(&self.name)),
            Meaning::Skipped => return Ok(None),
            Meaning::Empty => Error::new("a part of the path is empty"),
            Meaning::Index => Error::new(format_args!(
                "`{}` is taken for an index into a list, but the value is a mapping",
                self.name
            )),
            Meaning::Wildcard => Error::new("`*` is not allowed in the path of a field"),
            Meaning::Element => Error::new(format_args!(
                "`{}` is taken for an element of a list, but the value is a mapping",
                self.name
            )),
        };
        Err(error)
    }

    fn new(text: Cow<'static, str>) -> Self {
        let (text, is_list) = match text {
            Cow::Borrowed(text) => match text.strip_suffix("[]") {
                Some(name) => (Cow::Borrowed(name), true),
                None => (Cow::Borrowed(text), false),
            },
            Cow::Owned(mut text) => {
                let is_list = text.ends_with("[]");
                if is_list {
                    text.truncate(text.len() - 2);
                }
                (Cow::Owned(text), is_list)
            }
        };
        if text.is_empty() {
            return Self {
                name: text,
                meaning: Meaning::Empty,
                is_list,
            };
        }
        let name = match text {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => match text.trim() {
                trimmed if trimmed.len() == text.len() => Cow::Owned(text),
                trimmed => Cow::Owned(trimmed.to_owned()),
            },
        };
        let meaning = match &*name {
            "" => Meaning::Skipped,
            "*" => Meaning::Wildcard,
            "-" => Meaning::Index,
            name if name.starts_with('[') && name.ends_with(']') => Meaning::Element,
            name if name.parse::<i64>().is_ok() => Meaning::Index,
            _ => Meaning::Field,
        };
        Self {
            name,
            meaning,
            is_list,
        }
    }
}

impl FieldPath {
    /// The path as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.0.text
    }

    /// Its parts.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn parts(&self) -> Result<&[Part]> {
        if self.0.too_long {
            return Err(Error::new(format_args!(
                "the path of a field has more than {MAX_PARTS} parts"
            )));
        }
        Ok(&self.0.parts)
    }

    fn new(text: Cow<'static, str>, split: (Vec<Part>, bool)) -> Self {
        let (parts, too_long) = split;
        Self(Rc::new(Parsed {
            text,
            parts,
            too_long,
        }))
    }
}

/// Takes a path apart, and says whether it has too many parts. `own` keeps a piece of the text.
fn split<'a>(text: &'a str, own: impl Fn(&'a str) -> Cow<'static, str>) -> (Vec<Part>, bool) {
    let text = text.strip_prefix('/').unwrap_or(text);
    let mut parts = Vec::with_capacity(text.matches('/').count().min(MAX_PARTS) + 1);
    let mut open: Option<String> = None;
    for piece in text.split('/') {
        let joined = open.take().map(|head| head + "/" + piece);
        if let Some(head) = joined.as_deref().unwrap_or(piece).strip_suffix('\\') {
            open = Some(head.to_owned());
            continue;
        }
        if parts.len() == MAX_PARTS {
            return (parts, true);
        }
        parts.push(Part::new(joined.map_or_else(|| own(piece), Cow::Owned)));
    }
    // A backslash at the very end escapes nothing, and is kept.
    if let Some(head) = open {
        parts.push(Part::new(Cow::Owned(head + "\\")));
    }
    (parts, false)
}

impl From<&'static str> for FieldPath {
    fn from(text: &'static str) -> Self {
        Self::new(Cow::Borrowed(text), split(text, Cow::Borrowed))
    }
}

impl From<String> for FieldPath {
    fn from(text: String) -> Self {
        let parts = split(&text, |piece| Cow::Owned(piece.to_owned()));
        Self::new(Cow::Owned(text), parts)
    }
}

impl PartialEq for FieldPath {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for FieldPath {}

impl PartialEq<str> for FieldPath {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl Hash for FieldPath {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
