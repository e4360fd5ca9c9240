//! Label selectors, in the grammar of `kubectl -l`.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Requirements that labels meet or do not meet; an empty selector is met by everything.
///
/// Grammar: `a=b`, `a==b`, `a!=b`, `a in (b, c)`, `a notin (b, c)`, `a`, `!a`, joined by commas
/// (Kubernetes documentation, «Labels and Selectors»).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selector(Vec<Requirement>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Absent,
}

/// A text that is no label selector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a label selector: {reason}")]
pub struct SelectorError {
    /// The text, cut at 128 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl SelectorError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        "WL0312"
    }
}

impl Selector {
    /// Says whether labels meet every requirement.
    ///
    /// As in Kubernetes, `!=` and `notin` are met by an absent label.
    pub fn matches<'a>(&self, labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let labels: BTreeMap<&str, &str> = labels.into_iter().collect();
        self.0.iter().all(|requirement| {
            let value = labels.get(requirement.key.as_str()).copied();
            let listed =
                || value.is_some_and(|value| requirement.values.iter().any(|v| v == value));
            match requirement.operator {
                Operator::In => listed(),
                Operator::NotIn => !listed(),
                Operator::Exists => value.is_some(),
                Operator::Absent => value.is_none(),
            }
        })
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fail = |reason: &str| SelectorError {
            text: text.chars().take(128).collect(),
            reason: reason.to_owned(),
        };
        let mut requirements = Vec::new();
        for part in split(text).ok_or_else(|| fail("a parenthesis is not closed"))? {
            let part = part.trim();
            if part.is_empty() {
                if text.trim().is_empty() {
                    break;
                }
                return Err(fail("a requirement is empty; is there a comma too many?"));
            }
            requirements.push(requirement(part).map_err(|reason| fail(&reason))?);
        }
        Ok(Self(requirements))
    }
}

/// Splits at the commas that are outside parentheses.
fn split(text: &str) -> Option<Vec<&str>> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    (depth == 0).then_some(parts)
}

fn requirement(part: &str) -> Result<Requirement, String> {
    let make = |key: &str, operator, values: Vec<&str>| {
        let key = key.trim();
        check_key(key)?;
        for value in &values {
            check_value(value)?;
        }
        let values = values.into_iter().map(str::to_owned).collect();
        Ok(Requirement {
            key: key.to_owned(),
            operator,
            values,
        })
    };
    if let Some(key) = part.strip_prefix('!')
        && !key.contains('=')
    {
        return make(key, Operator::Absent, vec![]);
    }
    if let Some(list) = part.strip_suffix(')') {
        let (head, values) = list.split_once('(').ok_or("a parenthesis is not opened")?;
        let mut words = head.split_whitespace();
        let (key, word) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        if words.next().is_some() {
            return Err("expected `key in (…)` or `key notin (…)`".to_owned());
        }
        let operator = match word {
            "in" => Operator::In,
            "notin" => Operator::NotIn,
            _ => return Err("expected `in` or `notin` before the parenthesis".to_owned()),
        };
        return make(key, operator, values.split(',').map(str::trim).collect());
    }
    for (sign, operator) in [
        ("!=", Operator::NotIn),
        ("==", Operator::In),
        ("=", Operator::In),
    ] {
        if let Some((key, value)) = part.split_once(sign) {
            return make(key, operator, vec![value.trim()]);
        }
    }
    make(part, Operator::Exists, vec![])
}

/// A label's key: an optional DNS prefix, a slash, and a name of at most 63 characters.
fn check_key(key: &str) -> Result<(), String> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let prefix_fits =
        prefix.is_none_or(|prefix| (1..=253).contains(&prefix.len()) && prefix.chars().all(plain));
    if !name.is_empty() && prefix_fits && is_label_text(name) {
        Ok(())
    } else {
        Err(format!("`{key}` is not a label's key"))
    }
}

fn check_value(value: &str) -> Result<(), String> {
    if is_label_text(value) {
        Ok(())
    } else {
        Err(format!("`{value}` is not a label's value"))
    }
}

fn is_label_text(text: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    text.len() <= 63
        && edge(text.chars().next())
        && edge(text.chars().last())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            let Requirement { key, values, .. } = requirement;
            match requirement.operator {
                Operator::Exists => f.write_str(key)?,
                Operator::Absent => write!(f, "!{key}")?,
                Operator::In => write!(f, "{key} in ({})", values.join(","))?,
                Operator::NotIn => write!(f, "{key} notin ({})", values.join(","))?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;

    const LABELS: [(&str, &str); 3] = [
        ("app", "shop"),
        ("tier", "web"),
        ("app.kubernetes.io/name", "x"),
    ];

    #[rstest]
    #[case("", true)]
    #[case("app=shop", true)]
    #[case("app==shop,tier!=db", true)]
    #[case("app=other", false)]
    #[case("missing!=x", true)]
    #[case("app in (a, shop)", true)]
    #[case("app notin (a,b),tier", true)]
    #[case("!app", false)]
    #[case("!missing", true)]
    #[case("app.kubernetes.io/name=x", true)]
    #[case("missing=", false)]
    fn matches(#[case] text: &str, #[case] expected: bool) {
        let selector: Selector = text.parse().unwrap();
        assert_eq!(selector.matches(LABELS), expected, "`{text}`");
        let again: Selector = selector.to_string().parse().unwrap();
        assert_eq!(
            again.matches(LABELS),
            expected,
            "`{selector}` written and read again"
        );
    }

    #[rstest]
    #[case("a=b,,c=d")]
    #[case("a in (b")]
    #[case("a in b)")]
    #[case("a near (b)")]
    #[case("a=b c")]
    #[case("-a=b")]
    #[case("a/b/c=d")]
    #[case("a=b=c")]
    #[case("(((((")]
    fn refuses(#[case] text: &str) {
        assert!(text.parse::<Selector>().is_err(), "`{text}`");
    }
}
