//! KRM functions: programs that read a `ResourceList` on standard input and write one on standard
//! output, as the functions of kpt and kustomize do.
//!
//! The format is the KRM Functions Specification, `config.kubernetes.io/v1`.

mod command;
mod input;
mod list;
mod results;

pub(crate) use command::Command;

use crate::call::Call;
use crate::state::State;
use crate::{Description, Finding, Imports, Output, PluginError, Scope, text};
use list::ResourceList;
use serde_json::Value as Json;

/// What a function makes out of objects, and what it has to say about them.
pub(crate) struct Answer {
    given: Vec<Json>,
    made: Vec<Json>,
    results: Vec<results::Result>,
}

/// Says of a function what a component would say of itself: only its file is known.
pub(crate) fn description(name: &str, digest: &str) -> Description {
    let file = name.rsplit('/').next().unwrap_or(name);
    let stem = file.strip_suffix(".wasm").unwrap_or(file);
    Description {
        name: stem.to_owned(),
        version: format!("sha256:{}", digest.get(..12).unwrap_or(digest)),
        scope: Scope::Set,
        config_schema: None,
        summary: "A KRM function.".to_owned(),
    }
}

impl Command {
    /// Runs the function on objects, which are JSON texts, and gives what it made of them.
    pub(crate) fn run(
        &self,
        call: &Call<'_>,
        objects: &[String],
        config: &str,
        imports: &mut dyn Imports,
    ) -> Result<Output<Answer>, PluginError> {
        let given = self.parse(call, objects)?;
        let input = input::resource_list(&given, config)
            .map_err(|wrong| failed(call, wrong, String::new()))?;
        let files = imports.handed_in();
        let state = State::for_command(call.limits, input.into_bytes(), files);
        let done = call.run(state, imports, async |store| self.start(store).await)?;
        let status = done.value;
        let state = done.state;
        let printed = state.printed.show();
        let said = ResourceList::read(state.process.output(), call.limits);
        if status != 0 {
            if let Some(wanted) = state.memory.refused {
                return Err(PluginError::Memory {
                    plugin: call.id.clone(),
                    wanted,
                    limit: call.limits.memory_bytes,
                    stderr: printed,
                });
            }
            let results = said.map(|list| list.results).unwrap_or_default();
            return Err(failed(
                call,
                results::failure(&results, &given, status),
                printed,
            ));
        }
        let list = said.map_err(|reason| PluginError::BadAnswer {
            plugin: call.id.clone(),
            reason: match printed.is_empty() {
                true => reason,
                false => format!("{reason}; it printed:\n{printed}"),
            },
        })?;
        let value = Answer {
            given,
            made: list.items,
            results: list.results,
        };
        Ok(Output {
            value,
            findings: None,
            elapsed: done.elapsed,
            peak_memory: state.memory.peak(),
            log: state.into_log(),
        })
    }

    fn parse(&self, call: &Call<'_>, objects: &[String]) -> Result<Vec<Json>, PluginError> {
        let parse = |(index, text): (usize, &String)| {
            serde_json::from_str(text).map_err(|error| {
                let wrong = Wrong {
                    message: format!("it cannot be given an object that is no JSON: {error}"),
                    object: Some(index),
                    ..Wrong::default()
                };
                failed(call, wrong, String::new())
            })
        };
        objects.iter().enumerate().map(parse).collect()
    }
}

impl Answer {
    /// The objects that it made, as JSON texts.
    pub(crate) fn objects(&self) -> Vec<String> {
        self.made.iter().map(Json::to_string).collect()
    }

    /// What it has to say about the objects that it made.
    pub(crate) fn findings(&self) -> Vec<Finding> {
        results::findings(&self.results, &self.made)
    }

    /// What it has to say about the objects that it was given.
    pub(crate) fn findings_about_given(&self) -> Vec<Finding> {
        results::findings(&self.results, &self.given)
    }
}

/// Why a function could not do its work.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wrong {
    message: String,
    object: Option<usize>,
    field: Option<String>,
    hint: Option<String>,
}

fn failed(call: &Call<'_>, wrong: Wrong, stderr: String) -> PluginError {
    PluginError::Failed {
        plugin: call.id.clone(),
        message: text::message(&wrong.message),
        object: wrong.object,
        field: wrong.field.as_deref().map(text::message),
        hint: wrong.hint.as_deref().map(text::message),
        stderr,
    }
}
