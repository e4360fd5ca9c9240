//! Reads values into types as Go's JSON decoder does.
//!
//! Keys are compared without regard to case, null leaves a field as it is, and where kustomize reads
//! YAML into a type, a number or a boolean becomes a text when a text is wanted.

use std::fmt;

use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Map, Number, Value};
use windlass_plugin_sdk::Json;

use crate::error::Error;
use crate::field::kind_of;

/// How values are read into types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Whether a key that the type does not know is an error; otherwise it is passed over.
    pub(crate) known_keys_only: bool,
    /// Whether a number or a boolean becomes a text where a text is wanted
    /// (`sigs.k8s.io/yaml`); otherwise it is an error (`encoding/json`).
    pub(crate) scalars_become_text: bool,
}

impl Reading {
    /// The configuration of a built-in plugin.
    pub(crate) const PLUGIN: Self = Self {
        known_keys_only: false,
        scalars_become_text: true,
    };

    /// A file of `configurations`.
    pub(crate) const CONFIGURATION: Self = Self {
        known_keys_only: true,
        scalars_become_text: true,
    };

    /// Reads a value.
    ///
    /// # Errors
    /// Names the field: it is unknown, missing, or of the wrong type.
    pub(crate) fn read<T: DeserializeOwned>(self, value: Json) -> Result<T, Error> {
        T::deserialize(GoJson {
            value,
            reading: self,
        })
        .map_err(|fault| {
            let error = Error::new(fault.message);
            if fault.path.is_empty() {
                return error;
            }
            let mut path = String::new();
            for step in fault.path.iter().rev() {
                match step {
                    Step::Key(key) => windlass_plugin_common::field::push_key(&mut path, key),
                    Step::Index(index) => {
                        windlass_plugin_common::field::push_index(&mut path, *index);
                    }
                }
            }
            error.field(path)
        })
    }
}

/// Why a value does not fit, and where, the innermost step first.
#[derive(Debug)]
struct Fault {
    message: String,
    path: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl Fault {
    fn at(mut self, step: Step) -> Self {
        self.path.push(step);
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
            path: Vec::new(),
        }
    }
}

/// The name of [`crate::field::Embedded`].
const EMBEDDED: &str = "Embedded";

/// A number as Go's `strconv` writes it with format `g`, which is not how it is written in JSON.
fn number_text(number: &Number) -> String {
    let value = match number.as_f64() {
        Some(value) if number.is_f64() => value,
        _ => return number.to_string(),
    };
    let scientific = format!("{value:e}");
    match scientific.split_once('e') {
        Some((digits, power)) => match power.parse::<i32>() {
            Ok(power) if !(-4..6).contains(&power) => {
                let sign = if power < 0 { '-' } else { '+' };
                format!("{digits}e{sign}{:02}", power.abs())
            }
            _ => value.to_string(),
        },
        None => scientific,
    }
}

/// A value on its way into a type.
struct GoJson {
    value: Json,
    reading: Reading,
}

impl GoJson {
    fn wrong<T>(&self, expected: &str) -> Result<T, Fault> {
        Err(serde::de::Error::custom(format_args!(
            "expected {expected}, found {}",
            kind_of(&self.value)
        )))
    }

    fn fields(self) -> Result<Fields, Fault> {
        match self.value {
            Value::Object(map) => Ok(Fields::new(map, self.reading)),
            Value::Null => Ok(Fields::new(Map::new(), self.reading)),
            _ => self.wrong("a mapping"),
        }
    }
}

impl<'de> Deserializer<'de> for GoJson {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (_, Some(value)) => visitor.visit_i64(value),
                _ => visitor.visit_f64(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => self.deserialize_seq(visitor),
            Value::Object(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Null => visitor.visit_bool(false),
            _ => self.wrong("a boolean"),
        }
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::Null => visitor.visit_i64(0),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(value), _) => visitor.visit_i64(value),
                // A whole number below 2^53 is exact as a float, and is written without a point.
                (None, Some(value)) if value.fract() == 0.0 && value.abs() < 9e15 => {
                    visitor.visit_i64(value as i64)
                }
                _ => self.wrong("a whole number of 64 bits"),
            },
            _ => self.wrong("a whole number"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(text) => visitor.visit_string(text),
            Value::Null => visitor.visit_str(""),
            Value::Number(number) if self.reading.scalars_become_text => {
                visitor.visit_string(number_text(&number))
            }
            Value::Bool(value) if self.reading.scalars_become_text => {
                visitor.visit_str(if value { "true" } else { "false" })
            }
            _ => self.wrong("text"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.value.is_null() {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(Self {
            reading: Reading {
                scalars_become_text: self.reading.scalars_become_text && name != EMBEDDED,
                ..self.reading
            },
            ..self
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let elements = match self.value {
            Value::Array(elements) => elements,
            Value::Null => Vec::new(),
            _ => return self.wrong("a list"),
        };
        visitor.visit_seq(Elements {
            elements: elements.into_iter().enumerate(),
            reading: self.reading,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_map(self.fields()?)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let reading = self.reading;
        let mut fields = self.fields()?;
        fields.keep(known, reading)?;
        visitor.visit_map(fields)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match self.value {
            Value::String(text) => visitor.visit_enum(text.into_deserializer()),
            _ => self.wrong("text"),
        }
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct tuple
        tuple_struct identifier ignored_any
    }
}

/// The fields of a mapping, one after the other.
struct Fields {
    rest: std::vec::IntoIter<(String, Json)>,
    current: Option<(String, Json)>,
    reading: Reading,
}

impl Fields {
    fn new(map: Map<String, Json>, reading: Reading) -> Self {
        let fields: Vec<_> = map.into_iter().collect();
        Self {
            rest: fields.into_iter(),
            current: None,
            reading,
        }
    }

    /// Keeps what a struct knows, under its own spelling. A key in exactly that spelling wins over
    /// others: Go takes the last in the text, whose order is not known any more.
    fn keep(&mut self, known: &'static [&'static str], reading: Reading) -> Result<(), Fault> {
        let mut kept: Vec<(String, Json)> = Vec::new();
        for (key, value) in self.rest.by_ref() {
            let Some(name) = known
                .iter()
                .find(|name| **name == key)
                .or_else(|| known.iter().find(|name| name.eq_ignore_ascii_case(&key)))
            else {
                if reading.known_keys_only {
                    return Err(unknown(&key, known));
                }
                continue;
            };
            if value.is_null() {
                continue;
            }
            match kept.iter_mut().find(|(present, _)| present == name) {
                Some(present) if key == *name => present.1 = value,
                Some(_) => {}
                None => kept.push(((*name).to_owned(), value)),
            }
        }
        self.rest = kept.into_iter();
        Ok(())
    }
}

fn unknown(key: &str, known: &'static [&'static str]) -> Fault {
    let near = windlass_plugin_common::closest(key, known.iter().copied());
    serde::de::Error::custom(match near {
        Some(near) => format!("unknown field `{key}`, did you mean `{near}`?"),
        None => format!("unknown field `{key}`"),
    })
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        self.current = self.rest.next();
        match &self.current {
            Some((key, _)) => seed.deserialize(key.as_str().into_deserializer()).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let (key, value) = self.current.take().unwrap_or_default();
        let value = GoJson {
            value,
            reading: self.reading,
        };
        seed.deserialize(value)
            .map_err(|fault| fault.at(Step::Key(key)))
    }
}

/// The elements of a list, one after the other.
struct Elements {
    elements: std::iter::Enumerate<std::vec::IntoIter<Json>>,
    reading: Reading,
}

impl<'de> SeqAccess<'de> for Elements {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some((index, value)) = self.elements.next() else {
            return Ok(None);
        };
        let value = GoJson {
            value,
            reading: self.reading,
        };
        seed.deserialize(value)
            .map(Some)
            .map_err(|fault| fault.at(Step::Index(index)))
    }
}
