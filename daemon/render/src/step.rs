//! One step: its configuration, its key, and the run of its plugin.

use crate::each;
use crate::error::{RenderError, StepContext};
use crate::memo::{Memo, StepResult};
use crate::nested::Nest;
use crate::pipeline::Step;
use crate::plugins::Plugins;
use crate::schema::Violation;
use crate::set::{Hash, Head, Item, ObjectSet, digest};
use crate::view::View;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use windlass_manifest::{Json, Origin};
use windlass_plugin_host::{Limits, Output, Plugin, PluginError, Scope};
use windlass_source::Tree;

/// The version of what a key stands for. It changes when the same inputs would give another result,
/// which keeps old results from being used.
const VERSION: &str = "windlass step 2";

/// What a step finds around it.
pub(crate) struct Surroundings<'a> {
    pub(crate) tree: &'a dyn Tree,
    pub(crate) plugins: &'a Plugins,
    /// Says where an object comes from.
    pub(crate) origin: &'a (dyn Fn(&Head) -> Origin + Sync),
}

/// The result of a step, and how it was come by.
pub(crate) struct Done {
    pub(crate) result: Arc<StepResult>,
    /// Whether the tree may have changed while the plugin ran.
    pub(crate) may_change: bool,
    /// Whether nothing had to run.
    pub(crate) remembered: bool,
}

/// What came of one run.
pub(crate) struct Ran {
    pub(crate) result: StepResult,
    /// Whether the tree may have changed meanwhile.
    pub(crate) may_change: bool,
    /// How long it took to make other plugins ready, for which the plugin got more time.
    pub(crate) loading: Duration,
}

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

    /// Says what is wrong with the configuration. A plugin that refuses a key that its schema does
    /// not have knows more to say about it than the schema: it is asked first, with no objects.
    pub(crate) fn refuse(
        &self,
        tree: &dyn Tree,
        plugins: &Plugins,
        violation: Violation,
        place: Option<String>,
    ) -> RenderError {
        let at = self.at.clone();
        if violation.is_unknown && self.plugin.exports().transform {
            let nest = Nest::new(plugins, &self.at, &self.limits);
            let mut view = View::new(tree, &self.at.folder).with_plugins(nest);
            let answer = self
                .plugin
                .transform(Vec::new(), &self.config, &mut view, &self.limits);
            if let Err(source @ PluginError::Failed { .. }) = answer
                && source.to_string().contains(violation.name())
            {
                return RenderError::Plugin {
                    at,
                    object: place,
                    source: Box::new(source),
                };
            }
        }
        RenderError::Schema {
            at,
            place,
            wrong: violation.to_string(),
        }
    }

    /// Gives the result of the step, and runs the plugin as far as that is not remembered: on each
    /// object by itself when the plugin says that this is the same, otherwise on all at once.
    pub(crate) fn run(
        &self,
        surroundings: &Surroundings<'_>,
        memo: &Memo,
        objects: &Arc<ObjectSet>,
    ) -> Result<Done, RenderError> {
        let key = self.key(objects);
        // A generator has no object to be alone with.
        let each = self.plugin.description().scope == Scope::Object && !objects.items.is_empty();
        // The folder is for the first time only: answers in memory are found faster.
        let known = match each && memo.answers(&self.identity()).is_some() {
            true => None,
            false => memo.step(&key, surroundings.tree),
        };
        if let Some(result) = known {
            return Ok(Done {
                result,
                may_change: false,
                remembered: true,
            });
        }
        if each {
            let done = each::run(self, surroundings, memo, objects)?;
            if !done.remembered {
                memo.store(key, &done.result);
            }
            return Ok(done);
        }
        let Ran {
            result, may_change, ..
        } = self.run_on(surroundings, &objects.items, &self.limits)?;
        let result = Arc::new(result);
        memo.keep_step(key, &result);
        Ok(Done {
            result,
            may_change,
            remembered: false,
        })
    }

    /// Runs the plugin on these objects in one call of each of its roles.
    pub(crate) fn run_on(
        &self,
        surroundings: &Surroundings<'_>,
        objects: &[Arc<Item>],
        limits: &Limits,
    ) -> Result<Ran, RenderError> {
        let Self {
            at, plugin, config, ..
        } = self;
        let Surroundings {
            tree,
            plugins,
            origin,
        } = surroundings;
        let failed = |source: PluginError, given: &[Arc<Item>]| {
            let head = match &source {
                PluginError::Failed {
                    object: Some(index),
                    ..
                } => given.get(*index).map(|item| &item.head),
                _ => None,
            };
            RenderError::Plugin {
                at: at.clone(),
                object: head.map(|head| format!("{} from {}", head.id, origin(head))),
                source: Box::new(source),
            }
        };
        let texts = |items: &[Arc<Item>]| items.iter().map(|item| item.text.clone()).collect();
        let exports = plugin.exports();
        let nest = Nest::new(plugins, at, &self.limits);
        let mut view = View::new(*tree, &at.folder).with_plugins(nest);
        let mut result = StepResult {
            objects: None,
            findings: Vec::new(),
            log: Vec::new(),
            reads: crate::reads::ReadSet::default(),
        };
        let mut checked = false;
        if exports.transform {
            let output = plugin
                .transform(texts(objects), config, &mut view, limits)
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
            let given = result.objects.as_ref().map_or(objects, |set| &set.items);
            let output = plugin
                .validate(texts(given), config, &mut view, limits)
                .map_err(|error| failed(error, given))?;
            result.findings = output.value;
            result.log.extend(output.log);
        }
        let (may_change, loading) = (view.may_change(), view.loading());
        result.reads = view.into_reads();
        Ok(Ran {
            result,
            may_change,
            loading,
        })
    }
}

/// The configuration as the plugin gets it: with the environment's variables when its schema knows
/// of variables. What the step says itself comes first.
pub(crate) fn configuration(
    step: &Step,
    plugin: &Plugin,
    variables: &BTreeMap<String, Json>,
    at: &StepContext,
) -> Result<Json, RenderError> {
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
    Ok(Json::Object(config))
}
