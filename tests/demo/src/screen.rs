use std::env;
use std::io::{self, IsTerminal as _, Stdout, Write, stdout};

/// Standard output: a table that is redrawn in place on a terminal, lines anywhere else.
#[derive(Debug)]
pub(crate) struct Screen<W = Stdout> {
    out: W,
    terminal: bool,
    /// How many lines of a table stand above the cursor.
    drawn: usize,
}

impl Screen {
    pub(crate) fn new() -> Self {
        let out = stdout();
        let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        let terminal = out.is_terminal() && !dumb;
        Self {
            out,
            terminal,
            drawn: 0,
        }
    }
}

impl<W: Write> Screen<W> {
    /// Whether what was written can be written over.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes a line, or several, to stay.
    pub(crate) fn line(&mut self, text: &str) -> io::Result<()> {
        self.drawn = 0;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    /// Writes `lines` over those of the last call, if nothing else was written since.
    pub(crate) fn redraw(&mut self, lines: &[String]) -> io::Result<()> {
        // In one write, or the terminal shows the picture half done. Lines that are too long for a narrow terminal must
        // not be wrapped, or the count of lines would be wrong.
        let mut picture = String::from("\x1b[?7l");
        if self.drawn > 0 {
            picture.push_str(&format!("\x1b[{}A\r", self.drawn));
        }
        for line in lines {
            picture.push_str(&format!("\x1b[2K{line}\n"));
        }
        picture.push_str("\x1b[J\x1b[?7h");
        self.drawn = lines.len();
        self.out.write_all(picture.as_bytes())?;
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(screen: &mut Screen<Vec<u8>>) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut screen.out)).into_owned()
    }

    #[test]
    fn a_table_is_drawn_over_itself_and_never_over_other_lines() -> io::Result<()> {
        let mut screen = Screen {
            out: Vec::new(),
            terminal: true,
            drawn: 0,
        };
        let two = ["a".to_owned(), "b".to_owned()];
        screen.redraw(&two)?;
        assert_eq!(
            written(&mut screen),
            "\x1b[?7l\x1b[2Ka\n\x1b[2Kb\n\x1b[J\x1b[?7h"
        );
        screen.redraw(&two[..1])?;
        let second = written(&mut screen);
        assert!(second.contains("\x1b[2A\r\x1b[2Ka\n\x1b[J"), "{second:?}");
        screen.line("done")?;
        assert_eq!(written(&mut screen), "done\n");
        screen.redraw(&two)?;
        let after = written(&mut screen);
        assert!(!after.contains('A'), "the line stays: {after:?}");
        Ok(())
    }
}
