//! What a figure holds for: the machine, how busy it was, and the binary.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use windlass_test_support::build::ensure_windlass;

use crate::report::Table;

/// The conditions of a run, begun when it begins.
pub(crate) struct Conditions {
    cores: usize,
    memory: String,
    load_before: String,
    load_after: String,
    profile: String,
}

impl Conditions {
    /// Looks at the machine, before anything is started.
    pub(crate) async fn observe() -> Result<Self> {
        let binary = tokio::task::spawn_blocking(ensure_windlass).await??;
        let cores = std::thread::available_parallelism().context("counting the cores")?;
        Ok(Self {
            cores: cores.get(),
            memory: memory(),
            load_before: load(),
            load_after: String::new(),
            profile: profile(&binary),
        })
    }

    /// Looks again, at the end.
    pub(crate) fn finish(mut self) -> Self {
        self.load_after = load();
        self
    }

    pub(crate) fn table(&self) -> Table {
        let mut table = Table::new("Conditions", &["", ""]);
        for (name, value) in [
            ("cores", self.cores.to_string()),
            ("memory", self.memory.clone()),
            (
                "load average before (1, 5, 15 min)",
                self.load_before.clone(),
            ),
            ("load average after", self.load_after.clone()),
            ("profile of the daemon", self.profile.clone()),
        ] {
            table.row([name.to_owned(), value]);
        }
        table
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "cores": self.cores,
            "memory": self.memory,
            "loadBefore": self.load_before,
            "loadAfter": self.load_after,
            "profile": self.profile,
        })
    }
}

fn memory() -> String {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = line
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<f64>()
                .ok()
        })
        .unwrap_or(0.0);
    format!("{:.0} GiB", kibibytes / (1024.0 * 1024.0))
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .take(3)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Cargo's folder for a profile; the dev profile's is called `debug`.
fn profile(binary: &Path) -> String {
    let folder = binary.parent().and_then(Path::file_name);
    match folder.map(|name| name.to_string_lossy()).as_deref() {
        Some("debug") => "dev".to_owned(),
        Some(other) => other.to_owned(),
        None => "unknown".to_owned(),
    }
}
