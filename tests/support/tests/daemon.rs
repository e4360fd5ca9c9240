//! The handle on the daemon, tried on a stand-in: what it tells must not depend on what Windlass itself gets right.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use windlass_test_support::{Daemon, DaemonOptions, Scratch};

const SOON: Duration = Duration::from_secs(20);

fn stand_in(scratch: &Scratch, script: &str) -> Result<PathBuf> {
    let path = scratch.path().join("stand-in");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n"))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))?;
    Ok(path)
}

/// Answers every request with the request itself and, as a metrics page must be, two samples.
fn echo() -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    std::thread::spawn(move || {
        for mut client in listener.incoming().flatten() {
            let mut buffer = [0; 4096];
            let read = client.read(&mut buffer).unwrap_or_default();
            let request = String::from_utf8_lossy(&buffer[..read]);
            let body =
                format!("syncs{{result=\"ok\"}} 2\nsyncs{{result=\"failed\"}} 1\n#{request}");
            let head = "HTTP/1.1 418 I'm a teapot";
            let head = if request.contains("/metrics") {
                "HTTP/1.1 200 OK"
            } else {
                head
            };
            let length = body.len();
            let answer =
                format!("{head}\r\nX-Kind: echo\r\nContent-Length: {length}\r\n\r\n{body}");
            drop(client.write_all(answer.as_bytes()));
        }
    });
    Ok(address)
}

#[tokio::test]
async fn the_address_is_waited_for_and_answers() -> Result<()> {
    let scratch = Scratch::new("stand-in")?;
    let script = format!(
        "sleep 0.2; echo {} > \"$5\"; echo $KUBECONFIG $6; exec sleep 600",
        echo()?
    );
    let options = DaemonOptions {
        binary: Some(stand_in(&scratch, &script)?),
        kubeconfig: Some(PathBuf::from("/the/kubeconfig")),
        args: vec!["--more".to_owned()],
        ..DaemonOptions::default()
    };
    let mut daemon = Daemon::spawn(options).await?;
    let answer = daemon
        .post("/hook?a=b", &[("X-Signature", "s")], "the body")
        .await?;
    assert_eq!(
        (answer.status, answer.header("x-kind")),
        (418, Some("echo"))
    );
    assert!(
        answer.body.contains("POST /hook?a=b HTTP/1.1"),
        "{}",
        answer.body
    );
    assert!(
        answer.body.to_lowercase().contains("x-signature: s"),
        "{}",
        answer.body
    );
    assert_eq!(daemon.metric("syncs", &[]).await?, Some(3.0));
    assert_eq!(
        daemon.metric("syncs", &[("result", "failed")]).await?,
        Some(1.0)
    );
    assert_eq!(daemon.metric("nothing", &[]).await?, None);
    assert_eq!(daemon.log(), "/the/kubeconfig --more\n");
    assert!(daemon.rss_bytes()? > 10_000);
    daemon.kill9()?;
    assert!(daemon.check_alive().is_err());
    Ok(())
}

#[tokio::test]
async fn a_daemon_is_asked_to_end() -> Result<()> {
    let scratch = Scratch::new("stand-in")?;
    let script = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done";
    let options = DaemonOptions {
        binary: Some(stand_in(&scratch, script)?),
        ..DaemonOptions::default()
    };
    let mut daemon = Daemon::spawn(options).await?;
    windlass_test_support::eventually(SOON, "the trap", async || {
        Ok(daemon.log().contains("up").then_some(()))
    })
    .await?;
    daemon.terminate()?;
    assert_eq!(daemon.wait(SOON).await?.code(), Some(7));
    assert!(daemon.log().contains("bye"));
    Ok(())
}

#[tokio::test]
async fn an_end_before_the_address_is_told_at_once() -> Result<()> {
    let scratch = Scratch::new("stand-in")?;
    let options = DaemonOptions {
        binary: Some(stand_in(&scratch, "echo no such flag; exit 2")?),
        name: "first".to_owned(),
        ..DaemonOptions::default()
    };
    let error = Daemon::spawn(options).await?.address().await.err();
    let error = error.map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(error.contains("first ended before it listened"), "{error}");
    assert!(error.contains("no such flag"), "{error}");
    Ok(())
}
