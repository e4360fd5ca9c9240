//! What the daemon asks of the API server when there is nothing to do.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use windlass_test_support::control_plane::{AuditedRequest, RequestCount};

use crate::bed::Bed;
use crate::cold::resource;
use crate::conditions::Conditions;
use crate::process::cpu_time;
use crate::report::{Report, Table, mebibytes};

/// The daemon's user, so that the audit log tells its requests from those of the API server to itself.
const USER: &str = "windlass";

const PROGRESS: Duration = Duration::from_secs(10);

/// Counts the requests of `seconds` seconds after a sync of `environments` environments.
pub(crate) async fn run(environments: usize, seconds: u64) -> Result<Report> {
    let conditions = Conditions::observe().await?;
    let environments = environments.max(1);
    let bed = Bed::start(environments, true).await?;
    bed.plane.grant_cluster_admin(USER).await?;
    let (mut daemon, _) = bed.sync(bed.plane.kubeconfig_as(USER)?).await?;
    let before = bed.quiet().await?;
    let audited = bed.plane.requests_by(USER)?.len();
    let cpu = cpu_time(daemon.id())?;
    eprintln!("counting requests for {seconds} s");
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        sleep(PROGRESS.min(end - Instant::now())).await;
        let left = end.saturating_duration_since(Instant::now());
        eprintln!("{:.0} s left", left.as_secs_f64());
    }
    daemon.check_alive()?;
    let counted = bed.plane.request_counts().await?.since(&before);
    let cpu = cpu_time(daemon.id())?.saturating_sub(cpu);
    let rss = daemon.rss_bytes()?;
    let requests = bed.plane.requests_by(USER)?;
    // The log is in the order in which requests began, so what is new is at its end.
    let own = own(requests.get(audited..).unwrap_or_default());

    let busy: Vec<&RequestCount> = counted.0.iter().filter(|count| !is_idle(count)).collect();
    let all: u64 = counted.total(|_| true);
    let busy_total: u64 = busy.iter().map(|count| count.count).sum();
    let own_busy: usize = own.values().sum();
    let mut summary = Table::new(
        format!("Nothing to do: {environments} environments, {seconds} s"),
        &["", "value"],
    );
    for (name, value) in [
        (
            "requests counted by the API server, all clients",
            all.to_string(),
        ),
        ("of these neither watch nor lease", busy_total.to_string()),
        (
            "neither watch nor lease by the daemon (audit log)",
            own_busy.to_string(),
        ),
        (
            "processor time of the daemon",
            format!("{:.2} s", cpu.as_secs_f64()),
        ),
        ("memory of the daemon", mebibytes(rss)),
    ] {
        summary.row([name.to_owned(), value]);
    }
    let mut tables = vec![summary];
    if !busy.is_empty() {
        let mut table = Table::new(
            "Neither watch nor lease, all clients; the API server is one of its own",
            &["request", "status", "count"],
        );
        for count in &busy {
            table.row([
                format!("{} {}", count.verb, resource(count)),
                count.code.clone(),
                count.count.to_string(),
            ]);
        }
        tables.push(table);
    }
    if !own.is_empty() {
        let mut table = Table::new("Of these by the daemon", &["request", "count"]);
        for (request, count) in &own {
            table.row([request.clone(), count.to_string()]);
        }
        tables.push(table);
    }
    let busy: Vec<Value> = busy
        .iter()
        .map(|count| {
            json!({
                "verb": count.verb,
                "resource": resource(count),
                "code": count.code,
                "count": count.count,
            })
        })
        .collect();
    Ok(Report {
        benchmark: "steady",
        conditions: conditions.finish(),
        tables,
        values: json!({
            "environments": environments,
            "seconds": seconds,
            "requests": all,
            "neitherWatchNorLease": busy,
            "byDaemon": own,
            "cpuSeconds": cpu.as_secs_f64(),
            "rss": rss,
        }),
    })
}

fn is_idle(count: &RequestCount) -> bool {
    count.verb == "WATCH" || count.resource == "leases"
}

/// The daemon's own requests that are neither watches nor about leases, by kind.
fn own(requests: &[AuditedRequest]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for request in requests {
        if request.verb == "watch" || request.resource == "leases" {
            continue;
        }
        let what = if request.resource.is_empty() {
            request.uri.clone()
        } else {
            [&request.resource, &request.group, &request.subresource]
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(" ")
        };
        *found.entry(format!("{} {what}", request.verb)).or_default() += 1;
    }
    found
}
