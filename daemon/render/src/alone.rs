//! One plugin run by itself on given objects, as its author's tests do.

use crate::error::{RenderError, StepContext};
use crate::pipeline::{LimitOverrides, PluginRef, Step};
use crate::renderer::Renderer;
use crate::schema;
use crate::set::{Head, ObjectSet};
use crate::step::{Ready, Surroundings, configuration};
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_manifest::{Json, ObjectId};
use windlass_plugin_host::{Finding, LogLine, Plugin};
use windlass_source::Tree;

/// What came of a plugin that ran by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Alone {
    /// The objects after it, as JSON texts, with the annotations that say where they come from: those
    /// that it was given, for a plugin that only checks.
    pub objects: Vec<String>,
    /// Which objects these are, in the same order.
    pub ids: Vec<ObjectId>,
    /// What it found; an index counts these objects.
    pub findings: Vec<Finding>,
    /// What it logged.
    pub log: Vec<LogLine>,
}

impl Renderer {
    /// Runs a plugin as the step of an environment in the root folder of `tree`, within the default
    /// limits. Nothing is remembered, put into a namespace or checked for being there twice.
    ///
    /// `objects` are JSON texts, `config` a mapping, or null for an empty one.
    ///
    /// # Errors
    /// What the plugin says or runs into, a configuration that is no mapping, and an object that is
    /// none, among those given or those that it made.
    pub fn run_alone(
        &self,
        tree: &dyn Tree,
        plugin: &Plugin,
        config: &Json,
        objects: Vec<String>,
    ) -> Result<Alone, RenderError> {
        let at = StepContext {
            folder: String::new(),
            step: 1,
            plugin: plugin.name().to_owned(),
        };
        let exports = plugin.exports();
        if !exports.transform && !exports.validate {
            return Err(RenderError::NoRole { at });
        }
        let step = Step {
            plugin: PluginRef::Path(plugin.name().to_owned()),
            config: config.clone(),
            limits: LimitOverrides::default(),
        };
        let config = configuration(&step, plugin, &BTreeMap::new(), &at)?;
        let count = objects.len();
        let given = ObjectSet::new(objects).map_err(|bad| RenderError::Object {
            at: at.clone(),
            index: bad.index,
            count,
            reason: bad.reason,
        })?;
        let given = Arc::new(given);
        let schema = plugin.description().config_schema.as_ref();
        let violation = schema.and_then(|schema| schema::check(schema, &config));
        let ready = Ready {
            at,
            plugin: plugin.clone(),
            config: config.to_string(),
            limits: self.limits().clone(),
        };
        if let Some(violation) = violation {
            return Err(ready.refuse(tree, self.plugins(), violation, None));
        }
        let surroundings = Surroundings {
            tree,
            plugins: self.plugins(),
            origin: &|head: &Head| head.origin.clone(),
        };
        let result = ready
            .run_on(&surroundings, &given.items, &ready.limits)?
            .result;
        let set = result.objects.unwrap_or(given);
        let heads = set.items.iter().map(|item| &item.head);
        Ok(Alone {
            objects: set.items.iter().map(|item| item.text.clone()).collect(),
            ids: heads.map(|head| head.id.clone()).collect(),
            findings: result.findings,
            log: result.log,
        })
    }
}
