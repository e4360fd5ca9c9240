//! Runs the Windlass daemon as its users do: the binary, in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::Signal;

use crate::build::ensure_windlass;
use crate::process::Process;
use crate::prometheus;
use crate::scratch::Scratch;
use crate::wait::eventually;

const START_DEADLINE: Duration = Duration::from_secs(60);

const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// How to run a daemon.
#[derive(Clone, Debug, Default)]
pub struct DaemonOptions {
    /// The cluster to use, through the variable `KUBECONFIG`; none for daemons that need no cluster.
    pub kubeconfig: Option<PathBuf>,
    /// Arguments after `windlass run`.
    pub args: Vec<String>,
    /// More environment variables.
    pub env: Vec<(String, String)>,
    /// A binary to run instead of the workspace's own, such as an earlier release.
    pub binary: Option<PathBuf>,
    /// Distinguishes the daemon from others of the same test, in errors and names of logs.
    pub name: String,
}

/// A running daemon, which is killed when this is dropped.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    address_file: PathBuf,
    scratch: Scratch,
}

/// An answer of the daemon's HTTP server, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.body).with_context(|| {
            format!(
                "status {} with a body that is no JSON: {}",
                self.status, self.body
            )
        })
    }

    /// A header's value, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

impl Daemon {
    /// Starts `windlass run` in a process group of its own; builds the binary first if need be.
    ///
    /// It listens on a port of its choice, which [`Daemon::address`] tells.
    pub async fn spawn(options: DaemonOptions) -> Result<Self> {
        let binary = match options.binary {
            Some(binary) => binary,
            None => tokio::task::spawn_blocking(ensure_windlass).await??,
        };
        let name = if options.name.is_empty() {
            "windlass"
        } else {
            &options.name
        };
        let scratch = Scratch::new(name)?;
        let address_file = scratch.path().join("address");
        let mut command = Command::new(binary);
        command
            .args(["run", "--listen", "127.0.0.1:0", "--address-file"])
            .arg(&address_file)
            .args(&options.args)
            .env_remove("KUBECONFIG")
            .env("HOME", scratch.path())
            .current_dir(scratch.path());
        if let Some(kubeconfig) = &options.kubeconfig {
            command.env("KUBECONFIG", kubeconfig);
        }
        command.envs(options.env.iter().map(|(key, value)| (key, value)));
        let log = scratch.path().join("log");
        let process = Process::spawn(name, command, &log)?;
        Ok(Self {
            process,
            address_file,
            scratch,
        })
    }

    /// Everything the daemon wrote to standard output and standard error.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The daemon's working folder, which is also its home.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills the daemon and its helpers at once, as the kernel does when a container runs out of memory.
    pub fn kill9(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Asks the daemon to end, as Kubernetes does.
    pub fn terminate(&mut self) -> Result<()> {
        self.process.signal(Signal::TERM)
    }

    /// Sends any other signal, such as `STOP` for a replica that seems dead and is not.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        self.process.signal(signal)
    }

    /// Waits for the daemon's end.
    pub async fn wait(&mut self, deadline: Duration) -> Result<ExitStatus> {
        self.process.wait(deadline).await
    }

    /// Fails, with the end of the log, when the daemon has ended.
    pub fn check_alive(&mut self) -> Result<()> {
        self.process.check_alive()
    }

    /// The host and port of the HTTP server, once it listens.
    pub async fn address(&mut self) -> Result<String> {
        let address = eventually(START_DEADLINE, "the daemon to listen", async || {
            let address = fs::read_to_string(&self.address_file).unwrap_or_default();
            let address = address.trim();
            if address.is_empty() && self.process.exited()?.is_some() {
                return Ok(Some(String::new()));
            }
            Ok((!address.is_empty()).then(|| address.to_owned()))
        });
        match address.await {
            Ok(address) if address.is_empty() => {
                Err(self.process.failure("ended before it listened"))
            }
            Ok(address) => Ok(address),
            Err(error) => Err(self.process.failure(&format!("does not listen: {error:#}"))),
        }
    }

    /// Waits until `/readyz` says so, asking often enough to time it.
    pub async fn ready(&mut self, deadline: Duration) -> Result<()> {
        const OFTEN: Duration = Duration::from_millis(2);
        let end = Instant::now() + deadline;
        while Instant::now() < end {
            self.check_alive()?;
            // It is empty, or not there, until the daemon listens.
            let address = fs::read_to_string(&self.address_file).unwrap_or_default();
            if !address.is_empty() && self.get("/readyz").await?.status == 200 {
                return Ok(());
            }
            tokio::time::sleep(OFTEN).await;
        }
        Err(self
            .process
            .failure(&format!("is not ready after {deadline:?}")))
    }

    /// Sends a GET request; every status is an answer and none an error.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.request("GET", path, &[], Vec::new()).await
    }

    /// Sends a POST request; every status is an answer and none an error.
    pub async fn post(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Vec<u8>>,
    ) -> Result<Answer> {
        self.request("POST", path, headers, body.into()).await
    }

    /// Sends any request; every status is an answer and none an error.
    pub async fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer> {
        let url = format!("http://{}{path}", self.address().await?);
        let mut request = http::Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body)
            .with_context(|| format!("making a request for {url}"))?;
        let answer = tokio::task::spawn_blocking(move || send(request)).await?;
        answer.with_context(|| format!("{method} {url}"))
    }

    /// The sum over the samples of a metric that carry all of `labels`, or `None` when there is no such sample.
    pub async fn metric(&mut self, name: &str, labels: &[(&str, &str)]) -> Result<Option<f64>> {
        let answer = self.get("/metrics").await?;
        if answer.status != 200 {
            bail!("/metrics answered {}: {}", answer.status, answer.body);
        }
        Ok(prometheus::value(&answer.body, name, labels))
    }

    /// The memory that the daemon's own process holds at the moment, without that of its helpers.
    pub fn rss_bytes(&self) -> Result<u64> {
        let path = format!("/proc/{}/status", self.process.id());
        let status = fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        let kibibytes = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|rest| {
                rest.trim()
                    .trim_end_matches("kB")
                    .trim()
                    .parse::<u64>()
                    .ok()
            });
        Ok(1024 * kibibytes.with_context(|| format!("{path} tells no VmRSS"))?)
    }
}

fn send(request: http::Request<Vec<u8>>) -> Result<Answer> {
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(REQUEST_DEADLINE))
            .build(),
    );
    // Some methods may not have a body at all, not even an empty one.
    let mut response = if request.body().is_empty() && request.method() != http::Method::POST {
        agent.run(request.map(|_| ()))?
    } else {
        agent.run(request)?
    };
    let headers = response.headers().iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.as_str().to_owned(), value)
    });
    Ok(Answer {
        status: response.status().as_u16(),
        headers: headers.collect(),
        body: response
            .body_mut()
            .with_config()
            .limit(u64::MAX)
            .read_to_string()?,
    })
}
