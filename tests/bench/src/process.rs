//! What the kernel knows of the daemon's process.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};

/// Ticks a second in `/proc/PID/stat`; part of the kernel's interface on every architecture Windlass runs on.
const TICKS: f64 = 100.0;

/// The most memory that the process has held since it started, in bytes.
pub(crate) fn peak_rss(id: u32) -> Result<u64> {
    let path = format!("/proc/{id}/status");
    let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line
        .and_then(|rest| {
            rest.trim()
                .trim_end_matches("kB")
                .trim()
                .parse::<u64>()
                .ok()
        })
        .with_context(|| format!("{path} tells no VmHWM"))?;
    Ok(1024 * kibibytes)
}

/// The processor time that the process has used, over all its threads.
pub(crate) fn cpu_time(id: u32) -> Result<Duration> {
    let path = format!("/proc/{id}/stat");
    let stat = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    // The second field is the program's name in parentheses and may hold spaces; the times are the 14th and 15th.
    let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    Ok(Duration::from_secs_f64(ticks / TICKS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::{cpu_time, peak_rss};

    #[test]
    fn this_process_has_memory_and_time() {
        let id = std::process::id();
        assert!(peak_rss(id).unwrap() > 100_000, "a process holds memory");
        assert!(cpu_time(id).is_ok(), "a process has used time");
    }
}
