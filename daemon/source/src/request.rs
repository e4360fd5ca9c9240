use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::remote_url::redact;

/// Asks for one commit of a repository.
///
/// It travels to the child process on its standard input, never on its command line or in its
/// environment, because it carries credentials; its `Debug` prints none.
#[derive(Clone, Serialize, Deserialize)]
pub struct FetchRequest {
    /// Where the repository is: `https://`, `ssh://`, `git@host:path`, `file://` or a path.
    /// Credentials in it are used when `auth` has none, and never printed.
    pub url: String,
    /// Which commit is wanted.
    pub reference: Reference,
    /// How to log in, and whom to trust.
    pub auth: Auth,
    /// The commit that is in force: nothing is fetched when it is still the one.
    pub known: Option<String>,
    /// Whether to leave out the history, where the transport can.
    pub shallow: bool,
    /// The mirror's folder: [`Repository::path`](crate::Repository::path).
    pub mirror: PathBuf,
}

impl fmt::Debug for FetchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchRequest")
            .field("url", &redact(&self.url))
            .field("reference", &self.reference)
            .field("auth", &self.auth)
            .field("known", &self.known)
            .field("shallow", &self.shallow)
            .field("mirror", &self.mirror)
            .finish()
    }
}

/// Says which commit of a repository is followed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Reference {
    /// The tip of a branch, by its name with or without `refs/heads/`.
    Branch(String),
    /// The commit of a tag, annotated or not, by its name with or without `refs/tags/`.
    Tag(String),
    /// The commit of the tag with the highest version in a range, such as `>=1.2 <2`, `~1.4` or
    /// `1.x || 3.x`. A `v` before a tag's version does not count. A version alone means that
    /// version, and a range has pre-releases when it ends in `-0`, as Flux has it.
    Semver(String),
    /// One commit, by its full id.
    Commit(String),
    /// The branch that the server calls its default.
    Head,
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Branch(name) => write!(f, "branch {name}"),
            Reference::Tag(name) => write!(f, "tag {name}"),
            Reference::Semver(range) => write!(f, "version {range}"),
            Reference::Commit(id) => write!(f, "commit {id}"),
            Reference::Head => f.write_str("the default branch"),
        }
    }
}

/// Says how to log in to a Git server, and which server to trust.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Auth {
    /// The user; `git` when there is none.
    pub username: Option<String>,
    /// The password or token.
    pub password: Option<String>,
    /// A private key in PEM or OpenSSH form.
    pub ssh_private_key: Option<String>,
    /// What the private key is encrypted with.
    pub ssh_passphrase: Option<String>,
    /// The host keys to trust, in the form of OpenSSH's `known_hosts`; required for ssh.
    pub known_hosts: Option<String>,
    /// The certificate authorities to trust in place of the system's, in PEM.
    pub ca_pem: Option<String>,
}

impl Auth {
    /// Whether there is anything to log in with.
    pub fn is_empty(&self) -> bool {
        self.username.is_none() && self.password.is_none() && self.ssh_private_key.is_none()
    }
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Auth {
            username,
            password,
            ssh_private_key,
            ssh_passphrase,
            known_hosts,
            ca_pem,
        } = self;
        let set = |value: &Option<String>| if value.is_some() { "set" } else { "none" };
        f.debug_struct("Auth")
            .field("username", &set(username))
            .field("password", &set(password))
            .field("ssh_private_key", &set(ssh_private_key))
            .field("ssh_passphrase", &set(ssh_passphrase))
            .field("known_hosts", &set(known_hosts))
            .field("ca_pem", &set(ca_pem))
            .finish()
    }
}

/// Tells what a fetch found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchOutcome {
    /// The commit that the reference means now; it is in the mirror.
    pub commit: String,
    /// Whether it is another one than [`FetchRequest::known`].
    pub changed: bool,
    /// Whether the reference was moved to a commit that does not follow the known one; `None`
    /// where a shallow history does not reach far enough to tell.
    pub forced: Option<bool>,
    /// The full name of what was resolved, such as `refs/tags/v1.4.2`, or the commit's id.
    pub resolved_ref: String,
    /// How many bytes of objects came over.
    pub bytes: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_secret() {
        let secret = || Some("s3cret".to_owned());
        let request = FetchRequest {
            url: "https://user:s3cret@host/path".to_owned(),
            reference: Reference::Head,
            auth: Auth {
                username: secret(),
                password: secret(),
                ssh_private_key: secret(),
                ssh_passphrase: secret(),
                known_hosts: secret(),
                ca_pem: secret(),
            },
            known: None,
            shallow: true,
            mirror: PathBuf::from("/cache/mirror"),
        };
        let text = format!("{request:?}");
        assert!(!text.contains("s3cret"), "a secret is printed: {text}");
        assert!(text.contains("host/path"), "the host is not: {text}");
    }
}
