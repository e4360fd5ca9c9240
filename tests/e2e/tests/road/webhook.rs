//! What strangers may send to the webhook, and what becomes of it.

use anyhow::Result;

use crate::rig::{PLAIN, Road, config_map, signature};

const SECRET: &str = "the webhook's secret";

#[tokio::test]
async fn a_webhook_is_believed_only_when_it_is_signed() -> Result<()> {
    let road = Road::start("webhook").await?;
    let commit = road.push(&[
        ("web/environment.yaml", Some(PLAIN)),
        ("web/map.yaml", Some(&config_map("web", "1"))),
    ])?;
    // An editor's line break at the end of the file is no part of the secret.
    let file = road.file("webhook-secret", &format!("{SECRET}\n"))?;
    let file = file.display().to_string();
    let mut daemon = road.daemon(&["--webhook-secret-file", &file]).await?;
    road.ready("web", &commit).await?;

    let huge = vec![b' '; 5 << 20];
    let cases: [(&str, Vec<u8>, String, u16, &str); 5] = [
        (
            "a wrong signature",
            b"{}".to_vec(),
            signature("guess", b"{}"),
            401,
            "WL0906",
        ),
        (
            "no hex",
            b"{}".to_vec(),
            "sha256=zz".to_owned(),
            401,
            "WL0906",
        ),
        (
            "a huge body",
            huge.clone(),
            signature(SECRET, &huge),
            413,
            "WL0905",
        ),
        (
            "no JSON",
            b"{".to_vec(),
            signature(SECRET, b"{"),
            400,
            "WL0907",
        ),
        (
            "no object",
            b"[]".to_vec(),
            signature(SECRET, b"[]"),
            400,
            "WL0907",
        ),
    ];
    for (what, body, signature, status, code) in cases {
        let headers = [("x-windlass-signature", signature.as_str())];
        let answer = daemon.post("/webhook/generic", &headers, body).await?;
        assert_eq!(answer.status, status, "{what}: {}", answer.body);
        assert_eq!(answer.json()?["error"]["code"], code, "{what}");
    }
    let unknown = daemon.post("/webhook/unknown", &[], "{}").await?;
    assert_eq!(unknown.status, 404, "{}", unknown.body);

    let signature = signature(SECRET, b"{}");
    let headers = [
        ("x-windlass-signature", signature.as_str()),
        ("x-windlass-delivery", "delivery-1"),
    ];
    for expected in ["accepted", "duplicate"] {
        let answer = daemon.post("/webhook/generic", &headers, "{}").await?;
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.json()?["result"], expected);
        let labels = [("provider", "generic"), ("result", expected)];
        let counted = daemon.metric("windlass_webhooks_total", &labels).await?;
        assert_eq!(counted, Some(1.0), "{expected}");
    }
    let labels = [("result", "refused")];
    let refused = daemon.metric("windlass_webhooks_total", &labels).await?;
    assert_eq!(refused, Some(3.0));
    daemon.check_alive()
}
