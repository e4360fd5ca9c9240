use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Says why a fetch brought nothing.
///
/// It crosses the border between the child process and its parent as JSON. Addresses in it carry no
/// credentials. After every one of them the mirror is as usable as before.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[non_exhaustive]
pub enum FetchError {
    /// The host has no address.
    #[error(
        "{url}: the host {host} is not known to DNS ({cause}); check the spelling and this machine's resolver"
    )]
    HostNotFound {
        /// The repository.
        url: String,
        /// The host.
        host: String,
        /// What the resolver said.
        cause: String,
    },
    /// The host did not take the connection.
    #[error(
        "{url}: the server cannot be reached ({cause}); check that it runs, the port, and the firewalls and network \
         policies on the way"
    )]
    Unreachable {
        /// The repository.
        url: String,
        /// What the network said.
        cause: String,
    },
    /// The server wants a login and was given none.
    #[error("{url}: the server asks for a login and none is configured; add {wanted}")]
    AuthMissing {
        /// The repository.
        url: String,
        /// What would do.
        wanted: String,
    },
    /// The server refused the login.
    #[error(
        "{url}: the server refused the login ({cause}); check that the credentials are current and may read this \
         repository"
    )]
    AuthRefused {
        /// The repository.
        url: String,
        /// What the server said.
        cause: String,
    },
    /// The private key cannot be used.
    #[error(
        "{url}: the ssh private key cannot be used ({cause}); it must be a whole PEM or OpenSSH key, with its \
         passphrase if it has one"
    )]
    BadKey {
        /// The repository.
        url: String,
        /// What is wrong with it.
        cause: String,
    },
    /// There is no list of host keys to trust.
    #[error(
        "{url}: ssh needs known_hosts, and none is configured; add the output of `{keyscan}` after comparing \
         it with what the server's operator publishes"
    )]
    NoKnownHosts {
        /// The repository.
        url: String,
        /// The command that prints the host's keys.
        keyscan: String,
    },
    /// The host is not in the list of host keys.
    #[error(
        "{url}: the host {host} is not in known_hosts; it offered the key {offered}: if that is the \
         fingerprint that its operator publishes, add the output of `{keyscan}`"
    )]
    HostKeyUnknown {
        /// The repository.
        url: String,
        /// The host, as known_hosts names it.
        host: String,
        /// The kind of the key that it offered, and its fingerprint.
        offered: String,
        /// The command that prints the host's keys.
        keyscan: String,
    },
    /// The host's key is not the one that is trusted.
    #[error(
        "{url}: the host {host} offered the key {offered}, but known_hosts has {expected}; either the \
         server's key was replaced, or someone is between: compare with what its operator publishes before changing \
         known_hosts"
    )]
    HostKeyMismatch {
        /// The repository.
        url: String,
        /// The host, as known_hosts names it.
        host: String,
        /// The kind of the key that it offered, and its fingerprint.
        offered: String,
        /// The fingerprints that are trusted.
        expected: String,
    },
    /// The server's certificate is not trusted.
    #[error(
        "{url}: the certificate of {host} is not trusted ({cause}); if the server has a private certificate \
         authority, add it as the CA bundle"
    )]
    Certificate {
        /// The repository.
        url: String,
        /// The host that was connected to.
        host: String,
        /// What the check said.
        cause: String,
    },
    /// The server sends the client elsewhere, and credentials do not go along.
    #[error(
        "{url}: the server redirects to {to}, and credentials are not sent to another host; if the repository has \
         moved, write its new address"
    )]
    Redirect {
        /// The repository.
        url: String,
        /// The other host.
        to: String,
    },
    /// No ref has the name, or no version is in the range.
    #[error("{url}: {reference} does not exist{}", near_names(reference, near))]
    RefNotFound {
        /// The repository.
        url: String,
        /// What was looked for.
        reference: String,
        /// Names that are there and nearest to it.
        near: Vec<String>,
    },
    /// The reference cannot mean a commit.
    #[error("{url}: {reference} cannot be followed: {reason}")]
    BadReference {
        /// The repository.
        url: String,
        /// What was looked for.
        reference: String,
        /// What is wrong with it, and what to write instead.
        reason: String,
    },
    /// The deadline passed.
    #[error(
        "{url}: not done after {seconds} s, and ended; the server or the network hangs, or the repository needs a \
         longer timeout"
    )]
    Deadline {
        /// The repository.
        url: String,
        /// The deadline in seconds.
        seconds: u64,
    },
    /// The connection ended before all was sent.
    #[error(
        "{url}: the server closed the connection before everything was sent ({cause}); it is tried again"
    )]
    Cut {
        /// The repository.
        url: String,
        /// What Git said.
        cause: String,
    },
    /// What the server sent is not a valid pack.
    #[error(
        "{url}: the server sent a damaged pack ({cause}); it is tried again, and when it stays so run `git fsck` on \
         the server"
    )]
    CorruptPack {
        /// The repository.
        url: String,
        /// What Git said.
        cause: String,
    },
    /// The server sends more than is accepted.
    #[error(
        "{url}: more than {limit} bytes were sent, and the fetch was ended; split the repository"
    )]
    TooLarge {
        /// The repository.
        url: String,
        /// How many bytes are accepted.
        limit: u64,
    },
    /// The disk that holds the mirror is full.
    #[error(
        "{url}: the disk that holds the mirror {mirror} is full; give it more space or remove other files"
    )]
    DiskFull {
        /// The repository.
        url: String,
        /// The mirror's folder.
        mirror: String,
    },
    /// Something answers, but it is no repository.
    #[error(
        "{url}: there is no Git repository ({cause}); check the address, and that the credentials may see it: many \
         servers deny that a private repository exists"
    )]
    NotARepository {
        /// The repository.
        url: String,
        /// What was said.
        cause: String,
    },
    /// The address cannot be understood.
    #[error(
        "`{url}` is not the address of a repository: {reason}; write https://…, ssh://…, git@host:path or a path"
    )]
    BadUrl {
        /// The address, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server answered with an error of its own.
    #[error("{url}: the server answered with an error ({cause}); it is tried again")]
    Server {
        /// The repository.
        url: String,
        /// What was said.
        cause: String,
    },
    /// The mirror cannot be written or read.
    #[error(
        "{url}: the mirror {mirror} cannot be used ({cause}); check that this user may write there; it is a cache, \
         and removing it is safe"
    )]
    Mirror {
        /// The repository.
        url: String,
        /// The mirror's folder.
        mirror: String,
        /// What went wrong.
        cause: String,
    },
    /// The child process could not be run or ended without an answer.
    #[error("{url}: the process that fetches failed ({cause}); it is tried again")]
    Child {
        /// The repository.
        url: String,
        /// What is known of it.
        cause: String,
    },
}

impl FetchError {
    /// Names the page that explains the error.
    pub fn code(&self) -> &'static str {
        match self {
            FetchError::HostNotFound { .. } => "WL0201",
            FetchError::Unreachable { .. } => "WL0202",
            FetchError::AuthMissing { .. } => "WL0203",
            FetchError::AuthRefused { .. } => "WL0204",
            FetchError::BadKey { .. } => "WL0205",
            FetchError::NoKnownHosts { .. } => "WL0206",
            FetchError::HostKeyUnknown { .. } => "WL0207",
            FetchError::HostKeyMismatch { .. } => "WL0208",
            FetchError::Certificate { .. } => "WL0209",
            FetchError::Redirect { .. } => "WL0210",
            FetchError::RefNotFound { .. } => "WL0211",
            FetchError::BadReference { .. } => "WL0212",
            FetchError::Deadline { .. } => "WL0213",
            FetchError::BadUrl { .. } => "WL0214",
            FetchError::Cut { .. } => "WL0215",
            FetchError::CorruptPack { .. } => "WL0216",
            FetchError::TooLarge { .. } => "WL0217",
            FetchError::DiskFull { .. } => "WL0218",
            FetchError::NotARepository { .. } => "WL0219",
            FetchError::Server { .. } => "WL0220",
            FetchError::Mirror { .. } => "WL0221",
            FetchError::Child { .. } => "WL0222",
        }
    }

    /// Whether trying again can help with nothing changed by a person.
    pub fn is_transient(&self) -> bool {
        match self {
            FetchError::HostNotFound { .. }
            | FetchError::Unreachable { .. }
            | FetchError::Deadline { .. }
            | FetchError::Cut { .. }
            | FetchError::CorruptPack { .. }
            | FetchError::DiskFull { .. }
            | FetchError::Server { .. }
            | FetchError::Mirror { .. }
            | FetchError::Child { .. } => true,
            FetchError::AuthMissing { .. }
            | FetchError::AuthRefused { .. }
            | FetchError::BadKey { .. }
            | FetchError::NoKnownHosts { .. }
            | FetchError::HostKeyUnknown { .. }
            | FetchError::HostKeyMismatch { .. }
            | FetchError::Certificate { .. }
            | FetchError::Redirect { .. }
            | FetchError::RefNotFound { .. }
            | FetchError::BadReference { .. }
            | FetchError::BadUrl { .. }
            | FetchError::TooLarge { .. }
            | FetchError::NotARepository { .. } => false,
        }
    }
}

fn near_names(reference: &str, near: &[String]) -> String {
    if !near.is_empty() {
        format!("; there are: {}", near.join(", "))
    } else if reference.starts_with("commit ") {
        "; check the id, and that the commit was pushed and is on a branch or tag".to_owned()
    } else {
        "; the repository has none of its kind: push one, or follow something else".to_owned()
    }
}
