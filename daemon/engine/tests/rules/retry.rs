//! Failures: who waits how long, and what ends a wait.

use std::time::Duration;

use rstest::rstest;
use windlass_engine::{Event, FailureClass, Phase};

use crate::bench::{Bench, kind, transient};

fn applying(objects: &[&str]) -> Bench {
    let mut bench = Bench::new();
    bench
        .render("r1", objects)
        .succeed("parent")
        .listed(&["ConfigMap"])
        .forget_asked();
    bench
}

#[rstest]
#[case::transient(transient(), 1)]
#[case::asked_to_wait(FailureClass::Transient { retry_after: Some(Duration::from_secs(20)) }, 20)]
#[case::rejected(FailureClass::Rejected, 30)]
#[case::forbidden(FailureClass::Forbidden, 30)]
#[case::conflict(FailureClass::Conflict { managers: vec!["helm".into()] }, 30)]
#[case::no_kind(FailureClass::KindMissing, 1)]
#[case::no_namespace(FailureClass::NamespaceMissing, 1)]
#[case::no_secret(FailureClass::SecretMissing, 30)]
#[case::stale(FailureClass::Stale, 1)]
fn a_failure_is_told_and_tried_again(#[case] class: FailureClass, #[case] seconds: u64) {
    let mut bench = applying(&["ConfigMap shop/a"]);
    bench.fail("ConfigMap shop/a", class.clone()).asks(&[]);
    let status = bench.status();
    assert_eq!(status.phase, Phase::Failed, "{class:?}");
    let failure = status.failures.first().expect("the failure is told");
    assert_eq!(failure.message, "ConfigMap shop/a failed");
    assert_eq!(
        failure.origin.as_ref().map(ToString::to_string).as_deref(),
        Some("a.yaml")
    );
    // Jitter takes a fifth at most.
    bench
        .wait(Duration::from_secs(seconds) * 79 / 100)
        .asks(&[]);
    bench.wait(Duration::from_secs(seconds) * 30 / 100 + Duration::from_millis(500));
    bench.asks(&["apply ConfigMap shop/a"]);
    assert_eq!(
        bench.status().phase,
        Phase::Failed,
        "a second attempt is not a recovery"
    );
    bench.succeed_all();
    assert!(bench.status().ready && bench.status().failures.is_empty());
}

#[test]
fn one_that_is_refused_does_not_hold_the_others_up() {
    let mut bench = applying(&["ConfigMap shop/a", "ConfigMap shop/b"]);
    bench
        .asks(&[])
        .fail("ConfigMap shop/a", FailureClass::Rejected)
        .succeed("ConfigMap shop/b");
    assert_eq!(bench.status().objects.applied, 1);
    assert_eq!(
        bench.status().stalled.map(|s| s.code),
        Some("WL0799"),
        "a person has to act"
    );
}

#[test]
fn a_new_render_or_a_person_ends_the_wait() {
    let mut bench = applying(&["ConfigMap shop/a"]);
    bench
        .fail("ConfigMap shop/a", FailureClass::Rejected)
        .render("r2", &["ConfigMap shop/a"]);
    bench.asks(&["apply ConfigMap shop/a"]);
    bench
        .fail("ConfigMap shop/a", FailureClass::Rejected)
        .send(Event::Resync);
    bench.asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn a_kind_that_is_served_again_ends_the_wait() {
    let mut bench = applying(&["ConfigMap shop/a"]);
    bench.fail("ConfigMap shop/a", FailureClass::KindMissing);
    bench
        .send(Event::KindServed(kind("ConfigMap")))
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn somebody_elses_repair_ends_a_failure() {
    let mut bench = applying(&["ConfigMap shop/a"]);
    bench.fail("ConfigMap shop/a", FailureClass::Rejected);
    bench
        .put("ConfigMap shop/a")
        .see("ConfigMap shop/a")
        .asks(&[]);
    assert!(bench.status().ready);
}

#[test]
fn an_api_server_in_trouble_is_asked_once_in_a_while() {
    let names: Vec<String> = (10..40).map(|n| format!("ConfigMap shop/a{n}")).collect();
    let objects: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bench = applying(&objects);
    let mut sent = 0;
    for _ in 0..600 {
        while let Some(command) = bench.open.first().cloned() {
            let windlass_engine::Command::Apply { object, .. } = command else {
                panic!("an apply")
            };
            sent += 1;
            bench.fail(&object.id.to_string(), transient());
        }
        bench.wait(Duration::from_secs(1));
    }
    assert!(
        sent < 60,
        "30 objects in 10 minutes of trouble: {sent} requests"
    );
    for _ in 0..180 {
        bench.succeed_all().wait(Duration::from_secs(1));
    }
    assert!(
        bench.status().ready,
        "recovers by itself: {:#?}",
        bench.status()
    );
}
