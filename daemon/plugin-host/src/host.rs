//! The engine, and the plugins that it has compiled.

use crate::cache::{Cache, Cached, Compiled};
use crate::compile::Failure;
use crate::component::Callable;
use crate::function::Command;
use crate::plugin::{Code, Loaded, Plugin};
use crate::state::State;
use crate::ticker::Ticker;
use crate::{Compiler, Description, Limits, PluginError, PluginId, admission, compile, link};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

/// How a host is set up.
#[derive(Clone, Debug, Default)]
pub struct HostOptions {
    /// Where compiled plugins are kept from one start to the next. The folder is made if it is not
    /// there, and has to belong to the user who runs this, writable by nobody else; otherwise a
    /// warning is logged and it is not used. None: every start compiles.
    pub cache_dir: Option<PathBuf>,
    /// The bounds for loading and describing; a call has its own.
    pub limits: Limits,
    /// Where plugins are compiled.
    pub compiler: Compiler,
}

/// Compiles plugins and keeps them. Cheap to clone; all clones share everything.
#[derive(Clone)]
pub struct Host {
    shared: Arc<Shared>,
    digests: Digests,
}

/// Gives the SHA-256 of bytes that it knows, such as those that are part of the program.
type Digests = fn(&[u8]) -> Option<[u8; 32]>;

/// The stack of a guest: deep enough for parsers that recurse, in bytes.
const GUEST_STACK: usize = 1 << 20;
/// The stack of the host functions that a guest calls, in bytes.
const HOST_STACK: usize = 1 << 20;
/// The most plugins that are kept in memory; the ones unused for longest go.
const PLUGINS: usize = 64;
/// How long a plugin that could not be compiled is left alone: an environment is looked at again
/// every few seconds, and each attempt may cost a minute of all cores.
const REST: Duration = Duration::from_secs(600);

pub(crate) struct Shared {
    pub(crate) engine: Engine,
    pub(crate) ticker: Ticker,
    /// What a component may import.
    linker: Linker<State>,
    /// What a command may import.
    preview1: wasmtime::Linker<State>,
    cache: Option<Cache>,
    /// The folder of the cache when it is one for this process alone; removed at its end.
    _own_folder: Option<TempDir>,
    limits: Limits,
    compiler: Compiler,
    loaded: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    places: HashMap<[u8; 32], Place>,
    uses: u64,
}

/// Whoever comes first fills the place; the others wait for it.
struct Place {
    plugin: Arc<Mutex<Attempt>>,
    used: u64,
}

/// What came of loading a plugin.
#[derive(Default)]
enum Attempt {
    #[default]
    None,
    Loaded(Arc<Loaded>),
    /// It could not be compiled within these bounds.
    Failed {
        at: Instant,
        time: Duration,
        memory: u64,
        failure: Failure,
    },
}

impl Attempt {
    /// Why it need not be tried again; none when it should.
    fn known_failure(&self, limits: &Limits) -> Option<Failure> {
        match self {
            Self::Failed {
                at,
                time,
                memory,
                failure,
            } if at.elapsed() < REST
                && limits.compile_time <= *time
                && limits.compile_memory <= *memory =>
            {
                Some(failure.clone())
            }
            _ => None,
        }
    }
}

/// Why a plugin is not there.
enum NotLoaded {
    Compiling(Failure),
    Other(PluginError),
}

impl From<PluginError> for NotLoaded {
    fn from(error: PluginError) -> Self {
        Self::Other(error)
    }
}

impl Host {
    /// Sets up the engine.
    ///
    /// # Errors
    /// [`PluginError::Setup`] when wasmtime cannot run on this machine, or a thread cannot be
    /// started.
    pub fn new(options: HostOptions) -> Result<Self, PluginError> {
        let HostOptions {
            cache_dir,
            limits,
            compiler,
        } = options;
        let setup = |error: wasmtime::Error| PluginError::Setup {
            reason: format!("{error:#}"),
        };
        let engine = Engine::new(&config()).map_err(setup)?;
        let linker = link::linker(&engine).map_err(setup)?;
        let preview1 = link::preview1::linker(&engine).map_err(setup)?;
        let ticker = Ticker::start(&engine).map_err(|error| PluginError::Setup {
            reason: format!("a thread cannot be started: {error}"),
        })?;
        let mut cache = cache_dir.and_then(|folder| match Cache::open(&folder, &engine) {
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
        let mut own_folder = None;
        if cache.is_none() && compiler != Compiler::InProcess {
            // The child hands its work over in a folder.
            let (folder, own) = own_cache(&engine).map_err(|reason| PluginError::Setup {
                reason: format!("there is no folder for compiled plugins: {reason}"),
            })?;
            (own_folder, cache) = (Some(folder), Some(own));
        }
        Ok(Self {
            digests: |_| None,
            shared: Arc::new(Shared {
                engine,
                ticker,
                linker,
                preview1,
                cache,
                _own_folder: own_folder,
                limits,
                compiler,
                loaded: Mutex::default(),
            }),
        })
    }

    /// Asks `digests` first for the SHA-256 of a plugin, so that one whose digest was found when the
    /// program was built need not be read through in every run.
    ///
    /// It has to be right: the compiled form is found by it.
    #[must_use]
    pub fn with_digests(self, digests: fn(&[u8]) -> Option<[u8; 32]>) -> Self {
        Self { digests, ..self }
    }

    /// The bounds that this host was set up with.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Makes a plugin ready to be called, within the bounds of this host.
    ///
    /// # Errors
    /// As [`Host::load_within`].
    pub fn load(&self, name: &str, wasm: &[u8]) -> Result<Plugin, PluginError> {
        self.load_within(name, wasm, &self.shared.limits)
    }

    /// Makes a plugin ready to be called. Of the limits, those for the size of the file and for
    /// compiling it count.
    ///
    /// The same bytes are compiled once, also when asked for by several threads at once, and found
    /// again on disk after a restart. What could not be compiled is not tried again within the same
    /// bounds for ten minutes. `name` is what a person calls the plugin; errors use it.
    ///
    /// # Errors
    /// When it is neither a component nor a command, too large, takes too much to be compiled,
    /// imports what it may not, was built for another contract, exports nothing of it, or cannot
    /// describe itself.
    pub fn load_within(
        &self,
        name: &str,
        wasm: &[u8],
        limits: &Limits,
    ) -> Result<Plugin, PluginError> {
        let id = PluginId::new(name, None);
        let bytes = wasm.len() as u64;
        if bytes > limits.module_bytes {
            return Err(PluginError::TooLarge {
                plugin: id,
                bytes,
                limit: limits.module_bytes,
            });
        }
        let digest = (self.digests)(wasm).unwrap_or_else(|| Sha256::digest(wasm).into());
        let place = lock(&self.shared.loaded).place(digest);
        let mut place = lock(&place);
        let loaded = match &*place {
            Attempt::Loaded(loaded) => Arc::clone(loaded),
            attempt => {
                if let Some(failure) = attempt.known_failure(limits) {
                    return Err(failure.about(id, limits));
                }
                match self.load_new(&id, wasm, &digest, limits) {
                    Ok(loaded) => {
                        let loaded = Arc::new(loaded);
                        *place = Attempt::Loaded(Arc::clone(&loaded));
                        loaded
                    }
                    Err(NotLoaded::Other(error)) => return Err(error),
                    Err(NotLoaded::Compiling(failure)) => {
                        if failure.is_dear() {
                            *place = Attempt::Failed {
                                at: Instant::now(),
                                time: limits.compile_time,
                                memory: limits.compile_memory,
                                failure: failure.clone(),
                            };
                        }
                        return Err(failure.about(id, limits));
                    }
                }
            }
        };
        Ok(Plugin::new(name, loaded, Arc::clone(&self.shared)))
    }

    fn load_new(
        &self,
        id: &PluginId,
        wasm: &[u8],
        digest: &[u8; 32],
        limits: &Limits,
    ) -> Result<Loaded, NotLoaded> {
        let cache = self.shared.cache.as_ref();
        let found = cache.and_then(|cache| cache.get(&self.shared.engine, digest));
        let is_on_disk = found.is_some();
        let Cached {
            compiled,
            description,
        } = match found {
            Some(found) => found,
            None => self
                .compile(id, wasm, digest, limits)
                .map_err(NotLoaded::Compiling)?,
        };
        let is_described = description.is_some();
        let hexadecimal = hex::encode(digest);
        let code = match &compiled {
            Compiled::Component(component) => self.component(id, component, description)?,
            Compiled::Module(module) => {
                Code::Command(Command::admit(id, &self.shared.preview1, module)?)
            }
        };
        let description = match &code {
            Code::Component { description, .. } => Some(description.as_ref().clone()),
            Code::Command(_) => None,
        };
        let in_process = self.shared.compiler == Compiler::InProcess;
        let is_news = (in_process && !is_on_disk) || (description.is_some() && !is_described);
        if let Some(cache) = cache.filter(|_| is_news) {
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

    fn compile(
        &self,
        id: &PluginId,
        wasm: &[u8],
        digest: &[u8; 32],
        limits: &Limits,
    ) -> Result<Cached, Failure> {
        let Shared {
            engine,
            cache,
            compiler,
            ..
        } = &*self.shared;
        let _one = compile::one_at_a_time();
        let started = Instant::now();
        let compiled = match (compiler, cache) {
            (Compiler::Child(command), Some(cache)) => {
                compile::in_child(command, cache, wasm, limits)?;
                cache.get(engine, digest).ok_or_else(|| {
                    Failure::Broken(
                        "it left nothing that can be used; was Windlass replaced by another \
                         version while it runs? Then start it again"
                            .to_owned(),
                    )
                })?
            }
            _ => Cached {
                compiled: compile::here(engine, wasm)?,
                description: None,
            },
        };
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
    fn place(&mut self, digest: [u8; 32]) -> Arc<Mutex<Attempt>> {
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

/// A cache in a folder that nobody else can look into, and that goes with the host.
fn own_cache(engine: &Engine) -> Result<(TempDir, Cache), String> {
    let folder = tempfile::Builder::new()
        .prefix("windlass-plugins-")
        .tempdir()
        .map_err(|error| error.to_string())?;
    let cache = Cache::open(folder.path(), engine)?;
    Ok((folder, cache))
}

/// The settings of the engine, the same in the process that compiles and in the one that runs.
pub(crate) fn config() -> Config {
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
