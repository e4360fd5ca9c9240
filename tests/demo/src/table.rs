//! Environments as lines of text.

use crate::api::Environment;
use crate::text::fit;

/// The columns that every line fits.
pub(crate) const WIDTH: usize = 100;

/// The longest name that is shown in full; a longer one would leave too little for the message.
const LONGEST_NAME: usize = 30;

/// What every table leaves for names, so that lines that were printed one by one are mostly aligned.
const SHORTEST_NAME: usize = 18;

const TITLES: [&str; 5] = ["ENVIRONMENT", "READY", "PHASE", "OBJECTS", "MESSAGE"];

/// A table of environments.
#[derive(Debug)]
pub(crate) struct Table {
    name_width: usize,
    width: usize,
}

impl Table {
    /// A table in which these names are aligned and no line is longer than `width`.
    pub(crate) fn new<'a>(names: impl IntoIterator<Item = &'a str>, width: usize) -> Self {
        let longest = names.into_iter().map(|name| name.chars().count()).max();
        Self {
            name_width: longest.unwrap_or(0).clamp(SHORTEST_NAME, LONGEST_NAME),
            width,
        }
    }

    /// The titles of the columns.
    pub(crate) fn header(&self) -> String {
        let [name, ready, phase, objects, message] = TITLES;
        self.join(name, ready, phase, objects, message)
    }

    /// The line of one environment.
    pub(crate) fn row(&self, environment: &Environment) -> String {
        let ready = if environment.ready { "yes" } else { "no" };
        let objects = format!("{}/{}", environment.ready_objects, environment.objects);
        let name = fit(&environment.name, self.name_width);
        self.join(
            &name,
            ready,
            &environment.phase,
            &objects,
            &environment.message,
        )
    }

    fn join(&self, name: &str, ready: &str, phase: &str, objects: &str, message: &str) -> String {
        let name_width = self.name_width;
        let line = format!("{name:<name_width$}  {ready:<5}  {phase:<12}  {objects:>7}  {message}");
        fit(line.trim_end(), self.width)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn environment(name: &str, message: &str) -> Environment {
        Environment {
            name: name.to_owned(),
            ready: false,
            phase: "Applying".to_owned(),
            attempted_revision: None,
            objects: 12,
            ready_objects: 3,
            message: message.to_owned(),
        }
    }

    #[test]
    fn columns_are_aligned() {
        let names = ["sumflow", "globeco-production"];
        let table = Table::new(names, WIDTH);
        let ready = Environment {
            ready: true,
            phase: "Ready".to_owned(),
            ready_objects: 12,
            message: String::new(),
            ..environment(names[1], "")
        };
        let lines = [
            table.header(),
            table.row(&environment(names[0], "applying 9 of 12 objects")),
            table.row(&ready),
        ];
        let expected = [
            "ENVIRONMENT         READY  PHASE         OBJECTS  MESSAGE",
            "sumflow             no     Applying         3/12  applying 9 of 12 objects",
            "globeco-production  yes    Ready           12/12",
        ];
        assert_eq!(lines, expected);
    }

    #[rstest]
    #[case::long_message("sumflow", "no such thing ".repeat(20))]
    #[case::several_lines("sumflow", "first\nsecond\tthird ".repeat(20))]
    #[case::not_ascii("sumflow", "größer ".repeat(20))]
    #[case::long_name(&"n".repeat(63), "short".to_owned())]
    fn a_row_is_one_line_that_fits(#[case] name: &str, #[case] message: String) {
        let row = Table::new([name], WIDTH).row(&environment(name, &message));
        assert!(row.chars().count() <= WIDTH, "{row}");
        assert!(!row.contains(['\n', '\t']), "{row:?}");
        assert!(
            row.contains("3/12"),
            "a name leaves room for the rest: {row}"
        );
    }
}
