//! Health: what is waited for, what is not, and a recovery that comes late.

use std::time::Duration;

use windlass_engine::health::Health;
use windlass_engine::{Options, Phase};

use crate::bench::Bench;

fn rolling_out() -> Bench {
    let mut bench = Bench::with(Options {
        timeout: Duration::from_secs(60),
        ..Options::default()
    });
    bench
        .deploy("r1", &["ConfigMap shop/a", "Deployment.apps shop/web"])
        .forget_asked();
    bench.health("Deployment.apps shop/web", Health::Progressing);
    bench
}

#[test]
fn an_unhealthy_object_is_waited_for_until_the_timeout() {
    let mut bench = rolling_out();
    let status = bench.status();
    assert_eq!((status.phase, status.ready), (Phase::Waiting, false));
    assert_eq!((status.reconciling, status.stalled), (true, None));
    assert!(
        status
            .message
            .contains("Deployment.apps shop/web is Progressing"),
        "{}",
        status.message
    );
    bench.wait(Duration::from_secs(61)).asks(&[]);
    let status = bench.status();
    assert_eq!(status.phase, Phase::Failed);
    let stall = status.stalled.expect("it has stalled");
    assert_eq!(stall.code, "WL0613");
    assert!(
        stall.message.contains("Deployment.apps shop/web"),
        "{}",
        stall.message
    );
    bench
        .health("Deployment.apps shop/web", Health::Healthy)
        .asks(&[]);
    assert!(bench.status().ready, "a late recovery is noticed");
}

#[test]
fn what_is_degraded_is_not_waited_for() {
    let mut bench = rolling_out();
    bench.health("Deployment.apps shop/web", Health::Degraded);
    assert_eq!(
        bench.status().stalled.map(|stall| stall.code),
        Some("WL0614")
    );
    bench.health("Deployment.apps shop/web", Health::Progressing);
    assert_eq!(bench.status().stalled, None);
}

#[test]
fn a_new_apply_gives_new_time() {
    let mut bench = rolling_out();
    bench.wait(Duration::from_secs(61));
    bench
        .render("r2", &["ConfigMap shop/a", "Deployment.apps shop/web = 2"])
        .succeed_all();
    assert_eq!(bench.status().stalled, None);
    bench.wait(Duration::from_secs(59));
    assert_eq!(bench.status().phase, Phase::Waiting);
    bench.wait(Duration::from_secs(2));
    assert!(bench.status().stalled.is_some());
}

#[test]
fn what_a_person_has_suspended_is_no_trouble() {
    let mut bench = rolling_out();
    bench.health("Deployment.apps shop/web", Health::Suspended);
    assert!(bench.status().ready);
}
