//! Ten thousand objects: an event costs what it concerns, not what the environment holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

mod bench;

use std::time::{Duration, Instant};

use bench::{Bench, id, print};
use windlass_engine::health::Health;
use windlass_engine::{Event, Options};

const EVENTS: usize = 500;

/// The shortest of a few measurements of `work`, for some hundred events.
fn cost(objects: usize, mut work: impl FnMut(usize)) -> Duration {
    let mut one = |round: usize| {
        let start = Instant::now();
        (0..EVENTS).for_each(|n| work((n * 7 + round * EVENTS) % objects));
        start.elapsed()
    };
    (0..4).map(&mut one).min().unwrap_or_default()
}

/// What events cost in an environment of so many objects, by what they tell.
fn costs(objects: usize) -> [(&'static str, Duration); 4] {
    let names: Vec<String> = (0..objects)
        .map(|n| format!("ConfigMap shop/object-{n:05}"))
        .collect();
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut bench = Bench::starting(Options::default(), &["ConfigMap"]);
    for name in &names {
        bench.put(name);
    }
    bench
        .render("r1", &wanted)
        .listed(&["ConfigMap"])
        .send(Event::PruneGate(true))
        .forget_asked();
    assert!(bench.status().ready);

    let status = cost(objects, |n| {
        bench.change(&names[n], |_| ()).see(&names[n]).asks(&[]);
    });
    let health = cost(objects, |n| {
        let is_well = bench
            .cluster
            .get(&id(&names[n]))
            .map(|live| live.health.health);
        let health = if is_well == Some(Health::Healthy) {
            Health::Progressing
        } else {
            Health::Healthy
        };
        bench.health(&names[n], health).asks(&[]);
    });
    let drift = cost(objects, |n| {
        bench.now = bench.now + Duration::from_secs(61);
        bench
            .change(&names[n], |live| live.owned = Some(print("x")))
            .see(&names[n]);
        bench.forget_asked().succeed(&names[n]);
    });
    let extra = cost(objects, |n| {
        let name = format!("ConfigMap shop/extra-{n:05}");
        bench
            .put(&name)
            .change(&name, |live| live.keep = true)
            .see(&name)
            .asks(&[]);
    });
    [
        ("status", status),
        ("health", health),
        ("drift", drift),
        ("extra", extra),
    ]
}

#[test]
fn an_event_costs_the_same_in_a_large_environment() {
    let (small, large) = (costs(500), costs(10_000));
    for ((what, small), (_, large)) in small.into_iter().zip(large) {
        // Twenty times the objects; the rest is for a busy machine and colder caches.
        assert!(
            large < small * 6 + Duration::from_millis(20),
            "{EVENTS} events of {what} take {small:?} among 500 objects, {large:?} among 10000"
        );
    }
}
