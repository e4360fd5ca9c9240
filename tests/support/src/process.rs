use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal};

use crate::wait::eventually;

/// Lines of a log that go into an error: enough for the cause and the start of a Go stack.
const TAIL: usize = 30;

/// A child process in a process group of its own that never outlives the test process.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with its output appended to the file `log`.
    pub fn spawn(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        command.stdout(open_log(log)?);
        Self::start(name, command, log)
    }

    /// Starts `command` and hands out its standard output; only standard error goes to the log.
    pub(crate) fn spawn_with_output(
        name: &str,
        mut command: Command,
        log: &Path,
    ) -> Result<(Self, ChildStdout)> {
        command.stdout(Stdio::piped());
        let mut process = Self::start(name, command, log)?;
        let output = process
            .child
            .stdout
            .take()
            .context("standard output is a pipe")?;
        Ok((process, output))
    }

    fn start(name: &str, mut command: Command, log: &Path) -> Result<Self> {
        command
            .stdin(Stdio::null())
            .stderr(open_log(log)?)
            .process_group(0);
        die_with_parent(&mut command);
        let child = spawn_on_lasting_thread(command).with_context(|| format!("starting {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            ended: None,
        })
    }

    /// The process id, which is also the id of the process group.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The exit status once the process has ended, without waiting.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        if self.ended.is_none() {
            self.ended = self
                .child
                .try_wait()
                .with_context(|| format!("asking whether {} still runs", self.name))?;
        }
        Ok(self.ended)
    }

    /// Fails, with the end of the log, when the process has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        if let Some(status) = self.exited()? {
            return Err(self.failure(&format!("ended early ({status})")));
        }
        Ok(())
    }

    /// Waits for the end of the process.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        let what = format!("{} to end", self.name);
        eventually(deadline, &what, async || self.exited()).await
    }

    /// Sends a signal to the whole group, so that helpers of the process are met too.
    ///
    /// A process that has ended already is no error: tests race their own signals.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.exited()?.is_some() {
            return Ok(());
        }
        let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let group = group.ok_or_else(|| anyhow!("{} has no process group", self.name))?;
        match rustix::process::kill_process_group(group, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("signalling {}", self.name)),
        }
    }

    /// Kills the whole group and waits until the process is gone.
    pub fn kill(&mut self) -> Result<()> {
        if self.exited()?.is_some() {
            return Ok(());
        }
        self.signal(Signal::KILL)?;
        let status = self.child.wait();
        self.ended = Some(status.with_context(|| format!("waiting for {} to end", self.name))?);
        Ok(())
    }

    /// Everything the process wrote so far.
    pub fn log(&self) -> String {
        read_log(&self.log)
    }

    /// An error about this process, with the end of its log and where to find the rest.
    pub(crate) fn failure(&self, what: &str) -> anyhow::Error {
        let text = self.log();
        let lines: Vec<&str> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL)..];
        anyhow!(
            "{} {what}; the end of {}:\n{}",
            self.name,
            self.log.display(),
            tail.join("\n")
        )
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to be told; the kernel kills what this misses when the test process ends.
        drop(self.kill());
    }
}

fn open_log(path: &Path) -> Result<File> {
    File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening the log {}", path.display()))
}

fn read_log(path: &Path) -> String {
    fs::read(path).map_or_else(
        |error| format!("(unreadable: {error})"),
        |bytes| String::from_utf8_lossy(&bytes).into_owned(),
    )
}

/// Has the kernel kill the child when this process is gone, however it went.
#[allow(
    unsafe_code,
    reason = "there is no safe way to run code between fork and exec"
)]
fn die_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the request was made; then no signal will ever come.
        if rustix::process::getppid() != Some(parent) {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls and neither allocates nor takes a lock.
    unsafe { command.pre_exec(prepare) };
}

type Job = (Command, mpsc::SyncSender<io::Result<Child>>);

/// Forks on a thread that lives as long as the process.
///
/// The kernel ties the death signal to the thread that forked. A test's own thread ends with the test, and would take the
/// shared control plane with it.
fn spawn_on_lasting_thread(command: Command) -> Result<Child> {
    static SPAWNER: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
        let (jobs, queue) = mpsc::channel::<Job>();
        thread::spawn(move || {
            for (mut command, reply) in queue {
                // A caller that has gone away drops the child's handle, and the kernel sees to the child.
                drop(reply.send(command.spawn()));
            }
        });
        jobs
    });
    let (reply, answer) = mpsc::sync_channel(1);
    if SPAWNER.send((command, reply)).is_err() {
        bail!("the thread that starts processes has ended");
    }
    Ok(answer
        .recv()
        .context("the thread that starts processes has ended")??)
}
