//! Reading of loosely typed objects: absent, null and wrong types all become the default.

use serde_json::Value as Json;

/// Looks up a dotted path such as `status.readyReplicas`; null counts as absent.
pub(super) fn at<'a>(object: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.')
        .try_fold(object, |value, key| value.get(key))
        .filter(|value| !value.is_null())
}

/// The integer at a path, or the default where there is none.
pub(super) fn int(object: &Json, path: &str, default: i64) -> i64 {
    at(object, path).and_then(Json::as_i64).unwrap_or(default)
}

/// The string at a path, or the default where there is none.
pub(super) fn text<'a>(object: &'a Json, path: &str, default: &'a str) -> &'a str {
    at(object, path).and_then(Json::as_str).unwrap_or(default)
}

/// The items of a list at a path; empty where there is none.
pub(super) fn items<'a>(object: &'a Json, path: &str) -> &'a [Json] {
    at(object, path)
        .and_then(Json::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Reads an RFC 3339 timestamp in UTC, as the API server writes it, into seconds since 1970.
///
/// Fractions of a second are cut off. An offset other than `Z` is not something the API server
/// writes and gives `None`.
pub(super) fn unix_seconds(timestamp: &str) -> Option<i64> {
    let (date, time) = timestamp.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (date.next()??, date.next()??, date.next()??);
    let mut time = time.splitn(3, ':');
    let hour = time.next()?.parse::<i64>().ok()?;
    let minute = time.next()?.parse::<i64>().ok()?;
    let second = time.next()?.split('.').next()?.parse::<i64>().ok()?;
    let in_range = (1..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (0..24).contains(&hour)
        && (0..60).contains(&minute)
        && (0..=60).contains(&second);
    if !in_range {
        return None;
    }
    // A year that starts in March puts the leap day last, so that the days before a month are
    // one formula: 153 days in every five months.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1;
    const DAYS_TO_1970: i64 = 719_468;
    Some((days - DAYS_TO_1970) * 86_400 + hour * 3_600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::epoch("1970-01-01T00:00:00Z", Some(0))]
    #[case::leap_day("2024-02-29T12:00:00Z", Some(1_709_208_000))]
    #[case::fraction("2019-06-04T01:17:13.25Z", Some(1_559_611_033))]
    #[case::offset("2019-06-04T01:17:13+02:00", None)]
    #[case::nonsense("yesterday", None)]
    #[case::month_13("2019-13-04T01:17:13Z", None)]
    fn timestamps(#[case] text: &str, #[case] expected: Option<i64>) {
        assert_eq!(unix_seconds(text), expected, "seconds of {text}");
    }
}
