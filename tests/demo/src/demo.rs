use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use kube::Client;
use rustix::process::Signal;
use tokio::sync::mpsc;
use windlass_test_support::build::workspace;
use windlass_test_support::{ControlPlane, Options, Process, eventually};

use crate::api::DaemonApi;
use crate::builds::Programs;
use crate::folder::Folder;
use crate::hints::{self, Places};
use crate::metrics;
use crate::repository::{self, BRANCH, Repository};
use crate::screen::Screen;
use crate::secrets::{self, SecretsNeeded};
use crate::text::{count, elapsed, shell};

/// The port that the documentation names.
const PORT: u16 = 8080;

const LISTEN_DEADLINE: Duration = Duration::from_secs(60);

/// How long the daemon may take to finish what it is at, before it is killed.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// How many lines of the daemon's log go into a report.
const TAIL: usize = 30;

/// Everything that the demo runs; it ends when this is dropped.
pub(crate) struct Demo {
    // Fields are dropped in order: whoever uses a server goes before it.
    daemon: Process,
    _repository: Repository,
    _control_plane: ControlPlane,
    /// A client with every right.
    pub(crate) client: Client,
    /// The daemon's HTTP server.
    pub(crate) api: DaemonApi,
    /// Since when the daemon listens.
    pub(crate) started: Instant,
    /// What happens to pushes.
    pub(crate) pushes: mpsc::UnboundedReceiver<String>,
    /// How many environments the repository holds.
    pub(crate) expected: usize,
    places: Places,
}

impl Demo {
    /// Starts one thing after the other, and says which.
    pub(crate) async fn start(
        programs: &Programs,
        folder: &Folder,
        screen: &mut Screen,
    ) -> Result<Self> {
        let start = Instant::now();
        let options = Options {
            audit: false,
            ..Options::full()
        };
        screen.line(&format!(
            "\nstarting the control plane with {}",
            count(options.nodes, "simulated node")
        ))?;
        let control_plane = ControlPlane::start(options).await?;
        let client = control_plane.client().await?;
        metrics::simulate(client.clone()).await?;
        let kubeconfig = folder.file("kubeconfig");
        let text =
            fs::read_to_string(control_plane.kubeconfig()).context("reading the kubeconfig")?;
        write(&kubeconfig, &text, 0o600)?;
        let kubectl = folder.file("kubectl");
        write(
            &kubectl,
            &kubectl_script(programs, folder, &kubeconfig),
            0o755,
        )?;

        let example = workspace().join("repo-example");
        let expected = repository::count_environments(&example)?;
        let needed = SecretsNeeded::read(&example.join("secrets-needed.yaml"))?;
        screen.line(&format!(
            "filling the secret store {} with random values: {} in {}",
            needed.store,
            count(needed.secrets.len(), "Secret"),
            secrets::NAMESPACE
        ))?;
        secrets::fill(&client, &needed).await?;

        let repository = Repository::create(&example, folder).await?;
        screen.line(&format!("serving repo-example/ at {}", repository.url()))?;

        let webhook_secret = secrets::value();
        let webhook_secret_file = folder.file("webhook-secret");
        write(&webhook_secret_file, &webhook_secret, 0o600)?;
        let address_file = folder.file("address");
        let mut command = Command::new(&programs.windlass);
        command
            .arg("run")
            .arg("--kubeconfig")
            .arg(&kubeconfig)
            .args(["--repository", &repository.url(), "--branch", BRANCH])
            .args(["--name", "demo", "--namespace", "windlass-system"])
            .arg("--secret-store")
            .arg(format!(
                "{}=kubernetes:{}",
                needed.store,
                secrets::NAMESPACE
            ))
            .arg("--webhook-secret-file")
            .arg(&webhook_secret_file)
            .args(["--interval", "1m"])
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", port()))
            .arg("--address-file")
            .arg(&address_file)
            .arg("--cache-dir")
            .arg(folder.file("cache"))
            .env_remove("KUBECONFIG");
        // The variables of a machine behind a proxy are not about this machine.
        for name in ["NO_PROXY", "no_proxy"] {
            command.env(name, "127.0.0.1,localhost");
        }
        let log = folder.file("daemon.log");
        let mut daemon = Process::spawn("windlass", command, &log)?;
        let api = DaemonApi::new(&listening(&mut daemon, &address_file).await?);
        screen.line(&format!("windlass listens at {}", api.base()))?;
        screen.line(&format!("started in {}\n", elapsed(start.elapsed())))?;

        let pushes = repository.announce_pushes(api.clone(), webhook_secret)?;
        let places = Places {
            clone: repository.clone_folder().to_owned(),
            git_url: repository.url(),
            api: api.base().to_owned(),
            kubeconfig,
            kubectl,
            windlass: programs.windlass.clone(),
            log,
        };
        Ok(Self {
            daemon,
            _repository: repository,
            _control_plane: control_plane,
            client,
            api,
            started: Instant::now(),
            pushes,
            expected,
            places,
        })
    }

    /// Fails, with the end of the log, when the daemon has ended.
    pub(crate) fn check_alive(&mut self) -> Result<()> {
        self.daemon.check_alive()
    }

    /// What to try.
    pub(crate) fn hints(&self) -> String {
        hints::page(&self.places)
    }

    /// The end of the daemon's log, under a line that says where the rest is.
    pub(crate) fn log_tail(&self) -> String {
        let log = self.daemon.log();
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL)..];
        format!(
            "the end of {}:\n{}",
            shell(&self.places.log),
            tail.join("\n")
        )
    }

    /// Lets the daemon finish what it is at, and ends the rest.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.daemon.signal(Signal::TERM)?;
        if self.daemon.wait(STOP_DEADLINE).await.is_err() {
            self.daemon.kill()?;
        }
        Ok(())
    }
}

/// The host and port of the daemon, once it listens.
async fn listening(daemon: &mut Process, address_file: &Path) -> Result<String> {
    let address = eventually(LISTEN_DEADLINE, "the daemon to listen", async || {
        let address = fs::read_to_string(address_file).unwrap_or_default();
        let has_ended = daemon.exited()?.is_some();
        Ok((has_ended || !address.is_empty()).then_some(address))
    });
    let address = address.await?;
    daemon.check_alive()?;
    Ok(address.trim().to_owned())
}

/// The port of the documentation, or any when something else listens there.
fn port() -> u16 {
    TcpListener::bind(("127.0.0.1", PORT)).map_or(0, |_listener| PORT)
}

/// The kubectl of the demo's own cluster, for machines that have none.
fn kubectl_script(programs: &Programs, folder: &Folder, kubeconfig: &Path) -> String {
    format!(
        "#!/bin/sh\n\
         # kubectl for the demo's cluster.\n\
         export KUBECACHEDIR={}\n\
         exec {} kubectl --kubeconfig {} \"$@\"\n",
        shell(&folder.file("kubectl-cache")),
        shell(&programs.control_plane.control_plane),
        shell(kubeconfig)
    )
}

fn write(path: &PathBuf, text: &str, mode: u32) -> Result<()> {
    let file = fs::File::options()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("writing {}", path.display()))
}
