use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::child::Answer;
use crate::classify::clean;
use crate::mirror::SCRATCH;
use crate::remote_url::{RemoteUrl, Scheme};
use crate::{FetchError, FetchOutcome, FetchRequest, known_hosts};

/// The longest answer that is read from a child.
const MAX_ANSWER: u64 = 1 << 20;
/// How long a child may take, after its answer, to repack a mirror that has grown.
const TIDYING: Duration = Duration::from_secs(600);
/// How much of a failed child's complaints is repeated.
const MAX_COMPLAINT: u64 = 16 << 10;

/// The variables that a child is given: where programs, temporary files and certificates are, and
/// the way through a proxy.
const PASSED: [&str; 14] = [
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "LANG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RUST_BACKTRACE",
    "http_proxy",
    "https_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "no_proxy",
    "NO_PROXY",
    "ALL_PROXY",
];

/// Says how to start the process that fetches: a program that calls
/// [`fetch_child_main`](crate::fetch_child_main).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildCommand {
    /// The program, as a rule the one that is running.
    pub program: PathBuf,
    /// Its arguments, as a rule the hidden subcommand. No secrets: everyone can read them.
    pub args: Vec<OsString>,
    /// Variables to set besides those that are passed on. No secrets.
    pub envs: Vec<(OsString, OsString)>,
}

impl ChildCommand {
    /// Starts the running program again with other arguments.
    ///
    /// # Errors
    /// When the system does not know which program is running.
    pub fn current_program<A: Into<OsString>>(
        args: impl IntoIterator<Item = A>,
    ) -> io::Result<ChildCommand> {
        Ok(ChildCommand {
            program: std::env::current_exe()?,
            args: args.into_iter().map(Into::into).collect(),
            envs: Vec::new(),
        })
    }
}

/// Brings the commit that a reference means now into a mirror, and tells which it is.
///
/// The work is done in a child process, which is ended together with everything it started when
/// the deadline passes; the mirror stays usable. The server is asked for its refs first, and
/// nothing is fetched when the commit is there already. Blocks until then.
///
/// Of one mirror, one fetch runs at a time; another waits for it within its own deadline.
///
/// # Errors
/// [`FetchError`] says what to do about each.
pub fn fetch(
    child: &ChildCommand,
    request: &FetchRequest,
    deadline: Duration,
) -> Result<FetchOutcome, FetchError> {
    let url = RemoteUrl::parse(&request.url)?;
    let failed = |cause: String| FetchError::Child {
        url: url.shown.clone(),
        cause,
    };
    if let Some(pem) = &request.auth.ca_pem
        && !pem.contains("-----BEGIN ")
    {
        // The library that reads it would say nothing, and trust nobody.
        return Err(FetchError::Certificate {
            url: url.shown,
            host: url.host,
            cause: "the configured CA bundle holds no certificate in PEM form".to_owned(),
        });
    }
    let home = home(request, &url).map_err(|error| FetchError::Mirror {
        url: url.shown.clone(),
        mirror: request.mirror.display().to_string(),
        cause: error.to_string(),
    })?;
    let mut line = serde_json::to_vec(request).map_err(|error| failed(error.to_string()))?;
    line.push(b'\n');

    let mut process = Process(
        command(child, request, home.path())
            .spawn()
            .map_err(|error| {
                failed(format!(
                    "{} cannot be started: {error}",
                    child.program.display()
                ))
            })?,
    );
    let pipes = (
        process.0.stdin.take(),
        process.0.stdout.take(),
        process.0.stderr.take(),
    );
    let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
        return Err(failed("its standard streams are missing".to_owned()));
    };

    // The child's input stays open for as long as somebody waits for its answer.
    let (waiting, done) = mpsc::channel::<()>();
    let writer = thread::spawn(move || {
        // A child that cannot be written to has ended, and how it ended says more.
        drop(stdin.write_all(&line).and_then(|()| stdin.flush()));
        let _: Result<(), mpsc::RecvError> = done.recv();
    });
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut answer = String::new();
        let mut stdout = io::BufReader::new(stdout);
        let read = stdout.by_ref().take(MAX_ANSWER).read_line(&mut answer);
        // Nobody receives after the deadline.
        drop(send.send(read.map(|_| answer)));
        drop(io::copy(&mut stdout, &mut io::sink()));
    });
    let complaints = thread::spawn(move || {
        let mut text = Vec::new();
        let mut stderr = stderr;
        drop(stderr.by_ref().take(MAX_COMPLAINT).read_to_end(&mut text));
        drop(io::copy(&mut stderr, &mut io::sink()));
        clean(&String::from_utf8_lossy(&text))
    });

    let answer = match receive.recv_timeout(deadline) {
        Ok(answer) => answer.map_err(|error| failed(error.to_string()))?,
        Err(RecvTimeoutError::Timeout) => {
            return Err(FetchError::Deadline {
                url: url.shown.clone(),
                seconds: deadline.as_secs(),
            });
        }
        Err(RecvTimeoutError::Disconnected) => String::new(),
    };
    if answer.is_empty() {
        let status = process
            .0
            .wait()
            .map_or_else(|error| error.to_string(), |status| status.to_string());
        drop(waiting);
        let complaint = complaints.join().unwrap_or_default();
        return Err(failed(format!("{status} without an answer: {complaint}")));
    }
    let answer: Answer = serde_json::from_str(&answer)
        .map_err(|error| failed(format!("its answer cannot be read: {error}")))?;
    // The child repacks the mirror now if it has grown, for as long as its input is open.
    thread::spawn(move || {
        drop(receive.recv_timeout(TIDYING));
        drop(process);
        drop(waiting);
        drop(writer.join());
        drop(home);
    });
    match answer {
        Answer::Fetched(outcome) => Ok(outcome),
        Answer::Failed(error) => Err(error),
    }
}

/// A child that is ended, with all it started, when it is no longer waited for.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        if let Ok(None) = self.0.try_wait() {
            if let Some(group) = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw) {
                // It may have ended in between, which is as good.
                let _: rustix::io::Result<()> = kill_process_group(group, Signal::KILL);
            }
            drop(self.0.wait());
        }
    }
}

fn command(child: &ChildCommand, request: &FetchRequest, home: &Path) -> Command {
    let mut command = Command::new(&child.program);
    command
        .args(&child.args)
        .env_clear()
        .envs(
            PASSED
                .iter()
                .filter_map(|name| Some((name, std::env::var_os(name)?))),
        )
        .envs(child.envs.iter().map(|(name, value)| (name, value)))
        .env("HOME", home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    if request.auth.ca_pem.is_some() {
        command
            .env("SSL_CERT_FILE", home.join("ca.pem"))
            .env("SSL_CERT_DIR", home.join("no-certificates"));
    }
    command
}

/// Makes a home for the child, of its own and for this fetch only: what libgit2 looks for there is
/// what it shall find, and nothing of the user's.
fn home(request: &FetchRequest, url: &RemoteUrl) -> io::Result<TempDir> {
    let beside = request.mirror.parent().unwrap_or(&request.mirror);
    fs::create_dir_all(beside)?;
    let home = tempfile::Builder::new()
        .prefix(SCRATCH)
        .tempdir_in(beside)?;
    // A local repository often belongs to another user (a volume, a developer's checkout). Git's
    // ownership check guards against hooks and configuration that run programs; nothing is run
    // here, only objects are read.
    let mut config = "[safe]\n\tdirectory = *\n".to_owned();
    if url.scheme == Scheme::Local {
        // libgit2 takes this also for the size above which it looks for no similar object. Looking
        // takes most of the time of a copy from disk to disk, and saves little.
        config.push_str("[pack]\n\tdeltaCacheSize = 1\n");
    }
    if url.scheme == Scheme::Http && has_login(request, url) {
        // Without TLS there is no moment at which a redirect to another host can be caught before
        // the login is sent along.
        config.push_str("[http]\n\tfollowRedirects = false\n");
    }
    fs::write(home.path().join(".gitconfig"), config)?;
    if let Some(known) = &request.auth.known_hosts {
        // From this file the client learns which kinds of key to ask the server for.
        let keys = known_hosts::keys_for(known, &url.host, url.port);
        let folder = home.path().join(".ssh");
        fs::create_dir(&folder)?;
        fs::write(
            folder.join("known_hosts"),
            known_hosts::render(&keys, &url.host, url.port),
        )?;
    }
    if let Some(pem) = &request.auth.ca_pem {
        fs::write(home.path().join("ca.pem"), pem)?;
    }
    Ok(home)
}

fn has_login(request: &FetchRequest, url: &RemoteUrl) -> bool {
    !request.auth.is_empty() || url.username.is_some() || url.password.is_some()
}
