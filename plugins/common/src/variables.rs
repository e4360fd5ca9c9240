//! Variables of the environment in what a plugin reads.
//!
//! `${NAME}` in a string is replaced; names are `[A-Za-z_][A-Za-z0-9_]*`. A string that is nothing
//! but `${NAME}` becomes the variable's value with its type, so that `replicas: ${REPLICAS}` is a
//! number; within a longer string, and where Kubernetes takes nothing but text (labels, the data of
//! a ConfigMap, an environment variable of a container), the value is put in as text.
//! `${NAME:-default}` gives the default when the variable is not set or empty. `$${` stands for
//! `${`. References to secrets, `${secret:…}`, are left to the plugin `secrets`; `$NAME` and
//! `$(NAME)` are left to the shell and to Kubernetes.
//!
//! An object with the annotation `windlass.dev/substitute: disabled`, or with the one of Flux for
//! the same purpose, is left as it is: scripts and templates hold `${…}` of their own.

mod place;
mod text;

use crate::field::{push_index, push_key};
use crate::{Identity, closest};
use place::Place;
use serde::Deserialize;
use std::collections::BTreeMap;
use text::Piece;
use windlass_plugin_sdk::{Failure, Json};

/// What begins a reference to a secret, which variables never touch.
pub const SECRET_PREFIX: &str = "${secret:";

const DISABLED: [&str; 2] = [
    "windlass.dev/substitute",
    "kustomize.toolkit.fluxcd.io/substitute",
];

/// The variables that the host hands in with the configuration.
///
/// Without any, nothing is substituted at all and `${` has no meaning: an environment that does
/// not know of variables is not surprised by them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(transparent)]
pub struct Variables(Option<BTreeMap<String, Json>>);

impl Variables {
    /// Variables with these values.
    pub fn new(values: impl IntoIterator<Item = (String, Json)>) -> Self {
        Self(Some(values.into_iter().collect()))
    }

    /// Replaces the variables in all strings of an object that was read from `file`.
    ///
    /// # Errors
    /// Names the file, the object, the field and the variable that is not defined, with the one
    /// that was probably meant.
    pub fn substitute(&self, object: &mut Json, file: &str) -> Result<(), Failure> {
        let Some(values) = &self.0 else {
            return Ok(());
        };
        let annotations = &object["metadata"]["annotations"];
        if DISABLED.iter().any(|name| annotations[*name] == "disabled") {
            return Ok(());
        }
        let place = Place::root(object);
        let mut field = String::new();
        let mut walk = Walk {
            values,
            field: &mut field,
        };
        walk.value(object, place).map_err(|problem| {
            let subject = match Identity::of(object) {
                Identity { kind: "", .. } => String::new(),
                identity => format!(" ({identity})"),
            };
            let failure = Failure::new(format!("{file}{subject}, {field}: {}", problem.message));
            failure.hint(problem.hint)
        })
    }
}

impl Variables {
    /// Replaces the variables in one text of the configuration, which is at `place`.
    ///
    /// # Errors
    /// As [`Variables::substitute`], with the key of the configuration.
    pub fn text(&self, text: &str, place: &str) -> Result<String, Failure> {
        let Some(values) = &self.0 else {
            return Ok(text.to_owned());
        };
        let mut field = place.to_owned();
        let mut value = Json::String(text.to_owned());
        let mut walk = Walk {
            values,
            field: &mut field,
        };
        walk.value(&mut value, Place::Text).map_err(|problem| {
            Failure::new(problem.message)
                .field(place)
                .hint(problem.hint)
        })?;
        match value {
            Json::String(text) => Ok(text),
            other => Ok(other.to_string()),
        }
    }
}

struct Problem {
    message: String,
    hint: String,
}

struct Walk<'a> {
    values: &'a BTreeMap<String, Json>,
    field: &'a mut String,
}

impl Walk<'_> {
    /// The field is left as it was at the first problem, where the caller finds it.
    fn value(&mut self, value: &mut Json, place: Place) -> Result<(), Problem> {
        let length = self.field.len();
        match value {
            Json::String(text) if text.contains("${") => {
                if let Some(new) = self.string(text, place)? {
                    *value = new;
                }
            }
            Json::Array(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    push_index(self.field, index);
                    self.value(item, place.item())?;
                    self.field.truncate(length);
                }
            }
            Json::Object(map) => {
                for (key, item) in map {
                    push_key(self.field, key);
                    self.value(item, place.key(key))?;
                    self.field.truncate(length);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn string(&self, text: &str, place: Place) -> Result<Option<Json>, Problem> {
        let pieces = text::split(text).map_err(|wrong| Problem {
            message: format!("`{wrong}` is not a variable"),
            hint: "a variable is written `${NAME}` with letters, digits and `_`; write `$${` for \
                   a literal `${`, or set the annotation `windlass.dev/substitute: disabled` on \
                   the object"
                .to_owned(),
        })?;
        if let [Piece::Variable { name, default }] = pieces[..]
            && place != Place::Text
        {
            return self.lookup(name, default).map(|found| match found {
                Found::Value(value) => Some(value.clone()),
                Found::Default(text) => Some(typed(text)),
            });
        }
        let mut result = String::with_capacity(text.len());
        for piece in pieces {
            match piece {
                Piece::Text(text) => result.push_str(text),
                Piece::Variable { name, default } => match self.lookup(name, default)? {
                    Found::Default(text) => result.push_str(text),
                    Found::Value(Json::String(text)) => result.push_str(text),
                    Found::Value(value @ (Json::Number(_) | Json::Bool(_))) => {
                        result.push_str(&value.to_string());
                    }
                    Found::Value(value) => {
                        let kind = crate::field::kind_of(value);
                        return Err(Problem {
                            message: format!(
                                "the variable `{name}` is {kind}, which cannot become text"
                            ),
                            hint: "give the variable a text, a number or a boolean".to_owned(),
                        });
                    }
                },
            }
        }
        Ok(Some(Json::String(result)))
    }

    fn lookup<'t>(&self, name: &str, default: Option<&'t str>) -> Result<Found<'_, 't>, Problem> {
        match (self.values.get(name), default) {
            (Some(Json::String(text)), Some(default)) if text.is_empty() => {
                Ok(Found::Default(default))
            }
            (Some(value), _) => Ok(Found::Value(value)),
            (None, Some(default)) => Ok(Found::Default(default)),
            (None, None) => Err(Problem {
                message: format!("the variable `{name}` is not defined"),
                hint: match closest(name, self.values.keys().map(String::as_str)) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None => "define it under `variables` of the environment, or write `$${` for a \
                             literal `${`"
                        .to_owned(),
                },
            }),
        }
    }
}

enum Found<'v, 't> {
    Value(&'v Json),
    Default(&'t str),
}

/// Reads a default as the scalar that it would be in the variable's place.
fn typed(text: &str) -> Json {
    let documents =
        windlass_manifest::decode(text.as_bytes(), &windlass_manifest::Limits::default());
    match documents.ok().and_then(|mut documents| documents.pop()) {
        Some(document) if !document.value.is_object() && !document.value.is_array() => {
            document.value
        }
        _ => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
