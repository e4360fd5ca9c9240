//! One configuration document, read strictly: unknown keys are errors with a suggestion.

use serde::de::DeserializeOwned;
use windlass_cluster::resources::API_VERSION;
use windlass_manifest::{Json, Limits, decode_with_positions};

use super::ConfigError;

/// A configuration file taken apart: its name, and its `spec` as the type that cannot be wrong.
#[derive(Debug, Clone)]
pub(crate) struct Parsed<T> {
    /// `metadata.name`, when the file gives one.
    pub(crate) name: Option<String>,
    /// What the file says.
    pub(crate) spec: T,
}

/// Reads one document of `kind` with `apiVersion`, `kind`, `metadata.name` and `spec`.
///
/// # Errors
/// A [`ConfigError`] with file, line and column: text that is no YAML (`WL0101`), a wrong kind or
/// version (`WL0102`), an unknown key (`WL0103`), a wrong value (`WL0104`).
pub(crate) fn parse<T: DeserializeOwned>(
    file: &str,
    text: &[u8],
    kind: &str,
) -> Result<Parsed<T>, ConfigError> {
    let limits = Limits::default();
    let documents = decode_with_positions(text, &limits)
        .map_err(|error| ConfigError::new("WL0101", file, error.to_string()))?;
    let mut documents = documents.into_iter().filter(|d| !d.value.is_null());
    let Some(document) = documents.next() else {
        return Err(
            ConfigError::new("WL0101", file, "the file is empty").remedy(format!(
                "start it with `apiVersion: {API_VERSION}` and `kind: {kind}`"
            )),
        );
    };
    if let Some(second) = documents.next() {
        return Err(ConfigError::new(
            "WL0101",
            file,
            "the file holds more than one document; one is expected",
        )
        .at(Some((second.line, 1))));
    }
    let at = |pointer: &str| position(&document, pointer);
    let Json::Object(map) = &document.value else {
        return Err(ConfigError::new("WL0102", file, "the document is not a mapping").at(at("")));
    };

    expect(
        file,
        map.get("apiVersion"),
        "apiVersion",
        API_VERSION,
        at("/apiVersion"),
    )?;
    expect(file, map.get("kind"), "kind", kind, at("/kind"))?;
    const KEYS: [&str; 4] = ["apiVersion", "kind", "metadata", "spec"];
    for key in map.keys() {
        if !KEYS.contains(&key.as_str()) {
            return Err(unknown(file, key, &KEYS, "").at(at(&format!("/{key}"))));
        }
    }
    let name = match map.get("metadata") {
        None | Some(Json::Null) => None,
        Some(Json::Object(metadata)) => metadata_name(file, metadata, &at)?,
        Some(_) => {
            return Err(
                ConfigError::new("WL0104", file, "`metadata` is not a mapping").at(at("/metadata")),
            );
        }
    };
    let spec = match map.get("spec") {
        None | Some(Json::Null) => Json::Object(serde_json::Map::new()),
        Some(value) => value.clone(),
    };
    let spec = serde_path_to_error::deserialize(spec).map_err(|error| {
        let path = error.path().to_string();
        let message = error.inner().to_string();
        located(file, &path, &message, &at)
    })?;
    Ok(Parsed { name, spec })
}

fn expect(
    file: &str,
    found: Option<&Json>,
    field: &str,
    expected: &str,
    position: Option<(usize, usize)>,
) -> Result<(), ConfigError> {
    match found.and_then(Json::as_str) {
        Some(text) if text == expected => Ok(()),
        Some(text) => Err(ConfigError::new(
            "WL0102",
            file,
            format!("`{field}` is `{text}`, expected `{expected}`"),
        )
        .at(position)),
        None => Err(
            ConfigError::new("WL0102", file, format!("`{field}` is missing"))
                .remedy(format!("write `{field}: {expected}`")),
        ),
    }
}

fn metadata_name(
    file: &str,
    metadata: &serde_json::Map<String, Json>,
    at: &dyn Fn(&str) -> Option<(usize, usize)>,
) -> Result<Option<String>, ConfigError> {
    for key in metadata.keys() {
        if !["name", "labels", "annotations"].contains(&key.as_str()) {
            return Err(
                unknown(file, key, &["name", "labels", "annotations"], "metadata.")
                    .at(at(&format!("/metadata/{key}"))),
            );
        }
    }
    match metadata.get("name") {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(name)) if is_dns_label(name) => Ok(Some(name.clone())),
        Some(value) => Err(ConfigError::new(
            "WL0104",
            file,
            format!("`metadata.name` is {value}, which is not a name that Kubernetes takes"),
        )
        .remedy(
            "use lower-case letters, digits and `-`, at most 63, starting with a letter or digit",
        )
        .at(at("/metadata/name"))),
    }
}

/// Says whether `name` is a DNS label (RFC 1123), the strictest form of a Kubernetes name.
pub(crate) fn is_dns_label(name: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    name.len() <= 63
        && edge(name.chars().next())
        && edge(name.chars().last())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Turns serde's message about `path` (`sync.timeout`) into one that names line and remedy.
fn located(
    file: &str,
    path: &str,
    message: &str,
    at: &dyn Fn(&str) -> Option<(usize, usize)>,
) -> ConfigError {
    let path = if path == "." { "" } else { path };
    let dotted = if path.is_empty() {
        "spec".to_owned()
    } else {
        format!("spec.{path}")
    };
    let pointer = pointer(&dotted);
    if let Some((key, known)) = unknown_field(message) {
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        // serde names the container or the key itself, according to where it noticed.
        let container = dotted.strip_suffix(&format!(".{key}")).unwrap_or(&dotted);
        let place = at(&format!("{}/{key}", self::pointer(container))).or_else(|| at(&pointer));
        return unknown(file, &key, &known, &format!("{container}.")).at(place);
    }
    ConfigError::new("WL0104", file, format!("`{dotted}`: {message}")).at(at(&pointer))
}

fn unknown(file: &str, key: &str, known: &[&str], prefix: &str) -> ConfigError {
    let nearest = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), *candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3);
    let error = ConfigError::new("WL0103", file, format!("unknown key `{prefix}{key}`"));
    match nearest {
        Some((_, candidate)) => error.remedy(format!("did you mean `{candidate}`?")),
        None => error.remedy(format!("known here: {}", known.join(", "))),
    }
}

/// Takes serde's «unknown field `x`, expected one of `a`, `b`» apart.
fn unknown_field(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once('`')?;
    let known = rest
        .split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect();
    Some((key.to_owned(), known))
}

/// `spec.pipeline[0].config` as a JSON pointer (RFC 6901): `/spec/pipeline/0/config`.
fn pointer(dotted: &str) -> String {
    let mut out = String::new();
    for part in dotted.split(['.', '[']) {
        out.push('/');
        out.push_str(
            &part
                .trim_end_matches(']')
                .replace('~', "~0")
                .replace('/', "~1"),
        );
    }
    out
}

fn position(document: &windlass_manifest::Document, pointer: &str) -> Option<(usize, usize)> {
    let mut pointer = pointer;
    loop {
        if let Some(position) = document.position(pointer) {
            return Some((position.line, position.column));
        }
        pointer = &pointer[..pointer.rfind('/')?];
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[allow(dead_code, reason = "the fields are there to be parsed")]
    struct Spec {
        namespace: Option<String>,
        #[serde(default)]
        depends_on: Vec<String>,
        sync: Option<Sync>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[allow(dead_code, reason = "the fields are there to be parsed")]
    struct Sync {
        prune: bool,
    }

    fn failure(body: &str) -> String {
        let text = format!("apiVersion: windlass.dev/v1alpha1\nkind: Environment\n{body}");
        parse::<Spec>("a/environment.yaml", text.as_bytes(), "Environment")
            .unwrap_err()
            .to_string()
    }

    #[rstest]
    #[case(
        "spec:\n  namspace: x\n",
        "a/environment.yaml:4:3: unknown key `spec.namspace`; did you mean `namespace`?"
    )]
    #[case(
        "spec:\n  sync:\n    prun: true\n",
        "a/environment.yaml:5:5: unknown key `spec.sync.prun`; did you mean `prune`?"
    )]
    #[case(
        "spce: {}\n",
        "a/environment.yaml:3:1: unknown key `spce`; did you mean `spec`?"
    )]
    #[case(
        "metadata: {name: Bad_Name}\n",
        "a/environment.yaml:3:12: `metadata.name` is \"Bad_Name\", which is not a name that Kubernetes takes; use lower-case letters, digits and `-`, at most 63, starting with a letter or digit"
    )]
    fn names_line_and_remedy(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(failure(body), expected);
    }

    #[test]
    fn a_wrong_type_names_field_and_line() {
        let message = failure("spec:\n  sync:\n    prune: often\n");
        assert!(
            message.starts_with("a/environment.yaml:5:5: `spec.sync.prune`: invalid type"),
            "{message}"
        );
    }

    #[test]
    fn a_wrong_kind_says_what_was_expected() {
        let error = parse::<Spec>(
            "e.yaml",
            b"apiVersion: windlass.dev/v1alpha1\nkind: Enviroment\n",
            "Environment",
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "e.yaml:2:1: `kind` is `Enviroment`, expected `Environment`"
        );
    }

    #[test]
    fn an_empty_spec_is_fine() {
        let parsed = parse::<Spec>(
            "e.yaml",
            b"apiVersion: windlass.dev/v1alpha1\nkind: Environment\n",
            "Environment",
        )
        .unwrap();
        assert_eq!(parsed.name, None);
        assert!(parsed.spec.depends_on.is_empty());
    }
}
