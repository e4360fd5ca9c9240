//! Drift: corrected or reported, and slowed down where two writers fight.

use std::time::Duration;

use windlass_engine::health::Health;
use windlass_engine::{DriftMode, Event, Options};

use crate::bench::{Bench, id};

fn steady(drift: DriftMode) -> Bench {
    let mut bench = Bench::with(Options {
        drift,
        ..Options::default()
    });
    bench
        .deploy("r1", &["ConfigMap shop/a", "Deployment.apps shop/web"])
        .forget_asked();
    bench
}

#[test]
fn only_the_drifted_object_is_applied_again() {
    let mut bench = steady(DriftMode::Correct);
    bench
        .edit("ConfigMap shop/a", "x")
        .asks(&["apply ConfigMap shop/a"]);
    bench.succeed("ConfigMap shop/a").asks(&[]);
    assert_eq!(bench.status().corrections, 1);
    bench
        .delete("Deployment.apps shop/web")
        .asks(&["apply Deployment.apps shop/web"]);
    bench.succeed_all();
    assert_eq!(bench.status().corrections, 2);
    assert!(bench.status().ready);
}

#[test]
fn a_status_that_moves_costs_nothing() {
    let mut bench = steady(DriftMode::Correct);
    let before = bench.status();
    bench
        .change("Deployment.apps shop/web", |_| ())
        .see("Deployment.apps shop/web")
        .asks(&[]);
    assert_eq!(bench.status(), before);
}

#[test]
fn a_lost_label_is_put_back() {
    let mut bench = steady(DriftMode::Correct);
    let uid = bench
        .cluster
        .get(&id("ConfigMap shop/a"))
        .unwrap()
        .uid
        .clone();
    bench.send(Event::Vanished {
        id: id("ConfigMap shop/a"),
        uid: Some(uid),
    });
    bench.asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn the_end_of_an_older_incarnation_is_no_drift() {
    let mut bench = steady(DriftMode::Correct);
    bench
        .send(Event::Vanished {
            id: id("ConfigMap shop/a"),
            uid: Some("another".into()),
        })
        .asks(&[]);
}

#[test]
fn report_reports_and_writes_nothing() {
    let mut bench = steady(DriftMode::Report);
    bench
        .edit("ConfigMap shop/a", "x")
        .delete("Deployment.apps shop/web")
        .asks(&[]);
    let status = bench.status();
    assert_eq!(
        status.drifted,
        [id("ConfigMap shop/a"), id("Deployment.apps shop/web")]
    );
    assert!(!status.healthy, "what is missing is not healthy");
    assert!(
        bench.state("ConfigMap shop/a").contains("kubectl-edit"),
        "names who it was"
    );
    bench
        .render("r2", &["ConfigMap shop/a", "Deployment.apps shop/web"])
        .asks(&[]);
    bench.render("r3", &["ConfigMap shop/a = 3", "Deployment.apps shop/web"]);
    bench.asks(&["apply ConfigMap shop/a"]);
    bench
        .succeed_all()
        .send(Event::Resync)
        .asks(&["apply Deployment.apps shop/web"]);
    bench.succeed_all();
    assert!(bench.status().drifted.is_empty());
}

#[test]
fn reported_drift_outlives_a_restart() {
    let mut bench = steady(DriftMode::Report);
    bench.change("ConfigMap shop/a", |live| {
        live.owned = Some(crate::bench::print("x"))
    });
    for (resumed, expected) in [
        (Some("r1"), vec![]),
        (Some("r0"), vec!["apply ConfigMap shop/a"]),
    ] {
        bench.restart(&["ConfigMap", "Deployment.apps"]);
        let env = windlass_engine::Environment::new(
            bench.set.clone(),
            windlass_engine::applyset::Inventory {
                kinds: ["ConfigMap", "Deployment.apps"]
                    .map(crate::bench::kind)
                    .into(),
                namespaces: ["shop".to_owned()].into(),
            },
            bench.options.clone(),
        );
        bench.env = env.resuming(resumed.map(str::to_owned));
        bench
            .render("r1", &["ConfigMap shop/a", "Deployment.apps shop/web"])
            .forget_asked();
        bench
            .listed(&["ConfigMap", "Deployment.apps"])
            .asks(&expected);
    }
}

#[test]
fn a_fight_is_slowed_down_and_names_the_other() {
    let mut bench = steady(DriftMode::Correct);
    for _ in 0..5 {
        bench
            .edit("ConfigMap shop/a", "x")
            .asks(&["apply ConfigMap shop/a"])
            .succeed_all();
    }
    bench.edit("ConfigMap shop/a", "x").asks(&[]);
    let status = bench.status();
    assert_eq!(status.drifted, [id("ConfigMap shop/a")]);
    let fight = status.fights.first().expect("the fight is told");
    assert_eq!(fight.manager.as_deref(), Some("kubectl-edit"));
    bench.wait(Duration::from_secs(14)).asks(&[]);
    bench
        .wait(Duration::from_secs(2))
        .asks(&["apply ConfigMap shop/a"]);
    bench
        .succeed_all()
        .edit("ConfigMap shop/a", "x")
        .wait(Duration::from_secs(29))
        .asks(&[]);
    bench
        .wait(Duration::from_secs(2))
        .asks(&["apply ConfigMap shop/a"]);
    bench
        .succeed_all()
        .edit("ConfigMap shop/a", "x")
        .send(Event::Resync);
    bench.asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn drift_while_unhealthy_is_corrected_too() {
    let mut bench = steady(DriftMode::Correct);
    bench
        .health("Deployment.apps shop/web", Health::Progressing)
        .asks(&[]);
    bench
        .edit("Deployment.apps shop/web", "x")
        .asks(&["apply Deployment.apps shop/web"]);
}
