//! From an empty cluster to every object applied.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::sleep;
use windlass_test_support::control_plane::{RequestCount, RequestCounts};

use crate::bed::{Bed, OBJECTS, Synced};
use crate::conditions::Conditions;
use crate::process::{cpu_time, peak_rss};
use crate::raw::{self, IN_FLIGHT, Raw};
use crate::report::{Report, Table, mebibytes};

/// How long the daemon is left alone before its memory at rest is read.
const REST: Duration = Duration::from_secs(10);

/// Requests that are fewer than one in so many environments are not about environments.
const RARE: u64 = 2;

/// What one number of environments gave.
struct Cold {
    environments: usize,
    synced: Synced,
    /// Processor time of the daemon up to the end of the sync.
    cpu: Duration,
    peak: u64,
    rest: u64,
    raw: Vec<Raw>,
    requests: RequestCounts,
}

impl Cold {
    fn objects(&self) -> usize {
        OBJECTS * self.environments
    }

    /// Objects a second over all: the daemon's start, the fetch and the compilation of plugins are in it.
    fn rate(&self) -> f64 {
        self.objects() as f64 / self.synced.total.as_secs_f64()
    }

    /// Objects a second from the first apply that was seen.
    fn applying_rate(&self) -> f64 {
        let applying = self.synced.total.saturating_sub(self.synced.first);
        self.objects() as f64 / applying.as_secs_f64().max(0.001)
    }

    /// The mean of what the plain client got before and after.
    fn raw_rate(&self, in_flight: usize) -> f64 {
        let same = self.raw.iter().filter(|raw| raw.in_flight == in_flight);
        let rates: Vec<f64> = same.map(Raw::rate).collect();
        rates.iter().sum::<f64>() / rates.len().max(1) as f64
    }

    fn milliseconds_each(&self) -> f64 {
        1000.0 * self.synced.total.as_secs_f64() / self.environments as f64
    }

    /// Writes by anybody from the daemon's start until nothing was written any more.
    fn writes(&self) -> u64 {
        self.requests.total(is_write)
    }

    fn json(&self) -> Value {
        let requests = self.requests.0.iter().map(|count| {
            json!({
                "verb": count.verb,
                "resource": resource(count),
                "code": count.code,
                "count": count.count,
            })
        });
        json!({
            "environments": self.environments,
            "objects": self.objects(),
            "seconds": self.synced.total.as_secs_f64(),
            "secondsToFirstApply": self.synced.first.as_secs_f64(),
            "objectsPerSecond": self.rate(),
            "objectsPerSecondFromFirstApply": self.applying_rate(),
            "millisecondsPerEnvironment": self.milliseconds_each(),
            "cpuSeconds": self.cpu.as_secs_f64(),
            "rssSyncing": self.synced.rss,
            "rssPeak": self.peak,
            "rssAtRest": self.rest,
            "writes": self.writes(),
            "raw": self.raw.iter().map(Raw::json).collect::<Vec<_>>(),
            "requests": requests.collect::<Vec<_>>(),
        })
    }
}

/// Measures each number of environments on a control plane of its own.
pub(crate) async fn run(numbers: &[usize]) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let mut found = Vec::new();
    for &environments in numbers {
        found.push(measure(environments.max(1)).await?);
    }
    let mut tables = vec![summary(&found)];
    tables.extend(found.iter().map(raw_table));
    tables.extend(found.iter().map(request_table));
    Ok(Report {
        benchmark: "cold",
        conditions: conditions.finish(),
        tables,
        values: found.iter().map(Cold::json).collect(),
    })
}

async fn measure(environments: usize) -> Result<Cold> {
    let bed = Bed::start(environments, false).await?;
    let mut raw = raw::measure(&bed.client, "before").await?;
    let before = bed.plane.request_counts().await?;
    let (mut daemon, synced) = bed.sync(bed.plane.kubeconfig()).await?;
    let cpu = cpu_time(daemon.id())?;
    let requests = bed.quiet().await?.since(&before);
    sleep(REST).await;
    daemon.check_alive()?;
    let (peak, rest) = (peak_rss(daemon.id())?, daemon.rss_bytes()?);
    // The daemon watches what the plain client makes; it ends first, so that both are alone with the API server.
    drop(daemon);
    raw.extend(raw::measure(&bed.client, "after").await?);
    Ok(Cold {
        environments,
        synced,
        cpu,
        peak,
        rest,
        raw,
        requests,
    })
}

fn summary(found: &[Cold]) -> Table {
    let mut table = Table::new(
        "Cold sync: from the start of the process to the last object, empty cache, one namespace",
        &[],
    );
    let mut row = |name: &str, cell: &dyn Fn(&Cold) -> String| {
        let mut cells = vec![name.to_owned()];
        cells.extend(found.iter().map(cell));
        table.row(cells);
    };
    let seconds = |duration: Duration| format!("{:.1} s", duration.as_secs_f64());
    row("environments", &|cold| cold.environments.to_string());
    row("objects", &|cold| cold.objects().to_string());
    row("time", &|cold| seconds(cold.synced.total));
    row("time to the first apply", &|cold| {
        seconds(cold.synced.first)
    });
    row("time per environment", &|cold| {
        format!("{:.1} ms", cold.milliseconds_each())
    });
    row("objects per second", &|cold| format!("{:.0}", cold.rate()));
    row("objects per second from the first apply", &|cold| {
        format!("{:.0}", cold.applying_rate())
    });
    for in_flight in IN_FLIGHT {
        row(
            &format!("plain client, {in_flight} in flight, mean"),
            &|cold| format!("{:.0}", cold.raw_rate(in_flight)),
        );
        row(
            &format!("ratio to it, from the first apply ({in_flight})"),
            &|cold| format!("{:.2}", cold.applying_rate() / cold.raw_rate(in_flight)),
        );
    }
    row("writes per environment", &|cold| {
        format!("{:.2}", cold.writes() as f64 / cold.environments as f64)
    });
    row("processor time of the daemon", &|cold| seconds(cold.cpu));
    row("memory while syncing, highest sample", &|cold| {
        mebibytes(cold.synced.rss)
    });
    row("memory, peak of the process", &|cold| mebibytes(cold.peak));
    row("memory at rest", &|cold| mebibytes(cold.rest));
    table
}

fn raw_table(cold: &Cold) -> Table {
    let mut table = Table::new(
        format!("Plain client beside {} environments", cold.environments),
        &["when", "in flight", "objects", "time", "objects/s", "p50"],
    );
    for raw in &cold.raw {
        table.row([
            raw.when.to_owned(),
            raw.in_flight.to_string(),
            raw.objects.to_string(),
            format!("{:.2} s", raw.took.as_secs_f64()),
            format!("{:.0}", raw.rate()),
            format!("{:.1} ms", 1000.0 * raw.p50),
        ]);
    }
    table
}

fn request_table(cold: &Cold) -> Table {
    let mut table = Table::new(
        format!(
            "Requests during the sync of {} environments, without rare ones",
            cold.environments
        ),
        &["request", "status", "count", "per environment"],
    );
    let mut counts: Vec<&RequestCount> = cold.requests.0.iter().collect();
    counts.retain(|count| count.count * RARE >= cold.environments as u64);
    counts.sort_by_key(|count| std::cmp::Reverse(count.count));
    for count in counts {
        table.row([
            format!("{} {}", count.verb, resource(count)),
            count.code.clone(),
            count.count.to_string(),
            format!("{:.2}", count.count as f64 / cold.environments as f64),
        ]);
    }
    table
}

fn is_write(count: &RequestCount) -> bool {
    let reads = ["GET", "LIST", "WATCH", "CONNECT"];
    count.resource != "leases" && !reads.contains(&count.verb.as_str())
}

/// `deployments.apps` or `environments.windlass.dev/status`.
pub(crate) fn resource(count: &RequestCount) -> String {
    let mut text = count.resource.clone();
    for (separator, part) in [('.', &count.group), ('/', &count.subresource)] {
        if !part.is_empty() {
            text.push(separator);
            text.push_str(part);
        }
    }
    if text.is_empty() {
        "(no resource)".to_owned()
    } else {
        text
    }
}
