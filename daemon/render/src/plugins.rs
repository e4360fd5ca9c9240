//! From what a pipeline names to a plugin that can be called.

use crate::error::{RenderError, StepContext};
use crate::path::resolve;
use crate::pipeline::PluginRef;
use crate::reads::{Access, ReadSet, Seen};
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use windlass_plugin_host::{Host, Limits, Plugin, PluginError};
use windlass_source::{Digest, Tree};

/// The plugins of this release, by name.
pub(crate) type Builtins = Box<dyn Fn(&str) -> Option<&'static [u8]> + Send + Sync>;

/// The most plugins from trees that are kept at hand; the host keeps the compiled ones anyway.
const MAX_KEPT: usize = 256;

/// Plugins that were loaded before, so that their bytes need not be read and hashed again.
pub(crate) struct Plugins {
    host: Host,
    builtins: Builtins,
    names: Vec<String>,
    loaded: Mutex<HashMap<Key, Plugin>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Key {
    Builtin(String),
    /// The path is part of the key, since errors show it.
    File(String, Digest),
}

impl Plugins {
    pub(crate) fn new(host: Host, builtins: Builtins) -> Self {
        Self {
            host,
            builtins,
            names: Vec::new(),
            loaded: Mutex::default(),
        }
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn name(&mut self, names: Vec<String>) {
        self.names = names;
    }

    /// Gives the plugin of a step. The file of one in the tree is recorded as read. What is loaded
    /// already has been paid for, and no limit is asked.
    pub(crate) fn get(
        &self,
        reference: &PluginRef,
        tree: &dyn Tree,
        at: &StepContext,
        limits: &Limits,
        reads: &mut ReadSet,
    ) -> Result<Plugin, RenderError> {
        match reference {
            PluginRef::Builtin(name) => {
                let wasm = || {
                    (self.builtins)(name).map(Cow::Borrowed).ok_or_else(|| {
                        RenderError::UnknownPlugin {
                            at: at.clone(),
                            suggestion: self.nearest(name),
                        }
                    })
                };
                self.load(Key::Builtin(name.clone()), name, at, limits, wasm)
            }
            PluginRef::Path(written) => {
                let wrong = |reason: String| RenderError::PluginFile {
                    at: at.clone(),
                    reason,
                };
                let path = resolve(&at.folder, written)
                    .map_err(|error| wrong(format!("{written}: {error}")))?;
                let digest = tree
                    .digest(&path)
                    .map_err(|error| wrong(error.to_string()))?
                    .ok_or_else(|| wrong(format!("{path} is not in the tree")))?;
                reads.record(
                    Access::Read(path.clone()),
                    Seen::Content(digest.to_string()),
                );
                let wasm = || {
                    tree.read(&path)
                        .map(Cow::Owned)
                        .map_err(|error| wrong(error.to_string()))
                };
                self.load(Key::File(path.clone(), digest), written, at, limits, wasm)
            }
        }
    }

    fn load(
        &self,
        key: Key,
        name: &str,
        at: &StepContext,
        limits: &Limits,
        wasm: impl FnOnce() -> Result<Cow<'static, [u8]>, RenderError>,
    ) -> Result<Plugin, RenderError> {
        if let Some(plugin) = self.lock().get(&key) {
            return Ok(plugin.clone());
        }
        let failed = |source: PluginError| RenderError::Plugin {
            at: at.clone(),
            object: None,
            source: Box::new(source),
        };
        let plugin = self
            .host
            .load_within(name, &wasm()?, limits)
            .map_err(failed)?;
        let mut loaded = self.lock();
        if loaded.len() >= MAX_KEPT {
            loaded.retain(|key, _| matches!(key, Key::Builtin(_)));
        }
        loaded.insert(key, plugin.clone());
        Ok(plugin)
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let allowed = (name.chars().count() / 3).max(1);
        self.names
            .iter()
            .map(|known| (strsim::osa_distance(name, known), known))
            .filter(|(distance, _)| *distance <= allowed)
            .min()
            .map(|(_, known)| known.clone())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Plugin>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
