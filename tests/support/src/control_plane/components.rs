use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::Options;
use super::credentials::{ADMIN, Credentials};
use crate::build::ControlPlaneBinaries;

/// Who asked for what is enough to attribute requests; bodies would make the log larger than the store.
const AUDIT_POLICY: &str = r#"{
  "apiVersion": "audit.k8s.io/v1",
  "kind": "Policy",
  "omitStages": ["RequestReceived"],
  "omitManagedFields": true,
  "rules": [
    { "level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/metrics"] },
    { "level": "Metadata" }
  ]
}
"#;

/// The command lines of the components.
#[derive(Debug)]
pub(super) struct Components {
    pub(super) binaries: ControlPlaneBinaries,
    pub(super) credentials: Credentials,
    pub(super) port: u16,
}

impl Components {
    pub(super) fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.port)
    }

    pub(super) fn etcd(&self) -> Command {
        let mut command = self.command("etcd");
        command
            .arg(flag("--data-dir", self.credentials.file("etcd")))
            .arg(format!("--listen-client-url={}", self.socket("etcd")))
            .arg(format!("--listen-peer-url={}", self.socket("peer")));
        command
    }

    pub(super) fn api_server(&self, options: &Options) -> Result<Command> {
        let file = |name: &str| self.credentials.file(name);
        let mut command = self.command("kube-apiserver");
        command
            .arg(format!("--etcd-servers={}", self.socket("etcd")))
            .arg(format!("--secure-port={}", self.port))
            .arg(flag("--tls-cert-file", file("server.crt")))
            .arg(flag("--tls-private-key-file", file("server.key")))
            .arg(flag("--cert-dir", file("certificates")))
            .arg(flag("--token-auth-file", file("tokens.csv")))
            .arg(flag(
                "--service-account-key-file",
                file("service-accounts.crt"),
            ))
            .arg(flag(
                "--service-account-signing-key-file",
                file("service-accounts.key"),
            ))
            .args([
                "--bind-address=127.0.0.1",
                "--service-account-issuer=https://kubernetes.default.svc",
                "--service-cluster-ip-range=10.0.0.0/16",
                "--authorization-mode=RBAC",
                "--allow-privileged=true",
                "--profiling=false",
            ]);
        if !options.controller_manager {
            // Nobody makes the service accounts that this plug-in demands of every pod.
            command.arg("--disable-admission-plugins=ServiceAccount");
        }
        if options.audit {
            let policy = file("audit-policy.json");
            std::fs::write(&policy, AUDIT_POLICY).context("writing the audit policy")?;
            command
                .arg(flag("--audit-policy-file", policy))
                .arg(flag("--audit-log-path", self.audit_log()));
        }
        command.args(&options.api_server_args);
        Ok(command)
    }

    pub(super) fn controller_manager(&self) -> Command {
        let mut command = self.command("kube-controller-manager");
        let key = self.credentials.file("service-accounts.key");
        let root = self.credentials.file("ca.crt");
        command
            .arg(flag("--kubeconfig", self.credentials.kubeconfig(ADMIN)))
            .arg(flag("--service-account-private-key-file", key))
            .arg(flag("--root-ca-file", root))
            .args([
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=1000",
                "--kube-api-burst=2000",
                // Simulated kubelets send no heartbeats, and without them nodes would turn unready now and then.
                "--node-monitor-grace-period=24h",
            ]);
        command
    }

    pub(super) fn scheduler(&self) -> Command {
        let mut command = self.command("kube-scheduler");
        command
            .arg(flag("--kubeconfig", self.credentials.kubeconfig(ADMIN)))
            .args([
                "--leader-elect=false",
                "--secure-port=0",
                "--kube-api-qps=1000",
                "--kube-api-burst=2000",
            ]);
        command
    }

    pub(super) fn kwok(&self, options: &Options) -> Result<Command> {
        let shipped = Command::new(&self.binaries.kwok)
            .arg("stages")
            .output()
            .context("asking kwok for its stages")?;
        let mut stages = String::from_utf8(shipped.stdout).context("kwok's stages are text")?;
        if let Some(own) = &options.stages {
            stages.push_str("\n---\n");
            stages.push_str(own);
        }
        let path = self.credentials.file("stages.yaml");
        std::fs::write(&path, stages).with_context(|| format!("writing {}", path.display()))?;
        let mut command = Command::new(&self.binaries.kwok);
        command
            .arg(flag("--kubeconfig", self.credentials.kubeconfig(ADMIN)))
            .arg(flag("--config", path))
            .args([
                "--manage-all-nodes=true",
                "--cidr=10.1.0.0/16",
                "--node-ip=10.0.0.1",
            ])
            .env("HOME", self.credentials.file("home"));
        Ok(command)
    }

    pub(super) fn kubectl(&self, user: &str) -> Command {
        let mut command = self.command("kubectl");
        command
            .env("KUBECONFIG", self.credentials.kubeconfig(user))
            .env("KUBECACHEDIR", self.credentials.file("kubectl-cache"));
        command
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.credentials.file("audit.log")
    }

    fn command(&self, component: &str) -> Command {
        let mut command = Command::new(&self.binaries.control_plane);
        command.arg(component);
        command
    }

    /// Sockets in the folder cannot be taken by anybody else, as a port between two calls can.
    fn socket(&self, name: &str) -> String {
        format!(
            "unix://{}",
            self.credentials.file(&format!("{name}.sock")).display()
        )
    }
}

fn flag(name: &str, value: PathBuf) -> String {
    format!("{name}={}", value.display())
}

/// A port that was free a moment ago: whoever uses it has to be ready to try another.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
    Ok(listener
        .local_addr()
        .context("looking for a free port")?
        .port())
}
