//! Everything that can go wrong with a plugin, as a person gets to read it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Which plugin an error is about: the name that the environment uses, and the version that the
/// plugin says it has, once it could be asked.
///
/// Every error has one, so it is cheap to clone and small.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PluginId(Arc<(String, Option<String>)>);

impl PluginId {
    pub(crate) fn new(name: &str, version: Option<&str>) -> Self {
        Self(Arc::new((name.to_owned(), version.map(str::to_owned))))
    }

    /// What a person calls it.
    pub fn name(&self) -> &str {
        &self.0.0
    }

    /// Its version, once it could be asked.
    pub fn version(&self) -> Option<&str> {
        self.0.1.as_deref()
    }
}

impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version() {
            Some(version) => write!(f, "plugin `{}` {version}", self.name()),
            None => write!(f, "plugin `{}`", self.name()),
        }
    }
}

/// Why a plugin could not be loaded or did not answer.
///
/// `stderr` is the end of what it printed, bounded and without control characters; empty when it
/// printed nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PluginError {
    /// The sandbox itself could not be set up.
    #[error("the plugin sandbox cannot be set up: {reason}")]
    Setup {
        /// What wasmtime or the system said.
        reason: String,
    },
    /// The bytes are no component, or a damaged one.
    #[error("{plugin} is not a WebAssembly component: {reason}")]
    NotAComponent {
        /// The plugin.
        plugin: PluginId,
        /// What it is instead, or where it is damaged.
        reason: String,
    },
    /// The component is too large to be compiled.
    #[error(
        "{plugin} has {bytes} bytes, and {limit} is the limit; build it without debug information \
         (`strip = true`), or raise `limits.moduleBytes`"
    )]
    TooLarge {
        /// The plugin.
        plugin: PluginId,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// It imports what plugins do not get.
    #[error("{plugin} imports `{import}`, which is refused: {reason}")]
    ForbiddenImport {
        /// The plugin.
        plugin: PluginId,
        /// The import, as the component names it.
        import: String,
        /// Why, and what to do about it.
        reason: String,
    },
    /// It was built for a contract that this host does not know.
    #[error(
        "{plugin} was built for `{item}`, and this Windlass knows windlass:plugin {supported}; \
         {remedy}"
    )]
    OtherContract {
        /// The plugin.
        plugin: PluginId,
        /// The import or export that shows it.
        item: String,
        /// The contract that this host implements.
        supported: &'static str,
        /// Which of the two to renew.
        remedy: &'static str,
    },
    /// It does not export what makes a component a plugin.
    #[error(
        "{plugin} does not export `windlass:plugin/{missing}`; a plugin exports `describe` and at \
         least one of `transform`, `validate` and `assess`"
    )]
    NoPlugin {
        /// The plugin.
        plugin: PluginId,
        /// What is missing.
        missing: &'static str,
    },
    /// It is a core module that cannot be run as a command.
    #[error(
        "{plugin} is a core module and no command that can be run as a KRM function: {reason}; \
         build a program for WASI preview 1 (`GOOS=wasip1 GOARCH=wasm go build`, `--target \
         wasm32-wasip1`), or a component for `wasm32-wasip2`"
    )]
    NoCommand {
        /// The plugin.
        plugin: PluginId,
        /// What it lacks.
        reason: String,
    },
    /// An export has the right name and another type.
    #[error(
        "{plugin} exports `{export}` in another shape than the contract's: {reason}; build it \
         against the published `wit/` folder"
    )]
    WrongShape {
        /// The plugin.
        plugin: PluginId,
        /// The export.
        export: &'static str,
        /// Where the types differ.
        reason: String,
    },
    /// It is asked for something that it does not export.
    #[error("{plugin} does not export `{export}`; it cannot be used in this place")]
    NotExported {
        /// The plugin.
        plugin: PluginId,
        /// What it was asked for.
        export: &'static str,
    },
    /// Compiling it took too long.
    #[error(
        "{plugin} was not compiled within the limit of {limit:?}; build it smaller (`strip = true`, \
         `opt-level = \"s\"`), or raise `limits.compileTime`"
    )]
    CompileTime {
        /// The plugin.
        plugin: PluginId,
        /// The limit.
        limit: Duration,
    },
    /// Compiling it took too much memory.
    #[error(
        "{plugin} was not compiled: that takes more memory than the limit of {}; build it smaller \
         (`strip = true`, `opt-level = \"s\"`), or raise `limits.compileMemory`",
        mebibytes(*limit)
    )]
    CompileMemory {
        /// The plugin.
        plugin: PluginId,
        /// The limit, in bytes.
        limit: u64,
    },
    /// The process that compiles could not do its work.
    #[error("{plugin} was not compiled, since the process that compiles failed: {reason}")]
    Compiler {
        /// The plugin.
        plugin: PluginId,
        /// How it failed.
        reason: String,
    },
    /// It says itself that it could not do its work.
    #[error(
        "{plugin} failed: {message}{}{}",
        place(object.as_ref(), field.as_deref(), hint.as_deref()),
        printed(stderr)
    )]
    Failed {
        /// The plugin.
        plugin: PluginId,
        /// Its message.
        message: String,
        /// Which of the objects of the call, by index; always in range.
        object: Option<usize>,
        /// Which field of the object, or key of the configuration.
        field: Option<String>,
        /// What to do about it.
        hint: Option<String>,
        /// The end of what it printed, when it is a KRM function, which says there why it failed.
        stderr: String,
    },
    /// It panicked, or did what a WebAssembly program must not do.
    #[error("{plugin} crashed: {reason}{}", printed(stderr))]
    Crashed {
        /// The plugin.
        plugin: PluginId,
        /// What wasmtime says.
        reason: String,
        /// The end of what it printed.
        stderr: String,
    },
    /// Its calls were nested too deep.
    #[error(
        "{plugin} ran out of stack: its calls are nested too deep, most likely a recursion without \
         end; this cannot be raised, the plugin has to be changed{}",
        printed(stderr)
    )]
    StackOverflow {
        /// The plugin.
        plugin: PluginId,
        /// The end of what it printed.
        stderr: String,
    },
    /// It took too long.
    #[error(
        "{plugin} was stopped: it ran into the time limit of {limit:?}; if it needs longer, raise \
         `limits.wallTime`{}",
        printed(stderr)
    )]
    WallTime {
        /// The plugin.
        plugin: PluginId,
        /// The limit.
        limit: Duration,
        /// The end of what it printed.
        stderr: String,
    },
    /// It wanted more memory than it may have.
    #[error(
        "{plugin} was stopped: it wanted {wanted} bytes of memory, over the memory limit of {}; if \
         it needs more, raise `limits.memory`{}",
        mebibytes(*limit),
        printed(stderr)
    )]
    Memory {
        /// The plugin.
        plugin: PluginId,
        /// What it would have had, in bytes.
        wanted: u64,
        /// The limit, in bytes.
        limit: u64,
        /// The end of what it printed.
        stderr: String,
    },
    /// Its answer is too large.
    #[error(
        "{plugin} answered with more than {} in one call, the output limit; if that is right, \
         raise `limits.outputBytes`",
        mebibytes(*limit)
    )]
    OutputBytes {
        /// The plugin.
        plugin: PluginId,
        /// The limit, in bytes.
        limit: u64,
    },
    /// There are too many objects.
    #[error(
        "{plugin} {direction} {count} objects or findings in one call, and {limit} is the limit; \
         if that is right, raise `limits.objects`"
    )]
    Objects {
        /// The plugin.
        plugin: PluginId,
        /// Whether they go in or come out: a verb.
        direction: &'static str,
        /// How many there are.
        count: usize,
        /// The limit.
        limit: usize,
    },
    /// It asked the host for something too often.
    #[error(
        "{plugin} was stopped: it called the host more than {limit} times in one call; if that is \
         right, raise `limits.hostCalls`{}",
        printed(stderr)
    )]
    HostCalls {
        /// The plugin.
        plugin: PluginId,
        /// The limit.
        limit: u64,
        /// The end of what it printed.
        stderr: String,
    },
    /// It logged and printed too much.
    #[error(
        "{plugin} was stopped: it logged or printed more than {limit} bytes in one call; if that \
         is right, raise `limits.logBytes`{}",
        printed(stderr)
    )]
    LogBytes {
        /// The plugin.
        plugin: PluginId,
        /// The limit, in bytes.
        limit: u64,
        /// The end of what it printed.
        stderr: String,
    },
    /// It ended as if it were a program.
    #[error(
        "{plugin} called `exit` with status {status} and gave no answer; a plugin returns, and \
         says by an error that it failed{}",
        printed(stderr)
    )]
    Exited {
        /// The plugin.
        plugin: PluginId,
        /// The exit status.
        status: u8,
        /// The end of what it printed.
        stderr: String,
    },
    /// Its answer breaks the contract.
    #[error("{plugin} gave an answer that breaks the contract: {reason}")]
    BadAnswer {
        /// The plugin.
        plugin: PluginId,
        /// Which part, and how.
        reason: String,
    },
}

impl PluginError {
    /// The code under which `windlass explain` knows it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Setup { .. } => "WL0400",
            Self::NotAComponent { .. } => "WL0401",
            Self::TooLarge { .. } => "WL0402",
            Self::ForbiddenImport { .. } => "WL0403",
            Self::OtherContract { .. } => "WL0404",
            Self::NoPlugin { .. } => "WL0405",
            Self::WrongShape { .. } => "WL0406",
            Self::NotExported { .. } => "WL0407",
            Self::NoCommand { .. } => "WL0408",
            Self::Failed { .. } => "WL0410",
            Self::Crashed { .. } => "WL0411",
            Self::StackOverflow { .. } => "WL0412",
            Self::WallTime { .. } => "WL0413",
            Self::Memory { .. } => "WL0414",
            Self::OutputBytes { .. } => "WL0415",
            Self::Objects { .. } => "WL0416",
            Self::HostCalls { .. } => "WL0417",
            Self::LogBytes { .. } => "WL0418",
            Self::Exited { .. } => "WL0419",
            Self::BadAnswer { .. } => "WL0420",
            Self::CompileTime { .. } => "WL0430",
            Self::CompileMemory { .. } => "WL0431",
            Self::Compiler { .. } => "WL0432",
        }
    }

    /// The plugin it is about; none when the sandbox itself is broken.
    pub fn plugin(&self) -> Option<&PluginId> {
        match self {
            Self::Setup { .. } => None,
            Self::NotAComponent { plugin, .. }
            | Self::TooLarge { plugin, .. }
            | Self::ForbiddenImport { plugin, .. }
            | Self::OtherContract { plugin, .. }
            | Self::NoPlugin { plugin, .. }
            | Self::NoCommand { plugin, .. }
            | Self::WrongShape { plugin, .. }
            | Self::NotExported { plugin, .. }
            | Self::Failed { plugin, .. }
            | Self::Crashed { plugin, .. }
            | Self::StackOverflow { plugin, .. }
            | Self::WallTime { plugin, .. }
            | Self::Memory { plugin, .. }
            | Self::OutputBytes { plugin, .. }
            | Self::Objects { plugin, .. }
            | Self::HostCalls { plugin, .. }
            | Self::LogBytes { plugin, .. }
            | Self::Exited { plugin, .. }
            | Self::BadAnswer { plugin, .. }
            | Self::CompileTime { plugin, .. }
            | Self::CompileMemory { plugin, .. }
            | Self::Compiler { plugin, .. } => Some(plugin),
        }
    }
}

/// The object's index is left out: the caller knows the object and names it.
fn place(object: Option<&usize>, field: Option<&str>, hint: Option<&str>) -> String {
    let mut place = String::new();
    match (object, field) {
        (Some(_), Some(field)) => place.push_str(&format!(" (field {field})")),
        (None, Some(field)) => place.push_str(&format!(" (at {field})")),
        (_, None) => {}
    }
    if let Some(hint) = hint {
        place.push_str("; ");
        place.push_str(hint);
    }
    place
}

fn printed(stderr: &str) -> String {
    if stderr.is_empty() {
        String::new()
    } else {
        format!("; it printed:\n{stderr}")
    }
}

fn mebibytes(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) {
        format!("{} MiB", bytes >> 20)
    } else {
        format!("{bytes} bytes")
    }
}
