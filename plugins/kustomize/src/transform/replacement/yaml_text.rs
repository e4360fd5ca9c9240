//! Changes scalars in a YAML text and leaves the rest of it as it is: order, comments and all.

use std::ops::Range;

use serde_json::Value;
use windlass_manifest::{Document, Limits, Rules, decode_with_positions, plain_scalar, to_yaml};
use windlass_plugin_sdk::Json;

use super::structured;

/// The text with new scalars in the place of old ones, where that is all there is to change.
///
/// kustomize writes the text anew, and may indent lists less and set blanks otherwise.
pub(super) fn changed(text: &str, old: &Json, new: &Json) -> Option<String> {
    let mut changes = Vec::new();
    differences(old, new, &mut String::new(), &mut changes)?;
    let document = decode_with_positions(text.as_bytes(), &Limits::default())
        .ok()?
        .into_iter()
        .next()?;
    let lines = line_starts(text);
    let mut edits = Vec::with_capacity(changes.len());
    for Change {
        pointer,
        in_list,
        old,
        new,
    } in changes
    {
        let from = offset(text, &lines, &document, &pointer)?;
        let from = if in_list {
            from
        } else {
            behind_key(text, from)?
        };
        edits.push(edit(text, from, old, new)?);
    }
    edits.sort_by_key(|(range, _)| range.start);
    let mut result = String::with_capacity(text.len());
    let mut done = 0;
    for (range, new) in edits {
        result.push_str(text.get(done..range.start)?);
        result.push_str(&new);
        done = range.end;
    }
    result.push_str(text.get(done..)?);
    // Whatever was misread on the way shows here.
    (structured::document(&result)? == *new).then(|| result.trim().to_owned())
}

struct Change<'v> {
    pointer: String,
    in_list: bool,
    old: &'v Json,
    new: &'v Json,
}

/// The scalars that differ; `None` when something else does.
fn differences<'v>(
    old: &'v Json,
    new: &'v Json,
    pointer: &mut String,
    changes: &mut Vec<Change<'v>>,
) -> Option<()> {
    let outside = pointer.len();
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if old.len() == new.len() => {
            for (key, old) in old {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                at_field(old, new.get(key)?, pointer, changes, false)?;
                pointer.truncate(outside);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                pointer.push_str(&format!("/{index}"));
                at_field(old, new, pointer, changes, true)?;
                pointer.truncate(outside);
            }
        }
        (old, new) if old == new => {}
        _ => return None,
    }
    Some(())
}

fn at_field<'v>(
    old: &'v Json,
    new: &'v Json,
    pointer: &mut String,
    changes: &mut Vec<Change<'v>>,
    in_list: bool,
) -> Option<()> {
    let is_scalar = |value: &Json| !matches!(value, Value::Array(_) | Value::Object(_));
    if old != new && is_scalar(old) && is_scalar(new) {
        changes.push(Change {
            pointer: pointer.clone(),
            in_list,
            old,
            new,
        });
        return Some(());
    }
    differences(old, new, pointer, changes)
}

fn line_starts(text: &str) -> Vec<usize> {
    let behind = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(behind).collect()
}

/// Where the key of a field, or an item, begins.
fn offset(text: &str, lines: &[usize], document: &Document, pointer: &str) -> Option<usize> {
    let position = document.position(pointer)?;
    let start = *lines.get(position.line.checked_sub(1)?)?;
    let rest = text.get(start..)?;
    let column = position.column.checked_sub(1)?;
    Some(start + rest.char_indices().nth(column)?.0)
}

/// Where the value of a key begins, if it stands in the same line.
fn behind_key(text: &str, key: usize) -> Option<usize> {
    let rest = text.get(key..)?.lines().next()?;
    let end = match rest.bytes().next()? {
        b'"' | b'\'' => quoted(rest)?,
        _ => 0,
    };
    let colon = end + rest.get(end..)?.find(": ")?;
    let value = rest.get(colon + 1..)?;
    Some(key + colon + 1 + (value.len() - value.trim_start().len()))
}

/// The length of a quoted text in one line.
fn quoted(line: &str) -> Option<usize> {
    let quote = line.chars().next()?;
    let mut escaped = false;
    let mut chars = line.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if escaped {
            escaped = false;
        } else if c == '\\' && quote == '"' {
            escaped = true;
        } else if c == quote {
            if quote == '\'' && chars.next_if(|(_, c)| *c == quote).is_some() {
                continue;
            }
            return Some(at + 1);
        }
    }
    None
}

/// What is to be written over what; quotes stay.
fn edit(text: &str, from: usize, old: &Json, new: &Json) -> Option<(Range<usize>, String)> {
    let line = text.get(from..)?.lines().next()?;
    let new_text = match new {
        Value::String(text) if !text.contains(|c: char| c.is_control()) => text.clone(),
        Value::String(_) => return None,
        scalar => scalar.to_string(),
    };
    match line.chars().next()? {
        '"' => Some((
            from..from + quoted(line)?,
            serde_json::to_string(&new_text).ok()?,
        )),
        '\'' => {
            let written = format!("'{}'", new_text.replace('\'', "''"));
            Some((from..from + quoted(line)?, written))
        }
        '|' | '>' | '&' | '*' | '!' | '{' | '[' | '#' => None,
        _ => {
            let line = line.split(" #").next()?.trim_end();
            // In a flow collection the scalar ends earlier.
            let ends = line.match_indices([',', ']', '}']).map(|(at, _)| at);
            let end = std::iter::once(line.len()).chain(ends).find(|end| {
                let scalar = line.get(..*end).unwrap_or_default().trim_end();
                plain_scalar(scalar, Rules::Kustomize).as_ref() == Some(old)
            })?;
            let end = line.get(..end)?.trim_end().len();
            Some((from..from + end, plain(new, &new_text)?))
        }
    }
}

/// A scalar as it stands without quotes, or with those that it needs.
fn plain(value: &Json, text: &str) -> Option<String> {
    if value.is_string() && plain_scalar(text, Rules::Kustomize).as_ref() != Some(value) {
        return serde_json::to_string(text).ok();
    }
    if value.is_string() && to_yaml(value).trim() != text {
        return Some(format!("'{}'", text.replace('\'', "''")));
    }
    Some(text.to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    const TEXT: &str =
        "# about\nz:\n  b: 1 # one\n  \"c: d\": 'e'\na:\n- x\n- [y, \"q\", {k: v}]\nw: |\n  text\n";

    #[rstest]
    #[case("/z/b", json!(2), Some(TEXT.replace("b: 1", "b: 2")))]
    #[case("/z/c: d", json!("it's"), Some(TEXT.replace("'e'", "'it''s'")))]
    #[case("/a/0", json!("8"), Some(TEXT.replace("- x", "- \"8\"")))]
    #[case("/a/0", json!("x: y"), Some(TEXT.replace("- x", "- 'x: y'")))]
    #[case("/a/1/0", json!("yy"), Some(TEXT.replace("[y", "[yy")))]
    #[case("/a/1/1", json!("a\"b"), Some(TEXT.replace("\"q\"", "\"a\\\"b\"")))]
    #[case("/a/1/2/k", json!("w"), Some(TEXT.replace("k: v", "k: w")))]
    #[case("/w", json!("other"), None)]
    #[case("/a", json!([]), None)]
    fn only_the_scalar_changes(
        #[case] pointer: &str,
        #[case] value: Json,
        #[case] expected: Option<String>,
    ) {
        let old = structured::document(TEXT).unwrap();
        let mut new = old.clone();
        *new.pointer_mut(pointer).unwrap() = value;
        let expected = expected.map(|text| text.trim().to_owned());
        assert_eq!(changed(TEXT, &old, &new), expected, "after {pointer}");
    }
}
