//! Reads the text format in which servers publish their metrics.

use std::collections::BTreeMap;

/// One line of a metrics page.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The metric, with the `_bucket`, `_sum` or `_count` of a histogram.
    pub name: String,
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The value.
    pub value: f64,
}

/// Reads every sample of a page; lines that are none are passed over, as scrapers do with what they do not know.
pub fn parse(page: &str) -> Vec<Sample> {
    page.lines().filter_map(parse_line).collect()
}

/// The sum over the samples of `name` that carry all of `labels`, or `None` when there is no such sample.
pub fn value(page: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let matching = page
        .lines()
        .filter(|line| line.starts_with(name))
        .filter_map(parse_line)
        .filter(|sample| sample.name == name)
        .filter(|sample| {
            let carries =
                |(key, value): &(&str, &str)| sample.labels.get(*key).is_some_and(|v| v == value);
            labels.iter().all(carries)
        });
    matching
        .map(|sample| sample.value)
        .reduce(|sum, value| sum + value)
}

fn parse_line(line: &str) -> Option<Sample> {
    let line = line.trim();
    if line.starts_with('#') {
        return None;
    }
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at(end);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = parse_labels(inside, &mut labels)?;
    }
    // A timestamp may follow the value.
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// Reads up to the closing brace and returns what follows it.
fn parse_labels<'a>(mut rest: &'a str, labels: &mut BTreeMap<String, String>) -> Option<&'a str> {
    loop {
        rest = rest.trim_start_matches([',', ' ']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        let (key, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        rest = loop {
            match characters.next()? {
                (at, '"') => break &quoted[at + 1..],
                (_, '\\') => match characters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.insert(key.trim().to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, value};

    const PAGE: &str = concat!(
        "# TYPE requests counter\n",
        "requests{verb=\"GET\",path=\"a\\\"b,}\"} 3\n",
        "requests{verb=\"LIST\"} 4 1700000000\n",
        "requests_total 9\n",
        "limit +Inf\n",
    );

    #[test]
    fn labels_may_contain_what_separates_them() {
        assert_eq!(parse(PAGE)[0].labels["path"], "a\"b,}");
    }

    #[test]
    fn samples_that_match_are_summed() {
        assert_eq!(value(PAGE, "requests", &[]), Some(7.0));
        assert_eq!(value(PAGE, "requests", &[("verb", "LIST")]), Some(4.0));
        assert_eq!(value(PAGE, "requests", &[("verb", "PUT")]), None);
        assert_eq!(value(PAGE, "limit", &[]), Some(f64::INFINITY));
    }
}
