//! What a call may use, and what making a plugin ready may.

use std::time::Duration;

/// Bounds on one call of a plugin, and on the size of the plugin itself.
///
/// The defaults are far above what a sound plugin needs for some thousands of objects. Every error
/// about one of them names the key that raises it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest a call may take by the clock on the wall, in steps of 10 ms
    /// (`limits.wallTime`).
    pub wall_time: Duration,
    /// The most memory that a call may have, in bytes: the linear memories and tables of all
    /// modules in the component together (`limits.memory`).
    pub memory_bytes: u64,
    /// The most that a call may give back, in bytes of all strings together
    /// (`limits.outputBytes`).
    pub output_bytes: u64,
    /// The most that a call may log and print, in bytes (`limits.logBytes`).
    pub log_bytes: u64,
    /// How often a call may ask the host for something: files, secrets, the log and WASI together
    /// (`limits.hostCalls`).
    pub host_calls: u64,
    /// The largest component that is loaded, in bytes (`limits.moduleBytes`).
    pub module_bytes: u64,
    /// The longest that compiling a plugin may take by the clock on the wall
    /// (`limits.compileTime`). It holds where a child process compiles.
    pub compile_time: Duration,
    /// The most memory that compiling a plugin may take, in bytes (`limits.compileMemory`). It
    /// holds where a child process compiles, on Linux: other systems do not count it.
    pub compile_memory: u64,
    /// The most objects that go into a call or come out of it, and the most findings
    /// (`limits.objects`).
    pub objects: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_time: Duration::from_secs(10),
            memory_bytes: 256 << 20,
            output_bytes: 64 << 20,
            log_bytes: 1 << 20,
            host_calls: 1_000_000,
            module_bytes: 32 << 20,
            compile_time: Duration::from_secs(60),
            compile_memory: 2 << 30,
            objects: 100_000,
        }
    }
}
