//! The engine, and the plugins that it has compiled.

use crate::cache::{Cache, Cached, Compiled};
use crate::component::Callable;
use crate::function::Command;
use crate::plugin::{Code, Loaded, Plugin};
use crate::state::State;
use crate::ticker::Ticker;
use crate::{Description, Limits, PluginError, PluginId, admission, link};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine, Module};

/// How a host is set up.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Where compiled plugins are kept from one start to the next. The folder is made if it is not
    /// there, and has to belong to the user who runs this, writable by nobody else; otherwise a
    /// warning is logged and it is not used. None: every start compiles.
    pub cache_dir: Option<PathBuf>,
    /// The bounds for loading and describing; a call has its own.
    pub limits: Limits,
}

/// Compiles plugins and keeps them. Cheap to clone; all clones share everything.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
}

/// The stack of a guest: deep enough for parsers that recurse, in bytes.
const GUEST_STACK: usize = 1 << 20;
/// The stack of the host functions that a guest calls, in bytes.
const HOST_STACK: usize = 1 << 20;
/// The most plugins that are kept in memory; the ones unused for longest go.
const PLUGINS: usize = 64;

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    /// What a component may import.
    linker: Linker<State>,
    /// What a command may import.
    preview1: wasmtime::Linker<State>,
    cache: Option<Cache>,
    limits: Limits,
    loaded: Mutex<Memory>,
    /// Held while compiling: one at a time, since each takes all cores and a lot of memory.
    compiling: Mutex<()>,
}

#[derive(Default)]
struct Memory {
    places: HashMap<[u8; 32], Place>,
    uses: u64,
}

/// Whoever comes first fills the place; the others wait for it.
struct Place {
    plugin: Arc<Mutex<Option<Arc<Loaded>>>>,
    used: u64,
}

impl Host {
    /// Sets up the engine.
    ///
    /// # Errors
    /// [`PluginError::Setup`] when wasmtime cannot run on this machine, or a thread cannot be
    /// started.
    pub fn new(options: HostOptions) -> Result<Self, PluginError> {
        let HostOptions { cache_dir, limits } = options;
        let setup = |error: wasmtime::Error| PluginError::Setup {
            reason: format!("{error:#}"),
        };
        let engine = Engine::new(&config()).map_err(setup)?;
        let linker = link::linker(&engine).map_err(setup)?;
        let preview1 = link::preview1::linker(&engine).map_err(setup)?;
        let ticker = Ticker::start(&engine).map_err(|error| PluginError::Setup {
            reason: format!("a thread cannot be started: {error}"),
        })?;
        let cache = cache_dir.and_then(|folder| match Cache::open(&folder, &engine) {
            Ok(cache) => Some(cache),
            Err(reason) => {
                tracing::warn!(
                    folder = %folder.display(),
                    reason,
                    "the folder for compiled plugins is not used; every start compiles them anew"
                );
                None
            }
        });
        Ok(Self {
            shared: Arc::new(Shared {
                engine,
                ticker,
                linker,
                preview1,
                cache,
                limits,
                loaded: Mutex::default(),
                compiling: Mutex::default(),
            }),
        })
    }

    /// The bounds that this host was set up with.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Makes a plugin ready to be called.
    ///
    /// The same bytes are compiled once, also when asked for by several threads at once, and found
    /// again on disk after a restart. `name` is what a person calls the plugin; errors use it.
    ///
    /// # Errors
    /// When it is neither a component nor a command, too large, imports what it may not, was built
    /// for another contract, exports nothing of it, or cannot describe itself.
    pub fn load(&self, name: &str, wasm: &[u8]) -> Result<Plugin, PluginError> {
        let id = PluginId::new(name, None);
        let bytes = wasm.len() as u64;
        if bytes > self.shared.limits.module_bytes {
            return Err(PluginError::TooLarge {
                plugin: id,
                bytes,
                limit: self.shared.limits.module_bytes,
            });
        }
        let digest: [u8; 32] = Sha256::digest(wasm).into();
        let place = lock(&self.shared.loaded).place(digest);
        let mut place = lock(&place);
        let loaded = match &*place {
            Some(loaded) => Arc::clone(loaded),
            None => {
                let loaded = Arc::new(self.load_new(&id, wasm, &digest)?);
                *place = Some(Arc::clone(&loaded));
                loaded
            }
        };
        Ok(Plugin::new(name, loaded, Arc::clone(&self.shared)))
    }

    fn load_new(
        &self,
        id: &PluginId,
        wasm: &[u8],
        digest: &[u8; 32],
    ) -> Result<Loaded, PluginError> {
        let cache = self.shared.cache.as_ref();
        let found = cache.and_then(|cache| cache.get(&self.shared.engine, digest));
        let is_new = found.is_none();
        let Cached {
            compiled,
            description,
        } = match found {
            Some(found) => found,
            None => Cached {
                compiled: self.compile(id, wasm)?,
                description: None,
            },
        };
        let hexadecimal = hex::encode(digest);
        let code = match &compiled {
            Compiled::Component(component) => self.component(id, component, description)?,
            Compiled::Module(module) => {
                Code::Command(Command::admit(id, &self.shared.preview1, module)?)
            }
        };
        if let Some(cache) = cache.filter(|_| is_new) {
            let description = match &code {
                Code::Component { description, .. } => Some(description.as_ref().clone()),
                Code::Command(_) => None,
            };
            let new = Cached {
                compiled,
                description,
            };
            if let Err(reason) = cache.put(digest, &new) {
                tracing::warn!(
                    plugin = id.name(),
                    reason,
                    "a compiled plugin cannot be kept"
                );
            }
        }
        Ok(Loaded {
            digest: hexadecimal,
            code,
        })
    }

    fn compile(&self, id: &PluginId, wasm: &[u8]) -> Result<Compiled, PluginError> {
        let damaged = |reason| PluginError::NotAComponent {
            plugin: id.clone(),
            reason,
        };
        let is_component = match wasm.get(..8) {
            Some(b"\0asm\x0d\0\x01\0") => true,
            Some(b"\0asm\x01\0\0\0") => false,
            _ => {
                return Err(damaged(
                    "it does not begin as one; is it another file, or a Git LFS pointer?"
                        .to_owned(),
                ));
            }
        };
        let engine = &self.shared.engine;
        let _one_at_a_time = lock(&self.shared.compiling);
        let started = std::time::Instant::now();
        let compiled = match is_component {
            true => Component::from_binary(engine, wasm).map(Compiled::Component),
            false => Module::from_binary(engine, wasm).map(Compiled::Module),
        };
        let compiled = compiled.map_err(|error| damaged(format!("{error:#}")))?;
        tracing::debug!(plugin = id.name(), elapsed = ?started.elapsed(), "compiled a plugin");
        Ok(compiled)
    }

    /// Links a component, and asks it what it is when that is not known.
    fn component(
        &self,
        id: &PluginId,
        component: &Component,
        description: Option<Description>,
    ) -> Result<Code, PluginError> {
        let engine = &self.shared.engine;
        let linker = admission::admit(id, engine, &self.shared.linker, component)?;
        let entrances = admission::entrances(id, engine, component)?;
        let instance = linker.instantiate_pre(component).map_err(|error| {
            PluginError::ForbiddenImport {
                plugin: id.clone(),
                import: "one of its interfaces".to_owned(),
                reason: format!(
                    "its type is not the published one ({error:#}); build the plugin against the \
                     published `wit/` folder and WASI 0.2"
                ),
            }
        })?;
        let callable = Callable {
            instance,
            entrances,
        };
        let description = match description {
            Some(description) => description,
            None => callable.describe(id, &self.shared, &self.shared.limits)?,
        };
        Ok(Code::Component {
            callable,
            description: Arc::new(description),
        })
    }
}

impl Memory {
    fn place(&mut self, digest: [u8; 32]) -> Arc<Mutex<Option<Arc<Loaded>>>> {
        self.uses += 1;
        let used = self.uses;
        let place = self.places.entry(digest).or_insert_with(|| Place {
            plugin: Arc::default(),
            used,
        });
        place.used = used;
        let plugin = Arc::clone(&place.plugin);
        if self.places.len() > PLUGINS
            && let Some(oldest) = self
                .places
                .iter()
                .min_by_key(|(_, place)| place.used)
                .map(|(digest, _)| *digest)
        {
            self.places.remove(&oldest);
        }
        plugin
    }
}

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        // The only arithmetic of WebAssembly whose result is the machine's choice.
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .max_wasm_stack(GUEST_STACK)
        .async_stack_size(GUEST_STACK + HOST_STACK)
        // A person gets what the guest printed; a list of its stripped functions helps nobody.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .native_unwind_info(false);
    config
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
