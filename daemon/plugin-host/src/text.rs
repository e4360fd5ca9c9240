//! Makes the words of a guest fit to be shown: bounded, and without control characters, which
//! could repaint a terminal or forge a line of a log.

/// The most of one message that is kept, in bytes.
pub(crate) const MESSAGE_BYTES: usize = 16 << 10;

/// Keeps the beginning of a text, up to `limit` bytes.
pub(crate) fn clean(text: &str, limit: usize) -> String {
    let cut = floor(text, limit);
    let mut clean: String = text[..cut].chars().map(visible).collect();
    if cut < text.len() {
        clean.push_str(" […]");
    }
    clean
}

/// Keeps a message.
pub(crate) fn message(text: &str) -> String {
    clean(text, MESSAGE_BYTES)
}

fn visible(character: char) -> char {
    match character {
        '\n' | '\t' => character,
        // The marks that change the direction of writing can make a text read as another one.
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ if character.is_control() => '\u{fffd}',
        _ => character,
    }
}

fn floor(text: &str, limit: usize) -> usize {
    if limit >= text.len() {
        return text.len();
    }
    (0..=limit)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// The end of what a guest printed: a panic says at last why it panicked.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    bytes: Vec<u8>,
    cut: bool,
}

impl Tail {
    const KEPT: usize = 16 << 10;

    /// Adds what was printed. Only the end is kept, at a bounded cost for each byte.
    pub(crate) fn push(&mut self, printed: &[u8]) {
        let printed = if printed.len() > Self::KEPT {
            self.bytes.clear();
            self.cut = true;
            &printed[printed.len() - Self::KEPT..]
        } else {
            printed
        };
        self.bytes.extend_from_slice(printed);
        if self.bytes.len() > 2 * Self::KEPT {
            self.bytes.drain(..self.bytes.len() - Self::KEPT);
            self.cut = true;
        }
    }

    /// What was kept, fit to be shown; empty when nothing was printed.
    pub(crate) fn show(&self) -> String {
        let from = self.bytes.len().saturating_sub(Self::KEPT);
        let text = String::from_utf8_lossy(&self.bytes[from..]);
        let text: String = text.trim_end().chars().map(visible).collect();
        if self.cut || from > 0 {
            format!("[…] {text}")
        } else {
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::short("plain", 10, "plain")]
    #[case::exact("plain", 5, "plain")]
    #[case::cut("plain text", 5, "plain […]")]
    #[case::cut_inside_a_character("aé", 2, "a […]")]
    #[case::escape("a\u{1b}[2Jb\r\nc\td", 99, "a\u{fffd}[2Jb\u{fffd}\nc\td")]
    #[case::direction("a\u{202e}b", 99, "a\u{fffd}b")]
    fn text_of_a_guest_is_bounded_and_visible(
        #[case] text: &str,
        #[case] limit: usize,
        #[case] expected: &str,
    ) {
        assert_eq!(clean(text, limit), expected);
    }

    #[test]
    fn only_the_end_of_what_is_printed_is_kept() {
        let mut tail = Tail::default();
        for line in 0..100_000 {
            tail.push(format!("line {line}\n").as_bytes());
        }
        let shown = tail.show();
        assert!(shown.ends_with("line 99999"), "the end is there: {shown}");
        assert!(shown.starts_with("[…]"), "the cut is marked");
        assert!(
            shown.len() <= Tail::KEPT + 8,
            "it is bounded: {}",
            shown.len()
        );
        tail.push(&[b'x'; 10 * Tail::KEPT]);
        assert!(
            tail.bytes.len() <= Tail::KEPT,
            "a large piece is cut at once"
        );
    }
}
