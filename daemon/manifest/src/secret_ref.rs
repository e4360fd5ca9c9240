//! Late-bound secrets: the token that stands where a value will be.
//!
//! A plugin never holds a secret's value; it puts a token where the value belongs, and the daemon
//! replaces the token as the request is sent. A token is made of URL-unreserved characters only
//! (RFC 3986, section 2.3), so it survives percent-encoding inside a connection URL, and it says
//! what it refers to, so a diff that shows it is readable and shows nothing else.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Json;

const PREFIX: &str = "windlass~";
const SUFFIX: &str = "~end";

/// The longest store name, in characters.
const STORE_MAX: usize = 63;

/// The longest name and the longest key, in characters: those of a Kubernetes Secret.
const NAME_MAX: usize = 253;

/// A reference to one value of one store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SecretRef {
    /// The store, as the operator named it.
    pub store: String,
    /// The entry of the store: a Secret's name, a folder of files.
    pub name: String,
    /// The key of the entry.
    pub key: String,
}

/// A part of a reference that no token can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {part} of a secret reference is `{text}`, but {expected}")]
pub struct SecretRefError {
    /// `store`, `name` or `key`.
    pub part: &'static str,
    /// What it is, cut at 64 characters.
    pub text: String,
    /// What it may be.
    pub expected: &'static str,
}

impl SecretRefError {
    /// The code with a page.
    pub fn code(&self) -> &'static str {
        "WL0311"
    }
}

impl SecretRef {
    /// Makes a reference of its parts.
    ///
    /// # Errors
    /// [`SecretRefError`] for a part with characters that a Kubernetes Secret would not take.
    pub fn new(
        store: impl Into<String>,
        name: impl Into<String>,
        key: impl Into<String>,
    ) -> Result<Self, SecretRefError> {
        let (store, name, key) = (store.into(), name.into(), key.into());
        let refuse = |part, text: &str, expected| {
            Err(SecretRefError {
                part,
                text: text.chars().take(64).collect(),
                expected,
            })
        };
        if !is_store(&store) {
            return refuse("store", &store, "a store is 1 to 63 of a-z, 0-9 and `-`");
        }
        for (part, text) in [("name", &name), ("key", &key)] {
            if !is_name(text) {
                return refuse(
                    part,
                    text,
                    "it is 1 to 253 of A-Z, a-z, 0-9, `.`, `_` and `-`",
                );
            }
        }
        Ok(Self { store, name, key })
    }

    /// Finds every token of a text; see [`find`].
    pub fn find(text: &str) -> Vec<(Range<usize>, SecretRef)> {
        find(text)
    }

    /// The text that stands for the value.
    pub fn token(&self) -> String {
        format!("{PREFIX}{}~{}~{}{SUFFIX}", self.store, self.name, self.key)
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.store, self.name, self.key)
    }
}

fn is_store(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=STORE_MAX).contains(&text.len()) && text.chars().all(plain)
}

fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    // `..` would climb out of a store made of files.
    (1..=NAME_MAX).contains(&text.len()) && text.chars().all(plain) && text != "." && text != ".."
}

/// Finds every token of a text, in order; the ranges are in bytes.
pub fn find(text: &str) -> Vec<(Range<usize>, SecretRef)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text[from..].find(PREFIX).map(|at| from + at) {
        match token_at(text, start) {
            Some((end, reference)) => {
                found.push((start..end, reference));
                from = end;
            }
            None => from = start + PREFIX.len(),
        }
    }
    found
}

/// Reads the token that begins at `start`; returns its end.
fn token_at(text: &str, start: usize) -> Option<(usize, SecretRef)> {
    let body = &text[start + PREFIX.len()..];
    let mut parts = body.splitn(4, '~');
    let (store, name, key) = (parts.next()?, parts.next()?, parts.next()?);
    if !parts.next()?.starts_with("end") {
        return None;
    }
    let reference = SecretRef::new(store, name, key).ok()?;
    let end = start + reference.token().len();
    Some((end, reference))
}

/// Every reference in a value: in all of its strings, and in a Secret's `data` inside base64 too.
pub fn refs_in(value: &Json) -> BTreeSet<SecretRef> {
    let mut found = BTreeSet::new();
    collect(value, &mut found);
    if is_secret(value)
        && let Some(Value::Object(data)) = value.get("data")
    {
        for encoded in data.values().filter_map(Json::as_str) {
            if let Some(text) = decoded(encoded) {
                found.extend(find(&text).into_iter().map(|(_, reference)| reference));
            }
        }
    }
    found
}

fn collect(value: &Json, found: &mut BTreeSet<SecretRef>) {
    match value {
        Value::String(text) if text.contains(PREFIX) => {
            found.extend(find(text).into_iter().map(|(_, reference)| reference));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(map) => map.values().for_each(|item| collect(item, found)),
        _ => {}
    }
}

fn is_secret(value: &Json) -> bool {
    value.get("kind").and_then(Json::as_str) == Some("Secret")
        && value.get("apiVersion").and_then(Json::as_str) == Some("v1")
}

/// The text inside base64, when it holds a token.
fn decoded(encoded: &str) -> Option<String> {
    let compact: String = encoded
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .collect();
    let text = String::from_utf8(STANDARD.decode(compact).ok()?).ok()?;
    text.contains(PREFIX).then_some(text)
}

/// Why tokens could not be replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolveError<E> {
    /// The lookup of a value failed.
    Lookup(E),
    /// The value is not UTF-8, and stands where only text can: outside a Secret's `data`.
    NotText(SecretRef),
}

/// Replaces every token by its value; true when there was any.
///
/// In strings the value is put in as text. In the `data` of a `v1` Secret a token may stand alone,
/// or inside base64: there the value may be any bytes and is encoded with what surrounds it.
///
/// # Errors
/// [`ResolveError`]; the value is then changed in part and must be thrown away.
pub fn resolve<E>(
    value: &mut Json,
    lookup: &mut dyn FnMut(&SecretRef) -> Result<Vec<u8>, E>,
) -> Result<bool, ResolveError<E>> {
    let mut any = false;
    if is_secret(value)
        && let Some(Value::Object(data)) = value.get_mut("data")
    {
        for entry in data.values_mut() {
            let Value::String(encoded) = entry else {
                continue;
            };
            let text = if encoded.contains(PREFIX) {
                Some(encoded.clone())
            } else {
                decoded(encoded)
            };
            let Some(text) = text else { continue };
            let tokens = find(&text);
            if tokens.is_empty() {
                continue;
            }
            let mut bytes = Vec::with_capacity(text.len());
            let mut at = 0;
            for (range, reference) in tokens {
                bytes.extend_from_slice(&text.as_bytes()[at..range.start]);
                bytes.extend(lookup(&reference).map_err(ResolveError::Lookup)?);
                at = range.end;
            }
            bytes.extend_from_slice(&text.as_bytes()[at..]);
            *encoded = STANDARD.encode(bytes);
            any = true;
        }
    }
    replace(value, lookup, &mut any)?;
    Ok(any)
}

fn replace<E>(
    value: &mut Json,
    lookup: &mut dyn FnMut(&SecretRef) -> Result<Vec<u8>, E>,
    any: &mut bool,
) -> Result<(), ResolveError<E>> {
    match value {
        Value::String(text) if text.contains(PREFIX) => {
            let tokens = find(text);
            if tokens.is_empty() {
                return Ok(());
            }
            let mut out = String::with_capacity(text.len());
            let mut at = 0;
            for (range, reference) in tokens {
                out.push_str(&text[at..range.start]);
                let bytes = lookup(&reference).map_err(ResolveError::Lookup)?;
                let value =
                    String::from_utf8(bytes).map_err(|_| ResolveError::NotText(reference))?;
                out.push_str(&value);
                at = range.end;
            }
            out.push_str(&text[at..]);
            *text = out;
            *any = true;
        }
        Value::Array(items) => {
            for item in items {
                replace(item, lookup, any)?;
            }
        }
        Value::Object(map) => {
            for item in map.values_mut() {
                replace(item, lookup, any)?;
            }
        }
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    fn reference() -> SecretRef {
        SecretRef::new("demo", "adder.db", "PASS_word").unwrap()
    }

    #[test]
    fn a_token_reads_back_and_needs_no_percent_encoding() {
        let token = reference().token();
        assert_eq!(token, "windlass~demo~adder.db~PASS_word~end");
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(
            token.chars().all(unreserved),
            "RFC 3986 leaves `{token}` alone"
        );
        let url = format!("postgres://u:{token}@h/{token}?x={token}");
        let found = find(&url);
        assert_eq!(found.len(), 3);
        assert!(
            found
                .iter()
                .all(|(range, r)| *r == reference() && url[range.clone()] == token)
        );
    }

    #[rstest]
    #[case("windlass~demo~a~b")]
    #[case("windlass~demo~a~end")]
    #[case("windlass~DEMO~a~b~end")]
    #[case("windlass~demo~..~b~end")]
    #[case("windlass~demo~a b~c~end")]
    #[case("windlass~~~~end")]
    fn what_is_no_token_stays(#[case] text: &str) {
        assert_eq!(find(text), vec![], "{text}");
    }

    #[test]
    fn a_broken_token_does_not_hide_the_next() {
        let text = format!("windlass~x windlass~{}", reference().token());
        assert_eq!(find(&text).len(), 1);
    }

    #[rstest]
    #[case("", "a", "b")]
    #[case("a", "", "b")]
    #[case("a", "../etc", "b")]
    #[case("a", "b", "..")]
    #[case("a~", "b", "c")]
    fn parts_are_checked(#[case] store: &str, #[case] name: &str, #[case] key: &str) {
        assert!(
            SecretRef::new(store, name, key).is_err(),
            "{store} {name} {key}"
        );
    }

    #[test]
    fn values_are_put_in_as_text_and_inside_base64() {
        let token = reference().token();
        let inside = STANDARD.encode(format!("url={token}"));
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "data": {"alone": token, "inside": inside, "plain": "aGVsbG8="},
            "stringData": {"URL": format!("postgres://{token}@h")},
        });
        assert_eq!(refs_in(&secret), BTreeSet::from([reference()]));
        let mut lookup = |_: &SecretRef| Ok::<_, ()>(b"s3cret".to_vec());
        assert_eq!(resolve(&mut secret, &mut lookup), Ok(true));
        assert_eq!(
            secret,
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "data": {
                    "alone": STANDARD.encode("s3cret"),
                    "inside": STANDARD.encode("url=s3cret"),
                    "plain": "aGVsbG8=",
                },
                "stringData": {"URL": "postgres://s3cret@h"},
            })
        );
    }

    #[test]
    fn bytes_that_are_no_text_fit_only_into_data() {
        let mut lookup = |_: &SecretRef| Ok::<_, ()>(vec![0xff, 0x00]);
        let mut map = json!({"kind": "ConfigMap", "data": {"x": reference().token()}});
        assert_eq!(
            resolve(&mut map, &mut lookup),
            Err(ResolveError::NotText(reference()))
        );
        let mut secret =
            json!({"apiVersion": "v1", "kind": "Secret", "data": {"x": reference().token()}});
        assert_eq!(resolve(&mut secret, &mut lookup), Ok(true));
        assert_eq!(secret["data"]["x"], "/wA=");
    }

    #[test]
    fn a_failed_lookup_is_handed_on() {
        let mut lookup = |r: &SecretRef| Err::<Vec<u8>, _>(r.key.clone());
        let mut value = json!([reference().token()]);
        assert_eq!(
            resolve(&mut value, &mut lookup),
            Err(ResolveError::Lookup("PASS_word".into()))
        );
    }
}
