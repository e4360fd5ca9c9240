//! What the tests start neither outlives them nor leaves them waiting.

use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use windlass_test_support::{Process, Scratch, TestCase, eventually};

fn shell(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

fn exists(id: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // A zombie is dead; only its parent's curiosity keeps the entry.
    !status.is_empty() && !status.contains(") Z ")
}

#[tokio::test]
async fn dropping_a_process_ends_its_group() -> Result<()> {
    let scratch = Scratch::new("group")?;
    let log = scratch.path().join("log");
    let process = Process::spawn("shell", shell("sleep 600 & echo $!; wait"), &log)?;
    let helper: u32 = eventually(Duration::from_secs(10), "the helper's id", async || {
        Ok(process.log().trim().parse().ok())
    })
    .await?;
    assert!(exists(helper));
    drop(process);
    eventually(Duration::from_secs(10), "the helper to end", async || {
        Ok((!exists(helper)).then_some(()))
    })
    .await
}

#[test]
fn a_process_outlives_the_thread_that_asked_for_it() -> Result<()> {
    let scratch = Scratch::new("thread")?;
    let log = scratch.path().join("log");
    let starter = std::thread::spawn(move || Process::spawn("shell", shell("sleep 600"), &log));
    let Ok(process) = starter.join() else {
        bail!("the thread panicked");
    };
    let mut process = process?;
    std::thread::sleep(Duration::from_millis(200));
    process.check_alive()
}

#[tokio::test]
async fn an_early_end_is_told_with_the_log() -> Result<()> {
    let scratch = Scratch::new("early")?;
    let log = scratch.path().join("log");
    let mut process = Process::spawn("shell", shell("echo the cause; exit 3"), &log)?;
    process.wait(Duration::from_secs(10)).await?;
    let error = process
        .check_alive()
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(
        error.contains("exit status: 3") && error.contains("the cause"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn waiting_ends_with_what_was_seen() -> Result<()> {
    let since = Instant::now();
    let waited = eventually(
        Duration::from_millis(300),
        "rain",
        async || -> Result<Option<()>> { bail!("the sky is blue") },
    );
    let error = waited
        .await
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    assert!(
        error.contains("waiting for rain") && error.contains("the sky is blue"),
        "{error}"
    );
    assert!(since.elapsed() < Duration::from_secs(5));
    Ok(())
}

#[test]
fn names_are_unique_and_valid_labels() {
    let long = "A very long name, longer than any label may be: it goes on and on";
    let (one, other) = (TestCase::new(long), TestCase::new(long));
    assert_ne!(one.id(), other.id());
    assert!(one.name("namespace").len() <= 63);
    assert!(
        one.id()
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    );
}
