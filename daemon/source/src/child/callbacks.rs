//! What libgit2 asks during a fetch: who are we, and do we trust this server.

use std::cell::{Cell, RefCell};

use git2::cert::Cert;
use git2::{
    CertificateCheckStatus, Cred, CredentialType, ErrorClass, ErrorCode, ProxyOptions,
    RemoteCallbacks,
};

use crate::classify::wanted;
use crate::known_hosts::{self, HostKey, Verdict};
use crate::remote_url::{RemoteUrl, Scheme};
use crate::{Auth, FetchError};

use super::MAX_BYTES;

/// The state of the conversation with one server.
pub(super) struct Conversation<'a> {
    url: &'a RemoteUrl,
    auth: &'a Auth,
    host_keys: Vec<HostKey>,
    /// An error of our own, more exact than what libgit2 makes of it.
    error: RefCell<Option<FetchError>>,
    /// Whether the login has been handed out, for this connection.
    presented: Cell<bool>,
    /// How many bytes of objects came over the last connection.
    received: Cell<u64>,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(url: &'a RemoteUrl, auth: &'a Auth) -> Result<Conversation<'a>, FetchError> {
        let mut host_keys = Vec::new();
        if url.scheme == Scheme::Ssh {
            let Some(known) = auth
                .known_hosts
                .as_deref()
                .filter(|text| !text.trim().is_empty())
            else {
                return Err(FetchError::NoKnownHosts {
                    url: url.shown.clone(),
                    keyscan: keyscan(url),
                });
            };
            host_keys = known_hosts::keys_for(known, &url.host, url.port);
        }
        Ok(Conversation {
            url,
            auth,
            host_keys,
            error: RefCell::new(None),
            presented: Cell::new(false),
            received: Cell::new(0),
        })
    }

    /// Whether there is anything to log in with.
    pub(super) fn has_login(&self) -> bool {
        self.url.username.is_some() && self.url.scheme != Scheme::Ssh
            || self.url.password.is_some()
            || !self.auth.is_empty()
    }

    /// The error that a callback noted, if one did.
    pub(super) fn noted(&self) -> Option<FetchError> {
        self.error.borrow_mut().take()
    }

    pub(super) fn received(&self) -> u64 {
        self.received.get()
    }

    pub(super) fn callbacks(&self) -> RemoteCallbacks<'_> {
        self.presented.set(false);
        let mut callbacks = RemoteCallbacks::new();
        callbacks
            .credentials(|asked_by, username, allowed| self.login(asked_by, username, allowed));
        callbacks.certificate_check(|cert, host| self.check(cert, host));
        callbacks.transfer_progress(|progress| {
            self.received.set(progress.received_bytes() as u64);
            let within = self.received.get() < MAX_BYTES;
            if !within {
                self.note(FetchError::TooLarge {
                    url: self.url.shown.clone(),
                    limit: MAX_BYTES,
                });
            }
            within
        });
        callbacks
    }

    fn note(&self, error: FetchError) -> git2::Error {
        let told = git2::Error::new(ErrorCode::User, ErrorClass::Callback, error.to_string());
        self.error.borrow_mut().get_or_insert(error);
        told
    }

    fn login(
        &self,
        asked_by: &str,
        username: Option<&str>,
        allowed: CredentialType,
    ) -> Result<Cred, git2::Error> {
        let user = username
            .filter(|user| !user.is_empty())
            .or(self.auth.username.as_deref())
            .or(self.url.username.as_deref())
            .unwrap_or("git");
        if allowed.contains(CredentialType::USERNAME) {
            return Cred::username(user);
        }
        if self.url.scheme != Scheme::Ssh && !self.same_server(asked_by) {
            return Err(self.note(FetchError::Redirect {
                url: self.url.shown.clone(),
                to: crate::remote_url::redact(asked_by),
            }));
        }
        let password = self
            .auth
            .password
            .as_deref()
            .or(self.url.password.as_deref());
        if self.presented.replace(true) {
            return Err(self.note(FetchError::AuthRefused {
                url: self.url.shown.clone(),
                cause: "it was shown the login and asked again".to_owned(),
            }));
        }
        if allowed.contains(CredentialType::SSH_MEMORY)
            && let Some(key) = &self.auth.ssh_private_key
        {
            let passphrase = self.auth.ssh_passphrase.as_deref();
            return Cred::ssh_key_from_memory(user, None, key, passphrase).map_err(|error| {
                self.note(FetchError::BadKey {
                    url: self.url.shown.clone(),
                    cause: error.message().to_owned(),
                })
            });
        }
        if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) && self.has_login() {
            let user = self
                .auth
                .username
                .as_deref()
                .or(self.url.username.as_deref())
                .unwrap_or(user);
            return Cred::userpass_plaintext(user, password.unwrap_or_default());
        }
        Err(self.note(FetchError::AuthMissing {
            url: self.url.shown.clone(),
            wanted: wanted(self.url).to_owned(),
        }))
    }

    fn same_server(&self, asked_by: &str) -> bool {
        RemoteUrl::parse(asked_by).is_ok_and(|asked| {
            let upgraded = self.url.scheme == Scheme::Http && asked.scheme == Scheme::Https;
            asked.host.eq_ignore_ascii_case(&self.url.host)
                && (asked.scheme == self.url.scheme && asked.port == self.url.port || upgraded)
        })
    }

    fn check(&self, cert: &Cert<'_>, host: &str) -> Result<CertificateCheckStatus, git2::Error> {
        let Some(key) = cert.as_hostkey() else {
            // Credentials that were handed out go along with a redirect: so do not go along.
            if self.has_login() && !host.eq_ignore_ascii_case(&self.url.host) {
                return Err(self.note(FetchError::Redirect {
                    url: self.url.shown.clone(),
                    to: host.to_owned(),
                }));
            }
            return Ok(CertificateCheckStatus::CertificatePassthrough);
        };
        let Some(offered) = key.hostkey() else {
            return Err(git2::Error::from_str(
                "the server's host key cannot be read",
            ));
        };
        let print = format!(
            "{} {}",
            key_type(offered),
            known_hosts::fingerprint(offered)
        );
        let url = self.url.shown.clone();
        let host = known_hosts::host_name(&self.url.host, self.url.port);
        Err(
            self.note(match known_hosts::verdict(&self.host_keys, offered) {
                Verdict::Trusted => return Ok(CertificateCheckStatus::CertificateOk),
                Verdict::Unknown => FetchError::HostKeyUnknown {
                    url,
                    host,
                    offered: print,
                    keyscan: keyscan(self.url),
                },
                Verdict::Mismatch(expected) => FetchError::HostKeyMismatch {
                    url,
                    host,
                    offered: print,
                    expected,
                },
                Verdict::Revoked => FetchError::HostKeyMismatch {
                    url,
                    host,
                    offered: print,
                    expected: "this very key as revoked".to_owned(),
                },
            }),
        )
    }
}

/// The way to the server through the proxy that the environment names, if it names one.
pub(super) fn proxy() -> ProxyOptions<'static> {
    let mut proxy = ProxyOptions::new();
    proxy.auto();
    proxy
}

/// The command that prints a host's keys in the form of known_hosts.
fn keyscan(url: &RemoteUrl) -> String {
    match url.port {
        None | Some(22) => format!("ssh-keyscan {}", url.host),
        Some(port) => format!("ssh-keyscan -p {port} {}", url.host),
    }
}

/// A key's kind, as its own first field names it (RFC 4253 section 6.6).
fn key_type(key: &[u8]) -> String {
    let name = key
        .first_chunk::<4>()
        .map(|length| u32::from_be_bytes(*length) as usize)
        .filter(|&length| length <= 64)
        .and_then(|length| key.get(4..4 + length));
    String::from_utf8_lossy(name.unwrap_or(b"unknown")).into_owned()
}
