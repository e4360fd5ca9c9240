//! Small ways of writing things for people and shells.

use std::path::Path;
use std::time::Duration;

/// `12 s`, `5 min 12 s`.
pub(crate) fn elapsed(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// `1 Deployment`, `2 Deployments`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{ending}")
}

/// The first `width` characters of `text` on one line, with `…` for what does not fit.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let mut line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if let Some((end, _)) = line.char_indices().nth(width) {
        // One character less than fits, to make room for the mark.
        let cut = line[..end]
            .char_indices()
            .next_back()
            .map_or(0, |(at, _)| at);
        line.truncate(cut);
        line.push('…');
    }
    line
}

/// A path as a word for a shell, in quotes where it needs them.
pub(crate) fn shell(path: &Path) -> String {
    let text = path.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("short", 10, "short")]
    #[case("exactly ten", 11, "exactly ten")]
    #[case("exactly ten", 10, "exactly t…")]
    #[case("two\nlines", 20, "two lines")]
    #[case("äöüäöü", 3, "äö…")]
    #[case("\u{1b}[2Jx", 20, " [2Jx")]
    #[case("anything", 0, "…")]
    fn a_line_fits(#[case] text: &str, #[case] width: usize, #[case] expected: &str) {
        assert_eq!(fit(text, width), expected, "{text:?} in {width}");
    }

    #[rstest]
    #[case("/src/target/demo", "/src/target/demo")]
    #[case("/my work/demo", "'/my work/demo'")]
    #[case("/it's/demo", r"'/it'\''s/demo'")]
    fn a_path_is_one_word_for_a_shell(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(shell(Path::new(path)), expected);
    }

    #[rstest]
    #[case(0, "0 s")]
    #[case(59, "59 s")]
    #[case(312, "5 min 12 s")]
    fn time_is_told_in_seconds_and_minutes(#[case] seconds: u64, #[case] expected: &str) {
        assert_eq!(elapsed(Duration::from_secs(seconds)), expected);
    }
}
