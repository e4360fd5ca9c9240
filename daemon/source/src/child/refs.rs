//! Which commit a reference means, among the refs that a repository has.

use git2::Oid;

use crate::version_range::{Range, version_of};
use crate::{FetchError, Reference};

/// How many near names an error lists.
const NEAR: usize = 5;

/// A ref that a repository has, peeled to what an annotated tag points at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Advertised {
    pub(crate) name: String,
    /// What the ref itself holds: for an annotated tag the tag object.
    pub(crate) id: Oid,
    /// What it comes down to.
    pub(crate) peeled: Oid,
    /// For a symbolic ref, the ref it points to.
    pub(crate) symbolic: Option<String>,
}

/// What a reference was found to mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Resolved {
    /// The ref's full name, or the commit's id.
    pub(crate) name: String,
    pub(crate) commit: Oid,
    /// What to ask the server for: a ref's name, or the id when no ref holds the commit.
    pub(crate) ask: String,
}

pub(crate) fn resolve(
    refs: &[Advertised],
    reference: &Reference,
    url: &str,
) -> Result<Resolved, FetchError> {
    match reference {
        Reference::Branch(name) => named(refs, "refs/heads/", name, reference, url),
        Reference::Tag(name) => named(refs, "refs/tags/", name, reference, url),
        Reference::Head => head(refs, reference, url),
        Reference::Semver(range) => highest(refs, range, reference, url),
        Reference::Commit(id) => commit(refs, id, reference, url),
    }
}

fn named(
    refs: &[Advertised],
    folder: &str,
    name: &str,
    reference: &Reference,
    url: &str,
) -> Result<Resolved, FetchError> {
    let short = name.strip_prefix(folder).unwrap_or(name);
    let full = format!("{folder}{short}");
    match refs.iter().find(|advertised| advertised.name == full) {
        Some(found) => Ok(Resolved {
            name: full.clone(),
            commit: found.peeled,
            ask: full,
        }),
        None => Err(FetchError::RefNotFound {
            url: url.to_owned(),
            reference: reference.to_string(),
            near: nearest(refs, folder, short),
        }),
    }
}

fn head(refs: &[Advertised], reference: &Reference, url: &str) -> Result<Resolved, FetchError> {
    match refs.iter().find(|advertised| advertised.name == "HEAD") {
        Some(found) => Ok(Resolved {
            name: found.symbolic.clone().unwrap_or_else(|| "HEAD".to_owned()),
            commit: found.peeled,
            ask: "HEAD".to_owned(),
        }),
        None => Err(FetchError::RefNotFound {
            url: url.to_owned(),
            reference: reference.to_string(),
            near: nearest(refs, "refs/heads/", "main"),
        }),
    }
}

fn highest(
    refs: &[Advertised],
    range: &str,
    reference: &Reference,
    url: &str,
) -> Result<Resolved, FetchError> {
    let range = Range::parse(range).map_err(|reason| FetchError::BadReference {
        url: url.to_owned(),
        reference: reference.to_string(),
        reason,
    })?;
    let mut versions: Vec<_> = refs
        .iter()
        .filter_map(|advertised| {
            let tag = advertised.name.strip_prefix("refs/tags/")?;
            Some((version_of(tag)?, tag, advertised))
        })
        .collect();
    versions.sort_by(|(a, name_a, _), (b, name_b, _)| b.cmp(a).then_with(|| name_a.cmp(name_b)));
    match versions.iter().find(|(version, ..)| range.matches(version)) {
        Some((_, _, found)) => Ok(Resolved {
            name: found.name.clone(),
            commit: found.peeled,
            ask: found.name.clone(),
        }),
        None => Err(FetchError::RefNotFound {
            url: url.to_owned(),
            reference: reference.to_string(),
            near: versions
                .iter()
                .take(NEAR)
                .map(|(_, tag, _)| (*tag).to_owned())
                .collect(),
        }),
    }
}

fn commit(
    refs: &[Advertised],
    id: &str,
    reference: &Reference,
    url: &str,
) -> Result<Resolved, FetchError> {
    let commit = Some(id)
        .filter(|id| id.len() == 40)
        .and_then(|id| Oid::from_str(id).ok())
        .ok_or_else(|| FetchError::BadReference {
            url: url.to_owned(),
            reference: reference.to_string(),
            reason: "a commit is named by its full id of 40 hexadecimal digits, as `git rev-parse` prints it".to_owned(),
        })?;
    let tip = refs
        .iter()
        .find(|advertised| advertised.id == commit || advertised.peeled == commit);
    Ok(Resolved {
        name: commit.to_string(),
        commit,
        ask: tip.map_or_else(|| commit.to_string(), |tip| tip.name.clone()),
    })
}

/// The names in a folder of refs that are likest to one.
fn nearest(refs: &[Advertised], folder: &str, name: &str) -> Vec<String> {
    let mut names: Vec<(usize, &str)> = refs
        .iter()
        .filter_map(|advertised| advertised.name.strip_prefix(folder))
        .filter(|found| found.len() <= 256)
        .take(2000)
        .map(|found| (strsim::levenshtein(found, name), found))
        .collect();
    names.sort();
    names
        .into_iter()
        .take(NEAR)
        .map(|(_, found)| found.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    fn id(digit: char) -> Oid {
        Oid::from_str(&digit.to_string().repeat(40)).unwrap()
    }

    fn refs() -> Vec<Advertised> {
        let plain = |name: &str, digit| Advertised {
            name: name.to_owned(),
            id: id(digit),
            peeled: id(digit),
            symbolic: None,
        };
        vec![
            Advertised {
                symbolic: Some("refs/heads/main".to_owned()),
                ..plain("HEAD", 'a')
            },
            plain("refs/heads/main", 'a'),
            plain("refs/heads/maintenance", 'b'),
            plain("refs/tags/v1.0.0", 'c'),
            Advertised {
                peeled: id('d'),
                ..plain("refs/tags/v1.1.0", 'e')
            },
        ]
    }

    #[rstest]
    #[case(Reference::Branch("main".into()), "refs/heads/main", 'a', "refs/heads/main")]
    #[case(Reference::Branch("refs/heads/main".into()), "refs/heads/main", 'a', "refs/heads/main")]
    #[case(Reference::Tag("v1.1.0".into()), "refs/tags/v1.1.0", 'd', "refs/tags/v1.1.0")]
    #[case(Reference::Semver("1.x".into()), "refs/tags/v1.1.0", 'd', "refs/tags/v1.1.0")]
    #[case(Reference::Head, "refs/heads/main", 'a', "HEAD")]
    #[case(Reference::Commit("b".repeat(40)), &"b".repeat(40), 'b', "refs/heads/maintenance")]
    #[case(Reference::Commit("f".repeat(40)), &"f".repeat(40), 'f', &"f".repeat(40))]
    fn a_reference_means_a_commit(
        #[case] reference: Reference,
        #[case] name: &str,
        #[case] digit: char,
        #[case] ask: &str,
    ) {
        let expected = Resolved {
            name: name.to_owned(),
            commit: id(digit),
            ask: ask.to_owned(),
        };
        assert_eq!(
            resolve(&refs(), &reference, "url"),
            Ok(expected),
            "{reference}"
        );
    }

    #[rstest]
    #[case(Reference::Branch("mian".into()), "WL0211", "main, maintenance")]
    #[case(Reference::Tag("1.0.0".into()), "WL0211", "v1.0.0, v1.1.0")]
    #[case(Reference::Semver(">=2".into()), "WL0211", "v1.1.0, v1.0.0")]
    #[case(Reference::Semver("newest".into()), "WL0212", "version range")]
    #[case(Reference::Commit("abc123".into()), "WL0212", "40 hexadecimal digits")]
    fn a_wrong_reference_says_what_is_there(
        #[case] reference: Reference,
        #[case] code: &str,
        #[case] says: &str,
    ) {
        let error = resolve(&refs(), &reference, "url").unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(
            error.to_string().contains(says),
            "`{says}` is not in: {error}"
        );
    }

    #[test]
    fn an_empty_repository_says_so() {
        let error = resolve(&[], &Reference::Head, "url").unwrap_err();
        assert!(error.to_string().contains("push one"), "{error}");
    }
}
