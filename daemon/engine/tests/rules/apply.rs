//! What an answer to an apply means.

use windlass_engine::{Command, Conflict, Event, FailureClass, Outcome};

use crate::bench::{Bench, desired, id, print, set};

fn applying() -> Bench {
    let mut bench = Bench::new();
    bench
        .render("r1", &["ConfigMap shop/a"])
        .succeed("parent")
        .listed(&["ConfigMap"]);
    bench.forget_asked();
    bench
}

#[test]
fn what_the_api_server_made_of_the_body_is_no_drift() {
    let mut bench = applying();
    let command = bench.take("ConfigMap shop/a");
    let (ticket, _) = bench.execute(&command);
    bench.change("ConfigMap shop/a", |live| {
        live.owned = Some(print("normalised"))
    });
    let live = bench.cluster.get(&id("ConfigMap shop/a")).unwrap().clone();
    bench
        .send(Event::Done {
            ticket,
            outcome: Outcome::Applied(live),
        })
        .asks(&[]);
    bench.see("ConfigMap shop/a").asks(&[]);
    assert!(bench.status().ready);
    bench
        .edit("ConfigMap shop/a", "edited")
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn an_older_view_than_the_answer_is_ignored() {
    let mut bench = applying();
    bench.put("ConfigMap shop/a = old");
    let old = bench.cluster.get(&id("ConfigMap shop/a")).unwrap().clone();
    bench.succeed("ConfigMap shop/a").asks(&[]);
    bench.send(Event::Observed(old)).asks(&[]);
    assert!(bench.status().ready);
}

#[test]
fn a_deletion_that_the_watch_tells_before_the_answer_is_not_forgotten() {
    let mut bench = applying();
    let command = bench.take("ConfigMap shop/a");
    let (ticket, outcome) = bench.execute(&command);
    bench
        .see("ConfigMap shop/a")
        .delete("ConfigMap shop/a")
        .asks(&[]);
    bench
        .send(Event::Done { ticket, outcome })
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn a_change_that_the_watch_tells_before_the_answer_is_drift() {
    let mut bench = applying();
    let command = bench.take("ConfigMap shop/a");
    let (ticket, outcome) = bench.execute(&command);
    bench.edit("ConfigMap shop/a", "x").asks(&[]);
    bench
        .send(Event::Done { ticket, outcome })
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn a_list_takes_back_what_only_an_answer_told() {
    let mut bench = applying();
    bench.succeed("ConfigMap shop/a").asks(&[]);
    // Deleted while the watch was away: nobody tells.
    bench.cluster.clear();
    bench
        .listed(&["ConfigMap"])
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn a_list_does_not_take_back_what_it_told_itself() {
    let mut bench = applying();
    let command = bench.take("ConfigMap shop/a");
    let (ticket, outcome) = bench.execute(&command);
    bench.see("ConfigMap shop/a");
    bench.send(Event::Done { ticket, outcome });
    bench
        .send(Event::Listed(crate::bench::kind("ConfigMap")))
        .asks(&[]);
    assert!(bench.status().ready);
}

#[test]
fn a_label_that_does_not_stay_is_a_failure_and_no_loop() {
    let mut bench = applying();
    let command = bench.take("ConfigMap shop/a");
    let (ticket, _) = bench.execute(&command);
    bench.change("ConfigMap shop/a", |live| live.part_of = None);
    let live = bench.cluster.get(&id("ConfigMap shop/a")).unwrap().clone();
    bench
        .send(Event::Done {
            ticket,
            outcome: Outcome::Applied(live),
        })
        .asks(&[]);
    assert_eq!(
        bench.status().failures.first().map(|f| f.code),
        Some("WL0612")
    );
}

#[test]
fn conflict_and_existence_are_passed_on() {
    let mut bench = Bench::new();
    bench.put("ConfigMap shop/a = old");
    let mut fails = desired("ConfigMap shop/a", &set("main"));
    fails.conflict = Conflict::Fail;
    let options = bench.options.clone();
    bench.send(Event::Rendered {
        revision: "r1".into(),
        objects: vec![fails],
        options,
    });
    bench.succeed("parent").listed(&["ConfigMap"]);
    match bench.take("ConfigMap shop/a") {
        Command::Apply { force, exists, .. } => assert_eq!((force, exists), (false, true)),
        other => panic!("an apply: {other:?}"),
    }
}

#[test]
fn an_object_on_its_way_out_is_waited_for() {
    let mut bench = Bench::new();
    bench.deploy("r1", &["ConfigMap shop/a"]).forget_asked();
    bench.change("ConfigMap shop/a", |live| {
        live.deleting = true;
        live.finalizers = vec!["example.com/hold".into()];
    });
    bench.see("ConfigMap shop/a").asks(&[]);
    assert!(
        bench
            .state("ConfigMap shop/a")
            .contains("held up by example.com/hold"),
        "{}",
        bench.state("ConfigMap shop/a")
    );
    bench
        .delete("ConfigMap shop/a")
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn a_missing_secret_blocks_its_object_alone_and_recovers() {
    let mut bench = Bench::new();
    bench
        .render("r1", &["Secret shop/s = ?", "ConfigMap shop/a"])
        .succeed("parent")
        .forget_asked();
    bench
        .listed(&["Secret", "ConfigMap"])
        .asks(&["apply ConfigMap shop/a"]);
    bench.succeed_all();
    assert_eq!(
        bench.status().failures.first().map(|f| f.code),
        Some("WL0616")
    );
    let rebound = |value: &str| Event::Rebound {
        id: id("Secret shop/s"),
        expected: Some(print(value)),
        blocked: None,
    };
    bench.send(rebound("1")).asks(&["apply Secret shop/s"]);
    bench.succeed_all();
    assert!(bench.status().ready);
    bench.send(rebound("1")).asks(&[]);
    bench.send(rebound("2")).asks(&["apply Secret shop/s"]);
    bench
        .fail("Secret shop/s", FailureClass::SecretMissing)
        .asks(&[]);
    bench.send(rebound("3")).asks(&["apply Secret shop/s"]);
}

#[test]
fn an_answer_to_nothing_is_ignored() {
    let mut bench = applying();
    let ticket = windlass_engine::Ticket(4711);
    bench
        .send(Event::Done {
            ticket,
            outcome: Outcome::Written,
        })
        .asks(&[]);
}

#[test]
fn an_answer_that_does_not_fit_is_asked_again() {
    let mut bench = applying();
    let Command::Apply { ticket, .. } = bench.take("ConfigMap shop/a") else {
        panic!("an apply")
    };
    bench
        .send(Event::Done {
            ticket,
            outcome: Outcome::Deleted,
        })
        .asks(&[]);
    bench
        .wait(std::time::Duration::from_secs(2))
        .asks(&["apply ConfigMap shop/a"]);
}
