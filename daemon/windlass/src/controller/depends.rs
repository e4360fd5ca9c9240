//! `dependsOn`: who waits for whom, and the cycles that would wait for ever. Pure.

use std::collections::{BTreeMap, BTreeSet};

/// Finds the environments that lie on a cycle, each with the cycle written out: `a → b → a`.
///
/// An environment that merely waits for one on a cycle is not at fault and is not listed: it holds
/// with «waiting for …» like any other.
pub(crate) fn cycles(edges: &BTreeMap<String, Vec<String>>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for start in edges.keys() {
        if found.contains_key(start) {
            continue;
        }
        if let Some(path) = path_back(edges, start) {
            let text = path.join(" → ");
            for name in path {
                found.entry(name).or_insert_with(|| text.clone());
            }
        }
    }
    found
}

/// The shortest way from `start` along the edges back to `start`, both ends included.
fn path_back(edges: &BTreeMap<String, Vec<String>>, start: &str) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for next in edges.get(at).into_iter().flatten() {
            if next == start {
                let mut path = vec![start.to_owned(), at.to_owned()];
                let mut back = at;
                while back != start {
                    back = came_from.get(back)?;
                    path.push(back.to_owned());
                }
                if at == start {
                    path.truncate(2);
                }
                path.reverse();
                return Some(path);
            }
            if edges.contains_key(next.as_str()) && seen.insert(next.as_str()) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    None
}

/// Why an environment waits for its dependencies, or `None` when each is ready.
///
/// `state` answers `None` for a name that does not exist, otherwise whether it is ready at the
/// revision that the repository is at.
pub(crate) fn waiting_for(
    depends_on: &[String],
    mut state: impl FnMut(&str) -> Option<bool>,
) -> Option<String> {
    let mut missing = Vec::new();
    let mut unready = Vec::new();
    for name in depends_on {
        match state(name) {
            None => missing.push(name.as_str()),
            Some(false) => unready.push(name.as_str()),
            Some(true) => {}
        }
    }
    if !missing.is_empty() {
        return Some(format!(
            "dependsOn names {}, which the repository does not hold",
            missing.join(", ")
        ));
    }
    (!unready.is_empty()).then(|| format!("waiting for {} to be Ready", unready.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn edges(text: &str) -> BTreeMap<String, Vec<String>> {
        let mut edges: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for edge in text.split_whitespace() {
            let (from, to) = edge.split_once('>').unwrap_or((edge, ""));
            let targets = edges.entry(from.to_owned()).or_default();
            if !to.is_empty() {
                targets.push(to.to_owned());
            }
        }
        edges
    }

    #[rstest]
    #[case("a>b b>c c", "")]
    #[case("a>a", "a: a → a")]
    #[case("a>b b>a c>a", "a: a → b → a, b: a → b → a")]
    #[case("a>b b>c c>a", "a: a → b → c → a, b: a → b → c → a, c: a → b → c → a")]
    #[case("a>missing", "")]
    fn names_those_on_a_cycle(#[case] graph: &str, #[case] expected: &str) {
        let found: Vec<String> = cycles(&edges(graph))
            .into_iter()
            .map(|(name, path)| format!("{name}: {path}"))
            .collect();
        assert_eq!(found.join(", "), expected, "{graph}");
    }

    #[test]
    fn says_what_is_waited_for() {
        let state = |name: &str| match name {
            "ready" => Some(true),
            "slow" => Some(false),
            _ => None,
        };
        let names = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(waiting_for(&names("ready"), state), None);
        assert_eq!(
            waiting_for(&names("ready slow"), state).as_deref(),
            Some("waiting for slow to be Ready")
        );
        assert_eq!(
            waiting_for(&names("slow gone"), state).as_deref(),
            Some("dependsOn names gone, which the repository does not hold")
        );
    }
}
