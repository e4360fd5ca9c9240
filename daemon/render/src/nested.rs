//! Plugins that run plugins: a step inside of a step.

use crate::error::{RenderError, StepContext};
use crate::pipeline::PluginRef;
use crate::plugins::Plugins;
use crate::view::View;
use std::time::Instant;
use windlass_plugin_host::{Limits, Plugin, PluginError, Ran, Run, RunEnd, RunFailure};

/// How deep runs may be nested: a plugin of a step runs one that runs another.
const MAX_DEPTH: usize = 2;

/// What it takes to run another plugin.
#[derive(Clone, Copy)]
pub(crate) struct Nest<'a> {
    plugins: &'a Plugins,
    at: &'a StepContext,
    /// The limits of the step: one key raises them for all that the step runs.
    limits: &'a Limits,
    depth: usize,
}

impl<'a> Nest<'a> {
    /// What the plugin of a step may run.
    pub(crate) fn new(plugins: &'a Plugins, at: &'a StepContext, limits: &'a Limits) -> Self {
        Self {
            plugins,
            at,
            limits,
            depth: 0,
        }
    }

    /// Runs a plugin for the one that sees `view`, and adds to the view what it read.
    pub(crate) fn run(self, view: &mut View<'a>, run: Run) -> RunEnd {
        if self.depth >= MAX_DEPTH {
            let reason = format!(
                "{} is not run: it would be the plugin of a plugin of a plugin, and {MAX_DEPTH} \
                 plugins below that of a step are the limit",
                run.path
            );
            return RunFailure::from(reason).into();
        }
        let started = Instant::now();
        let plugin = self.load(&run.path, view);
        let loading = started.elapsed();
        let plugin = match plugin {
            Ok(plugin) => plugin,
            Err(reason) => {
                return RunEnd {
                    result: Err(reason.into()),
                    loading,
                };
            }
        };
        let deeper = Self {
            depth: self.depth + 1,
            ..self
        };
        let mut inner = view.inner(deeper);
        let result = roles(&plugin, run, &mut inner, self.limits);
        let loading = loading + inner.loading();
        view.absorb(inner);
        RunEnd {
            result: result.map_err(Into::into),
            loading,
        }
    }

    fn load(&self, path: &str, view: &mut View<'a>) -> Result<Plugin, String> {
        let reference = PluginRef::Path(path.to_owned());
        let (tree, reads) = view.parts();
        let plugin = self
            .plugins
            .get(&reference, tree, self.at, self.limits, reads)
            .map_err(|error| match error {
                // The step is known to whoever shows this.
                RenderError::PluginFile { reason, .. } => {
                    format!("the plugin's file cannot be read: {reason}")
                }
                RenderError::Plugin { source, .. } => source.to_string(),
                error => error.to_string(),
            })?;
        let exports = plugin.exports();
        if exports.transform || exports.validate {
            Ok(plugin)
        } else {
            Err(format!(
                "the plugin {path} exports neither `transform` nor `validate`; it cannot be run as a \
                 step"
            ))
        }
    }
}

/// Makes objects, and checks them, as far as the plugin does either.
fn roles(
    plugin: &Plugin,
    run: Run,
    view: &mut View<'_>,
    limits: &Limits,
) -> Result<Ran, PluginError> {
    let Run {
        path: _,
        objects,
        config,
        within,
    } = run;
    let started = Instant::now();
    let left = |view: &View<'_>| {
        let within = within.saturating_add(view.loading());
        Limits {
            wall_time: limits
                .wall_time
                .min(within.saturating_sub(started.elapsed())),
            ..limits.clone()
        }
    };
    let mut ran = Ran {
        objects,
        ..Ran::default()
    };
    let exports = plugin.exports();
    let mut checked = false;
    if exports.transform {
        let objects = std::mem::take(&mut ran.objects);
        let limits = left(view);
        let output = plugin.transform(objects, &config, view, &limits)?;
        ran.objects = output.value;
        ran.log = output.log;
        if let Some(findings) = output.findings {
            checked = true;
            ran.findings = findings;
        }
    }
    if exports.validate && !checked {
        let limits = left(view);
        let output = plugin.validate(ran.objects.clone(), &config, view, &limits)?;
        ran.findings = output.value;
        ran.log.extend(output.log);
    }
    Ok(ran)
}

#[cfg(test)]
#[path = "nested_tests.rs"]
mod tests;
