use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::build::ensure_control_plane;
use crate::certificates::Authority;
use crate::process::Process;
use crate::scratch::Scratch;

/// What a Git server over HTTP demands.
#[derive(Clone, Debug, Default)]
pub struct GitHttpOptions {
    /// Serves https with a certificate of an authority that only [`GitHttp::ca_pem`] knows.
    pub tls: bool,
    /// Demands this as the password of basic authentication, or as a bearer token.
    pub token: Option<String>,
}

/// A Git server over HTTP, which ends when this is dropped.
#[derive(Debug)]
pub struct GitHttp {
    process: Process,
    base: String,
    authority: Option<Authority>,
    scratch: Scratch,
}

impl GitHttp {
    /// Serves every repository below `root`, on loopback.
    pub async fn start(root: &Path, options: GitHttpOptions) -> Result<Self> {
        Self::start_on(root, options, 0).await
    }

    /// Serves on a given port: what comes back after an outage has to be found at the same address.
    pub async fn start_on(root: &Path, options: GitHttpOptions, port: u16) -> Result<Self> {
        let root = root.to_owned();
        tokio::task::spawn_blocking(move || Self::launch(&root, &options, port)).await?
    }

    fn launch(root: &Path, options: &GitHttpOptions, port: u16) -> Result<Self> {
        let binary = ensure_control_plane()?.git_http;
        let scratch = Scratch::new("git-http")?;
        let mut command = Command::new(binary);
        command
            .arg("--root")
            .arg(root)
            .arg("--port")
            .arg(port.to_string());
        if let Some(token) = &options.token {
            command.arg("--token").arg(token);
        }
        let mut authority = None;
        if options.tls {
            let fresh = Authority::new()?;
            let issued = fresh.issue(&["127.0.0.1", "localhost"])?;
            for (flag, name, content) in [
                ("--tls-cert", "server.crt", &issued.certificate),
                ("--tls-key", "server.key", &issued.key),
            ] {
                let path = scratch.path().join(name);
                fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
                command.arg(flag).arg(path);
            }
            authority = Some(fresh);
        }
        let log = scratch.path().join("git-http.log");
        let (process, output) = Process::spawn_with_output("git-http", command, &log)?;
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .context("reading git-http's address")?;
        if line.is_empty() {
            return Err(process.failure("did not start"));
        }
        Ok(Self {
            process,
            base: line.trim().to_owned(),
            authority,
            scratch,
        })
    }

    /// The URL of a repository, by its folder's name.
    pub fn url(&self, repository: &str) -> String {
        format!("{}/{repository}", self.base)
    }

    /// The port, for [`GitHttp::start_on`].
    pub fn port(&self) -> Result<u16> {
        let port = self.base.rsplit(':').next().unwrap_or_default();
        port.parse()
            .with_context(|| format!("{} has no port", self.base))
    }

    /// The certificate authority in PEM, when the server speaks https.
    pub fn ca_pem(&self) -> Option<&str> {
        self.authority.as_ref().map(Authority::pem)
    }

    /// What the server complained about.
    pub fn log(&self) -> String {
        self.process.log()
    }

    /// The folder of the server's certificate and log.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }
}
