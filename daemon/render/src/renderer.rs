//! The road from a pipeline to objects.

use crate::error::{RenderError, StepContext};
use crate::finish::{Finished, finish};
use crate::memo::{Memo, Receipt};
use crate::path::resolve;
use crate::pipeline::{Pipeline, Step};
use crate::plugins::Plugins;
use crate::reads::ReadSet;
use crate::rendered::{Rendered, StepFinding, StepTrace};
use crate::set::{Hash, Head, ObjectSet, digest};
use crate::step::{Done, Ready, Surroundings, configuration};
use crate::{place, schema};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use windlass_manifest::{GroupKind, ObjectId, Origin};
use windlass_plugin_host::{Host, Limits, Output};
use windlass_source::Tree;

/// The version of what the key of a whole render stands for.
const VERSION: &str = "windlass render 1";

/// How many times its text an object takes in memory once it is parsed, about.
const PARSED: usize = 4;

/// Renders pipelines. Shared by any number of threads.
pub struct Renderer {
    plugins: Plugins,
    memo: Memo,
    limits: Limits,
    ceiling: Limits,
}

impl Renderer {
    /// Makes a renderer whose steps get the host's limits.
    ///
    /// `builtins` gives the component of a plugin that ships with Windlass.
    pub fn new(
        host: Host,
        memo: Memo,
        builtins: impl Fn(&str) -> Option<&'static [u8]> + Send + Sync + 'static,
    ) -> Self {
        let limits = host.limits().clone();
        let ceiling = Limits {
            wall_time: limits.wall_time.max(Duration::from_secs(300)),
            memory_bytes: limits.memory_bytes.max(2 << 30),
            output_bytes: limits.output_bytes.max(512 << 20),
            log_bytes: limits.log_bytes.max(16 << 20),
            host_calls: limits.host_calls.max(10_000_000),
            objects: limits.objects.max(1_000_000),
            module_bytes: limits.module_bytes.max(128 << 20),
            compile_time: limits.compile_time.max(Duration::from_secs(300)),
            compile_memory: limits.compile_memory.max(4 << 30),
        };
        Self {
            plugins: Plugins::new(host, Box::new(builtins)),
            memo,
            limits,
            ceiling,
        }
    }

    /// Sets the most that a step may ask for in its `limits`.
    #[must_use]
    pub fn with_ceiling(mut self, ceiling: Limits) -> Self {
        self.ceiling = ceiling;
        self
    }

    /// Says what the built-in plugins are called, for the message about a misspelt one.
    #[must_use]
    pub fn with_builtin_names<T: Into<String>>(
        mut self,
        names: impl IntoIterator<Item = T>,
    ) -> Self {
        self.plugins
            .name(names.into_iter().map(Into::into).collect());
        self
    }

    /// The sandbox in which the plugins run.
    pub fn host(&self) -> &Host {
        self.plugins.host()
    }

    pub(crate) fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Renders an environment. Custom kinds that the render does not define are taken for
    /// namespaced.
    ///
    /// # Errors
    /// [`RenderError`]; there is no partial result.
    pub fn render(&self, tree: &dyn Tree, pipeline: &Pipeline) -> Result<Rendered, RenderError> {
        self.render_with_scope(tree, pipeline, &|_| None)
    }

    /// Renders an environment. `is_namespaced` says of a custom kind whether it is namespaced,
    /// when it knows.
    ///
    /// # Errors
    /// [`RenderError`]; there is no partial result.
    pub fn render_with_scope(
        &self,
        tree: &dyn Tree,
        pipeline: &Pipeline,
        is_namespaced: &dyn Fn(&GroupKind) -> Option<bool>,
    ) -> Result<Rendered, RenderError> {
        let started = Instant::now();
        let mut reads = ReadSet::default();
        let steps = self.prepare(tree, pipeline, &mut reads)?;
        let key = key(pipeline, &steps);
        if let Some(receipt) = self.memo.receipt(&key, tree, is_namespaced)
            && let Some(known) = self.memo.render(&receipt)
        {
            return Ok(remembered(&known, started.elapsed()));
        }
        let run = self.run(tree, &steps, reads)?;
        let Run {
            objects,
            origins,
            findings,
            traces,
            reads,
            may_change,
        } = run;
        let origins = objects.heads().map(|head| origins.of(head)).collect();
        let namespace = pipeline.namespace.as_deref();
        let Finished {
            objects: finished,
            digest,
            scopes,
        } = finish(
            &objects,
            origins,
            &pipeline.folder,
            namespace,
            is_namespaced,
        )?;
        let rendered = Rendered {
            objects: finished.into(),
            findings,
            remembered: !traces.is_empty() && traces.iter().all(|trace| trace.remembered),
            steps: traces,
            reads: Arc::new(reads),
            digest: hex::encode(digest),
        };
        if self.memo.is_on() {
            let roots = rendered.reads.roots(tree);
            // A folder that was written to meanwhile may hold something else than what was read.
            if !may_change || rendered.reads.holds(tree) {
                let digest = rendered.digest.clone();
                let place = crate::set::digest(&[&key[..], digest.as_bytes()]);
                let receipt = Receipt {
                    roots,
                    scopes,
                    digest,
                    render: place,
                };
                let size = objects.size() * PARSED + rendered.reads.size();
                self.memo.keep_render(key, receipt, rendered.clone(), size);
            }
        }
        Ok(rendered)
    }

    /// Runs one step by itself, on no objects, and gives what it made just as it made it: nothing is
    /// remembered, checked or put into a namespace.
    ///
    /// # Errors
    /// As [`Renderer::render`].
    pub fn generate(
        &self,
        tree: &dyn Tree,
        folder: &str,
        step: &Step,
    ) -> Result<Output<Vec<String>>, RenderError> {
        let pipeline = Pipeline {
            folder: folder.to_owned(),
            steps: vec![step.clone()],
            ..Pipeline::default()
        };
        let steps = self.prepare(tree, &pipeline, &mut ReadSet::default())?;
        match steps.first() {
            Some(step) => step.generate(tree, &self.plugins),
            None => unreachable!("one step was prepared"),
        }
    }

    /// Gives the digest that a render would have, when that can be told from the last one in a few
    /// look-ups. It costs less memory than a remembered render, so that it is known for longer: a
    /// caller who has the objects already should ask this first.
    ///
    /// # Errors
    /// [`RenderError`] for a pipeline that cannot be run at all.
    pub fn known_digest(
        &self,
        tree: &dyn Tree,
        pipeline: &Pipeline,
        is_namespaced: &dyn Fn(&GroupKind) -> Option<bool>,
    ) -> Result<Option<String>, RenderError> {
        let steps = self.prepare(tree, pipeline, &mut ReadSet::default())?;
        let receipt = self
            .memo
            .receipt(&key(pipeline, &steps), tree, is_namespaced);
        Ok(receipt.map(|receipt| receipt.digest.clone()))
    }

    fn prepare(
        &self,
        tree: &dyn Tree,
        pipeline: &Pipeline,
        reads: &mut ReadSet,
    ) -> Result<Vec<Ready>, RenderError> {
        let folder = resolve("", &pipeline.folder).unwrap_or_else(|_| pipeline.folder.clone());
        tree.children(&folder)
            .map_err(|source| RenderError::Folder {
                folder: folder.clone(),
                source,
            })?;
        let mut steps = Vec::with_capacity(pipeline.steps.len());
        for (index, step) in pipeline.steps.iter().enumerate() {
            let at = StepContext {
                folder: folder.clone(),
                step: index + 1,
                plugin: step.plugin.to_string(),
            };
            let limits = step
                .limits
                .apply(&self.limits, &self.ceiling)
                .map_err(|excess| {
                    let crate::pipeline::Excess {
                        key,
                        asked,
                        ceiling,
                    } = excess;
                    RenderError::Limit {
                        at: at.clone(),
                        key,
                        asked,
                        ceiling,
                    }
                })?;
            let plugin = self.plugins.get(&step.plugin, tree, &at, &limits, reads)?;
            let exports = plugin.exports();
            if !exports.transform && !exports.validate {
                return Err(RenderError::NoRole { at });
            }
            let config = configuration(step, &plugin, &pipeline.variables, &at)?;
            let schema = plugin.description().config_schema.as_ref();
            let violation = schema.and_then(|schema| schema::check(schema, &config));
            let ready = Ready {
                at,
                plugin,
                config: config.to_string(),
                limits,
            };
            if let Some(violation) = violation {
                let place = place::find(tree, &folder, index, &step.config, &violation);
                return Err(ready.refuse(tree, &self.plugins, violation, place));
            }
            steps.push(ready);
        }
        Ok(steps)
    }

    fn run(&self, tree: &dyn Tree, steps: &[Ready], reads: ReadSet) -> Result<Run, RenderError> {
        let mut run = Run {
            objects: Arc::new(ObjectSet::new(Vec::new()).unwrap_or_default()),
            origins: Origins::default(),
            findings: Vec::new(),
            traces: Vec::with_capacity(steps.len()),
            reads,
            may_change: false,
        };
        for step in steps {
            self.step(tree, step, &mut run)?;
        }
        Ok(run)
    }

    fn step(&self, tree: &dyn Tree, step: &Ready, run: &mut Run) -> Result<(), RenderError> {
        let started = Instant::now();
        let objects_in = run.objects.items.len();
        let origin = |head: &Head| run.origins.of(head);
        let surroundings = Surroundings {
            tree,
            plugins: &self.plugins,
            origin: &origin,
        };
        let Done {
            result,
            may_change,
            remembered,
        } = step.run(&surroundings, &self.memo, &run.objects)?;
        run.may_change |= may_change;
        if let Some(objects) = &result.objects {
            run.objects = Arc::clone(objects);
            run.origins.note(&step.at, objects);
        }
        for finding in &result.findings {
            let head = finding
                .object
                .and_then(|index| run.objects.items.get(index))
                .map(|item| &item.head);
            run.findings.push(StepFinding {
                step: step.at.step,
                plugin: step.at.plugin.clone(),
                object: head.map(|head| head.id.clone()),
                origin: head.map(|head| run.origins.of(head)),
                finding: finding.clone(),
            });
        }
        run.reads.extend(&result.reads);
        run.traces.push(StepTrace {
            plugin: step.plugin.name().to_owned(),
            version: step.plugin.version().to_owned(),
            remembered,
            elapsed: started.elapsed(),
            files_read: result.reads.files().count(),
            objects_in,
            objects_out: run.objects.items.len(),
            log: result.log.clone(),
        });
        Ok(())
    }
}

/// A render under way.
struct Run {
    objects: Arc<ObjectSet>,
    origins: Origins,
    findings: Vec<StepFinding>,
    traces: Vec<StepTrace>,
    reads: ReadSet,
    may_change: bool,
}

/// Where objects come from: the file that their annotations name, or named before a plugin lost
/// them, or else the step after which they were first there.
#[derive(Default)]
struct Origins {
    folder: String,
    first: HashMap<ObjectId, Origin>,
}

impl Origins {
    fn note(&mut self, at: &StepContext, objects: &ObjectSet) {
        self.folder.clone_from(&at.folder);
        for head in objects.heads() {
            if !self.first.contains_key(&head.id) {
                let origin = self.written(head).unwrap_or_else(|| Origin {
                    file: None,
                    index: None,
                    step: Some(format!("step {} ({})", at.step, at.plugin)),
                });
                self.first.insert(head.id.clone(), origin);
            }
        }
    }

    fn of(&self, head: &Head) -> Origin {
        let known = || self.first.get(&head.id).cloned().unwrap_or_default();
        self.written(head).unwrap_or_else(known)
    }

    /// What the annotations say, as a path in the tree.
    fn written(&self, head: &Head) -> Option<Origin> {
        let file = head.origin.file.as_ref()?;
        let file = resolve(&self.folder, file).unwrap_or_else(|_| file.clone());
        Some(Origin {
            file: Some(file),
            ..head.origin.clone()
        })
    }
}

fn key(pipeline: &Pipeline, steps: &[Ready]) -> Hash {
    let mut parts: Vec<Vec<u8>> = vec![
        VERSION.into(),
        pipeline.folder.clone().into(),
        format!("{:?}", pipeline.namespace).into(),
    ];
    for step in steps {
        // The name is part of findings and origins.
        parts.push(step.at.plugin.clone().into());
        parts.push(step.identity().to_vec());
    }
    digest(&parts)
}

/// The render as it was, except for the time that it took.
fn remembered(known: &Rendered, elapsed: Duration) -> Rendered {
    let mut rendered = known.clone();
    rendered.remembered = true;
    for (index, step) in rendered.steps.iter_mut().enumerate() {
        step.remembered = true;
        step.elapsed = if index == 0 { elapsed } else { Duration::ZERO };
    }
    rendered
}
