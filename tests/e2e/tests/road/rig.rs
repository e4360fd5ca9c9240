//! What every test stands on: an API server of its own, a repository and a daemon that follows it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DynamicObject, PostParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};
use windlass_test_support::control_plane::AuditedRequest;
use windlass_test_support::{
    ControlPlane, Daemon, DaemonOptions, GitRepository, Options, Scratch, eventually, watch_until,
};

/// Long enough for a slow machine; nothing waits this long when all is well.
pub(crate) const SOON: Duration = Duration::from_secs(30);

/// Where the daemon puts its own objects.
pub(crate) const SYSTEM: &str = "windlass-system";

/// The user that the daemon is for the API server, so that the audit log tells its requests.
const USER: &str = "windlass";

/// An environment of plain manifests in the namespace `default`.
pub(crate) const PLAIN: &str =
    "apiVersion: windlass.dev/v1alpha1\nkind: Environment\nspec:\n  namespace: default\n";

/// API servers are large, and starting many at once makes all of them slow.
static TURNS: Semaphore = Semaphore::const_new(2);

/// An API server, a repository and what is needed to start daemons on them.
///
/// Every daemon follows the Repository objects of all namespaces, so a test has an API server to itself.
pub(crate) struct Road {
    pub(crate) plane: ControlPlane,
    pub(crate) client: Client,
    pub(crate) repository: GitRepository,
    pub(crate) scratch: Scratch,
    _turn: SemaphorePermit<'static>,
}

impl Road {
    pub(crate) async fn start(purpose: &str) -> Result<Self> {
        let turn = TURNS.acquire().await?;
        let plane = ControlPlane::start(Options {
            audit: true,
            ..Options::default()
        })
        .await?;
        plane.grant_cluster_admin(USER).await?;
        let client = plane.client().await?;
        let scratch = Scratch::new(purpose)?;
        let root = scratch.path().join("repositories");
        std::fs::create_dir(&root)?;
        let repository = GitRepository::init(&root.join("main.git"))?;
        Ok(Self {
            plane,
            client,
            repository,
            scratch,
            _turn: turn,
        })
    }

    /// The folder that Git servers serve; the repository is `main.git` in it.
    pub(crate) fn repositories(&self) -> PathBuf {
        self.scratch.path().join("repositories")
    }

    /// Writes and removes files on top of `main`.
    pub(crate) fn push(&self, changes: &[(&str, Option<&str>)]) -> Result<String> {
        self.repository.commit(changes, "change")
    }

    /// Puts a file where the daemon can read it.
    pub(crate) fn file(&self, name: &str, content: &str) -> Result<PathBuf> {
        let path = self.scratch.path().join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }

    /// A daemon that follows the repository by its path, whose changes it notices at once.
    pub(crate) async fn daemon(&self, args: &[&str]) -> Result<Daemon> {
        let url = self.repository.path().display().to_string();
        self.daemon_for(&url, args).await
    }

    /// A daemon that follows `url`, and asks it for news on its own only when a test has long ended.
    pub(crate) async fn daemon_for(&self, url: &str, args: &[&str]) -> Result<Daemon> {
        let mut all: Vec<String> = ["--repository", url].map(str::to_owned).to_vec();
        if !args.contains(&"--interval") {
            all.extend(["--interval", "1h"].map(str::to_owned));
        }
        all.extend(args.iter().map(|arg| (*arg).to_owned()));
        Daemon::spawn(DaemonOptions {
            kubeconfig: Some(self.plane.kubeconfig_as(USER)?),
            args: all,
            env: vec![(
                "WINDLASS_CACHE_DIR".to_owned(),
                self.cache().display().to_string(),
            )],
            ..DaemonOptions::default()
        })
        .await
    }

    /// The folder of mirrors, compiled plugins and memos.
    pub(crate) fn cache(&self) -> PathBuf {
        self.scratch.path().join("cache")
    }

    /// Runs one of the commands for people to its end.
    pub(crate) async fn windlass(&self, args: &[&str]) -> Result<Output> {
        let binary = tokio::task::spawn_blocking(windlass_test_support::build::ensure_windlass);
        let mut command = Command::new(binary.await??);
        command
            .args(args)
            .env("KUBECONFIG", self.plane.kubeconfig())
            .env("WINDLASS_CACHE_DIR", self.scratch.path().join("cli-cache"))
            .env("HOME", self.scratch.path())
            .current_dir(self.scratch.path());
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    /// What the daemon has asked of the API server up to now.
    pub(crate) fn requests(&self) -> Result<Vec<AuditedRequest>> {
        self.plane.requests_by(USER)
    }

    pub(crate) async fn namespace(&self, name: &str) -> Result<()> {
        let namespace = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
        Api::<Namespace>::all(self.client.clone())
            .create(&PostParams::default(), &namespace)
            .await?;
        Ok(())
    }

    pub(crate) fn config_maps(&self) -> Api<ConfigMap> {
        Api::namespaced(self.client.clone(), "default")
    }

    /// Waits until a config map's key `value` is as expected.
    pub(crate) async fn value_is(&self, name: &str, expected: &str) -> Result<ConfigMap> {
        let is = |map: &ConfigMap| {
            let data = map.data.as_ref();
            data.and_then(|data| data.get("value")).map(String::as_str) == Some(expected)
        };
        let what = format!("`value` to be {expected}");
        watch_until(&self.config_maps(), name, SOON, &what, is).await
    }

    /// The objects of `Environment` or `Repository`, once the daemon has defined them.
    pub(crate) async fn own(&self, kind: &str) -> Result<Api<DynamicObject>> {
        let plural = match kind {
            "Environment" => "environments",
            _ => "repositories",
        };
        let gvk = GroupVersionKind::gvk("windlass.dev", "v1alpha1", kind);
        let resource = ApiResource::from_gvk_with_plural(&gvk, plural);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), SYSTEM, &resource);
        // A watch needs a resource, and the daemon is the one that defines it.
        eventually(SOON, "the daemon to define its resources", async || {
            api.list(&Default::default()).await?;
            Ok(Some(()))
        })
        .await?;
        Ok(api)
    }

    /// Makes an `Environment` or `Repository` as a person does.
    pub(crate) async fn create(&self, kind: &str, name: &str, spec: Value) -> Result<()> {
        let object = serde_json::from_value(json!({
            "apiVersion": "windlass.dev/v1alpha1",
            "kind": kind,
            "metadata": { "name": name, "namespace": SYSTEM },
            "spec": spec,
        }))?;
        let api = self.own(kind).await?;
        eventually(SOON, "the daemon's namespace", async || {
            api.create(&PostParams::default(), &object).await?;
            Ok(Some(()))
        })
        .await
    }

    /// Waits until the object of an environment or repository is as expected.
    pub(crate) async fn until(
        &self,
        kind: &str,
        name: &str,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let api = self.own(kind).await?;
        let holds = |object: &DynamicObject| condition(&object.data["status"]);
        let found = watch_until(&api, name, SOON, what, holds).await?;
        Ok(found.data["status"].clone())
    }

    /// Waits until an environment says about itself what is expected.
    pub(crate) async fn environment(
        &self,
        name: &str,
        what: &str,
        condition: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        self.until("Environment", name, what, condition).await
    }

    /// Waits until an environment is Ready at `revision`.
    pub(crate) async fn ready(&self, name: &str, revision: &str) -> Result<Value> {
        let what = format!("being Ready at {revision}");
        let is = |status: &Value| is_ready(status) && status["revision"] == revision;
        self.environment(name, &what, is).await
    }

    /// Waits until an environment's message holds all of `parts`.
    pub(crate) async fn says(&self, name: &str, parts: &[&str]) -> Result<Value> {
        let what = format!("a message with {parts:?}");
        let is = |status: &Value| {
            let text = status.to_string();
            !is_ready(status) && parts.iter().all(|part| text.contains(part))
        };
        self.environment(name, &what, is).await
    }
}

pub(crate) fn is_ready(status: &Value) -> bool {
    condition(status, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// One condition of a status.
pub(crate) fn condition<'a>(status: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = status["conditions"].as_array()?;
    conditions.iter().find(|one| one["type"] == kind)
}

/// A config map whose key `value` is `value`.
pub(crate) fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  value: \"{value}\"\n"
    )
}

/// The header by which the daemon knows that `body` was sent by somebody who knows `secret`.
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    windlass_test_support::webhook_signature(secret, body).expect("any key fits")
}

/// Everything in files below a folder that holds `needle`.
pub(crate) fn files_with(folder: &Path, needle: &[u8]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.with_context(|| format!("reading {}", folder.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if let Ok(content) = std::fs::read(entry.path())
                && content.windows(needle.len()).any(|part| part == needle)
            {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}

/// Fails with what a command wrote unless it ended well.
pub(crate) fn succeeded(output: &Output) -> Result<()> {
    if !output.status.success() {
        bail!("{}: {}", output.status, written(output));
    }
    Ok(())
}

/// Both streams of a command.
pub(crate) fn written(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}
