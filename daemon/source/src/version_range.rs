//! Version ranges over tags, in the notation that users of Flux and Helm know.

use semver::{Comparator, Op, Prerelease, Version, VersionReq};

/// Alternatives, of which one must hold.
#[derive(Debug)]
pub(crate) struct Range(Vec<Part>);

#[derive(Debug)]
struct Part {
    request: VersionReq,
    /// The range was written with `-0`: pre-releases count.
    prereleases: bool,
}

impl Range {
    /// Reads a range; the error says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Range, String> {
        if text.len() > 256 {
            return Err("a version range has at most 256 characters".to_owned());
        }
        text.split("||")
            .map(part)
            .collect::<Result<_, _>>()
            .map(Range)
    }

    pub(crate) fn matches(&self, version: &Version) -> bool {
        self.0.iter().any(|part| part.matches(version))
    }
}

impl Part {
    fn matches(&self, version: &Version) -> bool {
        if self.request.matches(version) {
            return true;
        }
        if !self.prereleases || version.pre.is_empty() {
            return false;
        }
        let release = Version {
            pre: Prerelease::EMPTY,
            ..version.clone()
        };
        self.request.matches(&release)
    }
}

/// Reads one alternative: comparisons separated by spaces or commas, or `low - high`.
fn part(text: &str) -> Result<Part, String> {
    let text = text.trim();
    let normal = match text.split_once(" - ") {
        Some((low, high)) => format!(">={}, <={}", bare(low.trim()), bare(high.trim())),
        None => comparisons(text),
    };
    let request = VersionReq::parse(&normal).map_err(|error| {
        format!("`{text}` is not a version range ({error}); write for example `>=1.2 <2` or `1.x`")
    })?;
    let zero = |comparator: &Comparator| comparator.pre.as_str() == "0";
    Ok(Part {
        prereleases: request.comparators.iter().any(zero),
        request: VersionReq {
            comparators: request.comparators.into_iter().map(plain_bound).collect(),
        },
    })
}

/// `>=1.2.0-0` bounds releases as `>=1.2.0` does; `<2.0.0-0` keeps its meaning of "no 2.0.0 at all".
fn plain_bound(mut comparator: Comparator) -> Comparator {
    if comparator.pre.as_str() == "0" && comparator.op != Op::Less {
        comparator.pre = Prerelease::EMPTY;
    }
    comparator
}

fn comparisons(text: &str) -> String {
    let is_operator = |c: char| matches!(c, '<' | '>' | '=' | '~' | '^');
    let mut normal: Vec<String> = Vec::new();
    let mut operator = String::new();
    for word in text
        .split(|c: char| c.is_whitespace() || c == ',')
        .filter(|word| !word.is_empty())
    {
        let start = word.find(|c| !is_operator(c)).unwrap_or(word.len());
        operator.push_str(&word[..start]);
        let version = bare(&word[start..]);
        if version.is_empty() {
            continue;
        }
        if operator.is_empty() && !version.contains(['*', 'x', 'X']) {
            operator.push('=');
        }
        normal.push(format!("{operator}{version}"));
        operator.clear();
    }
    if normal.is_empty() || !operator.is_empty() {
        return text.to_owned();
    }
    normal.join(", ")
}

fn bare(version: &str) -> &str {
    version.strip_prefix(['v', 'V']).unwrap_or(version)
}

/// Reads a tag as a version: a `v` before it does not count, missing parts are zero.
pub(crate) fn version_of(tag: &str) -> Option<Version> {
    let text = bare(tag);
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    if let Ok(version) = Version::parse(text) {
        return Some(version);
    }
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let missing = 3usize.checked_sub(numbers.split('.').count())?;
    Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(missing))).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    const TAGS: [&str; 10] = [
        "v0.9.0",
        "v1.2.0",
        "1.2.3",
        "v1.10.0",
        "v2.0.0-rc.1",
        "v2.0.0",
        "v3",
        "latest",
        "v1.10.0-beta",
        "v2.1.0-alpha",
    ];

    #[rstest]
    #[case("*", "v3")]
    #[case(">=1.2 <2", "v1.10.0")]
    #[case(">=1.2, <2", "v1.10.0")]
    #[case(">= 1.2.0 < 1.10.0", "1.2.3")]
    #[case("~1.2", "1.2.3")]
    #[case("^1.2.0", "v1.10.0")]
    #[case("1.2.x", "1.2.3")]
    #[case("1.x || 0.x", "v1.10.0")]
    #[case("1.2.0", "v1.2.0")]
    #[case("v1.2.0", "v1.2.0")]
    #[case("1.2", "1.2.3")]
    #[case("1.0 - 2.0", "v2.0.0")]
    #[case(">=2.0.0-0 <3", "v2.1.0-alpha")]
    #[case("<2.0.0-0", "v1.10.0")]
    #[case("=2.0.0-rc.1", "v2.0.0-rc.1")]
    fn a_range_picks_the_highest_tag(#[case] range: &str, #[case] expected: &str) {
        let range = Range::parse(range).unwrap();
        let best = TAGS
            .iter()
            .filter_map(|tag| Some((version_of(tag)?, tag)))
            .filter(|(version, _)| range.matches(version))
            .max();
        assert_eq!(best.map(|(_, tag)| *tag), Some(expected), "{range:?}");
    }

    #[rstest]
    #[case("")]
    #[case("newest")]
    #[case(">=")]
    #[case("1.2.3.4")]
    #[case("1 ||")]
    fn what_is_no_range_is_refused(#[case] text: &str) {
        assert!(Range::parse(text).is_err(), "`{text}` is taken for a range");
    }
}
