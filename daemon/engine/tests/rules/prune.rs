//! Prune: what is deleted, what never is, when a person is asked.

use std::time::Duration;

use rstest::rstest;
use windlass_engine::health::Health;
use windlass_engine::{Event, FailureClass, Options, Phase};

use crate::bench::{Bench, id, kind, transient};

/// `a` to `c` are there, `a` is all that is wanted; the gate is closed.
fn with_extras() -> Bench {
    with_extras_and(Options::default())
}

fn with_extras_and(options: Options) -> Bench {
    let mut bench = Bench::starting(options, &["ConfigMap"]);
    bench
        .put("ConfigMap shop/a")
        .put("ConfigMap shop/b")
        .put("ConfigMap shop/c");
    bench
        .render("r1", &["ConfigMap shop/a"])
        .listed(&["ConfigMap"])
        .forget_asked();
    bench
}

#[test]
fn what_left_git_is_deleted_when_the_gate_opens() {
    let mut bench = with_extras();
    assert!(
        bench.status().ready,
        "other environments do not keep this one from being ready"
    );
    bench
        .send(Event::PruneGate(true))
        .asks(&["delete ConfigMap shop/b", "delete ConfigMap shop/c"]);
    assert_eq!(bench.status().phase, Phase::Pruning);
    bench.succeed_all().asks(&[]);
    assert_eq!(bench.status().pruned, 2);
    assert!(bench.status().ready);
}

#[rstest]
#[case::pruning_is_off(|b: &mut Bench| { b.options.prune = false; b.render("r1", &["ConfigMap shop/a"]); })]
#[case::held(|b: &mut Bench| { b.send(Event::Hold(Some("x".into()))); })]
#[case::render_failed(|b: &mut Bench| { b.send(Event::RenderFailed { revision: "r2".into(), code: "WL0501", message: "no".into() }); })]
#[case::a_new_revision(|b: &mut Bench| { b.send(Event::Hold(Some("x".into()))).send(Event::PruneGate(true)).render("r2", &["ConfigMap shop/a"]).send(Event::PruneGate(false)).send(Event::Hold(None)); })]
#[case::not_applied(|b: &mut Bench| { b.edit("ConfigMap shop/a", "x").fail("ConfigMap shop/a", FailureClass::Rejected); })]
#[case::not_all_listed(|b: &mut Bench| { b.put("Service shop/x").see("Service shop/x").fail("parent", transient()); })]
#[case::kept(|b: &mut Bench| { for n in ["ConfigMap shop/b", "ConfigMap shop/c"] { b.change(n, |l| l.keep = true).see(n); } })]
#[case::not_applied_by_us(|b: &mut Bench| { for n in ["ConfigMap shop/b", "ConfigMap shop/c"] { b.change(n, |l| l.owned = None).see(n); } })]
#[case::of_another_set(|b: &mut Bench| { for n in ["ConfigMap shop/b", "ConfigMap shop/c"] { b.change(n, |l| l.part_of = Some("other".into())).see(n); } })]
#[case::on_their_way_out(|b: &mut Bench| { for n in ["ConfigMap shop/b", "ConfigMap shop/c"] { b.change(n, |l| l.deleting = true).see(n); } })]
#[case::claimed_elsewhere(|b: &mut Bench| { b.claims.claim_all(&crate::bench::set("other"), [id("ConfigMap shop/b"), id("ConfigMap shop/c")]); })]
fn nothing_is_deleted_when(#[case] when: fn(&mut Bench)) {
    let mut bench = with_extras();
    when(&mut bench);
    bench.forget_asked();
    let revision_is_new = bench.status().attempted.as_deref() == Some("r2");
    if !revision_is_new {
        bench.send(Event::PruneGate(true));
    }
    bench.asks(&[]);
}

#[test]
fn some_kinds_are_never_deleted() {
    let mut bench = Bench::starting(Options::default(), &["Namespace"]);
    bench
        .put("Namespace old")
        .put("PersistentVolumeClaim shop/data");
    bench.put("CustomResourceDefinition.apiextensions.k8s.io widgets.example.com");
    bench.put("ConfigMap shop/a");
    bench.render("r1", &["ConfigMap shop/a"]).forget_asked();
    for name in bench
        .cluster
        .keys()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
    {
        bench.see(&name);
    }
    let kinds = [
        "Namespace",
        "PersistentVolumeClaim",
        "CustomResourceDefinition.apiextensions.k8s.io",
        "ConfigMap",
    ];
    bench
        .listed(&kinds)
        .succeed_all()
        .send(Event::PruneGate(true))
        .forget_asked();
    bench.send(Event::Tick).asks(&[]);
    assert!(
        bench.state("Namespace old").contains("never pruned"),
        "{}",
        bench.state("Namespace old")
    );
    assert!(
        bench.status().ready,
        "what is kept is no trouble: {:#?}",
        bench.status()
    );
    assert_eq!(bench.status().objects.extra, 3);
}

#[test]
fn an_empty_render_is_refused_until_confirmed() {
    let mut bench = with_extras();
    bench
        .render("r2", &[])
        .send(Event::PruneGate(true))
        .asks(&[]);
    let status = bench.status();
    assert_eq!((status.phase, status.ready), (Phase::PruneRefused, false));
    assert_eq!(status.stalled.map(|s| s.code), Some("WL0615"));
    let refusal = status.refusal.expect("it is refused");
    assert_eq!((refusal.count, refusal.of), (3, 3));
    bench
        .send(Event::Confirmed {
            digest: "another".into(),
        })
        .asks(&[]);
    bench.send(Event::Confirmed {
        digest: refusal.digest,
    });
    bench.asks(&[
        "delete ConfigMap shop/a",
        "delete ConfigMap shop/b",
        "delete ConfigMap shop/c",
    ]);
    bench
        .succeed_all()
        .wait(Duration::from_secs(120))
        .asks(&["parent  in "]);
    bench.succeed_all();
    assert!(bench.status().ready);
}

/// Members, how many of them are wanted, and whether the rest goes without asking.
#[rstest]
#[case(100, 90, true)]
#[case(100, 70, true)]
#[case(100, 69, false)]
#[case(12, 2, true)]
#[case(12, 1, false)]
#[case(1000, 989, true)]
fn a_large_prune_is_refused(#[case] members: usize, #[case] wanted: usize, #[case] goes: bool) {
    let names: Vec<String> = (0..members)
        .map(|n| format!("ConfigMap shop/a{n:04}"))
        .collect();
    let mut bench = Bench::starting(
        Options {
            max_in_flight: 4,
            ..Options::default()
        },
        &["ConfigMap"],
    );
    for name in &names {
        bench.put(name);
    }
    let wanted: Vec<&str> = names.iter().take(wanted).map(String::as_str).collect();
    bench
        .render("r1", &wanted)
        .listed(&["ConfigMap"])
        .send(Event::PruneGate(true));
    assert_eq!(
        bench.status().refusal.is_none(),
        goes,
        "{:#?}",
        bench.status().refusal
    );
    if let Some(refusal) = bench.status().refusal {
        bench.send(Event::Confirmed {
            digest: refusal.digest,
        });
    }
    // The rest of the plan is not asked about again, though ever more of it is done.
    bench.succeed_all();
    assert_eq!(bench.cluster.len(), wanted.len());
    assert!(bench.status().ready);
}

#[test]
fn a_confirmation_is_for_these_incarnations_only() {
    let mut bench = with_extras();
    bench.render("r2", &[]).send(Event::PruneGate(true));
    let digest = bench.status().refusal.unwrap().digest;
    bench
        .delete("ConfigMap shop/b")
        .put("ConfigMap shop/b")
        .see("ConfigMap shop/b");
    bench
        .send(Event::Confirmed {
            digest: digest.clone(),
        })
        .asks(&[]);
    assert_ne!(bench.status().refusal.unwrap().digest, digest);
}

#[test]
fn ranks_go_backwards() {
    let mut bench = Bench::starting(
        Options::default(),
        &["ConfigMap", "Deployment.apps", "Widget.example.com"],
    );
    for name in [
        "ConfigMap shop/keep",
        "ConfigMap shop/a",
        "Deployment.apps shop/web",
        "Widget.example.com shop/w",
    ] {
        bench.put(name);
    }
    bench.render("r1", &["ConfigMap shop/keep"]).forget_asked();
    bench.listed(&["ConfigMap", "Deployment.apps", "Widget.example.com"]);
    bench.change("Widget.example.com shop/w", |live| {
        live.finalizers = vec!["x".into()]
    });
    bench
        .see("Widget.example.com shop/w")
        .send(Event::PruneGate(true));
    bench.asks(&["delete Widget.example.com shop/w"]);
    bench
        .succeed("Widget.example.com shop/w")
        .asks(&["delete Deployment.apps shop/web"]);
    assert!(
        bench
            .state("Widget.example.com shop/w")
            .contains("held up by x")
    );
    bench
        .fail("Deployment.apps shop/web", FailureClass::Forbidden)
        .asks(&["delete ConfigMap shop/a"]);
    bench.succeed("ConfigMap shop/a").asks(&[]);
    assert_eq!(bench.status().phase, Phase::Failed);
    bench
        .wait(Duration::from_secs(31))
        .asks(&["delete Deployment.apps shop/web"]);
    bench
        .succeed("Deployment.apps shop/web")
        .wait(Duration::from_secs(90));
    bench.asks(&["parent ConfigMap,Widget.example.com in shop"]);
    bench.succeed_all();
    assert!(
        bench.status().ready,
        "a finalizer does not block: {:#?}",
        bench.status()
    );
    bench
        .delete("Widget.example.com shop/w")
        .asks(&["parent ConfigMap in shop"]);
}

#[test]
fn an_object_that_changed_meanwhile_is_looked_at_again() {
    let mut bench = with_extras();
    bench.send(Event::PruneGate(true)).forget_asked();
    bench
        .fail("ConfigMap shop/b", FailureClass::Stale)
        .asks(&[]);
    bench.change("ConfigMap shop/b", |live| {
        live.health.health = Health::Unknown
    });
    bench
        .see("ConfigMap shop/b")
        .asks(&["delete ConfigMap shop/b"]);
    bench
        .change("ConfigMap shop/c", |live| live.keep = true)
        .see("ConfigMap shop/c");
    bench
        .fail("ConfigMap shop/c", FailureClass::Stale)
        .asks(&[]);
    assert!(
        bench.state("ConfigMap shop/c").starts_with("Kept"),
        "{}",
        bench.state("ConfigMap shop/c")
    );
}

#[test]
fn a_deletion_is_not_asked_for_twice() {
    let mut bench = with_extras();
    bench.send(Event::PruneGate(true)).forget_asked();
    let command = bench.take("ConfigMap shop/b");
    let (ticket, outcome) = bench.execute(&command);
    bench
        .send(Event::Done { ticket, outcome })
        .wait(Duration::from_secs(60))
        .asks(&[]);
    bench
        .render("r2", &["ConfigMap shop/a"])
        .send(Event::PruneGate(true))
        .asks(&[]);
}

#[test]
fn an_object_that_is_wanted_again_is_applied_when_it_is_gone() {
    let mut bench = with_extras();
    bench.send(Event::PruneGate(true)).forget_asked();
    bench
        .render("r2", &["ConfigMap shop/a", "ConfigMap shop/b"])
        .asks(&[]);
    bench
        .succeed("ConfigMap shop/b")
        .asks(&["apply ConfigMap shop/b"]);
}

#[test]
fn an_apply_that_nobody_wants_any_more_leaves_no_orphan() {
    let mut bench = Bench::new();
    bench
        .deploy("r1", &["ConfigMap shop/a"])
        .render("r2", &["ConfigMap shop/a", "Service shop/s"]);
    bench
        .send(Event::PruneGate(true))
        .listed(&["Service"])
        .succeed("parent")
        .forget_asked();
    let command = bench.take("Service shop/s");
    bench.open.push(command.clone());
    bench
        .render("r3", &["ConfigMap shop/a"])
        .send(Event::PruneGate(true));
    bench.fail("Service shop/s", transient()).asks(&[]);
    // The answer was lost, the request was not: the watch tells of it late.
    bench.execute(&command);
    bench.wait(Duration::from_secs(30)).asks(&[]);
    bench.see("Service shop/s").asks(&["delete Service shop/s"]);
    bench
        .succeed_all()
        .wait(Duration::from_secs(120))
        .asks(&["parent ConfigMap in shop"]);
}

#[test]
fn an_orphan_of_a_kind_outside_the_inventory_is_found() {
    let mut bench = Bench::new();
    bench.deploy("r1", &["ConfigMap shop/a"]).forget_asked();
    bench.put("Service shop/s").see("Service shop/s");
    bench.asks(&["watch Service", "parent ConfigMap,Service in shop"]);
    bench
        .succeed("parent")
        .send(Event::Listed(kind("Service")))
        .asks(&["delete Service shop/s"]);
}
