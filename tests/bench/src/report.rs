//! What a benchmark found, for people and for programs.

use serde_json::{Value, json};

use crate::conditions::Conditions;

/// The result of one benchmark.
pub(crate) struct Report {
    /// The benchmark's name on the command line.
    pub(crate) benchmark: &'static str,
    /// What the figures hold for.
    pub(crate) conditions: Conditions,
    /// For people.
    pub(crate) tables: Vec<Table>,
    /// The same, unrounded, for programs.
    pub(crate) values: Value,
}

impl Report {
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for table in self.tables.iter().chain([&self.conditions.table()]) {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&table.text());
        }
        text
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "benchmark": self.benchmark,
            "conditions": self.conditions.json(),
            "results": self.values,
        })
    }
}

/// Columns under a title; the first is text and the others are numbers, aligned to the right.
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, header: &[&str]) -> Self {
        let header = header.iter().map(|name| name.to_uppercase()).collect();
        Self {
            title: title.into(),
            rows: vec![header],
        }
    }

    pub(crate) fn row(&mut self, cells: impl Into<Vec<String>>) {
        self.rows.push(cells.into());
    }

    fn text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter_map(|row| row.get(column));
                cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
            })
            .collect();
        let mut text = format!("{}\n", self.title);
        for row in self
            .rows
            .iter()
            .filter(|row| row.iter().any(|cell| !cell.is_empty()))
        {
            let mut line = String::from(" ");
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line.push_str(&if column == 0 {
                    format!(" {cell:<width$}")
                } else {
                    format!("  {cell:>width$}")
                });
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A table of times in milliseconds: the middle, the least and the most of each row.
pub(crate) fn timing(title: impl Into<String>, rows: &[(&str, &[f64])]) -> Table {
    let mut table = Table::new(title, &["", "median", "least", "most"]);
    for (name, times) in rows {
        let least = times.iter().copied().fold(f64::INFINITY, f64::min);
        let most = times.iter().copied().fold(0.0, f64::max);
        table.row([
            (*name).to_owned(),
            format!("{:.1} ms", median(times)),
            format!("{least:.1} ms"),
            format!("{most:.1} ms"),
        ]);
    }
    table
}

/// `1234567` bytes as `1.2 MiB`.
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.0} MiB", bytes as f64 / (1024.0 * 1024.0))
}

/// The middle value, or 0 of nothing.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let lower = sorted.get(sorted.len().saturating_sub(1) / 2).copied();
    f64::midpoint(upper, lower.unwrap_or(upper))
}

#[cfg(test)]
mod tests {
    use super::{Table, median};

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new("what", &["name", "n"]);
        table.row(["a".to_owned(), "10".to_owned()]);
        table.row(["longer".to_owned(), "1".to_owned()]);
        assert_eq!(
            table.text(),
            "what\n  NAME     N\n  a       10\n  longer   1\n"
        );
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median(&[]), 0.0, "nothing was measured");
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0, "the middle of three");
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5, "between two");
    }
}
