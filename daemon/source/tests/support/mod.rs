//! Repositories and servers for the tests of this room.
#![allow(dead_code, reason = "each test file uses a part")]

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use windlass_source::{
    Auth, ChildCommand, FetchError, FetchOutcome, FetchRequest, Reference, Repository, fetch,
};

/// Long enough for a slow machine, short enough not to hang a run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A repository made with the `git` command.
pub(crate) struct Upstream {
    pub(crate) folder: PathBuf,
}

impl Upstream {
    pub(crate) fn new(folder: &Path) -> Upstream {
        fs::create_dir_all(folder).unwrap();
        let upstream = Upstream {
            folder: folder.to_owned(),
        };
        upstream.git(&["init", "-q", "-b", "main"]);
        upstream.git(&["config", "uploadpack.allowReachableSHA1InWant", "true"]);
        upstream
    }

    pub(crate) fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(&self.folder)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Ada")
            .env("GIT_COMMITTER_EMAIL", "ada@example.com")
            .env("GIT_AUTHOR_DATE", "2024-05-01T12:00:00Z")
            .env("GIT_COMMITTER_DATE", "2024-05-01T12:00:00Z")
            .stdin(Stdio::null())
            .output()
            .expect("the tests need the git command");
        assert!(
            output.status.success(),
            "git {args:?} failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Commits all there is, and gives the commit's id.
    pub(crate) fn commit(&self, message: &str) -> String {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.head()
    }

    /// Writes one file and commits it.
    pub(crate) fn change(&self, path: &str, content: &str) -> String {
        self.write(path, content);
        self.commit(&format!("Change {path}"))
    }

    pub(crate) fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    pub(crate) fn url(&self) -> String {
        self.folder.display().to_string()
    }
}

/// The program that fetches, built beside the tests.
pub(crate) fn child() -> ChildCommand {
    let tests = std::env::current_exe().unwrap();
    let program = tests
        .ancestors()
        .nth(2)
        .unwrap()
        .join("examples/fetch_child");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --examples`",
        program.display()
    );
    ChildCommand {
        program,
        args: Vec::new(),
        envs: Vec::new(),
    }
}

/// A mirror and what is asked of it.
pub(crate) struct Client {
    pub(crate) repository: Repository,
    pub(crate) request: FetchRequest,
}

impl Client {
    pub(crate) fn new(cache: &Path, url: &str, reference: Reference) -> Client {
        let repository = Repository::open(cache, url).unwrap();
        Client {
            request: FetchRequest {
                url: url.to_owned(),
                reference,
                auth: Auth::default(),
                known: None,
                shallow: true,
                mirror: repository.path().to_owned(),
            },
            repository,
        }
    }

    pub(crate) fn branch(cache: &Path, url: &str) -> Client {
        Client::new(cache, url, Reference::Branch("main".to_owned()))
    }

    /// Fetches, and takes the commit for the known one from then on.
    pub(crate) fn fetch(&mut self) -> Result<FetchOutcome, FetchError> {
        let outcome = fetch(&child(), &self.request, PATIENCE)?;
        self.request.known = Some(outcome.commit.clone());
        Ok(outcome)
    }
}

/// How a server treats what it has to send.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Sends everything.
    Honest,
    /// Closes the connection after so many bytes.
    CutsAfter(usize),
    /// Sends wrong bytes after so many right ones.
    GarblesAfter(usize),
}

/// Serves the repositories below a folder at `git://`, until the test ends.
pub(crate) fn serve(folder: &Path, manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let folder = folder.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let folder = folder.clone();
            thread::spawn(move || answer(&folder, stream, manner));
        }
    });
    format!("git://{address}")
}

/// Runs `git daemon` for one connection, and passes on what it says.
fn answer(folder: &Path, mut client: TcpStream, manner: Manner) {
    let mut server = Command::new("git")
        .args(["daemon", "--inetd", "--export-all", "--informative-errors"])
        .arg(format!("--base-path={}", folder.display()))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::from(OwnedFd::from(client.try_clone().unwrap())))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the tests need git daemon");
    let mut from = server.stdout.take().unwrap();
    let mut sent = 0;
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let mut piece = buffer[..read].to_vec();
        match manner {
            Manner::Honest => {}
            Manner::CutsAfter(limit) => piece.truncate(limit.saturating_sub(sent)),
            Manner::GarblesAfter(limit) => {
                for byte in piece.iter_mut().skip(limit.saturating_sub(sent)) {
                    *byte ^= 0x55;
                }
            }
        }
        sent += piece.len();
        if client.write_all(&piece).is_err() || piece.len() < read {
            break;
        }
    }
    drop(client.shutdown(Shutdown::Both));
    drop(server.kill());
    drop(server.wait());
}

/// A server that takes connections and never says a word.
pub(crate) fn silent() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let kept: Vec<TcpStream> = listener.incoming().map_while(Result::ok).collect();
        drop(kept);
    });
    address
}

/// The processes that run with a folder in their environment: a fetch's home is below its cache.
pub(crate) fn processes_with(folder: &Path) -> Vec<String> {
    let needle = folder.display().to_string();
    fs::read_dir("/proc")
        .unwrap()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let home = format!("HOME={needle}");
            let found = environment
                .split(|&byte| byte == 0)
                .any(|variable| variable.starts_with(home.as_bytes()));
            found.then(|| entry.file_name().to_string_lossy().into_owned())
        })
        .collect()
}
