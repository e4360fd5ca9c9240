//! Anchors, aliases, tags and directives.

use std::borrow::Cow;

use super::{Fault, Scanner, Tag};

impl<'a> Scanner<'a> {
    /// The name behind `&` or `*`.
    pub(super) fn scan_anchor(&mut self) -> Result<&'a str, Fault> {
        self.cursor.skip(1);
        let from = self.cursor.at();
        while is_word(self.cursor.byte(0)) {
            self.cursor.skip(1);
        }
        let name = self.cursor.since(from);
        let ends = self.cursor.blank_or_end(0)
            || matches!(
                self.cursor.byte(0),
                b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`'
            );
        if name.is_empty() || !ends {
            return self.fault("the name of an anchor has letters, digits, `-` and `_` only");
        }
        Ok(name)
    }

    pub(super) fn scan_tag(&mut self) -> Result<Tag<'a>, Fault> {
        let tag = if self.cursor.byte(1) == b'<' {
            self.cursor.skip(2);
            let name = self.tag_name()?;
            if self.cursor.byte(0) != b'>' {
                return self.fault("expected `>` at the end of the tag");
            }
            self.cursor.skip(1);
            if name.is_empty() {
                return self.fault("expected the name of a tag");
            }
            Tag::Verbatim(name)
        } else {
            self.cursor.skip(1);
            let from = self.cursor.at();
            while is_word(self.cursor.byte(0)) {
                self.cursor.skip(1);
            }
            let handle = self.cursor.since(from);
            let named = self.cursor.byte(0) == b'!';
            if named {
                self.cursor.skip(1);
            }
            let name = self.tag_name()?;
            match (named, handle.is_empty(), name.is_empty()) {
                (true, _, true) => return self.fault("expected the name of a tag"),
                (true, true, false) => Tag::Standard(name),
                (true, false, false) => Tag::Undeclared,
                (false, true, true) => Tag::NonSpecific,
                (false, ..) => Tag::Local,
            }
        };
        if self.cursor.blank_or_end(0) {
            Ok(tag)
        } else {
            self.fault("a tag ends with a space or a line break")
        }
    }

    /// The characters of a URI; `%` escapes a byte.
    fn tag_name(&mut self) -> Result<Cow<'a, str>, Fault> {
        let from = self.cursor.at();
        let mut decoded: Option<Vec<u8>> = None;
        loop {
            let byte = self.cursor.byte(0);
            if byte == b'%' {
                let hex = |digit: u8| char::from(digit).to_digit(16);
                let (high, low) = (hex(self.cursor.byte(1)), hex(self.cursor.byte(2)));
                let (Some(high), Some(low)) = (high, low) else {
                    return self.fault("two hexadecimal digits follow `%` in a tag");
                };
                let before = self.cursor.since(from).as_bytes();
                let byte = u8::try_from((high << 4) | low).unwrap_or(b'?');
                decoded.get_or_insert_with(|| before.to_vec()).push(byte);
                self.cursor.skip(3);
            } else if is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) {
                if let Some(decoded) = &mut decoded {
                    decoded.push(byte);
                }
                self.cursor.skip(1);
            } else {
                break;
            }
        }
        match decoded.map(String::from_utf8) {
            None => Ok(Cow::Borrowed(self.cursor.since(from))),
            Some(Ok(name)) => Ok(Cow::Owned(name)),
            Some(Err(_)) => self.fault("the escapes of the tag are not UTF-8"),
        }
    }

    /// Checks a line that begins with `%`. What it says can have no effect: kubectl cuts the text at
    /// the `---` that follows a directive.
    pub(super) fn scan_directive(&mut self) -> Result<(), Fault> {
        let from = self.cursor.at();
        let mark = self.cursor.mark();
        self.cursor.skip_line();
        let line = self.cursor.since(from);
        let line = match line.find([' ', '\t']) {
            // A comment ends the line, after a blank.
            Some(_) => line.split(" #").next().unwrap_or(line),
            None => line,
        };
        let mut words = line.split([' ', '\t']).filter(|word| !word.is_empty());
        let fits = match (words.next(), words.next(), words.next(), words.next()) {
            (Some("%YAML"), Some(version), None, None) => {
                let version = version.split('#').next().unwrap_or(version);
                let number = |part: &str| {
                    (1..=9).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
                };
                version
                    .split_once('.')
                    .is_some_and(|(major, minor)| number(major) && number(minor))
            }
            (Some("%TAG"), Some(handle), Some(_), None) => {
                handle == "!"
                    || (handle.len() > 1
                        && handle.starts_with('!')
                        && handle.ends_with('!')
                        && handle[1..handle.len() - 1].bytes().all(is_word))
            }
            _ => false,
        };
        if fits {
            Ok(())
        } else {
            Err(Fault {
                mark,
                reason: "this line begins with `%` and is no directive that YAML 1.1 knows",
            })
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}
