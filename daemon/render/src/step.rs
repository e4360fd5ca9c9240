//! One step: its configuration, its key, and the run of its plugin.

use crate::error::{RenderError, StepContext};
use crate::memo::StepResult;
use crate::nested::Nest;
use crate::pipeline::Step;
use crate::plugins::Plugins;
use crate::set::{Hash, Head, ObjectSet, digest};
use crate::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_manifest::{Json, Origin};
use windlass_plugin_host::{Limits, Output, Plugin, PluginError};
use windlass_source::Tree;

/// The version of what a key stands for. It changes when the same inputs would give another result,
/// which keeps old results from being used.
const VERSION: &str = "windlass step 1";

/// A step that is ready to run.
pub(crate) struct Ready {
    pub(crate) at: StepContext,
    pub(crate) plugin: Plugin,
    pub(crate) config: String,
    pub(crate) limits: Limits,
}

impl Ready {
    /// What the step depends on apart from its objects and the tree.
    pub(crate) fn identity(&self) -> Hash {
        digest(&[
            VERSION,
            self.plugin.digest(),
            self.config.as_str(),
            self.at.folder.as_str(),
        ])
    }

    /// What the step depends on apart from the tree.
    pub(crate) fn key(&self, objects: &ObjectSet) -> Hash {
        digest(&[&self.identity()[..], &objects.digest[..]])
    }

    /// Runs the plugin on no objects and gives its answer as it is.
    pub(crate) fn generate(
        &self,
        tree: &dyn Tree,
        plugins: &Plugins,
    ) -> Result<Output<Vec<String>>, RenderError> {
        let nest = Nest::new(plugins, &self.at, &self.limits);
        let mut view = View::new(tree, &self.at.folder).with_plugins(nest);
        self.plugin
            .transform(Vec::new(), &self.config, &mut view, &self.limits)
            .map_err(|source| RenderError::Plugin {
                at: self.at.clone(),
                object: None,
                source: Box::new(source),
            })
    }

    /// Runs the plugin. `origin` says where an object comes from.
    pub(crate) fn run(
        &self,
        tree: &dyn Tree,
        plugins: &Plugins,
        objects: &Arc<ObjectSet>,
        origin: &dyn Fn(&Head) -> Origin,
    ) -> Result<(StepResult, bool), RenderError> {
        let Self {
            at,
            plugin,
            config,
            limits,
        } = self;
        let failed = |source: PluginError, given: &ObjectSet| {
            let head = match &source {
                PluginError::Failed {
                    object: Some(index),
                    ..
                } => given.heads.get(*index),
                _ => None,
            };
            RenderError::Plugin {
                at: at.clone(),
                object: head.map(|head| format!("{} from {}", head.id, origin(head))),
                source: Box::new(source),
            }
        };
        let exports = plugin.exports();
        let mut view = View::new(tree, &at.folder).with_plugins(Nest::new(plugins, at, limits));
        let mut result = StepResult {
            objects: None,
            findings: Vec::new(),
            log: Vec::new(),
            reads: crate::reads::ReadSet::default(),
        };
        let mut checked = false;
        if exports.transform {
            let output = plugin
                .transform(objects.texts.clone(), config, &mut view, limits)
                .map_err(|error| failed(error, objects))?;
            let count = output.value.len();
            let (set, places) =
                ObjectSet::with_places(output.value).map_err(|bad| RenderError::Object {
                    at: at.clone(),
                    index: bad.index,
                    count,
                    reason: bad.reason,
                })?;
            if let Some(findings) = output.findings {
                checked = true;
                result.findings = findings;
                for finding in &mut result.findings {
                    finding.object = finding.object.and_then(|index| places.get(index).copied());
                }
            }
            result.objects = Some(Arc::new(set));
            result.log.extend(output.log);
        }
        if exports.validate && !checked {
            let given = result.objects.as_ref().unwrap_or(objects);
            let output = plugin
                .validate(given.texts.clone(), config, &mut view, limits)
                .map_err(|error| failed(error, given))?;
            result.findings = output.value;
            result.log.extend(output.log);
        }
        let may_change = view.may_change();
        result.reads = view.into_reads();
        Ok((result, may_change))
    }
}

/// The configuration as the plugin gets it: with the environment's variables when its schema knows
/// of variables. What the step says itself comes first.
pub(crate) fn configuration(
    step: &Step,
    plugin: &Plugin,
    variables: &BTreeMap<String, Json>,
    at: &StepContext,
) -> Result<String, RenderError> {
    let wrong = |found: &'static str| RenderError::Config {
        at: at.clone(),
        found,
    };
    let mut config = match &step.config {
        Json::Null => serde_json::Map::new(),
        Json::Object(config) => config.clone(),
        Json::Array(_) => return Err(wrong("a list")),
        Json::String(_) => return Err(wrong("a text")),
        Json::Number(_) => return Err(wrong("a number")),
        Json::Bool(_) => return Err(wrong("a boolean")),
    };
    let schema = plugin.description().config_schema.as_ref();
    let knows = schema.is_some_and(|schema| schema["properties"]["variables"].is_object());
    if knows && !variables.is_empty() {
        let own = config
            .entry("variables")
            .or_insert_with(|| Json::Object(serde_json::Map::new()));
        // Variables of another shape are for the plugin to refuse.
        if let Json::Object(own) = own {
            for (name, value) in variables {
                if !own.contains_key(name) {
                    own.insert(name.clone(), value.clone());
                }
            }
        }
    }
    Ok(Json::Object(config).to_string())
}
