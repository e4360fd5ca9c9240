#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::parse_config;
use windlass_plugin_sdk::testing::MemoryHost;

const TOKEN: &str = "windlass~vault~db~password~end";

fn run(objects: Vec<Json>, config: Json) -> Result<Vec<Json>, Failure> {
    Secrets::transform(
        objects,
        parse_config(&config.to_string())?,
        &mut MemoryHost::new(),
    )
}

fn secret(data: Json) -> Json {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": data})
}

#[rstest]
#[case::whole("${secret:vault/db/password}", TOKEN.to_owned())]
#[case::inside("postgres://u:${secret:vault/db/password}@db", format!("postgres://u:{TOKEN}@db"))]
#[case::twice("${secret:vault/db/password}${secret:vault/db/password}", format!("{TOKEN}{TOKEN}"))]
#[case::escaped("$${secret:vault/db/password}", "${secret:vault/db/password}".to_owned())]
#[case::other("${OTHER} $secret", "${OTHER} $secret".to_owned())]
fn references_are_replaced_in_any_text(#[case] text: &str, #[case] expected: String) {
    let objects = run(
        vec![json!({"spec": {"list": [{"value": text}]}})],
        json!({}),
    )
    .unwrap();
    assert_eq!(objects[0]["spec"]["list"][0]["value"], expected);
}

#[rstest]
#[case::inside_base64(STANDARD.encode("a=${secret:vault/db/password}"), STANDARD.encode(format!("a={TOKEN}")))]
#[case::in_place_of_base64("${secret:vault/db/password}".to_owned(), STANDARD.encode(TOKEN))]
#[case::without_reference(STANDARD.encode("plain"), STANDARD.encode("plain"))]
#[case::not_base64("%%%".to_owned(), "%%%".to_owned())]
fn the_data_of_a_secret_stays_base64(#[case] value: String, #[case] expected: String) {
    let objects = run(vec![secret(json!({"k": value}))], json!({})).unwrap();
    assert_eq!(objects[0]["data"]["k"], expected);
}

#[test]
fn string_data_is_text() {
    let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
        "stringData": {"k": "${secret:vault/db/password}"}});
    assert_eq!(
        run(vec![object], json!({})).unwrap()[0]["stringData"]["k"],
        TOKEN
    );
}

#[test]
fn a_secret_is_made_of_texts_and_stores() {
    let config = json!({"variables": {"ENV": "prod"}, "secrets": [{
        "name": "app-${ENV}", "namespace": "shop", "labels": {"app": "shop"},
        "stringData": {"url": "db://${secret:vault/db/password}@${ENV}"},
        "from": [
            {"store": "vault", "name": "${ENV}-db", "keys": ["user"]},
            {"store": "vault", "name": "db", "keys": {"PASSWORD": "password"}},
        ],
    }]});
    let objects = run(Vec::new(), config).unwrap();
    assert_eq!(
        objects,
        [json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": "app-prod", "namespace": "shop", "labels": {"app": "shop"}},
            "data": {
                "url": STANDARD.encode(format!("db://{TOKEN}@prod")),
                "user": STANDARD.encode("windlass~vault~prod-db~user~end"),
                "PASSWORD": STANDARD.encode(TOKEN),
            },
        })]
    );
}

#[test]
fn a_reference_is_placed_into_a_field() {
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "app", "env": [{"name": "PW", "value": "x"}]}]}});
    let config = json!({"place": [{"target": {"kind": "Pod"},
        "field": "spec.containers[name=app].env[name=PW].value",
        "value": "${secret:vault/db/password}"}]});
    let objects = run(vec![pod], config).unwrap();
    assert_eq!(
        objects[0]["spec"]["containers"][0]["env"][0]["value"],
        TOKEN
    );
}

#[test]
fn a_reference_placed_into_the_data_of_a_secret_becomes_base64() {
    let config = json!({"place": [{"target": {"kind": "Secret"}, "field": "data.k",
        "value": "${secret:vault/db/password}"}]});
    let objects = run(vec![secret(json!({}))], config).unwrap();
    assert_eq!(objects[0]["data"]["k"], STANDARD.encode(TOKEN));
}

#[rstest]
#[case::two_parts(
    "${secret:vault/db}",
    "ConfigMap a, data.k: `${secret:vault/db}` does not name a store, a secret and a key \
     (object 0, field data.k); write `${secret:STORE/NAME/KEY}`, and `$${secret:` for the text \
     itself"
)]
#[case::open(
    "${secret:vault/db/k",
    "ConfigMap a, data.k: a `${secret:` is never closed by `}` (object 0, field data.k); write \
     `${secret:STORE/NAME/KEY}`, and `$${secret:` for the text itself"
)]
fn a_wrong_reference_is_named(#[case] text: &str, #[case] expected: &str) {
    let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
        "data": {"k": text}});
    assert_eq!(
        run(vec![object], json!({})).unwrap_err().to_string(),
        expected
    );
}

#[rstest]
#[case::twice(json!({"secrets": [{"name": "a", "stringData": {"k": "x"},
    "from": [{"store": "s", "name": "n", "keys": ["k"]}]}]}),
    "the key `k` is given twice (at secrets[0])")]
#[case::bad_key(json!({"secrets": [{"name": "a", "stringData": {"a b": "x"}}]}),
    "`a b` cannot be the key of a Secret (at secrets[0].stringData.a b); keys are made of letters, \
     digits, `-`, `_` and `.`")]
#[case::empty(json!({"secrets": [{"name": "a"}]}),
    "the Secret `a` would have no entries (at secrets[0]); give it `stringData` or `from`")]
#[case::no_match(json!({"place": [{"target": {"kind": "Job"}, "field": "a", "value": "b"}]}),
    "no object matches: kind `Job` (at place[0]); correct the target, or set `allowNoMatch: true`")]
#[case::bad_field(json!({"place": [{"target": {}, "field": "a[", "value": "b"}]}),
    "`a[` is not a path to a field: a `[` is never closed (at place[0].field)")]
fn a_wrong_configuration_is_named(#[case] config: Json, #[case] expected: &str) {
    assert_eq!(run(Vec::new(), config).unwrap_err().to_string(), expected);
}
