//! Waiting for what a test expects, with an error that says what was seen instead.

use std::fmt::Debug;
use std::pin::pin;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use futures::StreamExt as _;
use kube::runtime::watcher::watch_object;
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

const SHORTEST: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_millis(100);

/// Asks until there is an answer.
///
/// `None` and an error both mean "not yet"; an error also says what is there instead (`bail!("phase is {phase}")`), and the
/// last one is part of this function's own error once the deadline has passed. `what` completes "waiting for".
pub async fn eventually<T>(
    deadline: Duration,
    what: &str,
    mut probe: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + deadline;
    let mut pause = SHORTEST;
    let mut last = None;
    loop {
        // A probe that hangs must not outlive the deadline either.
        match tokio::time::timeout_at(end, probe()).await {
            Ok(Ok(Some(answer))) => return Ok(answer),
            Ok(Ok(None)) => {}
            Ok(Err(error)) => last = Some(error),
            Err(_) if last.is_none() => last = Some(anyhow!("the last attempt never came back")),
            Err(_) => {}
        }
        if Instant::now() + pause >= end {
            let seen = last.map_or_else(String::new, |error| format!("; last seen: {error:#}"));
            bail!("waiting for {what} took more than {deadline:?}{seen}");
        }
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST);
    }
}

/// Watches one object until it satisfies `condition`, and returns it.
///
/// Every state that the API server publishes is seen, so a condition that holds only for a moment is not missed as it
/// would be by asking. An object that does not exist yet is waited for.
pub async fn watch_until<K>(
    api: &Api<K>,
    name: &str,
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut(&K) -> bool,
) -> Result<K>
where
    K: Resource + Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let found = watch(api, name, deadline, what, |object: Option<&K>| {
        object.is_some_and(&mut condition)
    });
    found.await?.ok_or_else(|| anyhow!("{name} went away"))
}

/// Watches one object until it no longer exists.
pub async fn watch_until_gone<K>(api: &Api<K>, name: &str, deadline: Duration) -> Result<()>
where
    K: Resource + Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    watch(api, name, deadline, "it to be gone", |object| {
        object.is_none()
    })
    .await?;
    Ok(())
}

async fn watch<K>(
    api: &Api<K>,
    name: &str,
    deadline: Duration,
    what: &str,
    mut condition: impl FnMut(Option<&K>) -> bool,
) -> Result<Option<K>>
where
    K: Resource + Clone + DeserializeOwned + Serialize + Debug + Send + 'static,
{
    let mut last = String::from("nothing");
    let found = async {
        let mut states = pin!(watch_object(api.clone(), name));
        while let Some(state) = states.next().await {
            match state {
                Ok(object) if condition(object.as_ref()) => return Ok(object),
                Ok(Some(object)) => last = serde_json::to_string(&object)?,
                Ok(None) => last = String::from("it does not exist"),
                // The watcher starts again by itself, so an error is only worth telling if nothing better follows.
                Err(error) => last = format!("{error:#}"),
            }
        }
        bail!("the watch on {name} ended")
    };
    match tokio::time::timeout(deadline, found).await {
        Ok(found) => found,
        Err(_) => bail!(
            "watching {} {name} for {what} took more than {deadline:?}; last seen: {last}",
            api.resource_url()
        ),
    }
}
