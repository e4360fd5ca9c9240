//! A configuration against the JSON Schema of its plugin, before the plugin runs.
//!
//! The schema comes from whoever wrote the plugin. So it may take a bounded number of steps and no
//! more, references lead nowhere but into the schema itself, and expressions are matched in linear
//! time. What is not understood here, and what goes beyond the bounds, is left to the plugin.
//!
//! The words are those of JSON Schema 2020-12, as far as they judge a value by itself.

use regex_lite::RegexBuilder;
use serde_json::{Map, Value as Json};
use std::fmt;

/// The most steps of one check: a step is one schema that meets one value.
const STEPS: usize = 20_000;
/// How deep schemas may be in each other.
const DEPTH: usize = 64;
/// The most memory of a compiled expression, in bytes.
const EXPRESSION: usize = 64 << 10;
/// The longest text that an expression is matched with, in bytes.
const TEXT: usize = 4 << 10;
/// From which length on no more is said of other forms that a value may have, in bytes.
const ALTERNATIVES: usize = 200;
/// How many names are listed when one is wrong.
const NAMES: usize = 12;

/// Where a configuration differs from its schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    /// The way to the value: keys, and numbers of items.
    pub(crate) path: Vec<Part>,
    /// What is wrong with it: the end of a sentence that begins with the key.
    pub(crate) wrong: String,
    /// Whether the key itself is the one thing that is wrong.
    pub(crate) is_unknown: bool,
}

/// One part of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Key(String),
    Item(usize),
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = match self.path.first() {
            Some(Part::Key(_)) => ".",
            _ => "",
        };
        write!(f, "`config{dot}{}` {}", self.key(), self.wrong)
    }
}

impl Violation {
    /// The way as people write it: `patches[0].target`; empty for the configuration itself.
    pub(crate) fn key(&self) -> String {
        let mut key = String::new();
        for part in &self.path {
            match part {
                Part::Item(index) => key.push_str(&format!("[{index}]")),
                Part::Key(name) if key.is_empty() => key.push_str(name),
                Part::Key(name) => key.push_str(&format!(".{name}")),
            }
        }
        key
    }

    /// Adds what is wrong with the same value by another form that it may have.
    fn or(&mut self, other: &Self) {
        if self.wrong.len() < ALTERNATIVES && !self.wrong.contains(&other.wrong) {
            self.wrong.push_str(", or ");
            self.wrong.push_str(&other.wrong);
        }
        self.is_unknown &= other.is_unknown;
    }

    /// The last key on the way.
    pub(crate) fn name(&self) -> &str {
        self.path
            .iter()
            .rev()
            .find_map(|part| match part {
                Part::Key(name) => Some(name.as_str()),
                Part::Item(_) => None,
            })
            .unwrap_or_default()
    }

    /// The way as a JSON pointer (RFC 6901).
    pub(crate) fn pointer(&self) -> String {
        let part = |part: &Part| match part {
            Part::Item(index) => format!("/{index}"),
            Part::Key(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        };
        self.path.iter().map(part).collect()
    }
}

/// Finds the first thing that is wrong; none, too, where the schema asks for too much work.
pub(crate) fn check(schema: &Json, config: &Json) -> Option<Violation> {
    let mut checker = Checker {
        root: schema,
        path: Vec::new(),
        steps: STEPS,
    };
    match checker.check(schema, config, 0) {
        Err(Stop::Wrong(violation)) => Some(violation),
        Ok(()) | Err(Stop::TooMuch) => None,
    }
}

enum Stop {
    Wrong(Violation),
    TooMuch,
}

type Checked = Result<(), Stop>;

struct Checker<'a> {
    root: &'a Json,
    path: Vec<Part>,
    steps: usize,
}

impl<'a> Checker<'a> {
    fn check(&mut self, schema: &'a Json, value: &Json, depth: usize) -> Checked {
        self.steps = self.steps.checked_sub(1).ok_or(Stop::TooMuch)?;
        if depth > DEPTH {
            return Err(Stop::TooMuch);
        }
        let schema = match schema {
            Json::Object(schema) => schema,
            Json::Bool(false) => return Err(self.wrong("is not allowed here")),
            _ => return Ok(()),
        };
        if let Some(target) = schema.get("$ref").and_then(Json::as_str) {
            // Any other reference would have to be fetched.
            if let Some(target) = target
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer))
            {
                self.check(target, value, depth + 1)?;
            }
        }
        self.kind(schema, value)?;
        self.choice(schema, value)?;
        match value {
            Json::Object(object) => self.object(schema, object, depth)?,
            Json::Array(items) => self.array(schema, items, depth)?,
            Json::String(text) => self.text(schema, text)?,
            Json::Number(number) => self.number(schema, number.as_f64())?,
            Json::Bool(_) | Json::Null => {}
        }
        self.combinations(schema, value, depth)
    }

    fn kind(&self, schema: &Map<String, Json>, value: &Json) -> Checked {
        let kinds: Vec<&str> = match schema.get("type") {
            Some(Json::String(kind)) => vec![kind],
            Some(Json::Array(kinds)) => kinds.iter().filter_map(Json::as_str).collect(),
            _ => return Ok(()),
        };
        let fits = |kind: &&str| match *kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "boolean" => value.is_boolean(),
            "null" => value.is_null(),
            "number" => value.is_number(),
            "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            // A word of later times.
            _ => true,
        };
        if kinds.iter().any(fits) {
            return Ok(());
        }
        let name = |kind: &str| match kind {
            "object" => "a mapping",
            "array" => "a list",
            "string" => "a text",
            "boolean" => "`true` or `false`",
            "null" => "nothing",
            "integer" => "a whole number",
            _ => "a number",
        };
        let expected: Vec<&str> = kinds.into_iter().map(name).collect();
        Err(self.wrong(&format!(
            "is {}, not {}",
            found(value),
            expected.join(" or ")
        )))
    }

    fn choice(&self, schema: &Map<String, Json>, value: &Json) -> Checked {
        let allowed = match (schema.get("enum"), schema.get("const")) {
            (Some(Json::Array(allowed)), _) => allowed.as_slice(),
            (_, Some(only)) => std::slice::from_ref(only),
            _ => return Ok(()),
        };
        if allowed.contains(value) {
            return Ok(());
        }
        let names: Vec<String> = allowed.iter().take(NAMES).map(shown).collect();
        let nearest = value.as_str().and_then(|text| {
            nearest(text, allowed.iter().filter_map(Json::as_str))
                .map(|name| format!("; did you mean `{name}`?"))
        });
        Err(self.wrong(&format!(
            "is {}, and has to be {}{}",
            shown(value),
            names.join(" or "),
            nearest.unwrap_or_default()
        )))
    }

    fn object(
        &mut self,
        schema: &'a Map<String, Json>,
        object: &Map<String, Json>,
        depth: usize,
    ) -> Checked {
        let properties = schema.get("properties").and_then(Json::as_object);
        let patterns = schema.contains_key("patternProperties");
        let others = schema.get("additionalProperties");
        for (key, value) in object {
            // Empty, as YAML has it, is mostly as good as absent: the plugin knows.
            if value.is_null() && properties.is_some_and(|known| known.contains_key(key)) {
                continue;
            }
            self.path.push(Part::Key(key.clone()));
            match (properties.and_then(|known| known.get(key)), others) {
                (Some(known), _) => self.check(known, value, depth + 1)?,
                // Which of the two judges the key, is for the plugin to know.
                (None, _) if patterns => {}
                (None, Some(Json::Bool(false))) => {
                    return Err(self.unknown(key, properties));
                }
                (None, Some(others)) => self.check(others, value, depth + 1)?,
                (None, None) => {}
            }
            self.path.pop();
        }
        let required = schema.get("required").and_then(Json::as_array);
        for key in required.into_iter().flatten().filter_map(Json::as_str) {
            if !object.contains_key(key) {
                return Err(self.wrong(&format!("lacks the key `{key}`")));
            }
        }
        self.count(schema, "Properties", object.len(), "keys")
    }

    fn array(&mut self, schema: &'a Map<String, Json>, items: &[Json], depth: usize) -> Checked {
        self.count(schema, "Items", items.len(), "items")?;
        // With a prefix, `items` is about the rest.
        let prefix = schema.get("prefixItems").and_then(Json::as_array);
        let prefix = prefix.map_or(&[][..], Vec::as_slice);
        let rest = schema.get("items").filter(|rest| !rest.is_array());
        for (index, item) in items.iter().enumerate() {
            if let Some(of_item) = prefix.get(index).or(rest) {
                self.path.push(Part::Item(index));
                self.check(of_item, item, depth + 1)?;
                self.path.pop();
            }
        }
        Ok(())
    }

    fn text(&mut self, schema: &Map<String, Json>, text: &str) -> Checked {
        self.count(schema, "Length", text.chars().count(), "characters")?;
        let Some(pattern) = schema.get("pattern").and_then(Json::as_str) else {
            return Ok(());
        };
        if text.len() > TEXT || pattern.len() > TEXT {
            return Ok(());
        }
        // Matching takes the product of both lengths.
        let steps = 1 + pattern.len() * text.len() / TEXT;
        self.steps = self.steps.checked_sub(steps).ok_or(Stop::TooMuch)?;
        match RegexBuilder::new(pattern).size_limit(EXPRESSION).build() {
            Ok(expression) if !expression.is_match(text) => Err(self.wrong(&format!(
                "is {}, which does not match `{pattern}`",
                shown(&Json::from(text))
            ))),
            _ => Ok(()),
        }
    }

    fn number(&self, schema: &Map<String, Json>, number: Option<f64>) -> Checked {
        let bound = |word: &str| schema.get(word).and_then(Json::as_f64);
        let Some(number) = number else { return Ok(()) };
        let wrong = |than: &str, bound: f64| {
            Err(self.wrong(&format!("is {number}, and has to be {than} {bound}")))
        };
        if let Some(least) = bound("minimum").filter(|least| number < *least) {
            return wrong("at least", least);
        }
        if let Some(most) = bound("maximum").filter(|most| number > *most) {
            return wrong("at most", most);
        }
        if let Some(least) = bound("exclusiveMinimum").filter(|least| number <= *least) {
            return wrong("more than", least);
        }
        if let Some(most) = bound("exclusiveMaximum").filter(|most| number >= *most) {
            return wrong("less than", most);
        }
        Ok(())
    }

    fn count(&self, schema: &Map<String, Json>, of: &str, count: usize, what: &str) -> Checked {
        let bound = |word: String| schema.get(&word).and_then(Json::as_u64);
        if let Some(least) = bound(format!("min{of}")).filter(|least| (count as u64) < *least) {
            return Err(self.wrong(&format!("has {count} {what}, and {least} are the fewest")));
        }
        if let Some(most) = bound(format!("max{of}")).filter(|most| count as u64 > *most) {
            return Err(self.wrong(&format!("has {count} {what}, and {most} are the most")));
        }
        Ok(())
    }

    fn combinations(
        &mut self,
        schema: &'a Map<String, Json>,
        value: &Json,
        depth: usize,
    ) -> Checked {
        let list = |word: &str| schema.get(word).and_then(Json::as_array);
        for part in list("allOf").into_iter().flatten() {
            self.check(part, value, depth + 1)?;
        }
        for (word, only_one) in [("anyOf", false), ("oneOf", true)] {
            let Some(forms) = list(word).filter(|forms| !forms.is_empty()) else {
                continue;
            };
            let (mut fitting, mut nearest): (usize, Option<Violation>) = (0, None);
            for form in forms {
                let Some(violation) = self.attempt(form, value, depth)? else {
                    fitting += 1;
                    continue;
                };
                match &mut nearest {
                    // The one that goes deepest is most likely the one that was meant.
                    Some(known) if known.path.len() > violation.path.len() => {}
                    Some(known) if known.path == violation.path => known.or(&violation),
                    known => *known = Some(violation),
                }
            }
            match nearest {
                Some(violation) if fitting == 0 => return Err(Stop::Wrong(violation)),
                _ if only_one && fitting > 1 => {
                    return Err(self.wrong(&format!(
                        "fits {fitting} of {} forms, and has to fit one",
                        forms.len()
                    )));
                }
                _ => {}
            }
        }
        if let Some(not) = schema.get("not")
            && self.attempt(not, value, depth)?.is_none()
        {
            return Err(self.wrong("has a form that is excluded"));
        }
        Ok(())
    }

    /// Says what would be wrong with a value by one of several schemas.
    fn attempt(
        &mut self,
        schema: &'a Json,
        value: &Json,
        depth: usize,
    ) -> Result<Option<Violation>, Stop> {
        let length = self.path.len();
        let checked = self.check(schema, value, depth + 1);
        self.path.truncate(length);
        match checked {
            Ok(()) => Ok(None),
            Err(Stop::Wrong(violation)) => Ok(Some(violation)),
            Err(Stop::TooMuch) => Err(Stop::TooMuch),
        }
    }

    fn wrong(&self, wrong: &str) -> Stop {
        Stop::Wrong(Violation {
            path: self.path.clone(),
            wrong: wrong.to_owned(),
            is_unknown: false,
        })
    }

    fn unknown(&self, key: &str, properties: Option<&Map<String, Json>>) -> Stop {
        let names = || {
            properties
                .into_iter()
                .flat_map(Map::keys)
                .map(String::as_str)
        };
        let remedy = match nearest(key, names()) {
            Some(name) => format!("; did you mean `{name}`?"),
            None => {
                let names: Vec<&str> = names().take(NAMES).collect();
                match names.is_empty() {
                    true => String::new(),
                    false => format!("; known here: {}", names.join(", ")),
                }
            }
        };
        Stop::Wrong(Violation {
            path: self.path.clone(),
            wrong: format!("is no key that the plugin knows{remedy}"),
            is_unknown: true,
        })
    }
}

fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (written.chars().count() / 3).max(1);
    names
        .map(|name| (strsim::osa_distance(written, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

fn found(value: &Json) -> &'static str {
    match value {
        Json::Object(_) => "a mapping",
        Json::Array(_) => "a list",
        Json::String(_) => "a text",
        Json::Number(_) => "a number",
        Json::Bool(_) => "a boolean",
        Json::Null => "empty",
    }
}

/// A value in a message, cut where nobody reads on.
fn shown(value: &Json) -> String {
    let text = match value {
        Json::String(text) => text.clone(),
        value => value.to_string(),
    };
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("`{}…`", &text[..at]),
        None => format!("`{text}`"),
    }
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
