use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

/// The daemon answers from memory, so whatever takes longer will not come.
const DEADLINE: Duration = Duration::from_secs(5);

/// An environment, as `GET /api/v1/environments` lists it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Environment {
    pub(crate) name: String,
    pub(crate) ready: bool,
    pub(crate) phase: String,
    /// The revision that was tried last.
    pub(crate) attempted_revision: Option<String>,
    pub(crate) objects: usize,
    pub(crate) ready_objects: usize,
    pub(crate) message: String,
}

#[derive(Debug, Deserialize)]
struct Environments {
    environments: Vec<Environment>,
}

/// The daemon's HTTP server.
#[derive(Clone, Debug)]
pub(crate) struct DaemonApi {
    base: String,
    agent: ureq::Agent,
}

impl DaemonApi {
    /// `address` is a host and a port.
    pub(crate) fn new(address: &str) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(DEADLINE))
            // The variables of a machine behind a proxy are not about this machine.
            .proxy(None)
            .build()
            .new_agent();
        Self {
            base: format!("http://{address}"),
            agent,
        }
    }

    /// The URL that paths are put behind.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// What the daemon knows of its environments.
    pub(crate) async fn environments(&self) -> Result<Vec<Environment>> {
        let url = format!("{}/api/v1/environments", self.base);
        let request = self.agent.get(&url);
        let answer = tokio::task::spawn_blocking(move || read(request.call())).await?;
        let answer: Environments = serde_json::from_str(&answer.with_context(|| url.clone())?)
            .with_context(|| format!("{url} answered something else"))?;
        Ok(answer.environments)
    }

    /// Sends a webhook and returns the daemon's answer.
    pub(crate) async fn webhook(
        &self,
        headers: [(&'static str, String); 2],
        body: String,
    ) -> Result<String> {
        let url = format!("{}/webhook/generic", self.base);
        let mut request = self.agent.post(&url).content_type("application/json");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let answer = tokio::task::spawn_blocking(move || read(request.send(body))).await?;
        answer.context(url)
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<String> {
    let mut answer = answer?;
    let body = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{}: {}", answer.status(), body.trim());
    }
    Ok(body)
}
