//! How long a person waits: from the announcement of a push until a plain client sees the object, and from an edit by hand
//! until it is taken back.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use futures::{StreamExt as _, pin_mut};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Patch, PatchParams, WatchEvent, WatchParams};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use windlass_test_support::{Daemon, GitHttp, GitHttpOptions, Scratch, webhook_signature};

use crate::bed::{Bed, NAMESPACE};
use crate::conditions::Conditions;
use crate::report::{Report, timing};

const SECRET: &str = "the benchmark's webhook secret";

const DEADLINE: Duration = Duration::from_secs(30);

/// The object that is looked at.
const NAME: &str = "probe";

/// How many edits in a row are taken back at once; who edits more often is fought with, and slowed down.
const EDITS: usize = 5;

/// Measures `rounds` pushes, and up to [`EDITS`] edits, beside `environments` environments that are left alone.
pub(crate) async fn run(environments: usize, rounds: usize) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let rounds = rounds.max(1);
    let bed = Bed::start(environments.max(1), false).await?;
    bed.commit(&[
        (
            "probe/environment.yaml",
            &format!(
                "apiVersion: windlass.dev/v1alpha1\nkind: Environment\nspec:\n  namespace: {NAMESPACE}\n"
            ),
        ),
        ("probe/map.yaml", &manifest("0")),
    ])?;
    let server = GitHttp::start(bed.repositories()?, GitHttpOptions::default()).await?;
    let url = server.url("repository");
    let folder = Scratch::new("bench-webhook")?;
    let secret = folder.path().join("secret");
    std::fs::write(&secret, SECRET).context("writing the webhook's secret")?;
    let mut options = bed.options(bed.plane.kubeconfig());
    options.args = ["--repository", &url, "--name", "bench", "--interval", "1h"]
        .map(str::to_owned)
        .into();
    let secret = secret.to_str().context("a UTF-8 path")?.to_owned();
    options
        .args
        .extend(["--webhook-secret-file".to_owned(), secret]);
    let (mut daemon, _) = bed.sync_with(options).await?;
    let mut probe = Probe::start(bed.client.clone()).await?;
    probe.until("0").await?;
    bed.quiet().await?;

    let (mut delivered, mut answered) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let value = round.to_string();
        bed.commit(&[("probe/map.yaml", &manifest(&value))])?;
        let begin = Instant::now();
        announce(&mut daemon, &url).await?;
        let answer = Instant::now();
        let seen = probe.until(&value).await?;
        delivered.push(milliseconds(seen, begin));
        answered.push(milliseconds(seen, answer));
    }
    let (value, mut edited) = (rounds.to_string(), Vec::new());
    for round in 0..rounds.min(EDITS) {
        let by_hand = format!("by hand {round}");
        let begin = Instant::now();
        probe.edit(&by_hand).await?;
        let seen = probe.after(&by_hand, &value).await?;
        edited.push(milliseconds(seen, begin));
    }
    let title = format!("Latency, {rounds} pushes, beside {environments} environments at rest");
    let rows: [(&str, &[f64]); 3] = [
        ("webhook sent to object seen", &delivered),
        ("webhook answered to object seen", &answered),
        ("edit by hand to seen as it was", &edited),
    ];
    Ok(Report {
        benchmark: "latency",
        conditions: conditions.finish(),
        tables: vec![timing(title, &rows)],
        values: json!({
            "environments": environments,
            "fromWebhookMilliseconds": delivered,
            "fromAnswerMilliseconds": answered,
            "driftMilliseconds": edited,
        }),
    })
}

fn manifest(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {NAME}\ndata:\n  value: \"{value}\"\n"
    )
}

async fn announce(daemon: &mut Daemon, url: &str) -> Result<()> {
    let body = json!({ "url": url, "ref": "refs/heads/main" }).to_string();
    let signature = webhook_signature(SECRET, body.as_bytes())?;
    let headers = [("x-windlass-signature", signature.as_str())];
    let answer = daemon.post("/webhook/generic", &headers, body).await?;
    ensure!(answer.status == 202, "{}: {}", answer.status, answer.body);
    Ok(())
}

/// What was seen, and when.
type Seen = (String, Instant);

/// A plain client that watches one object.
struct Probe {
    maps: Api<ConfigMap>,
    seen: watch::Receiver<Vec<Seen>>,
    task: JoinHandle<()>,
}

impl Probe {
    async fn start(client: Client) -> Result<Self> {
        let maps = Api::<ConfigMap>::namespaced(client, NAMESPACE);
        let (sender, seen) = watch::channel(Vec::new());
        let api = maps.clone();
        let task = tokio::spawn(async move {
            let params = WatchParams::default().fields(&format!("metadata.name={NAME}"));
            let Ok(events) = api.watch(&params, "0").await else {
                return;
            };
            pin_mut!(events);
            while let Some(Ok(event)) = events.next().await {
                if let WatchEvent::Added(map) | WatchEvent::Modified(map) = event {
                    let value = map.data.and_then(|mut data| data.remove("value"));
                    let seen = (value.unwrap_or_default(), Instant::now());
                    sender.send_modify(|all| all.push(seen));
                }
            }
        });
        Ok(Self { maps, seen, task })
    }

    /// Waits until the value is seen; gives the moment.
    async fn until(&mut self, value: &str) -> Result<Instant> {
        self.find(|all| all.iter().find(|(seen, _)| seen == value).cloned())
            .await
            .with_context(|| format!("waiting for the value {value}"))
    }

    /// Waits until `value` is seen behind `before`.
    async fn after(&mut self, before: &str, value: &str) -> Result<Instant> {
        self.find(|all| {
            let mut behind = all.iter().skip_while(|(seen, _)| seen != before);
            behind.find(|(seen, _)| seen == value).cloned()
        })
        .await
        .with_context(|| format!("waiting for the value {value} behind {before}"))
    }

    async fn find(&mut self, look: impl Fn(&[Seen]) -> Option<Seen>) -> Result<Instant> {
        let mut found = None;
        let waiting = self.seen.wait_for(|all| {
            found = look(all);
            found.is_some()
        });
        match tokio::time::timeout(DEADLINE, waiting).await {
            Ok(Ok(_)) => {}
            Ok(Err(_closed)) => bail!("the watch has ended"),
            Err(_late) => bail!("it took more than {DEADLINE:?}"),
        }
        found.map(|(_, at)| at).context("it was seen")
    }

    async fn edit(&self, value: &str) -> Result<()> {
        let edit = Patch::Merge(json!({ "data": { "value": value } }));
        let params = PatchParams::default();
        self.maps.patch(NAME, &params, &edit).await?;
        Ok(())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn milliseconds(seen: Instant, begin: Instant) -> f64 {
    1000.0 * seen.saturating_duration_since(begin).as_secs_f64()
}
