//! Where a replacement puts its value.

use super::path::{Make, Path};
use super::value::{self, Copied};
use super::{FieldOptions, Target, path_or_default, shown, structured};
use crate::error::{Error, Result};
use crate::id::group_version;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::selector::{Matcher, Selector, SelectorRegex};

/// How deep an object may be when a value was put into it; what reads it later goes as deep.
const MAX_DEPTH: usize = 120;

/// A target that is ready for use.
#[derive(Debug)]
pub(super) struct CompiledTarget {
    label: String,
    select: Compiled,
    reject: Vec<Compiled>,
    paths: Vec<Path>,
    options: FieldOptions,
}

/// A selector, its two halves apart: kustomize puts them together otherwise than for patches.
#[derive(Debug)]
struct Compiled {
    ids: Option<SelectorRegex>,
    labels: Option<Matcher>,
}

impl Compiled {
    fn new(selector: &Selector) -> Result<Self> {
        let labels = Selector {
            label_selector: selector.label_selector.clone(),
            annotation_selector: selector.annotation_selector.clone(),
            ..Selector::default()
        };
        let ids = Selector {
            label_selector: String::new(),
            annotation_selector: String::new(),
            ..selector.clone()
        };
        let unless_empty = |part: &Selector| *part != Selector::default();
        Ok(Self {
            ids: unless_empty(&ids).then(|| ids.regex()).transpose()?,
            labels: unless_empty(&labels)
                .then(|| labels.compile())
                .transpose()?,
        })
    }

    /// Whether one of the ids that the resource has or had is meant.
    fn selects_id(&self, resource: &Resource) -> bool {
        let Some(ids) = &self.ids else {
            return true;
        };
        let (group, version) = group_version(resource.api_version());
        let matches = |kind: &str, name: &str, namespace: &str| {
            ids.match_gvk(group, version, kind)
                && ids.match_name(name)
                && ids.match_namespace(namespace)
        };
        // The present namespace counts as it is written.
        matches(resource.kind(), resource.name(), resource.namespace())
            || resource
                .previous
                .iter()
                .any(|was| matches(&was.kind, &was.name, &was.namespace))
    }

    fn selects_labels(&self, resource: &Resource, schema: &Schema) -> Result<bool> {
        match &self.labels {
            Some(labels) => labels.matches(resource, schema),
            None => Ok(true),
        }
    }
}

/// Finds the value anew in the resource that it comes from.
type Again<'a> = dyn Fn(&Resource) -> Option<Copied> + 'a;

impl CompiledTarget {
    /// # Errors
    /// There is nothing to select by, and an expression or a path that is none.
    pub(super) fn new(target: &Target, label: &str) -> Result<Self> {
        let Some(select) = &target.select else {
            return Err(Error::new("the target selects no objects")
                .field(format!("{label}.select"))
                .hint("say which objects get the value: their kind, name and so on"));
        };
        let at = |error: Error, place: String| error.field(format!("{label}.{place}"));
        let mut reject = Vec::with_capacity(target.reject.len());
        for (index, selector) in target.reject.iter().enumerate() {
            let compiled = Compiled::new(selector);
            reject.push(compiled.map_err(|error| at(error, format!("reject[{index}]")))?);
        }
        let mut paths = Vec::with_capacity(target.field_paths.len());
        for (index, path) in target.field_paths.iter().enumerate() {
            // Only a list without paths means the name.
            let path = Path::new(path);
            paths.push(path.map_err(|error| at(error, format!("fieldPaths[{index}]")))?);
        }
        if paths.is_empty() {
            paths.push(path_or_default("")?);
        }
        Ok(Self {
            label: label.to_owned(),
            select: Compiled::new(select).map_err(|error| at(error, "select".to_owned()))?,
            reject,
            paths,
            options: target.options.clone().unwrap_or_default(),
        })
    }

    /// Whether the resource gets the value. What is to be rejected is so by its labels or by its ids,
    /// whichever applies.
    pub(super) fn is_for(&self, resource: &Resource, schema: &Schema) -> Result<bool> {
        if resource.is_empty() || !self.select.selects_labels(resource, schema)? {
            return Ok(false);
        }
        for reject in &self.reject {
            if reject.labels.is_some() && reject.selects_labels(resource, schema)? {
                return Ok(false);
            }
            if reject.ids.is_some() && reject.selects_id(resource) {
                return Ok(false);
            }
        }
        Ok(self.select.selects_id(resource))
    }

    /// Puts the value into the fields of a resource, and says about how many bytes it has copied.
    ///
    /// `again` finds the value anew where this resource is the one that it comes from.
    ///
    /// # Errors
    /// A field that is not there, and a value that does not fit it.
    pub(super) fn put(
        &self,
        resource: &mut Resource,
        value: &mut Copied,
        again: Option<&Again<'_>>,
    ) -> Result<usize> {
        let mut copied = 0_usize;
        for (index, path) in self.paths.iter().enumerate() {
            if let Some(changed) = again.and_then(|again| again(resource)) {
                *value = changed;
            }
            let weight = value.weight;
            let make = self.options.create.then(|| Make::like(&value.json));
            if weight.depth + path.depth() > MAX_DEPTH {
                return Err(self.at(
                    Error::new("the object would be nested too deep"),
                    index,
                    resource,
                ));
            }
            copied = copied.saturating_add(weight.bytes);
            if structured::set(&mut resource.json, path, value, make, &self.options) {
                continue;
            }
            let mut sizes = 0_usize;
            let mut set = |found: super::path::Found<'_>| {
                sizes = sizes.saturating_add(weight.bytes);
                // A text that is joined to what is there grows by what is there.
                sizes = sizes.saturating_add(found.value.as_str().map_or(0, str::len));
                value::set(found, value, &self.options)
            };
            let found = path.all().visit(&mut resource.json, make, &mut set);
            copied = copied.saturating_add(sizes);
            match found {
                Ok(1..) => {}
                Ok(0) => {
                    let error = Error::new(format_args!("there is no field `{path}`"));
                    let error = if make.is_none() {
                        error.hint("check the path, or set `options.create: true`")
                    } else {
                        error
                    };
                    return Err(self.at(error, index, resource));
                }
                Err(error) => return Err(self.at(error, index, resource)),
            }
        }
        if let Some(changed) = again.and_then(|again| again(resource)) {
            *value = changed;
        }
        Ok(copied)
    }

    fn at(&self, error: Error, path: usize, resource: &Resource) -> Error {
        error
            .context(shown(resource))
            .field(format!("{}.fieldPaths[{path}]", self.label))
    }
}
