//! What a push webhook says: which repository, which reference. Only read after its signature held.

use serde_json::Value;

/// The part of a push payload that decides whom to wake.
///
/// Everything is optional, because a payload that says less wakes more: a person who sends `{}`
/// means «look now».
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Push {
    /// Every spelling of the repository's address in the payload, normalised by [`normalise`].
    pub(crate) urls: Vec<String>,
    /// The pushed reference, such as `refs/heads/main`.
    pub(crate) reference: Option<String>,
}

impl Push {
    /// Reads the fields of GitHub, GitLab, Gitea and the generic form (`url`, `ref`).
    ///
    /// # Errors
    /// A sentence, when the body is no JSON object.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        let value: Value = if body.iter().all(u8::is_ascii_whitespace) {
            Value::Object(serde_json::Map::new())
        } else {
            serde_json::from_slice(body)
                .map_err(|error| format!("the body is not JSON: {error}"))?
        };
        let Value::Object(_) = &value else {
            return Err("the body is not a JSON object".to_owned());
        };
        const PLACES: [&str; 10] = [
            "/repository/clone_url",
            "/repository/ssh_url",
            "/repository/git_url",
            "/repository/html_url",
            "/repository/git_http_url",
            "/repository/git_ssh_url",
            "/project/git_http_url",
            "/project/git_ssh_url",
            "/project/http_url",
            "/url",
        ];
        let mut urls: Vec<String> = PLACES
            .iter()
            .filter_map(|place| value.pointer(place)?.as_str())
            .map(normalise)
            .collect();
        urls.sort();
        urls.dedup();
        let reference = value.get("ref").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { urls, reference })
    }

    /// Says whether a repository at `url` that follows `branch` is concerned.
    ///
    /// A tag or another branch does not concern a repository that follows one branch; a repository
    /// that follows tags or HEAD (`branch` is `None`) is woken by any push.
    pub(crate) fn concerns(&self, url: &str, branch: Option<&str>) -> bool {
        let this_repository = self.urls.is_empty() || self.urls.contains(&normalise(url));
        this_repository && self.concerns_reference(branch)
    }

    /// The half of [`Push::concerns`] that is about the reference.
    pub(crate) fn concerns_reference(&self, branch: Option<&str>) -> bool {
        match (&self.reference, branch) {
            (Some(reference), Some(branch)) => {
                reference.strip_prefix("refs/heads/").unwrap_or(reference) == branch
            }
            _ => true,
        }
    }
}

/// `https://git@host:443/a/b.git/` and `git@host:a/b` as `host/a/b`, so that spellings compare.
pub(crate) fn normalise(url: &str) -> String {
    let url = url.trim().trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url);
    let (rest, scheme) = match url.split_once("://") {
        Some((_, rest)) => (rest.to_owned(), true),
        None => (url.to_owned(), false),
    };
    let (authority, path) = match rest.split_once('/') {
        Some((authority, path)) => (authority.to_owned(), path.to_owned()),
        None => (rest.clone(), String::new()),
    };
    if !scheme && let Some((host, path)) = rest.split_once(':') {
        // The scp form, git@host:path.
        let host = host.rsplit('@').next().unwrap_or(host);
        return format!("{}/{}", host.to_lowercase(), path.trim_start_matches('/'));
    }
    let host = authority.rsplit('@').next().unwrap_or(&authority);
    let host = host.split(':').next().unwrap_or(host);
    format!("{}/{}", host.to_lowercase(), path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("https://github.com/acme/shop.git", "github.com/acme/shop")]
    #[case("https://user:token@GitHub.com:443/acme/shop/", "github.com/acme/shop")]
    #[case("git@github.com:acme/shop.git", "github.com/acme/shop")]
    #[case("ssh://git@github.com:22/acme/shop", "github.com/acme/shop")]
    #[case("file:///srv/shop.git", "/srv/shop")]
    #[case("/srv/shop.git", "/srv/shop")]
    fn spellings_of_one_address_compare(#[case] url: &str, #[case] expected: &str) {
        assert_eq!(normalise(url), expected);
    }

    #[test]
    fn a_push_concerns_its_repository_and_branch() {
        let body = br#"{"ref":"refs/heads/main","repository":{"clone_url":"https://h/a/b.git"}}"#;
        let push = Push::parse(body).unwrap();
        assert!(push.concerns("git@h:a/b.git", Some("main")));
        assert!(
            push.concerns("https://h/a/b", None),
            "HEAD is woken by any push"
        );
        assert!(!push.concerns("https://h/a/b", Some("release")));
        assert!(!push.concerns("https://h/a/c", Some("main")));
    }

    #[test]
    fn an_empty_body_wakes_everything() {
        assert!(
            Push::parse(b"")
                .unwrap()
                .concerns("https://h/a/b", Some("main"))
        );
    }

    #[rstest]
    #[case(b"[]")]
    #[case(b"{")]
    #[case(b"\xff")]
    fn what_is_no_object_is_refused(#[case] body: &[u8]) {
        assert!(Push::parse(body).is_err());
    }

    #[test]
    fn a_deeply_nested_body_is_refused() {
        let body = "[".repeat(100_000);
        assert!(Push::parse(body.as_bytes()).is_err());
    }
}
