//! Objects between environments: handed over, contested, never deleted on the way.

use windlass_engine::{Event, Phase};

use crate::bench::{Bench, id, set};

/// An environment that wants an object which `other` holds.
fn wanting_what_other_holds() -> Bench {
    let mut bench = Bench::new();
    bench.put_for("ConfigMap shop/a", &set("other"));
    bench.claims.set_name(&set("other"), "environment other");
    bench
}

#[test]
fn an_object_of_a_stranger_is_not_touched() {
    let mut bench = wanting_what_other_holds();
    bench
        .render("r1", &["ConfigMap shop/a", "ConfigMap shop/b"])
        .succeed("parent")
        .forget_asked();
    bench
        .listed(&["ConfigMap"])
        .asks(&["apply ConfigMap shop/b"]);
    bench.succeed_all();
    assert_eq!(
        bench.status().phase,
        Phase::Waiting,
        "others may not be rendered yet"
    );
    bench.send(Event::PruneGate(true));
    let status = bench.status();
    assert_eq!(status.phase, Phase::Failed);
    let failure = status.failures.first().expect("it is told");
    assert_eq!(failure.code, "WL0610");
    assert!(
        failure.message.contains("environment other"),
        "{}",
        failure.message
    );
    bench
        .delete("ConfigMap shop/a")
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn an_object_that_moved_is_taken_over_once_it_is_let_go() {
    let mut bench = wanting_what_other_holds();
    bench
        .claims
        .claim_all(&set("other"), [id("ConfigMap shop/a")]);
    bench
        .render("r2", &["ConfigMap shop/a"])
        .succeed("parent")
        .forget_asked();
    bench.listed(&["ConfigMap"]).asks(&[]);
    let status = bench.status();
    assert_eq!(
        status.phase,
        Phase::Waiting,
        "nobody is at fault yet: {status:#?}"
    );
    bench.claims.claim_all(&set("other"), []);
    bench.send(Event::Tick).asks(&["apply ConfigMap shop/a"]);
    bench.succeed_all();
    assert!(bench.status().ready);
}

#[test]
fn an_object_that_two_want_fails_in_the_second() {
    let mut bench = Bench::new();
    bench.claims.set_name(&set("other"), "environment other");
    bench
        .claims
        .claim_all(&set("other"), [id("ConfigMap shop/a")]);
    bench
        .render("r1", &["ConfigMap shop/a"])
        .succeed("parent")
        .forget_asked();
    bench.listed(&["ConfigMap"]).asks(&[]);
    assert_eq!(bench.status().phase, Phase::Waiting);
    bench.send(Event::PruneGate(true)).asks(&[]);
    let failure = bench
        .status()
        .failures
        .first()
        .cloned()
        .expect("it is told");
    assert_eq!(failure.code, "WL0611");
    assert!(
        failure.message.contains("environment main"),
        "{}",
        failure.message
    );
    assert!(
        failure.message.contains("environment other"),
        "{}",
        failure.message
    );
    bench.claims.release(&set("other"));
    bench.send(Event::Tick).asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn the_holder_keeps_what_a_second_one_claimed_first() {
    let mut bench = Bench::new();
    bench
        .claims
        .claim_all(&set("other"), [id("ConfigMap shop/a")]);
    bench.put("ConfigMap shop/a");
    bench
        .render("r1", &["ConfigMap shop/a"])
        .succeed("parent")
        .listed(&["ConfigMap"]);
    bench.send(Event::PruneGate(true));
    assert!(bench.status().ready, "{:#?}", bench.status());
}

#[test]
fn an_object_that_moved_away_is_left_alone_and_then_forgotten() {
    let mut bench = Bench::new();
    bench
        .deploy("r1", &["ConfigMap shop/a", "Service shop/b"])
        .forget_asked();
    bench
        .claims
        .claim_all(&set("other"), [id("ConfigMap shop/a")]);
    bench
        .render("r2", &["Service shop/b"])
        .send(Event::PruneGate(true))
        .asks(&[]);
    assert!(
        bench.state("ConfigMap shop/a").starts_with("Kept"),
        "{}",
        bench.state("ConfigMap shop/a")
    );
    bench.change("ConfigMap shop/a", |live| {
        live.part_of = Some(set("other").as_str().into())
    });
    bench.see("ConfigMap shop/a").asks(&[]);
    bench
        .wait(std::time::Duration::from_secs(120))
        .asks(&["parent Service in shop"]);
    assert_eq!(bench.state("ConfigMap shop/a"), "unknown");
}
