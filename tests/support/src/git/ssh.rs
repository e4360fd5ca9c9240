use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::control_plane::free_port;
use crate::process::Process;
use crate::scratch::Scratch;
use crate::wait::eventually;

/// Where distributions put the server, which is in the `PATH` of administrators only.
const SSHD: [&str; 4] = [
    "/usr/sbin/sshd",
    "/usr/local/sbin/sshd",
    "/usr/bin/sshd",
    "/sbin/sshd",
];

const START_DEADLINE: Duration = Duration::from_secs(20);

const ATTEMPTS: usize = 3;

/// A private `sshd` over which the current user reaches repositories; it ends when this is dropped.
#[derive(Debug)]
pub struct GitSsh {
    process: Process,
    root: PathBuf,
    user: String,
    port: u16,
    private_key: String,
    known_hosts: String,
    scratch: Scratch,
}

impl GitSsh {
    /// Whether this machine has an `sshd`, which is no part of the usual tools.
    pub fn available() -> bool {
        sshd().is_ok()
    }

    /// Serves the repositories below `root`, on loopback, to one key made for the purpose.
    pub async fn start(root: &Path) -> Result<Self> {
        let sshd = sshd()?;
        let mut attempt = 1;
        loop {
            let mut server = Self::launch(&sshd, root)?;
            let Err(error) = server.wait_ready().await else {
                return Ok(server);
            };
            // Another process may have taken the port between its choice and its use.
            if attempt == ATTEMPTS || !format!("{error:#}").contains("already in use") {
                server.scratch.keep();
                return Err(error);
            }
            attempt += 1;
        }
    }

    fn launch(sshd: &Path, root: &Path) -> Result<Self> {
        let scratch = Scratch::new("sshd")?;
        let file = |name: &str| scratch.path().join(name);
        for key in ["host", "client"] {
            make_key(&file(key))?;
        }
        let port = free_port()?;
        let read = |name: &str| {
            fs::read_to_string(file(name)).with_context(|| format!("reading the key {name}"))
        };
        let known_hosts = format!("[127.0.0.1]:{port} {}", read("host.pub")?);
        let private_key = read("client")?;
        let config = format!(
            "Port {port}\n\
             ListenAddress 127.0.0.1\n\
             HostKey {}\n\
             AuthorizedKeysFile {}\n\
             PidFile none\n\
             UsePAM no\n\
             StrictModes no\n\
             PasswordAuthentication no\n\
             KbdInteractiveAuthentication no\n\
             PermitRootLogin prohibit-password\n\
             AcceptEnv GIT_PROTOCOL\n\
             MaxStartups 100\n",
            file("host").display(),
            file("client.pub").display(),
        );
        fs::write(file("sshd_config"), config).context("writing sshd_config")?;
        fs::write(file("known_hosts"), &known_hosts).context("writing known_hosts")?;
        if rustix::process::geteuid().is_root() {
            // Made by the init scripts that a private server does without.
            fs::create_dir_all("/run/sshd").context("making /run/sshd")?;
        }
        let mut command = Command::new(sshd);
        command.args(["-D", "-e", "-f"]).arg(file("sshd_config"));
        Ok(Self {
            process: Process::spawn("sshd", command, &file("sshd.log"))?,
            root: root.to_owned(),
            user: user()?,
            port,
            private_key,
            known_hosts,
            scratch,
        })
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let address = SocketAddr::from(([127, 0, 0, 1], self.port));
        eventually(START_DEADLINE, "sshd to listen", async || {
            if self.process.exited()?.is_some() {
                return Ok(Some(()));
            }
            Ok(TcpStream::connect(address).ok().map(drop))
        })
        .await?;
        // Whoever answered at the port may have been the one that took it.
        self.process.check_alive()
    }

    /// The URL of a repository, by its folder's name below the root.
    pub fn url(&self, repository: &str) -> String {
        let path = self.root.join(repository);
        format!(
            "ssh://{}@127.0.0.1:{}{}",
            self.user,
            self.port,
            path.display()
        )
    }

    /// The private key of the one client that is let in, in OpenSSH's format.
    pub fn private_key(&self) -> &str {
        &self.private_key
    }

    /// The line by which a client knows the server.
    pub fn known_hosts(&self) -> &str {
        &self.known_hosts
    }

    /// A value for `GIT_SSH_COMMAND` by which git itself gets in.
    pub fn ssh_command(&self) -> String {
        let file = |name: &str| self.scratch.path().join(name).display().to_string();
        format!(
            "ssh -F none -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} -o StrictHostKeyChecking=yes",
            file("client"),
            file("known_hosts"),
        )
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }
}

fn sshd() -> Result<PathBuf> {
    match SSHD.iter().map(Path::new).find(|path| path.exists()) {
        Some(path) => Ok(path.to_owned()),
        None => bail!("there is no sshd on this machine: apt-get install openssh-server"),
    }
}

fn make_key(path: &Path) -> Result<()> {
    let output = Command::new("ssh-keygen")
        .args([
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            "windlass-tests",
            "-f",
        ])
        .arg(path)
        .output()
        .context("running ssh-keygen")?;
    if !output.status.success() {
        bail!(
            "ssh-keygen failed: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

fn user() -> Result<String> {
    let output = Command::new("id")
        .arg("-un")
        .output()
        .context("running id")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
