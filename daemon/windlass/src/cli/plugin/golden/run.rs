//! A case run through the sandbox.

use serde_json::{Map, json};
use windlass_manifest::{Json, Object, ObjectId, to_yaml, to_yaml_stream};
use windlass_plugin_host::{Finding, LogLine, NoImports, Plugin, PluginError};
use windlass_render::{RenderError, Renderer};
use windlass_source::{Child, Digest, Entry, Folder, ReadError, Tree};

use super::{Case, ERROR, EXPECTED, FILES, FINDINGS, HEALTH, Outcome};
use crate::cli::Failed;

/// Runs a plugin on a case and gives what came out, with what it logged.
///
/// # Errors
/// Only for a case that cannot be run. What the plugin refuses is an outcome.
pub(in crate::cli::plugin) fn run(
    renderer: &Renderer,
    plugin: &Plugin,
    case: &Case,
) -> Result<(Outcome, Vec<LogLine>), Failed> {
    let exports = plugin.exports();
    if exports.assess && case.wanted.contains_key(HEALTH) || !exports.transform && !exports.validate
    {
        return assess(renderer, plugin, case);
    }
    let folder = case.folder.join(FILES);
    let tree: Box<dyn Tree> = match folder.is_dir() {
        true => Box::new(Folder::open(&folder)?),
        false => Box::new(Nothing),
    };
    let objects = case.input.iter().map(|one| one.json().to_string());
    let ran = renderer.run_alone(tree.as_ref(), plugin, &case.config, objects.collect());
    let mut outcome = Outcome::new();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) => {
            outcome.insert(ERROR, said(&error));
            return Ok((outcome, Vec::new()));
        }
    };
    let mut objects = Vec::with_capacity(ran.objects.len());
    for text in &ran.objects {
        objects.push(bare(text)?);
    }
    outcome.insert(EXPECTED, to_yaml_stream(&objects));
    if !ran.findings.is_empty() {
        let findings = ran.findings.iter().map(|one| finding(one, &ran.ids));
        outcome.insert(FINDINGS, to_yaml(&findings.collect()));
    }
    Ok((outcome, ran.log))
}

/// Asks for the health of the one object of a case. An assessor sees no files in a daemon either.
fn assess(
    renderer: &Renderer,
    plugin: &Plugin,
    case: &Case,
) -> Result<(Outcome, Vec<LogLine>), Failed> {
    let [object] = case.input.as_slice() else {
        return Err(Failed::new(
            "WL0424",
            format!(
                "{} holds {} objects, and health is that of one",
                case.folder.join(super::INPUT).display(),
                case.input.len()
            ),
        ));
    };
    let mut object = object.clone();
    object.strip_origin();
    let config = match &case.config {
        Json::Null => "{}".to_owned(),
        config => config.to_string(),
    };
    let limits = renderer.host().limits();
    let assessed = plugin.assess(&object.json().to_string(), &config, &mut NoImports, limits);
    Ok(match assessed {
        Ok(output) => {
            let health = json!({"message": output.value.message, "status": output.value.status});
            (
                Outcome::from([(HEALTH, to_yaml(&without_nulls(health)))]),
                output.log,
            )
        }
        Err(error) => (Outcome::from([(ERROR, refusal(&error))]), Vec::new()),
    })
}

/// The objects that went in, as they would be written if they came out unchanged.
pub(super) fn unchanged(input: &[Object]) -> String {
    let bare = input.iter().cloned().map(|mut object| {
        object.strip_origin();
        object.into_json()
    });
    to_yaml_stream(&bare.collect::<Vec<_>>())
}

/// An object without what says where it came from, which differs from place to place.
fn bare(text: &str) -> Result<Json, Failed> {
    let json = serde_json::from_str(text)
        .map_err(|error| Failed::new("WL0002", format!("the plugin gave back no JSON: {error}")))?;
    let mut object =
        Object::from_json(json).map_err(|error| Failed::new(error.code(), error.to_string()))?;
    object.strip_origin();
    Ok(object.into_json())
}

fn finding(finding: &Finding, ids: &[ObjectId]) -> Json {
    let Finding {
        severity,
        object,
        field,
        message,
        hint,
        rule,
    } = finding;
    let object = object.and_then(|index| ids.get(index));
    without_nulls(json!({
        "severity": severity,
        "object": object.map(ObjectId::to_string),
        "field": field,
        "message": message,
        "hint": hint,
        "rule": rule,
    }))
}

fn without_nulls(value: Json) -> Json {
    match value {
        Json::Object(map) => map
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect::<Map<_, _>>()
            .into(),
        value => value,
    }
}

/// What a person would read, without the names and versions in front, which change with every build.
fn said(error: &RenderError) -> String {
    match error {
        RenderError::Plugin { object, source, .. } => {
            let about = object
                .as_ref()
                .map_or(String::new(), |object| format!("about {object}\n"));
            refusal(source) + &about
        }
        RenderError::Object {
            index,
            count,
            reason,
            ..
        } => format!(
            "object {} of {count} that the plugin gave is none: {reason}\n",
            index + 1
        ),
        error => format!("{error}\n"),
    }
}

fn refusal(error: &PluginError) -> String {
    let text = match error {
        PluginError::Failed {
            message,
            field,
            hint,
            ..
        } => {
            let field = field.as_ref().map(|field| format!(" (at {field})"));
            let hint = hint.as_ref().map(|hint| format!("; {hint}"));
            format!(
                "{message}{}{}",
                field.unwrap_or_default(),
                hint.unwrap_or_default()
            )
        }
        error => {
            let text = error.to_string();
            let id = error.plugin().map(ToString::to_string).unwrap_or_default();
            text.strip_prefix(&id).unwrap_or(&text).trim().to_owned()
        }
    };
    format!("{}\n", text.trim_end())
}

/// The files of a case that has none.
struct Nothing;

impl Nothing {
    fn missing(path: &str) -> ReadError {
        ReadError::NotFound {
            path: path.to_owned(),
            link: None,
        }
    }
}

impl Tree for Nothing {
    fn read(&self, path: &str) -> Result<Vec<u8>, ReadError> {
        Err(Self::missing(path))
    }

    fn list(&self, path: &str) -> Result<Vec<Entry>, ReadError> {
        match path {
            "" => Ok(Vec::new()),
            path => Err(Self::missing(path)),
        }
    }

    fn entry(&self, _: &str) -> Result<Option<Entry>, ReadError> {
        Ok(None)
    }

    fn digest(&self, _: &str) -> Result<Option<Digest>, ReadError> {
        Ok(None)
    }

    fn children(&self, path: &str) -> Result<Vec<Child>, ReadError> {
        self.list(path).map(|_| Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_its_object_and_leaves_out_what_is_not_said() {
        let found = Finding {
            severity: windlass_plugin_host::Severity::Warning,
            object: Some(0),
            field: None,
            message: "no team".to_owned(),
            hint: None,
            rule: Some("team".to_owned()),
        };
        let id = ObjectId {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: None,
            name: "web".to_owned(),
        };
        let expected = json!({
            "severity": "warning",
            "object": id.to_string(),
            "message": "no team",
            "rule": "team",
        });
        assert_eq!(finding(&found, &[id]), expected);
    }
}
