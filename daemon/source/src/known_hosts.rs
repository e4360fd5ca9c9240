//! Host keys to trust, read as OpenSSH reads them (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT").

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// The kinds of key that the ssh client in use understands.
const KEY_TYPES: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "ssh-dss",
];

/// A trusted key of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostKey {
    pub(crate) key_type: String,
    pub(crate) key: Vec<u8>,
    pub(crate) revoked: bool,
}

/// What a host key is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Trusted,
    /// The host is not listed.
    Unknown,
    /// The host is listed with other keys; their fingerprints.
    Mismatch(String),
    /// This very key is marked `@revoked`.
    Revoked,
}

/// How known_hosts names a host: alone, or as `[host]:port`.
pub(crate) fn host_name(host: &str, port: Option<u16>) -> String {
    match port {
        None | Some(22) => host.to_owned(),
        Some(port) => format!("[{host}]:{port}"),
    }
}

/// The keys that a known_hosts text has for a host.
///
/// A host with a port of its own is looked up with the port first and without it after, as
/// OpenSSH does. Certificate authorities are passed over: the ssh client in use has no host
/// certificates.
pub(crate) fn keys_for(text: &str, host: &str, port: Option<u16>) -> Vec<HostKey> {
    let host = host.to_lowercase();
    let with_port = matching(text, &host_name(&host, port));
    if with_port.iter().any(|key| !key.revoked) {
        return with_port;
    }
    let mut keys = with_port;
    for key in matching(text, &host) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

pub(crate) fn verdict(keys: &[HostKey], offered: &[u8]) -> Verdict {
    if keys.iter().any(|key| key.revoked && key.key == offered) {
        return Verdict::Revoked;
    }
    let trusted: Vec<&HostKey> = keys.iter().filter(|key| !key.revoked).collect();
    if trusted.is_empty() {
        return Verdict::Unknown;
    }
    if trusted.iter().any(|key| key.key == offered) {
        return Verdict::Trusted;
    }
    let prints: Vec<String> = trusted
        .iter()
        .map(|key| format!("{} {}", key.key_type, fingerprint(&key.key)))
        .collect();
    Verdict::Mismatch(prints.join(", "))
}

/// A key's fingerprint as OpenSSH prints it.
pub(crate) fn fingerprint(key: &[u8]) -> String {
    format!("SHA256:{}", STANDARD_NO_PAD.encode(Sha256::digest(key)))
}

/// The keys as a known_hosts text that names the host plainly.
pub(crate) fn render(keys: &[HostKey], host: &str, port: Option<u16>) -> String {
    let host = host_name(host, port);
    keys.iter()
        .filter(|key| !key.revoked)
        .map(|key| format!("{host} {} {}\n", key.key_type, STANDARD.encode(&key.key)))
        .collect()
}

fn matching(text: &str, host: &str) -> Vec<HostKey> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let mut fields = line.split_whitespace();
            let mut patterns = fields.next()?;
            let mut revoked = false;
            if patterns.starts_with('#') {
                return None;
            }
            if patterns.starts_with('@') {
                if patterns != "@revoked" {
                    return None;
                }
                revoked = true;
                patterns = fields.next()?;
            }
            let key_type = fields.next()?;
            if !KEY_TYPES.contains(&key_type) || !hosts_match(patterns, host) {
                return None;
            }
            let key = STANDARD.decode(fields.next()?).ok()?;
            Some(HostKey {
                key_type: key_type.to_owned(),
                key,
                revoked,
            })
        })
        .collect()
}

fn hosts_match(patterns: &str, host: &str) -> bool {
    if let Some(hashed) = patterns.strip_prefix("|1|") {
        return hashed_match(hashed, host).unwrap_or(false);
    }
    let mut found = false;
    for pattern in patterns.split(',') {
        let pattern = pattern.to_lowercase();
        match pattern.strip_prefix('!') {
            Some(not) if wildcard(not.as_bytes(), host.as_bytes()) => return false,
            Some(_) => {}
            None => found |= wildcard(pattern.as_bytes(), host.as_bytes()),
        }
    }
    found
}

/// A hashed name: `salt|HMAC-SHA1(salt, name)`, both in base64.
fn hashed_match(hashed: &str, host: &str) -> Option<bool> {
    let (salt, hash) = hashed.split_once('|')?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&STANDARD.decode(salt).ok()?).ok()?;
    mac.update(host.as_bytes());
    Some(mac.verify_slice(&STANDARD.decode(hash).ok()?).is_ok())
}

/// Matches `*` and `?`, in time proportional to the product of the lengths at most.
fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&c| c == b'*')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";
    const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIIZR9SgVE0Yl2zqKPNbS4xl0xuLmIvVNCiVGpPZBQTPa";

    fn hashed(host: &str) -> String {
        let salt = [7u8; 20];
        let mut mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap();
        mac.update(host.as_bytes());
        let hash = STANDARD.encode(mac.finalize().into_bytes());
        format!("|1|{}|{hash}", STANDARD.encode(salt))
    }

    #[rstest]
    #[case::plain("git.example.com", None, true)]
    #[case::upper_case("GIT.Example.com", None, true)]
    #[case::several("a.example.com,git.example.com,10.0.0.1", None, true)]
    #[case::wildcard("*.example.com", None, true)]
    #[case::negated("*.example.com,!git.example.com", None, false)]
    #[case::other_host("git.example.org", None, false)]
    #[case::with_port("[git.example.com]:2222", Some(2222), true)]
    #[case::wrong_port("[git.example.com]:2223", Some(2222), false)]
    #[case::port_not_asked("[git.example.com]:2222", None, false)]
    #[case::port_falls_back("git.example.com", Some(2222), true)]
    #[case::hashed(&hashed("git.example.com"), None, true)]
    #[case::hashed_with_port(&hashed("[git.example.com]:2222"), Some(2222), true)]
    #[case::hashed_other(&hashed("git.example.org"), None, false)]
    #[case::malformed_hash("|1|not base64", None, false)]
    #[case::authority("@cert-authority git.example.com", None, false)]
    #[case::comment("# git.example.com", None, false)]
    fn a_line_names_the_host(
        #[case] hosts: &str,
        #[case] port: Option<u16>,
        #[case] expected: bool,
    ) {
        let text = format!("\n# comment\n{hosts} ssh-ed25519 {KEY} somebody\n");
        let keys = keys_for(&text, "git.example.com", port);
        assert_eq!(
            !keys.is_empty(),
            expected,
            "`{hosts}` for port {port:?} gave {keys:?}"
        );
    }

    #[test]
    fn a_key_is_judged_by_all_lines_of_its_host() {
        let key = STANDARD.decode(KEY).unwrap();
        let other = STANDARD.decode(OTHER).unwrap();
        let listed = keys_for(&format!("h ssh-ed25519 {KEY}"), "h", None);
        assert_eq!(verdict(&listed, &key), Verdict::Trusted);
        assert_eq!(
            verdict(&listed, &other),
            Verdict::Mismatch(format!("ssh-ed25519 {}", fingerprint(&key))),
            "another key names the trusted one's fingerprint"
        );
        assert_eq!(
            verdict(&[], &key),
            Verdict::Unknown,
            "an unlisted host is not trusted"
        );
        let revoked = format!("h ssh-ed25519 {KEY}\n@revoked * ssh-ed25519 {KEY}");
        assert_eq!(
            verdict(&keys_for(&revoked, "h", None), &key),
            Verdict::Revoked
        );
        assert_eq!(
            render(&listed, "h", Some(2222)),
            format!("[h]:2222 ssh-ed25519 {KEY}\n"),
            "the client is told of the host plainly"
        );
    }

    #[test]
    fn a_fingerprint_is_the_one_ssh_keygen_prints() {
        let print = fingerprint(&STANDARD.decode(KEY).unwrap());
        assert_eq!(print, "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
    }
}
