use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use url::Url;

use crate::FetchError;

/// How a repository is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Https,
    Http,
    Ssh,
    Git,
    /// A repository on this machine, by path or `file://`.
    Local,
}

/// A repository's address, taken apart so that its credentials can never be printed.
#[derive(Clone)]
pub(crate) struct RemoteUrl {
    pub(crate) scheme: Scheme,
    /// What is handed to Git: without a password, and without a user except for ssh.
    pub(crate) address: String,
    /// What people see: without user, password and query for http, without password for ssh.
    pub(crate) shown: String,
    /// Empty for a local repository.
    pub(crate) host: String,
    /// Only when it is not the scheme's own.
    pub(crate) port: Option<u16>,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<String>,
    /// The folder of a local repository; empty otherwise.
    pub(crate) folder: PathBuf,
}

impl RemoteUrl {
    pub(crate) fn parse(text: &str) -> Result<RemoteUrl, FetchError> {
        let bad = |reason: &str| FetchError::BadUrl {
            url: redact(text),
            reason: reason.to_owned(),
        };
        if text.is_empty() || text.len() > 4096 || text.chars().any(char::is_control) {
            return Err(bad(
                "it is empty, longer than 4096 bytes or has control characters",
            ));
        }
        if !text.contains("://") {
            return match scp_form(text) {
                Some((user, host, path)) => Ok(scp(user, host, path)),
                None => Ok(local(Path::new(text))),
            };
        }
        let parsed = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        let scheme = match parsed.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            "ssh" | "git+ssh" | "ssh+git" => Scheme::Ssh,
            "git" => Scheme::Git,
            "file" => {
                let folder = parsed
                    .to_file_path()
                    .map_err(|()| bad("a file:// address must hold an absolute path"))?;
                return Ok(local(&folder));
            }
            _ => {
                return Err(bad(
                    "only https, http, ssh, git and file addresses are known",
                ));
            }
        };
        let host = match parsed.host_str() {
            Some(host) if !host.is_empty() => host.trim_matches(['[', ']']).to_owned(),
            _ => return Err(bad("it names no host")),
        };
        if host.starts_with('-') {
            return Err(bad("the host begins with a dash"));
        }
        let username = Some(percent_decoded(parsed.username())).filter(|user| !user.is_empty());
        let password = parsed.password().map(percent_decoded);
        let mut address = parsed.clone();
        let mut shown = parsed.clone();
        // These setters fail only for addresses without a host, which were refused above.
        let _: Result<(), ()> = address.set_password(None).and(shown.set_password(None));
        if scheme != Scheme::Ssh {
            let _: Result<(), ()> = address.set_username("").and(shown.set_username(""));
        }
        address.set_fragment(None);
        shown.set_fragment(None);
        shown.set_query(None);
        Ok(RemoteUrl {
            scheme,
            address: address.to_string(),
            shown: shown.to_string(),
            host,
            port: parsed.port(),
            username,
            password,
            folder: PathBuf::new(),
        })
    }

    /// Names the mirror's folder. Credentials are no part of it, so that a rotated token does not
    /// mean another mirror.
    pub(crate) fn mirror_name(&self) -> String {
        let identity = match self.scheme {
            Scheme::Https | Scheme::Http | Scheme::Git | Scheme::Local => self.address.as_str(),
            Scheme::Ssh => self.shown.as_str(),
        };
        let mut name = hex::encode(Sha256::digest(identity.as_bytes()));
        name.truncate(40);
        name
    }
}

/// Recognises `user@host:path`, as git-clone(1) does: a colon before the first slash.
fn scp_form(text: &str) -> Option<(Option<&str>, &str, &str)> {
    let (before, path) = text.split_once(':')?;
    if before.contains('/') || before.is_empty() || path.is_empty() {
        return None;
    }
    let (user, host) = match before.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, before),
    };
    (!host.is_empty() && !host.starts_with('-')).then_some((user, host, path))
}

fn scp(user: Option<&str>, host: &str, path: &str) -> RemoteUrl {
    let (user, password) = match user.and_then(|user| user.split_once(':')) {
        Some((user, password)) => (Some(user), Some(password.to_owned())),
        None => (user, None),
    };
    let address = format!("{}@{host}:{path}", user.unwrap_or("git"));
    RemoteUrl {
        scheme: Scheme::Ssh,
        shown: address.clone(),
        address,
        host: host.to_owned(),
        port: None,
        username: user.map(str::to_owned),
        password,
        folder: PathBuf::new(),
    }
}

fn local(folder: &Path) -> RemoteUrl {
    // A path that does not exist yet keeps its own text; the fetch says that it is missing.
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let shown = folder.display().to_string();
    RemoteUrl {
        scheme: Scheme::Local,
        address: shown.clone(),
        shown,
        host: String::new(),
        port: None,
        username: None,
        password: None,
        folder,
    }
}

/// Takes everything that could be a credential out of an address that cannot be parsed.
pub(crate) fn redact(text: &str) -> String {
    let short: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
    let short = short.split(['?', '#']).next().unwrap_or_default();
    match (short.find("://"), short.rfind('@')) {
        (Some(start), Some(at)) if at > start => {
            format!("{}://{}", &short[..start], &short[at + 1..])
        }
        _ => short.to_owned(),
    }
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = bytes
            .get(at..at + 3)
            .filter(|escape| escape[0] == b'%')
            .and_then(|escape| hex::decode(&escape[1..]).ok());
        match escaped {
            Some(byte) => {
                decoded.extend(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        "https://user:s3cret@git.example.com/a/b.git",
        "https://git.example.com/a/b.git",
        "git.example.com",
        None
    )]
    #[case(
        "https://s3cret@git.example.com:8443/a?token=s3cret",
        "https://git.example.com:8443/a",
        "git.example.com",
        Some(8443)
    )]
    #[case(
        "ssh://deploy:s3cret@git.example.com:2222/a",
        "ssh://deploy@git.example.com:2222/a",
        "git.example.com",
        Some(2222)
    )]
    #[case(
        "git@git.example.com:a/b.git",
        "git@git.example.com:a/b.git",
        "git.example.com",
        None
    )]
    #[case(
        "git.example.com:a/b.git",
        "git@git.example.com:a/b.git",
        "git.example.com",
        None
    )]
    #[case("git://[::1]:9418/a", "git://[::1]:9418/a", "::1", Some(9418))]
    #[case("file:///srv/a%20b", "/srv/a b", "", None)]
    #[case("/srv/a", "/srv/a", "", None)]
    fn an_address_is_shown_without_its_secret(
        #[case] text: &str,
        #[case] shown: &str,
        #[case] host: &str,
        #[case] port: Option<u16>,
    ) {
        let url = RemoteUrl::parse(text).unwrap();
        assert_eq!(url.shown, shown, "what people see of {text}");
        assert_eq!(
            (url.host.as_str(), url.port),
            (host, port),
            "where {text} leads"
        );
        assert!(
            !url.shown.contains("s3cret"),
            "no secret is shown of {text}"
        );
        assert!(
            !url.address.contains(":s3cret"),
            "Git is not handed the password of {text}"
        );
    }

    #[rstest]
    #[case("https://user:s3cret@")]
    #[case("ftp://user:s3cret@host/a")]
    #[case("https://us er:s3cret@ho st/a")]
    #[case("https://:s3cret@/path")]
    #[case("")]
    fn a_refused_address_keeps_its_secret(#[case] text: &str) {
        let error = RemoteUrl::parse(text).err().unwrap();
        assert_eq!(error.code(), "WL0214", "{text} is refused");
        assert!(
            !error.to_string().contains("s3cret"),
            "no secret in: {error}"
        );
    }

    #[test]
    fn credentials_are_taken_out_decoded() {
        let url = RemoteUrl::parse("https://me%40corp:p%2Fw@h/a").unwrap();
        assert_eq!(url.username.as_deref(), Some("me@corp"));
        assert_eq!(url.password.as_deref(), Some("p/w"));
    }

    #[test]
    fn one_repository_has_one_mirror_whatever_its_token() {
        let name = |text| RemoteUrl::parse(text).unwrap().mirror_name();
        assert_eq!(
            name("https://a:b@h/r"),
            name("https://h/r"),
            "the token is no part of it"
        );
        assert_ne!(name("https://h/r"), name("https://h/s"), "the path is");
        assert_eq!(name("https://h/r").len(), 40);
    }
}
