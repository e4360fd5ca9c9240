use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::certificates::Authority;

/// The administrator, a member of `system:masters`.
pub const ADMIN: &str = "admin";

/// Users who may do nothing until RBAC lets them; `windlass` is there for the daemon, so that its requests can be told from
/// a test's own.
pub const USERS: [&str; 4] = ["windlass", "tenant-a", "tenant-b", "nobody"];

/// The files by which a control plane's programs and clients know each other.
#[derive(Debug)]
pub(super) struct Credentials {
    folder: PathBuf,
    authority: Authority,
}

impl Credentials {
    pub(super) fn write(folder: &Path) -> Result<Self> {
        let authority = Authority::new()?;
        let serving = authority.issue(&["127.0.0.1", "localhost"])?;
        // Service account tokens are signed with this key and checked with its public half, which is taken out of the
        // certificate; nobody looks at the name.
        let signing = authority.issue(&["service-accounts"])?;
        let credentials = Self {
            folder: folder.to_owned(),
            authority,
        };
        let tokens: String = std::iter::once((ADMIN, "system:masters"))
            .chain(USERS.map(|user| (user, "")))
            .map(|(user, group)| format!("{},{user},{user},{group}\n", credentials.token(user)))
            .collect();
        for (name, content) in [
            ("server.crt", &serving.certificate),
            ("server.key", &serving.key),
            ("service-accounts.key", &signing.key),
            ("service-accounts.crt", &signing.certificate),
            ("tokens.csv", &tokens),
        ] {
            let path = credentials.file(name);
            fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(credentials)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(super) fn ca_pem(&self) -> &str {
        self.authority.pem()
    }

    pub(super) fn token(&self, user: &str) -> String {
        // The folder's name is unique, which makes a token worthless at any other control plane.
        let folder = self
            .folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        format!("{user}-of-{folder}")
    }

    pub(super) fn kubeconfig(&self, user: &str) -> PathBuf {
        self.file(&format!("{user}.kubeconfig"))
    }

    /// Writes a kubeconfig for every user; everything is inside it, so that it may be copied anywhere.
    pub(super) fn write_kubeconfigs(&self, url: &str) -> Result<()> {
        for user in std::iter::once(ADMIN).chain(USERS) {
            let config = json!({
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "clusters": [{ "name": "test", "cluster": {
                    "server": url,
                    "certificate-authority-data": STANDARD.encode(self.ca_pem()),
                } }],
                "users": [{ "name": user, "user": { "token": self.token(user) } }],
                "contexts": [{ "name": "test", "context": { "cluster": "test", "user": user } }],
            });
            let path = self.kubeconfig(user);
            fs::write(&path, format!("{config:#}\n"))
                .with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}
