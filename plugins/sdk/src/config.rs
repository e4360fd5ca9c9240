//! The configuration of a step, from its JSON text to the author's type.

use crate::Failure;
use serde::de::DeserializeOwned;

/// Reads the configuration of a step.
///
/// Empty text and `null` are read as `{}`, so that a step without `config` gives the defaults.
///
/// # Errors
/// Names the key (`patches[0].target`), what is wrong with it, and for an unknown key or value the
/// known one that was probably meant.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    let text = match text.trim() {
        "" | "null" => "{}",
        text => text,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let message = without_position(&error.into_inner().to_string()).to_owned();
        let hint = hint(&message);
        let failure = Failure::new(format!("the configuration is wrong: {message}"));
        let failure = match path.as_str() {
            "." | "?" => failure,
            _ => failure.field(path),
        };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    })
}

/// The host prints the configuration on one line, so that a position in it would help nobody.
fn without_position(message: &str) -> &str {
    match message.rfind(" at line ") {
        Some(end) => &message[..end],
        None => message,
    }
}

/// Serde writes what was unknown and what it knows in backquotes, in this order.
fn hint(message: &str) -> Option<String> {
    if !message.starts_with("unknown ") {
        return None;
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next()?;
    let known: Vec<&str> = quoted.collect();
    closest(unknown, &known).map(|best| format!("did you mean `{best}`?"))
}

/// A third of the letters may be wrong, and always one: that catches a slip of the finger and a
/// plural, and does not turn `image` into `name`.
fn closest<'a>(unknown: &str, known: &[&'a str]) -> Option<&'a str> {
    let allowed = (unknown.chars().count() / 3).max(1);
    known
        .iter()
        .map(|known| {
            let distance = strsim::osa_distance(&unknown.to_lowercase(), &known.to_lowercase());
            (distance, *known)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde::Deserialize;

    #[derive(Debug, Deserialize, PartialEq, Default)]
    #[serde(deny_unknown_fields, default)]
    struct Config {
        replicas: u32,
        patches: Vec<Patch>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Patch {
        mode: Mode,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Mode {
        Merge,
        Replace,
    }

    #[rstest]
    #[case::empty("")]
    #[case::null("null")]
    #[case::object("{}")]
    fn no_configuration_gives_the_defaults(#[case] text: &str) {
        assert_eq!(parse::<Config>(text).unwrap(), Config::default());
    }

    #[rstest]
    #[case::misspelt_key(
        r#"{"replica": 2}"#,
        "the configuration is wrong: unknown field `replica`, expected `replicas` or `patches` \
         (at replica); did you mean `replicas`?"
    )]
    #[case::nothing_near(
        r#"{"image": 2}"#,
        "the configuration is wrong: unknown field `image`, expected `replicas` or `patches` \
         (at image)"
    )]
    #[case::misspelt_value_deep_inside(
        r#"{"patches": [{"mode": "merge"}, {"mode": "repalce"}]}"#,
        "the configuration is wrong: unknown variant `repalce`, expected `merge` or `replace` \
         (at patches[1].mode); did you mean `replace`?"
    )]
    #[case::wrong_type(
        r#"{"replicas": "two"}"#,
        "the configuration is wrong: invalid type: string \"two\", expected u32 (at replicas)"
    )]
    #[case::missing(
        r#"{"patches": [{}]}"#,
        "the configuration is wrong: missing field `mode` (at patches[0])"
    )]
    fn a_wrong_configuration_is_named(#[case] text: &str, #[case] expected: &str) {
        assert_eq!(parse::<Config>(text).unwrap_err().to_string(), expected);
    }
}
