//! Paths that kustomize would fetch.

use crate::error::Error;

const SCHEMES: [&str; 5] = ["git::", "ssh://", "https://", "http://", "file://"];
const GITHUB: [&str; 2] = ["github.com/", "github.com:"];

/// Whether kustomize would take the path for a Git repository or a file on a web server: a URL,
/// `user@host:path` or `github.com/…`.
pub(super) fn is_remote(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    SCHEMES
        .iter()
        .chain(&GITHUB)
        .any(|start| lower.starts_with(start))
        || has_user(path)
}

fn has_user(path: &str) -> bool {
    let Some((user, rest)) = path.split_once('@') else {
        return false;
    };
    let mut letters = user.bytes();
    letters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic())
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'-')
        && rest.contains([':', '/'])
}

/// The refusal of a remote path, with what to do instead.
pub(super) fn refused(path: &str) -> Error {
    Error::new(format_args!(
        "{path} would be fetched over the network, which a build in the sandbox cannot do"
    ))
    .hint("copy what is there into the repository (or `git subtree add` it) and name its folder")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://example.com/a.yaml", true)]
    #[case("HTTPS://example.com/org/repo//base?ref=v1", true)]
    #[case("github.com/org/repo/base", true)]
    #[case("git@example.com:org/repo.git", true)]
    #[case("../base", false)]
    #[case("a@b", false)]
    #[case("base/github.com/x", false)]
    fn remote_paths_are_known_by_their_form(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_remote(path), expected, "{path}");
    }
}
