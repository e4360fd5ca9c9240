//! Patterns for paths and names.
//!
//! `*` stands for any characters but `/`, `?` for one, `[a-z]` and `[!a-z]` for one of a set, and
//! `**` as a whole segment for any number of folders. There is no backtracking over more than one
//! star, so that a match takes time in the product of both lengths at worst.

use std::fmt;

/// The longest pattern that is taken, in bytes. Paths in Git are shorter.
const MAX_LENGTH: usize = 4096;

/// A pattern for paths, or for names when it holds no `/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    segments: Vec<Segment>,
    anywhere: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Folders,
    Name(Vec<Part>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Star,
    One,
    Char(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Glob {
    /// Reads a pattern.
    ///
    /// A pattern without `/` is for the last part of a path, in any folder, as in `.gitignore`. A
    /// `/` in front ties it to the top, one at the end makes it match everything in the folder.
    ///
    /// # Errors
    /// Says what is wrong with the pattern: it is empty, too long, or a `[` is never closed.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.is_empty() || text == "/" {
            return Err("an empty pattern matches nothing".to_owned());
        }
        if text.len() > MAX_LENGTH {
            return Err(format!("the pattern is longer than {MAX_LENGTH} bytes"));
        }
        let path = text.strip_prefix("./").unwrap_or(text);
        let path = path.strip_prefix('/').unwrap_or(path);
        let (path, folder) = match path.strip_suffix('/') {
            Some(path) => (path, true),
            None => (path, false),
        };
        let mut segments = path
            .split('/')
            .map(|segment| match segment {
                "**" => Ok(Segment::Folders),
                segment => parse(segment).map(Segment::Name),
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|reason| format!("the pattern `{text}` {reason}"))?;
        let anywhere = !text.contains('/') || (folder && !text[..text.len() - 1].contains('/'));
        if folder {
            segments.push(Segment::Folders);
        }
        if anywhere && folder {
            segments.insert(0, Segment::Folders);
        }
        Ok(Self {
            text: text.to_owned(),
            segments,
            anywhere: anywhere && !folder,
        })
    }

    /// Says whether a path, relative to where the pattern belongs, matches.
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        match (&self.segments[..], self.anywhere) {
            ([Segment::Name(name)], true) => {
                parts.last().is_some_and(|last| matches_name(name, last))
            }
            (segments, _) => matches_path(segments, &parts),
        }
    }

    /// Says whether a name matches. `/` has no meaning in it.
    pub fn matches_name(&self, name: &str) -> bool {
        match &self.segments[..] {
            [Segment::Name(parts)] => matches_name(parts, name),
            [Segment::Folders] => true,
            _ => false,
        }
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn parse(segment: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let mut chars = segment.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '*' if parts.last() == Some(&Part::Star) => {}
            '*' => parts.push(Part::Star),
            '?' => parts.push(Part::One),
            '[' => {
                let negated = chars.next_if(|next| matches!(next, '!' | '^')).is_some();
                let mut ranges = Vec::new();
                loop {
                    let from = match chars.next() {
                        Some(']') if !ranges.is_empty() => break,
                        Some(from) => from,
                        None => return Err("holds a `[` that is never closed".to_owned()),
                    };
                    let mut to = from;
                    if chars.peek() == Some(&'-') {
                        chars.next();
                        match chars.next() {
                            Some(']') | None => {
                                return Err("holds a range without an end".to_owned());
                            }
                            Some(end) => to = end,
                        }
                    }
                    ranges.push((from, to));
                }
                parts.push(Part::Set { negated, ranges });
            }
            char => parts.push(Part::Char(char)),
        }
    }
    Ok(parts)
}

fn matches_one(part: &Part, char: char) -> bool {
    match part {
        Part::Star => false,
        Part::One => true,
        Part::Char(expected) => *expected == char,
        Part::Set { negated, ranges } => {
            ranges
                .iter()
                .any(|(from, to)| (*from..=*to).contains(&char))
                != *negated
        }
    }
}

fn matches_name(parts: &[Part], name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    with_stars(
        parts,
        &name,
        |part| *part == Part::Star,
        |part, char| matches_one(part, *char),
    )
}

fn matches_path(segments: &[Segment], path: &[&str]) -> bool {
    with_stars(
        segments,
        path,
        |segment| *segment == Segment::Folders,
        |segment, name| match segment {
            Segment::Folders => false,
            Segment::Name(parts) => matches_name(parts, name),
        },
    )
}

/// Matches a sequence against a pattern in which some elements stand for any number of things.
///
/// When the match fails after a star, only the last star has to take one thing more: whatever an
/// earlier star could take instead, the later one can take too.
fn with_stars<P, T>(
    pattern: &[P],
    text: &[T],
    is_star: impl Fn(&P) -> bool,
    matches: impl Fn(&P, &T) -> bool,
) -> bool {
    let (mut at, mut next) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while next < text.len() {
        match pattern.get(at) {
            Some(part) if is_star(part) => {
                star = Some((at, next));
                at += 1;
            }
            Some(part) if matches(part, &text[next]) => {
                at += 1;
                next += 1;
            }
            _ => match &mut star {
                Some((position, taken)) => {
                    *taken += 1;
                    at = *position + 1;
                    next = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at.min(pattern.len())..].iter().all(is_star)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::name_in_any_folder("*.yaml", "a/b/c.yaml", true)]
    #[case::star_stops_at_a_slash("a/*.yaml", "a/b/c.yaml", false)]
    #[case::star_in_a_folder("a/*.yaml", "a/c.yaml", true)]
    #[case::tied_to_the_top("/c.yaml", "a/c.yaml", false)]
    #[case::from_here("./c.yaml", "c.yaml", true)]
    #[case::folders("a/**/c.yaml", "a/x/y/c.yaml", true)]
    #[case::no_folders("a/**/c.yaml", "a/c.yaml", true)]
    #[case::everything_below("a/**", "a/b/c.yaml", true)]
    #[case::folder("a/b/", "a/b/c/d.yaml", true)]
    #[case::folder_anywhere("crds/", "x/crds/d.yaml", true)]
    #[case::folder_other("a/b/", "a/bc/d.yaml", false)]
    #[case::question("?.yaml", "a.yaml", true)]
    #[case::question_needs_one("?.yaml", ".yaml", false)]
    #[case::set("[a-c]x", "bx", true)]
    #[case::not_set("[!a-c]x", "bx", false)]
    #[case::bracket_in_a_set("[]]x", "]x", true)]
    #[case::stars_take_turns("*a*b*c", "xxaxxbxxbc", true)]
    #[case::stars_fail("*a*b*c", "xxaxxcxxb", false)]
    #[case::exact("deployment.yaml", "x/deployment.yaml", true)]
    fn paths(#[case] pattern: &str, #[case] path: &str, #[case] expected: bool) {
        assert_eq!(Glob::new(pattern).unwrap().matches(path), expected);
    }

    #[rstest]
    #[case("web-*", "web-1", true)]
    #[case("web", "web-1", false)]
    #[case("*", "", true)]
    #[case("", "x", false)]
    fn names(#[case] pattern: &str, #[case] name: &str, #[case] expected: bool) {
        let matches = Glob::new(pattern).is_ok_and(|glob| glob.matches_name(name));
        assert_eq!(matches, expected);
    }

    #[rstest]
    #[case("", "an empty pattern matches nothing")]
    #[case("a[b", "the pattern `a[b` holds a `[` that is never closed")]
    #[case("[a-]", "the pattern `[a-]` holds a range without an end")]
    fn wrong_patterns_are_named(#[case] pattern: &str, #[case] expected: &str) {
        assert_eq!(Glob::new(pattern).unwrap_err(), expected);
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "*a".repeat(500);
        let name = "a".repeat(3000) + "b";
        assert!(
            !Glob::new(&pattern).unwrap().matches(&name),
            "nothing ends in a"
        );
    }
}
