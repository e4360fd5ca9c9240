//! A Kubernetes control plane of the test's own: etcd, the API server and what else a test asks for.

mod components;
mod credentials;
mod nodes;
mod requests;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use rustix::process::Signal;
use serde_json::json;

pub(crate) use components::free_port;
pub use credentials::{ADMIN, USERS};
pub use requests::{AuditedRequest, RequestCount, RequestCounts};

use crate::build::ensure_control_plane;
use crate::process::Process;
use crate::scratch::{Disposable, Scratch};
use crate::wait::eventually;
use components::Components;
use credentials::Credentials;

/// Generous, because several test processes may start a control plane at once on few cores.
const START_DEADLINE: Duration = Duration::from_secs(90);

/// How often the start is tried again when the port was taken in between.
const ATTEMPTS: usize = 3;

/// What to start beside etcd and the API server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Runs the controllers: rollouts, Jobs, garbage collection, namespaces that go away.
    pub controller_manager: bool,
    /// Gives pods a node.
    pub scheduler: bool,
    /// Simulates the kubelets, so that nodes are ready and pods run.
    pub kwok: bool,
    /// How many Node objects to make; they turn ready only with `kwok`.
    pub nodes: usize,
    /// Keeps an audit log, which tells whose each request was.
    pub audit: bool,
    /// Stages of kwok to be used beside the shipped ones, as a stream of YAML documents.
    pub stages: Option<String>,
    /// More flags for the API server.
    pub api_server_args: Vec<String>,
}

impl Options {
    /// Everything on, with three nodes.
    pub fn full() -> Self {
        Self {
            controller_manager: true,
            scheduler: true,
            kwok: true,
            nodes: 3,
            audit: true,
            ..Self::default()
        }
    }
}

/// A running control plane, which ends when this is dropped.
#[derive(Debug)]
pub struct ControlPlane {
    // Fields are dropped in order: those that use a server go before it, and the folder last.
    controllers: Vec<Process>,
    api_server: Process,
    etcd: Process,
    components: Components,
    options: Options,
    _data: Disposable,
    scratch: Scratch,
}

/// The control plane that the tests of one process share: everything on, three nodes, with an audit log.
///
/// It ends with the process. Tests keep apart by names; see [`crate::TestCase`].
pub async fn shared() -> Result<&'static ControlPlane> {
    static SHARED: tokio::sync::OnceCell<ControlPlane> = tokio::sync::OnceCell::const_new();
    SHARED
        .get_or_try_init(|| ControlPlane::start(Options::full()))
        .await
}

impl ControlPlane {
    /// Starts a control plane and waits until it can be used; the first call ever also builds it.
    pub async fn start(options: Options) -> Result<Self> {
        let binaries = tokio::task::spawn_blocking(ensure_control_plane).await??;
        let mut attempt = 1;
        loop {
            let mut scratch = Scratch::new("control-plane")?;
            let credentials = Credentials::write(scratch.path())?;
            let components = Components {
                binaries: binaries.clone(),
                credentials,
                port: free_port()?,
            };
            let data = Disposable::new(&scratch.path().join("etcd"))?;
            let error = match Self::launch(&components, &options).await {
                Ok(servers) => {
                    return Self::complete(servers, components, options, data, scratch).await;
                }
                Err(error) => error,
            };
            let taken = format!("{error:#}").contains("address already in use");
            if taken && attempt < ATTEMPTS {
                attempt += 1;
                continue;
            }
            scratch.keep();
            return Err(error.context("starting a control plane"));
        }
    }

    async fn launch(components: &Components, options: &Options) -> Result<Servers> {
        let credentials = &components.credentials;
        credentials.write_kubeconfigs(&components.url())?;
        fs::write(credentials.file("ca.crt"), credentials.ca_pem()).context("writing ca.crt")?;
        let log = |name: &str| credentials.file(&format!("{name}.log"));
        let etcd = Process::spawn("etcd", components.etcd(), &log("etcd"))?;
        let command = components.api_server(options)?;
        let api_server = Process::spawn("kube-apiserver", command, &log("kube-apiserver"))?;
        let client = client_for(&credentials.kubeconfig(ADMIN)).await?;
        let mut servers = Servers {
            etcd,
            api_server,
            client,
        };
        servers.wait_ready().await?;
        Ok(servers)
    }

    async fn complete(
        servers: Servers,
        components: Components,
        options: Options,
        data: Disposable,
        scratch: Scratch,
    ) -> Result<Self> {
        let Servers {
            etcd,
            api_server,
            client,
        } = servers;
        let mut plane = Self {
            controllers: Vec::new(),
            api_server,
            etcd,
            components,
            options,
            _data: data,
            scratch,
        };
        if let Err(error) = plane.start_controllers(&client).await {
            plane.scratch.keep();
            let dead = plane
                .controllers
                .iter_mut()
                .find_map(|process| process.check_alive().err());
            return Err(dead.unwrap_or(error).context("starting a control plane"));
        }
        Ok(plane)
    }

    async fn start_controllers(&mut self, client: &Client) -> Result<()> {
        let (options, components) = (&self.options, &self.components);
        let mut commands = Vec::new();
        if options.controller_manager {
            commands.push(("kube-controller-manager", components.controller_manager()));
        }
        if options.scheduler {
            commands.push(("kube-scheduler", components.scheduler()));
        }
        if options.kwok {
            commands.push(("kwok", components.kwok(options)?));
        }
        for (name, command) in commands {
            let log = self.log_path(name);
            self.controllers.push(Process::spawn(name, command, &log)?);
        }
        nodes::create(client, options.nodes).await?;
        if options.kwok {
            nodes::create_storage_class(client).await?;
            let untainted = options.controller_manager;
            nodes::wait_ready(client, options.nodes, untainted, START_DEADLINE).await?;
        }
        if options.controller_manager {
            nodes::wait_default_account(client, START_DEADLINE).await?;
        }
        Ok(())
    }

    /// A fresh administrator's client, without any limit on its rate.
    ///
    /// Fresh, because the connections of a client end with the runtime that they were opened on.
    pub async fn client(&self) -> Result<Client> {
        self.client_as(ADMIN).await
    }

    /// A fresh client of one of [`USERS`].
    pub async fn client_as(&self, user: &str) -> Result<Client> {
        client_for(&self.kubeconfig_as(user)?).await
    }

    /// The administrator's kubeconfig.
    pub fn kubeconfig(&self) -> PathBuf {
        self.components.credentials.kubeconfig(ADMIN)
    }

    /// The kubeconfig of one of [`USERS`], who may do nothing until RBAC lets them.
    pub fn kubeconfig_as(&self, user: &str) -> Result<PathBuf> {
        if user != ADMIN && !USERS.contains(&user) {
            bail!(
                "there is no user {user}; there are {ADMIN} and {}",
                USERS.join(", ")
            );
        }
        Ok(self.components.credentials.kubeconfig(user))
    }

    /// Lets a user do everything.
    pub async fn grant_cluster_admin(&self, user: &str) -> Result<()> {
        use k8s_openapi::api::rbac::v1::ClusterRoleBinding;
        let name = format!("everything-for-{user}");
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "cluster-admin",
            },
            "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }],
        });
        let bindings = kube::Api::<ClusterRoleBinding>::all(self.client().await?);
        let params = PatchParams::apply("windlass-test-support");
        bindings
            .patch(&name, &params, &Patch::Apply(binding))
            .await
            .with_context(|| format!("granting everything to {user}"))?;
        Ok(())
    }

    /// The API server's URL.
    pub fn url(&self) -> String {
        self.components.url()
    }

    /// The certificate authority that the API server is to be trusted by, in PEM.
    pub fn ca_pem(&self) -> &str {
        self.components.credentials.ca_pem()
    }

    /// The administrator's bearer token.
    pub fn token(&self) -> String {
        self.components.credentials.token(ADMIN)
    }

    /// A kubectl of the same version, as the administrator.
    pub fn kubectl(&self, args: &[&str]) -> Command {
        let mut command = self.components.kubectl(ADMIN);
        command.args(args);
        command
    }

    /// The API server's metrics page.
    pub async fn metrics(&self) -> Result<String> {
        let request = http::Request::get("/metrics").body(Vec::new())?;
        let page = self.client().await?.request_text(request).await;
        page.context("reading the API server's metrics")
    }

    /// What the API server has counted up to now.
    pub async fn request_counts(&self) -> Result<RequestCounts> {
        Ok(RequestCounts::parse(&self.metrics().await?))
    }

    /// The requests in the audit log, which [`Options::audit`] turns on, that one user has made up to now.
    pub fn requests_by(&self, user: &str) -> Result<Vec<AuditedRequest>> {
        let path = self.components.audit_log();
        let log = fs::read_to_string(&path)
            .with_context(|| format!("reading the audit log {}", path.display()))?;
        let mut requests = requests::parse_audit_log(&log);
        requests.retain(|request| request.user == user);
        Ok(requests)
    }

    /// The log of a component, such as `kube-apiserver`.
    pub fn log(&self, component: &str) -> String {
        fs::read_to_string(self.log_path(component)).unwrap_or_default()
    }

    /// Kills the API server; watches break and connections are refused until it is started again.
    pub fn stop_api_server(&mut self) -> Result<()> {
        self.api_server.kill()
    }

    /// Starts the API server again, at the same address and on the same data.
    pub async fn start_api_server(&mut self) -> Result<()> {
        let command = self.components.api_server(&self.options)?;
        let log = self.log_path("kube-apiserver");
        self.api_server = Process::spawn("kube-apiserver", command, &log)?;
        let client = self.client().await?;
        wait_ready(&client, &mut self.api_server, &mut self.etcd).await
    }

    /// Stops the API server in its tracks: connections stay open and nothing is answered.
    pub fn freeze_api_server(&mut self) -> Result<()> {
        self.api_server.signal(Signal::STOP)
    }

    /// Lets a frozen API server go on.
    pub fn thaw_api_server(&mut self) -> Result<()> {
        self.api_server.signal(Signal::CONT)
    }

    /// The folder of the logs and credentials.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    fn log_path(&self, component: &str) -> PathBuf {
        self.components
            .credentials
            .file(&format!("{component}.log"))
    }
}

/// Runs a command to its end and returns its standard output; a failure carries standard error.
pub async fn output_of(mut command: Command) -> Result<String> {
    let name = format!("{command:?}");
    let output = tokio::task::spawn_blocking(move || command.output()).await?;
    let output = output.with_context(|| format!("running {name}"))?;
    if !output.status.success() {
        bail!(
            "{name} failed ({}): {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("the output of {name} is not text"))
}

struct Servers {
    etcd: Process,
    api_server: Process,
    client: Client,
}

impl Servers {
    async fn wait_ready(&mut self) -> Result<()> {
        wait_ready(&self.client, &mut self.api_server, &mut self.etcd).await
    }
}

async fn wait_ready(client: &Client, api_server: &mut Process, etcd: &mut Process) -> Result<()> {
    // The end of a server is final and must not be waited out.
    let died: OnceLock<anyhow::Error> = OnceLock::new();
    let ready = eventually(START_DEADLINE, "the API server to be ready", async || {
        if let Err(error) = api_server.check_alive().and_then(|()| etcd.check_alive()) {
            drop(died.set(error));
            return Ok(Some(()));
        }
        // The namespace is made by the server itself, a moment after it calls itself ready.
        for path in ["/readyz", "/api/v1/namespaces/default"] {
            client
                .request_text(http::Request::get(path).body(Vec::new())?)
                .await?;
        }
        Ok(Some(()))
    });
    let ready = ready.await;
    if let Some(error) = died.into_inner() {
        return Err(error);
    }
    ready.map_err(|error| api_server.failure(&format!("is not ready: {error:#}")))
}

async fn client_for(kubeconfig: &Path) -> Result<Client> {
    let parsed = Kubeconfig::read_from(kubeconfig)?;
    let config =
        kube::Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default()).await?;
    Client::try_from(config)
        .with_context(|| format!("making a client from {}", kubeconfig.display()))
}
