//! How long a process takes, and how much memory it needs.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// One run of a process.
pub(super) struct Process {
    /// From its start until it has been waited for.
    pub(super) took: Duration,
    /// The most memory that it held, in bytes.
    pub(super) peak: u64,
}

/// Runs a program to its end, with its standard output in a file.
pub(super) fn measure(program: &Path, arguments: &[&OsStr], output: &Path) -> Result<Process> {
    let file = File::create(output).with_context(|| format!("opening {}", output.display()))?;
    let errors = output.with_extension("err");
    let error_file =
        File::create(&errors).with_context(|| format!("opening {}", errors.display()))?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(error_file);
    let begin = Instant::now();
    let child = command
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    let (status, peak) = wait(child.id()).context("waiting for a process")?;
    let took = begin.elapsed();
    ensure!(
        status == 0,
        "{} failed: {}",
        program.display(),
        fs::read_to_string(&errors).unwrap_or_default()
    );
    Ok(Process { took, peak })
}

/// Waits for a child; gives its status and the peak of its memory in bytes.
///
/// The kernel tells the memory of a process that has ended only to who waits for it with `wait4`.
#[allow(unsafe_code, reason = "there is no safe wrapper around wait4")]
fn wait(id: u32) -> io::Result<(i32, u64)> {
    let id = libc::pid_t::try_from(id).map_err(io::Error::other)?;
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both pointers are to places of ours that outlive the call; a zeroed `rusage` is a valid one.
    let usage = unsafe {
        if libc::wait4(id, &raw mut status, 0, usage.as_mut_ptr()) < 0 {
            return Err(io::Error::last_os_error());
        }
        usage.assume_init()
    };
    // Linux counts it in kibibytes.
    Ok((status, 1024 * u64::try_from(usage.ru_maxrss).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::measure;
    use std::path::Path;
    use windlass_test_support::Scratch;

    #[test]
    fn a_process_takes_time_and_memory() {
        let scratch = Scratch::new("measure").unwrap();
        let output = scratch.path().join("output");
        let run = measure(
            Path::new("/bin/sh"),
            &["-c".as_ref(), "echo x".as_ref()],
            &output,
        );
        let run = run.unwrap();
        assert!(run.peak > 100_000, "a process holds memory: {}", run.peak);
        assert_eq!(std::fs::read_to_string(&output).unwrap(), "x\n");
        let failed = measure(
            Path::new("/bin/sh"),
            &["-c".as_ref(), "exit 3".as_ref()],
            &output,
        );
        assert!(failed.is_err(), "a process that fails is not measured");
    }
}
