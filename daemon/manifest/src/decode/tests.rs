#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;

use super::*;

fn one(text: &str) -> Json {
    let mut documents = decode(text.as_bytes(), &Limits::default()).unwrap();
    assert_eq!(documents.len(), 1, "`{text}`");
    documents.remove(0).value
}

fn error(text: &str) -> String {
    decode(text.as_bytes(), &Limits::default()).unwrap_err().to_string()
}

#[test]
fn smoke() {
    assert_eq!(one("a: 0644\nb: yes\n"), json!({"a": 420, "b": true}));
    assert!(error("a: 1\na: 2").contains("line 2, column 1"));
}
