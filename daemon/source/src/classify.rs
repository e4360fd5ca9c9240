//! Turns what libgit2 says into what a person can act on.
//!
//! libgit2 has few error codes and many messages; the messages matched here are those of the
//! vendored version, so that they cannot change under a running program.

use git2::{ErrorClass, ErrorCode};

use crate::FetchError;
use crate::remote_url::{RemoteUrl, Scheme};

/// The longest text of a server that is repeated, in characters.
const MAX_CAUSE: usize = 400;

pub(crate) fn classify(
    error: &git2::Error,
    url: &RemoteUrl,
    mirror: &str,
    login: bool,
) -> FetchError {
    let cause = clean(error.message());
    let text = cause.to_lowercase();
    let has = |needles: &[&str]| needles.iter().any(|needle| text.contains(needle));
    let shown = url.shown.clone();

    if has(&["no space left", "disk quota exceeded"]) {
        return FetchError::DiskFull {
            url: shown,
            mirror: mirror.to_owned(),
        };
    }
    if has(&["failed to resolve address"]) {
        return FetchError::HostNotFound {
            url: shown,
            host: url.host.clone(),
            cause,
        };
    }
    if error.code() == ErrorCode::Certificate || has(&["certificate"]) {
        return FetchError::Certificate {
            url: shown,
            host: url.host.clone(),
            cause,
        };
    }
    if has(&["wrong version number"]) {
        return FetchError::Unreachable {
            url: shown,
            cause: "what answers on this port does not speak TLS".to_owned(),
        };
    }
    if has(&["cannot redirect from"]) {
        let to = cause
            .rsplit('\'')
            .nth(1)
            .unwrap_or("another host")
            .to_owned();
        return FetchError::Redirect { url: shown, to };
    }
    if has(&[
        "unable to extract public key",
        "unable to initialize private key",
        "invalid private key",
        "unable to send userauth-publickey request",
        "callback returned error",
        "wrong passphrase",
        "no start line",
        "bad decrypt",
        "unsupported private key",
    ]) && url.scheme == Scheme::Ssh
    {
        return FetchError::BadKey { url: shown, cause };
    }
    if error.code() == ErrorCode::Auth
        || has(&[
            "unexpected http status code: 401",
            "unexpected http status code: 403",
            "too many redirects or authentication replays",
            "failed to authenticate",
            "authentication required",
        ])
    {
        return if login {
            FetchError::AuthRefused { url: shown, cause }
        } else {
            FetchError::AuthMissing {
                url: shown,
                wanted: wanted(url).to_owned(),
            }
        };
    }
    if has(&[
        "failed to connect",
        "connection refused",
        "network is unreachable",
        "no route to host",
        "operation timed out",
        "connection timed out",
        "curl error",
    ]) {
        return FetchError::Unreachable { url: shown, cause };
    }
    if has(&[
        "unexpected http status code: 404",
        "unexpected http status code: 410",
        "could not find repository",
        "repository not found",
        "does not appear to be a git repository",
        "not a git repository",
        "access denied or repository not exported",
        "no such repository",
        "invalid content-type",
        "no content-type header",
        "could not be found",
        "unsupported extension",
        "unsupported repository version",
    ]) {
        return FetchError::NotARepository { url: shown, cause };
    }
    if error.code() == ErrorCode::Eof
        || has(&[
            "early eof",
            "unexpected eof",
            "could not read from remote",
            "could not read refs from remote",
            "connection reset",
            "broken pipe",
            "error receiving data",
            "error reading from remote",
            "incomplete pack header",
            "socket disconnect",
            "unexpected disconnection",
            "invalid eof state",
            "would block",
        ])
        || (error.class() == ErrorClass::Net && has(&["short read", "unexpected end"]))
    {
        return FetchError::Cut { url: shown, cause };
    }
    if matches!(error.class(), ErrorClass::Indexer | ErrorClass::Zlib)
        || has(&[
            "packfile",
            "pack signature",
            "pack version",
            "missing delta bases",
            "inflate",
        ])
    {
        return FetchError::CorruptPack { url: shown, cause };
    }
    let ours = matches!(
        error.class(),
        ErrorClass::Odb
            | ErrorClass::Os
            | ErrorClass::Reference
            | ErrorClass::Config
            | ErrorClass::Filesystem
            | ErrorClass::Repository
            | ErrorClass::NoMemory
    );
    if ours || error.code() == ErrorCode::Locked {
        return FetchError::Mirror {
            url: shown,
            mirror: mirror.to_owned(),
            cause,
        };
    }
    FetchError::Server { url: shown, cause }
}

/// What would let one in.
pub(crate) fn wanted(url: &RemoteUrl) -> &'static str {
    match url.scheme {
        Scheme::Ssh => "an ssh private key",
        Scheme::Https | Scheme::Http | Scheme::Git | Scheme::Local => {
            "a user and a password or token"
        }
    }
}

/// Makes foreign text fit to print: one line, bounded, no control characters.
pub(crate) fn clean(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    words.join(" ").chars().take(MAX_CAUSE).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(
        ErrorClass::Net,
        ErrorCode::GenericError,
        "failed to resolve address for h: Name or service not known",
        "WL0201"
    )]
    #[case(
        ErrorClass::Os,
        ErrorCode::GenericError,
        "failed to connect to h: Connection refused",
        "WL0202"
    )]
    #[case(
        ErrorClass::Http,
        ErrorCode::Auth,
        "remote authentication required but no callback set",
        "WL0203"
    )]
    #[case(
        ErrorClass::Ssl,
        ErrorCode::Certificate,
        "the SSL certificate is invalid",
        "WL0209"
    )]
    #[case(
        ErrorClass::Net,
        ErrorCode::GenericError,
        "cannot redirect from 'a' to 'evil.example.com'",
        "WL0210"
    )]
    #[case(
        ErrorClass::Http,
        ErrorCode::GenericError,
        "unexpected http status code: 404",
        "WL0219"
    )]
    #[case(
        ErrorClass::Http,
        ErrorCode::GenericError,
        "unexpected http status code: 500",
        "WL0220"
    )]
    #[case(
        ErrorClass::Net,
        ErrorCode::Eof,
        "could not read from remote repository",
        "WL0215"
    )]
    #[case(ErrorClass::Indexer, ErrorCode::GenericError, "early EOF", "WL0215")]
    #[case(
        ErrorClass::Indexer,
        ErrorCode::GenericError,
        "packfile trailer mismatch",
        "WL0216"
    )]
    #[case(
        ErrorClass::Os,
        ErrorCode::GenericError,
        "cannot extend packfile 'x': No space left on device",
        "WL0218"
    )]
    #[case(
        ErrorClass::Http,
        ErrorCode::GenericError,
        "http parser did not consume entire buffer: Invalid EOF state",
        "WL0215"
    )]
    #[case(
        ErrorClass::Ssl,
        ErrorCode::GenericError,
        "SSL error: error:0A00010B:SSL routines::wrong version number",
        "WL0202"
    )]
    #[case(
        ErrorClass::Os,
        ErrorCode::GenericError,
        "failed to create file: Permission denied",
        "WL0221"
    )]
    fn what_git_says_becomes_a_code(
        #[case] class: ErrorClass,
        #[case] code: ErrorCode,
        #[case] message: &str,
        #[case] expected: &str,
    ) {
        let url = RemoteUrl::parse("https://h/r").unwrap();
        let error = git2::Error::new(code, class, message);
        let found = classify(&error, &url, "/mirror", false);
        assert_eq!(found.code(), expected, "`{message}` gave {found}");
    }

    #[test]
    fn foreign_text_is_bounded_and_on_one_line() {
        let text = clean(&format!("a\n\u{1b}[31mb{}", "x".repeat(9000)));
        assert!(
            text.starts_with("a [31mb"),
            "control characters are gone: {text:.20}"
        );
        assert_eq!(text.chars().count(), MAX_CAUSE);
    }
}
