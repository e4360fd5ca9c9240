//! The walk through object and patch.

use serde_json::Map;
use windlass_plugin_sdk::Json;

use super::list::{Items, merge_items};
use super::problem::{Problem, Step};
use super::scalar;
use crate::schema::{Known, Schema};

/// The key of a directive.
pub(super) const DIRECTIVE: &str = "$patch";

/// A walk with what is known about kinds.
#[derive(Clone, Copy)]
pub(super) struct Walk<'s> {
    pub(super) schema: &'s Schema,
}

/// Which value is the result of merging two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// That of the object, changed in place.
    Object,
    /// That of the patch, changed in place.
    Patch,
    /// None: the field or item goes away.
    Nothing,
}

/// What a patch wants to be done with a mapping or list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

impl<'s> Walk<'s> {
    /// Merges a value of the patch into the one of the object.
    pub(super) fn pair(
        self,
        object: &mut Json,
        patch: &mut Json,
        known: Option<Known<'s>>,
    ) -> Step<Outcome> {
        let known = known
            .or_else(|| self.by_kind(object))
            .or_else(|| self.by_kind(patch));
        match (&mut *object, &mut *patch) {
            (Json::Null, _) => Ok(if self.added(patch, known)? {
                Outcome::Patch
            } else {
                Outcome::Nothing
            }),
            (_, Json::Null) => Ok(Outcome::Nothing),
            (Json::Object(fields), Json::Object(changes)) => match take_directive(changes)? {
                Directive::Delete => Ok(Outcome::Nothing),
                Directive::Replace => {
                    self.twin_fields(changes, known)?;
                    Ok(Outcome::Patch)
                }
                Directive::Merge => {
                    self.fields(fields, changes, known)?;
                    Ok(Outcome::Object)
                }
            },
            (Json::Array(items), Json::Array(changes)) => {
                let Some(list) = self.merging(known) else {
                    return Ok(Outcome::Patch);
                };
                match take_list_directive(changes)? {
                    Directive::Delete => Ok(Outcome::Nothing),
                    Directive::Replace => {
                        merge_items(self, changes, Items::Same, &list)?;
                        Ok(Outcome::Patch)
                    }
                    Directive::Merge => {
                        merge_items(self, items, Items::Other(changes), &list)?;
                        Ok(Outcome::Object)
                    }
                }
            }
            (object, patch) if is_scalar(object) && is_scalar(patch) => Ok(Outcome::Patch),
            (object, patch) => Err(Problem::kinds(object, patch)),
        }
    }

    /// Walks through a value that the patch adds; says whether there is anything to add.
    ///
    /// kustomize then merges the value with itself, which takes nulls and directives out of it.
    pub(super) fn added(self, patch: &mut Json, known: Option<Known<'s>>) -> Step<bool> {
        let known = known.or_else(|| self.by_kind(patch));
        match patch {
            Json::Null => Ok(false),
            Json::Object(fields) => {
                // An unknown directive stays here, as a field like others.
                if let Ok(Directive::Delete) = take_directive(fields) {
                    return Ok(false);
                }
                self.twin_fields(fields, known)?;
                Ok(true)
            }
            Json::Array(items) => {
                if let Some(list) = self.merging(known) {
                    merge_items(self, items, Items::Same, &list)?;
                }
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// Merges a value with itself; says whether it stays.
    pub(super) fn twin(self, value: &mut Json, known: Option<Known<'s>>) -> Step<bool> {
        let known = known.or_else(|| self.by_kind(value));
        match value {
            Json::Null => Ok(false),
            Json::Object(fields) => {
                if take_directive(fields)? == Directive::Delete {
                    return Ok(false);
                }
                self.twin_fields(fields, known)?;
                Ok(true)
            }
            Json::Array(items) => {
                if let Some(list) = self.merging(known) {
                    if take_list_directive(items)? == Directive::Delete {
                        return Ok(false);
                    }
                    merge_items(self, items, Items::Same, &list)?;
                }
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    /// Walks through a value of which the patch says nothing.
    pub(super) fn alone(self, value: &mut Json, known: Option<Known<'s>>) -> Step<()> {
        let known = known.or_else(|| self.by_kind(value));
        match value {
            Json::Object(fields) => {
                for (name, value) in fields {
                    let known = self.field(known, name);
                    self.alone(value, known)
                        .map_err(|problem| problem.at(name))?;
                }
            }
            Json::Array(items) => {
                if let Some(list) = self.merging(known) {
                    merge_items(self, items, Items::None, &list)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn fields(
        self,
        fields: &mut Map<String, Json>,
        changes: &mut Map<String, Json>,
        known: Option<Known<'s>>,
    ) -> Step<()> {
        let mut gone = Vec::new();
        for (name, value) in &mut *fields {
            let known = self.field(known, name);
            let Some(change) = changes.get_mut(name) else {
                self.alone(value, known)
                    .map_err(|problem| problem.at(name))?;
                continue;
            };
            let outcome = self.pair(value, change, known);
            match outcome.map_err(|problem| problem.at(name))? {
                Outcome::Object => {}
                Outcome::Patch => *value = scalar::replaced(value, change.take()),
                Outcome::Nothing => gone.push(name.clone()),
            }
            // What is left of a change that was used up is not added below.
            *change = Json::Null;
        }
        for name in gone {
            fields.remove(&name);
        }
        for (name, change) in changes {
            let known = self.field(known, name);
            let added = self.added(change, known);
            if added.map_err(|problem| problem.at(name))? {
                fields.insert(name.clone(), change.take());
            }
        }
        Ok(())
    }

    fn twin_fields(self, fields: &mut Map<String, Json>, known: Option<Known<'s>>) -> Step<()> {
        let mut gone = Vec::new();
        for (name, value) in &mut *fields {
            let known = self.field(known, name);
            if !self
                .twin(value, known)
                .map_err(|problem| problem.at(name))?
            {
                gone.push(name.clone());
            }
        }
        for name in gone {
            fields.remove(&name);
        }
        Ok(())
    }

    fn field(self, of: Option<Known<'s>>, name: &str) -> Option<Known<'s>> {
        self.schema.field(of?, name)
    }

    /// What is known of a value that says itself what kind of object it is, wherever it stands.
    fn by_kind(self, value: &Json) -> Option<Known<'s>> {
        let kind = value.get("kind")?.as_str()?;
        let api_version = value.get("apiVersion")?.as_str()?;
        self.schema.kind(api_version, kind)
    }

    /// How a list merges; `None` for one that a patch replaces.
    fn merging(self, known: Option<Known<'s>>) -> Option<super::list::Merging<'s>> {
        let keys = self.schema.merge_keys(known?)?;
        Some(super::list::Merging {
            keys,
            items: self.schema.items(known?),
        })
    }
}

fn is_scalar(value: &Json) -> bool {
    matches!(value, Json::Bool(_) | Json::Number(_) | Json::String(_))
}

fn directive(value: &Json) -> Step<Directive> {
    match &*scalar::text(value) {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Problem::directive(other)),
    }
}

/// Takes the directive out of a mapping of a patch.
fn take_directive(patch: &mut Map<String, Json>) -> Step<Directive> {
    let Some(value) = patch.get(DIRECTIVE) else {
        return Ok(Directive::Merge);
    };
    let directive = directive(value)?;
    patch.remove(DIRECTIVE);
    Ok(directive)
}

/// Takes the directive out of a list of a patch: that of the first item with one, if the item is
/// nothing but that. All items with the same directive go with it, and all that are empty.
fn take_list_directive(patch: &mut Vec<Json>) -> Step<Directive> {
    let first = patch.iter().find_map(|item| {
        let item = item.as_object()?;
        Some((item.len(), item.get(DIRECTIVE)?))
    });
    let Some((1, value)) = first else {
        return Ok(Directive::Merge);
    };
    let directive = directive(value)?;
    let text = scalar::text(value).into_owned();
    patch.retain(|item| match item {
        Json::Null => false,
        Json::Object(item) => {
            let same = item
                .get(DIRECTIVE)
                .is_some_and(|value| scalar::text(value) == *text);
            !item.is_empty() && !same
        }
        _ => true,
    });
    Ok(directive)
}
