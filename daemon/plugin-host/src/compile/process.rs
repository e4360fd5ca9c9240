//! The child as its parent sees it.

use super::child::{Answer, Request};
use super::{CompileCommand, Failure};
use crate::{Limits, text};
use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;

/// The longest answer that is read from a child, in bytes.
const MAX_ANSWER: u64 = 1 << 20;
/// How much of a failed child's complaints is looked at, in bytes.
const MAX_COMPLAINT: u64 = 16 << 10;

/// The variables that a child is given: where libraries and temporary files are.
const PASSED: [&str; 4] = ["LD_LIBRARY_PATH", "TMPDIR", "LANG", "RUST_BACKTRACE"];

/// Runs one child and waits for its end, at most as long as compiling may take.
pub(super) fn run(
    command: &CompileCommand,
    folder: &Path,
    wasm: &[u8],
    limits: &Limits,
) -> Result<(), Failure> {
    let request = Request {
        folder: folder.to_owned(),
        memory: limits.compile_memory,
        bytes: wasm.len(),
    };
    let mut line = serde_json::to_vec(&request).map_err(|error| broken(&error))?;
    line.push(b'\n');
    let mut process = Process(start(command)?);
    let (Some(mut stdin), Some(stdout), Some(mut stderr)) = (
        process.0.stdin.take(),
        process.0.stdout.take(),
        process.0.stderr.take(),
    ) else {
        return Err(Failure::Broken(
            "its standard streams are missing".to_owned(),
        ));
    };
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        // The child's input stays open for as long as somebody waits for its answer.
        let (waiting, done) = mpsc::channel::<()>();
        scope.spawn(move || {
            // A child that cannot be written to has ended, and how it ended says more.
            drop(
                stdin
                    .write_all(&line)
                    .and_then(|()| stdin.write_all(wasm))
                    .and_then(|()| stdin.flush()),
            );
            let _: Result<(), mpsc::RecvError> = done.recv();
        });
        scope.spawn(move || {
            let mut answer = String::new();
            let mut stdout = io::BufReader::new(stdout.take(MAX_ANSWER));
            let read = stdout.read_line(&mut answer);
            // Nobody receives after the deadline.
            drop(send.send(read.map(|_| answer)));
        });
        let complaints = scope.spawn(move || {
            let mut text = Vec::new();
            drop(stderr.by_ref().take(MAX_COMPLAINT).read_to_end(&mut text));
            drop(io::copy(&mut stderr, &mut io::sink()));
            String::from_utf8_lossy(&text).into_owned()
        });
        let answer = match receive.recv_timeout(limits.compile_time) {
            Ok(answer) => answer.map_err(|error| broken(&error)),
            Err(RecvTimeoutError::Timeout) => Err(Failure::Time),
            Err(RecvTimeoutError::Disconnected) => Ok(String::new()),
        };
        // A child without an answer has closed its output, or is to be ended now.
        let status = match &answer {
            Ok(answer) if answer.is_empty() => process.0.wait().map_err(|error| broken(&error)),
            _ => {
                process.end();
                Ok(ExitStatus::default())
            }
        };
        drop(waiting);
        let complaint = complaints.join().unwrap_or_default();
        match answer? {
            none if none.is_empty() => Err(without_answer(status?, &complaint)),
            answer => read(&answer),
        }
    })
}

fn start(command: &CompileCommand) -> Result<Child, Failure> {
    Command::new(&command.program)
        .args(&command.args)
        .env_clear()
        .envs(
            PASSED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|error| {
            Failure::Broken(format!(
                "{} cannot be started: {error}",
                command.program.display()
            ))
        })
}

fn read(answer: &str) -> Result<(), Failure> {
    let answer: Answer = serde_json::from_str(answer)
        .map_err(|error| Failure::Broken(format!("its answer cannot be read: {error}")))?;
    match answer {
        Answer::Compiled => Ok(()),
        Answer::Invalid(reason) => Err(Failure::Invalid(text::message(&reason))),
        Answer::Memory => Err(Failure::Memory),
        Answer::Broken(reason) => Err(Failure::Broken(text::message(&reason))),
    }
}

/// A Rust program that gets no memory says so in these words, and aborts.
fn without_answer(status: ExitStatus, complaint: &str) -> Failure {
    let aborted = status.signal() == Some(Signal::ABORT.as_raw());
    if aborted && complaint.contains("memory allocation of ") {
        return Failure::Memory;
    }
    let complaint = text::message(complaint.trim_end());
    Failure::Broken(format!(
        "it ended without an answer ({status}): {complaint}"
    ))
}

fn broken(error: &dyn std::error::Error) -> Failure {
    Failure::Broken(error.to_string())
}

/// A child that is ended when it is no longer waited for.
struct Process(Child);

impl Process {
    fn end(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
                // It may have ended in between, which is as good.
                let _: rustix::io::Result<()> = kill_process_group(group, Signal::KILL);
            }
            drop(self.0.wait());
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_abort_for_want_of_memory_is_taken_for_one() {
        let of_memory = "memory allocation of 4096 bytes failed\n";
        let aborted = ExitStatus::from_raw(6);
        assert_eq!(without_answer(aborted, of_memory), Failure::Memory);
        for (status, complaint) in [
            (aborted, "assertion failed"),
            (ExitStatus::from_raw(11), of_memory),
            (ExitStatus::from_raw(101 << 8), "thread panicked"),
        ] {
            let failure = without_answer(status, complaint);
            assert!(
                matches!(&failure, Failure::Broken(reason) if reason.contains(complaint.trim())),
                "{failure:?}"
            );
        }
    }
}
