//! The timestamps that go-yaml knows, and the one form that they are written in again.

use std::fmt::Write as _;

/// A timestamp as RFC 3339 with its own offset, without zeros at the end of its fraction; `None` for
/// what is no timestamp.
///
/// A timestamp is a date, or a date and a time behind a blank, or a date and a time with an offset
/// behind `T` or `t`. Only the year needs all of its digits.
pub(crate) fn rfc3339(text: &str) -> Option<String> {
    // Nearly everything that begins with a digit is a number.
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let (day, clock) = match text.find(['T', 't', ' ']) {
        Some(at) => (text.get(..at)?, text.get(at..)?),
        None => (text, ""),
    };
    let mut written = date(day)?;
    match clock.chars().next() {
        None => written.push_str("T00:00:00Z"),
        Some(' ') => {
            time(clock.get(1..)?, &mut written)?;
            written.push('Z');
        }
        Some(_) => {
            let (clock, offset) = zone(clock.get(1..)?)?;
            time(clock, &mut written)?;
            written.push_str(&offset);
        }
    }
    Some(written)
}

fn number(text: &str, digits: std::ops::RangeInclusive<usize>, most: u32) -> Option<u32> {
    let all_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = text.parse().ok().filter(|value| *value <= most);
    value.filter(|_| all_digits && digits.contains(&text.len()))
}

fn date(text: &str) -> Option<String> {
    let mut parts = text.splitn(3, '-');
    let year = number(parts.next()?, 4..=4, 9999)?;
    let month = number(parts.next()?, 1..=2, 12)?;
    let day = number(parts.next()?, 1..=2, 31)?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        0 => return None,
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    (1..=days)
        .contains(&day)
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

fn time(text: &str, written: &mut String) -> Option<()> {
    let (clock, fraction) = match text.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (text, None),
    };
    let mut parts = clock.splitn(3, ':');
    let hour = number(parts.next()?, 1..=2, 23)?;
    let minute = number(parts.next()?, 1..=2, 59)?;
    let second = number(parts.next()?, 1..=2, 59)?;
    write!(written, "T{hour:02}:{minute:02}:{second:02}").ok()?;
    let Some(fraction) = fraction else {
        return Some(());
    };
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // Go counts nanoseconds and cuts the rest off.
    let nanoseconds = fraction.get(..9).unwrap_or(fraction);
    let shortest = nanoseconds.trim_end_matches('0');
    if !shortest.is_empty() {
        write!(written, ".{shortest}").ok()?;
    }
    Some(())
}

/// Takes the offset off a time, and writes it as RFC 3339 does.
fn zone(text: &str) -> Option<(&str, String)> {
    if let Some(clock) = text.strip_suffix('Z') {
        return Some((clock, "Z".to_owned()));
    }
    let (clock, offset) = text.split_at_checked(text.rfind(['+', '-'])?)?;
    let (hour, minute) = offset.get(1..)?.split_once(':')?;
    // 24 hours and 60 minutes are offsets to Go.
    let hours = number(hour, 2..=2, 24)?;
    let minutes = number(minute, 2..=2, 60)?;
    let (hours, minutes) = (hours + minutes / 60, minutes % 60);
    if hours == 0 && minutes == 0 {
        return Some((clock, "Z".to_owned()));
    }
    let sign = offset.get(..1)?;
    Some((clock, format!("{sign}{hours:02}:{minutes:02}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("2001-12-14", Some("2001-12-14T00:00:00Z"))]
    #[case("2001-1-2", Some("2001-01-02T00:00:00Z"))]
    #[case("2001-02-30", None)]
    #[case("2000-02-29", Some("2000-02-29T00:00:00Z"))]
    #[case("2001-12-14 21:59:43.10", Some("2001-12-14T21:59:43.1Z"))]
    #[case("2001-12-14 21:59:43.10 -5", None)]
    #[case("2001-12-14t21:59:43.10-05:00", Some("2001-12-14T21:59:43.1-05:00"))]
    #[case("2001-12-14T1:2:3+00:00", Some("2001-12-14T01:02:03Z"))]
    #[case("2001-12-14T21:59:43", None)]
    #[case(
        "2001-12-14T21:59:43.0000000019Z",
        Some("2001-12-14T21:59:43.000000001Z")
    )]
    #[case("2001-12-14T24:00:00Z", None)]
    #[case("2001-12", None)]
    #[case("12345-1", None)]
    fn a_timestamp_has_one_form(#[case] text: &str, #[case] expected: Option<&str>) {
        assert_eq!(rfc3339(text).as_deref(), expected, "the form of {text}");
    }
}
