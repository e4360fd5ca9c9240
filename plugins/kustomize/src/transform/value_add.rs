//! Sets or extends a value (`ValueAddTransformer`).

use serde::Deserialize;
use serde_json::{Map, Value};
use windlass_manifest::{Limits, decode};
use windlass_plugin_sdk::Json;

use super::Transformer;
use super::namespace::Namespace;
use crate::config::Reading;
use crate::error::{Error, Result};
use crate::field::{FieldSpecs, kind_of, scalar_text};
use crate::files::{Files, Folder};
use crate::resource::Resource;
use crate::resources::{Resources, at_source};
use crate::schema::Schema;
use crate::selector::{Matcher, Selector};

/// The field that is set as a namespace is, which knows what has none.
const NAMESPACE: &str = "metadata/namespace";

/// More parts than any field has; a path is made by recursion.
const MAX_PARTS: usize = 100;

/// Puts one value into fields: in the place of what is there, or as one part of the path there.
#[derive(Debug)]
pub(crate) struct ValueAdd {
    value: String,
    targets: Vec<Target>,
}

#[derive(Debug)]
struct Target {
    select: Option<Matcher>,
    path: String,
    parts: Vec<String>,
    /// Where in the path that is there the value goes, from 1; 0 takes its place.
    position: usize,
}

/// The configuration as it is written.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    value: String,
    targets: Vec<Written>,
    target_file_path: String,
}

/// A target as it is written.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Written {
    selector: Option<Selector>,
    field_path: String,
    file_path_position: i64,
}

impl ValueAdd {
    /// Reads the configuration, and the file with more targets that it may name.
    ///
    /// # Errors
    /// A field of another type, no targets, a target without a path, and an expression that is none.
    pub(crate) fn from_config(
        config: Json,
        files: &mut Files<'_>,
        folder: &Folder,
    ) -> Result<Self> {
        let mut config: Config = Reading::PLUGIN.read(config)?;
        if !config.target_file_path.is_empty() {
            let more = read(&config.target_file_path, files, folder)
                .map_err(|error| error.field("targetFilePath"))?;
            config.targets.extend(more.targets);
        }
        if config.targets.is_empty() {
            return Err(Error::new("the transformer has no targets").field("targets"));
        }
        let mut targets = Vec::with_capacity(config.targets.len());
        for (index, target) in config.targets.into_iter().enumerate() {
            let compiled = target.compile();
            targets.push(compiled.map_err(|error| error.field(format!("targets[{index}]")))?);
        }
        // kustomize takes the name of the folder for what is not said.
        let value = match config.value.trim() {
            "" => folder.path().rsplit('/').next().unwrap_or_default(),
            value => value,
        };
        if value.is_empty() {
            return Err(Error::new("there is no value to add")
                .field("value")
                .hint("the folder of the kustomization has no name here, so say the value"));
        }
        Ok(Self {
            value: value.to_owned(),
            targets,
        })
    }
}

fn read(path: &str, files: &mut Files<'_>, folder: &Folder) -> Result<Config> {
    let text = files.read(folder, path)?;
    let file = folder.join(path)?;
    let documents = decode(&text, &Limits::default()).map_err(|error| {
        Error::new(error.problem)
            .file(&file)
            .line(error.position.line)
    })?;
    match documents.into_iter().next() {
        Some(document) if !document.value.is_null() => Reading::PLUGIN
            .read(document.value)
            .map_err(|error| error.file(file)),
        _ => Ok(Config::default()),
    }
}

impl Written {
    fn compile(self) -> Result<Target> {
        if self.field_path.is_empty() {
            return Err(Error::new("the target has no `fieldPath`"));
        }
        let parts = split(&self.field_path);
        if parts.len() > MAX_PARTS {
            return Err(Error::new(format_args!(
                "the path of a field has more than {MAX_PARTS} parts"
            )));
        }
        let position = usize::try_from(self.file_path_position)
            .map_err(|_| Error::new("`filePathPosition` is negative"))?;
        Ok(Target {
            select: self
                .selector
                .map(|selector| selector.compile())
                .transpose()?,
            path: self.field_path,
            parts,
            position,
        })
    }
}

/// The parts of a path between its slashes, without blanks around them; `\/` is a slash in a part.
fn split(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in path.split('/') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('/');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    let trimmed = parts.into_iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

impl Transformer for ValueAdd {
    fn transform(&self, resources: &mut Resources, schema: &Schema) -> Result<()> {
        let namespace = Namespace::new(&self.value, FieldSpecs::default());
        for target in &self.targets {
            for resource in &mut resources.list {
                let selected = match &target.select {
                    Some(select) => select.matches(resource, schema)?,
                    None => true,
                };
                if !selected {
                    continue;
                }
                let done = if target.path == NAMESPACE {
                    namespace.put(resource, schema)
                } else {
                    self.add(target, resource)
                };
                done.map_err(|error| at_source(error.field(&*target.path), resource))?;
            }
        }
        Ok(())
    }
}

impl ValueAdd {
    fn add(&self, target: &Target, resource: &mut Resource) -> Result<()> {
        let Some(field) = field(&mut resource.json, &target.parts)? else {
            return Ok(());
        };
        let Some(old) = scalar_text(field) else {
            return Err(Error::new(format_args!(
                "expected a scalar, found {}",
                kind_of(field)
            )));
        };
        let new = match target.position.checked_sub(1) {
            Some(position) => inserted(&old, position, &self.value),
            None => self.value.clone(),
        };
        *field = Value::String(new);
        Ok(())
    }
}

/// The field at a path, made when it is missing; only an index into a list makes nothing.
fn field<'v>(object: &'v mut Json, parts: &[String]) -> Result<Option<&'v mut Json>> {
    let mut value = object;
    for (at, part) in parts.iter().enumerate() {
        let wrong = |what: &str, value: &Json| {
            Error::new(format_args!(
                "expected {what} for `{part}`, found {}",
                kind_of(value)
            ))
        };
        let index = part.parse::<i64>();
        if part == "*" {
            return Err(Error::new("`*` names no single field"));
        }
        value = if part == "-" || index.is_ok() {
            let Value::Array(items) = value else {
                return Err(wrong("a list", value));
            };
            let index = match index {
                Ok(index) => usize::try_from(index)
                    .map_err(|_| Error::new(format_args!("the index {index} is negative")))?,
                Err(_) => items.len().wrapping_sub(1),
            };
            match items.get_mut(index) {
                Some(item) => item,
                None => return Ok(None),
            }
        } else if let Some(element) = bracketed(part) {
            let Some((name, wanted)) = element.split_once('=') else {
                return Err(Error::new(format_args!("`{part}` names no element"))
                    .hint("write `[field=value]`"));
            };
            let Value::Array(items) = value else {
                return Err(wrong("a list", value));
            };
            element_of(items, name, wanted)
        } else {
            let Value::Object(map) = value else {
                return Err(wrong("a mapping", value));
            };
            map.entry(part.as_str())
                .or_insert_with(|| made(parts.get(at + 1)))
        };
    }
    Ok(Some(value))
}

/// What is made in front of the next part of a path.
fn made(next: Option<&String>) -> Json {
    match next {
        None => Value::String(String::new()),
        Some(part) if bracketed(part).is_some() || part.parse::<usize>().is_ok() => {
            Value::Array(Vec::new())
        }
        Some(_) => Value::Object(Map::new()),
    }
}

fn element_of<'v>(items: &'v mut Vec<Json>, name: &str, wanted: &str) -> &'v mut Json {
    let is = |value: &Json| scalar_text(value).is_some_and(|text| text == wanted);
    let found = items.iter().position(|item| match name {
        "" => is(item),
        name => item.get(name).is_some_and(is),
    });
    let at = found.unwrap_or_else(|| {
        let wanted = Value::String(wanted.to_owned());
        items.push(match name {
            "" => wanted,
            name => Value::Object(Map::from_iter([(name.to_owned(), wanted)])),
        });
        items.len() - 1
    });
    &mut items[at]
}

fn bracketed(part: &str) -> Option<&str> {
    part.strip_prefix('[')?.strip_suffix(']')
}

/// A file path with one more part at a position, which counts behind the slash in front.
fn inserted(path: &str, position: usize, part: &str) -> String {
    let mut parts: Vec<&str> = match path {
        "" => Vec::new(),
        "/" => vec![""],
        path => path.split('/').collect(),
    };
    let absolute = parts.first() == Some(&"");
    let mut position = position.min(parts.len());
    if absolute && position < parts.len() {
        position += 1;
    }
    parts.insert(position, part);
    let mut clean: Vec<&str> = Vec::with_capacity(parts.len());
    for part in parts {
        match part {
            "" | "." => {}
            ".." if clean.last().is_some_and(|last| *last != "..") => {
                clean.pop();
            }
            part => clean.push(part),
        }
    }
    let joined = clean.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::files::Restriction;
    use crate::resource::Source;
    use rstest::rstest;
    use serde_json::json;
    use windlass_plugin_sdk::testing::MemoryHost;

    #[rstest]
    #[case("", 0, "PEACH")]
    #[case("/", 5, "/PEACH")]
    #[case("pie", 0, "PEACH/pie")]
    #[case("/pie", 0, "/PEACH/pie")]
    #[case("raw", 1, "raw/PEACH")]
    #[case("/raw", 9999, "/raw/PEACH")]
    #[case("/a/nice/warm/pie", 3, "/a/nice/warm/PEACH/pie")]
    #[case("a/./b//c", 0, "PEACH/a/b/c")]
    fn a_part_is_put_into_a_path(
        #[case] path: &str,
        #[case] position: usize,
        #[case] expected: &str,
    ) {
        assert_eq!(
            inserted(path, position, "PEACH"),
            expected,
            "in {path} at {position}"
        );
    }

    fn added(config: Json, spec: Json) -> Result<Json> {
        let mut host = MemoryHost::new().file("prod/t.yaml", "targets: [{fieldPath: spec/b}]\n");
        let mut files = Files::new(&mut host, Restriction::RootOnly);
        let folder = Folder::from("prod".to_owned());
        let add = ValueAdd::from_config(config, &mut files, &folder)?;
        let object =
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "spec": spec});
        let mut resources = Resources {
            list: vec![Resource::new(object, Source::default())],
        };
        add.transform(&mut resources, &Schema::default())?;
        Ok(resources.list[0].json["spec"].take())
    }

    #[rstest]
    #[case::replaces(json!({"value": "x", "targets": [{"fieldPath": "spec/a"}]}), json!({"a": 1}), json!({"a": "x"}))]
    #[case::makes(json!({"value": "x", "targets": [{"fieldPath": "spec/l/[name=n]/a"}]}), json!({}), json!({"l": [{"name": "n", "a": "x"}]}))]
    #[case::escapes(json!({"value": "x", "targets": [{"fieldPath": "spec/a\\/b"}]}), json!({}), json!({"a/b": "x"}))]
    #[case::extends(json!({"value": "x", "targets": [{"fieldPath": "spec/a", "filePathPosition": 2}]}), json!({"a": "p/q"}), json!({"a": "p/x/q"}))]
    #[case::no_such_index(json!({"value": "x", "targets": [{"fieldPath": "spec/l/3"}]}), json!({"l": []}), json!({"l": []}))]
    #[case::folder_and_file(json!({"targetFilePath": "t.yaml"}), json!({}), json!({"b": "prod"}))]
    #[case::others(json!({"value": "x", "targets": [{"selector": {"kind": "B"}, "fieldPath": "spec/a"}]}), json!({}), json!({}))]
    fn a_value_is_added(#[case] config: Json, #[case] spec: Json, #[case] expected: Json) {
        assert_eq!(added(config, spec).unwrap(), expected);
    }

    #[rstest]
    #[case(json!({"value": "x"}), "the transformer has no targets (at targets)")]
    #[case(json!({"value": "x", "targets": [{}]}), "the target has no `fieldPath` (at targets[0])")]
    #[case(
        json!({"value": "x", "targets": [{"fieldPath": "spec"}]}),
        "expected a scalar, found a mapping (at spec)"
    )]
    fn what_is_wrong_is_named(#[case] config: Json, #[case] message: &str) {
        assert_eq!(added(config, json!({})).unwrap_err().to_string(), message);
    }
}
