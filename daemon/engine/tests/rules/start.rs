//! The start, the inventory and the order.

use windlass_engine::{Event, Failure, FailureClass, Options, Phase};

use crate::bench::{Bench, desired, kind, set, transient};

#[test]
fn a_first_sync_lists_then_names_the_kinds_then_applies() {
    let mut bench = Bench::new();
    bench.render("r1", &["ConfigMap shop/a", "Secret shop/b"]);
    bench.asks(&["watch ConfigMap,Secret", "parent ConfigMap,Secret in shop"]);
    assert_eq!(bench.status().phase, Phase::Pending);
    bench.succeed("parent").asks(&[]);
    bench
        .listed(&["ConfigMap"])
        .asks(&["apply ConfigMap shop/a"]);
    bench.listed(&["Secret"]).asks(&["apply Secret shop/b"]);
    bench.succeed_all().asks(&[]);
    let status = bench.status();
    assert_eq!(
        (status.phase, status.ready),
        (Phase::Ready, true),
        "{status:#?}"
    );
    assert_eq!(status.applied.as_deref(), Some("r1"));
    assert_eq!(status.message, "2 objects in sync");
}

#[test]
fn a_start_watches_the_kinds_of_the_inventory_too() {
    let mut bench = Bench::starting(Options::default(), &["Service"]);
    bench.send(Event::Tick).asks(&["watch Service"]);
    bench.render("r1", &["ConfigMap shop/a"]);
    bench.asks(&["watch ConfigMap", "parent ConfigMap,Service in shop"]);
}

#[test]
fn nothing_is_applied_before_the_parent_names_the_kind() {
    let mut bench = Bench::new();
    bench
        .render("r1", &["ConfigMap shop/a"])
        .listed(&["ConfigMap"]);
    bench.asks(&["watch ConfigMap", "parent ConfigMap in shop"]);
    bench.fail("parent", transient()).asks(&[]);
    let failure = bench
        .status()
        .failures
        .first()
        .cloned()
        .expect("the parent's failure is told");
    assert_eq!((failure.id, failure.code), (None, "WL0799"));
    bench
        .wait(std::time::Duration::from_secs(2))
        .asks(&["parent ConfigMap in shop"]);
    bench.succeed("parent").asks(&["apply ConfigMap shop/a"]);
    assert!(bench.status().failures.is_empty(), "the failure is over");
}

#[test]
fn nothing_is_asked_where_everything_is_as_wanted() {
    let mut bench = Bench::starting(Options::default(), &["ConfigMap"]);
    bench.put("ConfigMap shop/a").put("ConfigMap shop/b");
    bench.render("r1", &["ConfigMap shop/a", "ConfigMap shop/b"]);
    bench.asks(&["watch ConfigMap"]);
    bench
        .listed(&["ConfigMap"])
        .send(Event::PruneGate(true))
        .asks(&[]);
    assert!(bench.status().ready);
    bench
        .render("r2", &["ConfigMap shop/a", "ConfigMap shop/b"])
        .send(Event::PruneGate(true));
    bench.asks(&[]);
    assert_eq!(
        bench.status().applied.as_deref(),
        Some("r2"),
        "a revision that changes nothing is applied"
    );
}

#[test]
fn only_what_changed_is_sent() {
    let mut bench = Bench::new();
    bench
        .deploy("r1", &["ConfigMap shop/a", "ConfigMap shop/b"])
        .forget_asked();
    bench.render("r2", &["ConfigMap shop/a", "ConfigMap shop/b = 2"]);
    bench.asks(&["apply ConfigMap shop/b"]);
}

#[test]
fn ranks_go_one_after_the_other() {
    let mut bench = Bench::new();
    let objects = [
        "Deployment.apps shop/web",
        "ConfigMap shop/a",
        "ConfigMap shop/b",
        "Namespace shop",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io guard",
    ];
    bench
        .render("r1", &objects)
        .succeed("parent")
        .forget_asked();
    bench.listed(&["ConfigMap", "Deployment.apps"]).asks(&[]);
    bench
        .listed(&["ValidatingWebhookConfiguration.admissionregistration.k8s.io"])
        .asks(&[]);
    bench.listed(&["Namespace"]).asks(&["apply Namespace shop"]);
    bench
        .succeed("Namespace shop")
        .asks(&["apply ConfigMap shop/a", "apply ConfigMap shop/b"]);
    bench.succeed("ConfigMap shop/a").asks(&[]);
    bench
        .fail("ConfigMap shop/b", FailureClass::Rejected)
        .asks(&["apply Deployment.apps shop/web"]);
    bench.succeed("Deployment.apps shop/web");
    bench.asks(&["apply ValidatingWebhookConfiguration.admissionregistration.k8s.io guard"]);
}

#[test]
fn no_more_requests_are_on_their_way_than_allowed() {
    let mut bench = Bench::with(Options {
        max_in_flight: 2,
        ..Options::default()
    });
    bench.render(
        "r1",
        &["ConfigMap shop/a", "ConfigMap shop/b", "ConfigMap shop/c"],
    );
    bench.succeed("parent").forget_asked();
    bench
        .listed(&["ConfigMap"])
        .asks(&["apply ConfigMap shop/a", "apply ConfigMap shop/b"]);
    bench
        .succeed("ConfigMap shop/b")
        .asks(&["apply ConfigMap shop/c"]);
}

#[test]
fn a_custom_object_waits_for_its_kind_and_the_rest_goes_on() {
    let mut bench = Bench::new();
    let crd = "CustomResourceDefinition.apiextensions.k8s.io widgets.example.com";
    bench.render(
        "r1",
        &[crd, "Widget.example.com shop/w", "ConfigMap shop/a"],
    );
    bench.succeed("parent").forget_asked();
    bench.send(Event::KindMissing(kind("Widget.example.com")));
    bench.listed(&["ConfigMap", "CustomResourceDefinition.apiextensions.k8s.io"]);
    bench.asks(&[&format!("apply {crd}")]);
    bench.succeed(crd).asks(&["apply ConfigMap shop/a"]);
    bench.succeed("ConfigMap shop/a").asks(&[]);
    let status = bench.status();
    assert_eq!((status.phase, status.ready), (Phase::Waiting, false));
    assert!(
        status
            .message
            .contains("Widget.example.com shop/w waits for its kind"),
        "{}",
        status.message
    );
    bench
        .send(Event::KindServed(kind("Widget.example.com")))
        .asks(&["watch Widget.example.com"]);
    bench
        .listed(&["Widget.example.com"])
        .asks(&["apply Widget.example.com shop/w"]);
    bench.succeed_all();
    assert!(bench.status().ready);
}

#[test]
fn a_kind_that_cannot_be_watched_fails_alone() {
    let mut bench = Bench::new();
    bench.render(
        "r1",
        &[
            "ConfigMap shop/a",
            "Widget.example.com shop/w",
            "Service shop/s",
        ],
    );
    bench.succeed("parent").forget_asked();
    bench
        .listed(&["Service", "ConfigMap"])
        .succeed_all()
        .forget_asked();
    let failure = Failure {
        class: FailureClass::Forbidden,
        code: "WL0701",
        message: "widgets may not be listed".into(),
    };
    bench
        .send(Event::KindUnwatched {
            kind: kind("Widget.example.com"),
            failure,
        })
        .asks(&[]);
    let status = bench.status();
    assert_eq!(status.phase, Phase::Failed);
    assert_eq!(status.objects.applied, 2, "the others are applied");
    assert_eq!(status.failures.first().map(|f| f.code), Some("WL0701"));
    bench
        .listed(&["Widget.example.com"])
        .asks(&["apply Widget.example.com shop/w"]);
    bench.succeed_all();
    assert!(bench.status().ready, "{:#?}", bench.status());
}

#[test]
fn a_new_render_replaces_what_has_not_been_sent() {
    let mut bench = Bench::with(Options {
        max_in_flight: 1,
        ..Options::default()
    });
    bench
        .render("r1", &["ConfigMap shop/a", "ConfigMap shop/b"])
        .succeed("parent");
    bench.listed(&["ConfigMap"]).forget_asked();
    bench
        .render(
            "r2",
            &[
                "ConfigMap shop/a",
                "ConfigMap shop/b = 2",
                "ConfigMap shop/c",
            ],
        )
        .asks(&[]);
    bench
        .succeed("ConfigMap shop/a")
        .asks(&["apply ConfigMap shop/b"]);
    bench
        .succeed("ConfigMap shop/b")
        .asks(&["apply ConfigMap shop/c"]);
    assert_eq!(
        bench
            .cluster
            .get(&crate::bench::id("ConfigMap shop/b"))
            .unwrap()
            .owned,
        desired("ConfigMap shop/b = 2", &set("main")).expected
    );
}

#[test]
fn nothing_is_sent_while_held() {
    let mut bench = Bench::new();
    bench.send(Event::Hold(Some("waits for environment base".into())));
    bench
        .render("r1", &["ConfigMap shop/a"])
        .listed(&["ConfigMap"])
        .asks(&["watch ConfigMap"]);
    let status = bench.status();
    assert_eq!(
        (status.phase, status.message.as_str()),
        (Phase::Held, "waits for environment base")
    );
    bench
        .send(Event::Hold(None))
        .asks(&["parent ConfigMap in shop"]);
    bench.succeed("parent").asks(&["apply ConfigMap shop/a"]);
    bench.succeed_all();
    bench
        .send(Event::Hold(Some("suspended".into())))
        .edit("ConfigMap shop/a", "x")
        .asks(&[]);
    bench
        .send(Event::Hold(None))
        .asks(&["apply ConfigMap shop/a"]);
}

#[test]
fn a_failed_render_leaves_the_last_one_in_force() {
    let mut bench = Bench::new();
    bench.deploy("r1", &["ConfigMap shop/a"]).forget_asked();
    bench.send(Event::RenderFailed {
        revision: "r2".into(),
        code: "WL0501",
        message: "no".into(),
    });
    let status = bench.status();
    assert_eq!((status.phase, status.ready), (Phase::RenderFailed, false));
    assert_eq!(status.attempted.as_deref(), Some("r2"));
    assert_eq!(status.applied.as_deref(), Some("r1"));
    bench
        .edit("ConfigMap shop/a", "x")
        .asks(&["apply ConfigMap shop/a"]);
    bench.succeed_all().render("r2", &["ConfigMap shop/a"]);
    assert!(bench.status().ready, "rendered after all");
}

#[test]
fn the_inventory_is_narrowed_when_nothing_is_left() {
    let mut bench = Bench::starting(
        Options::default(),
        &["ConfigMap", "Service", "Gone.example.com"],
    );
    bench.put("ConfigMap shop/a").put("Service shop/s");
    bench
        .render("r1", &["ConfigMap shop/a"])
        .send(Event::PruneGate(true))
        .forget_asked();
    bench.send(Event::KindMissing(kind("Gone.example.com")));
    bench
        .listed(&["ConfigMap", "Service"])
        .asks(&["delete Service shop/s"]);
    bench.succeed("Service shop/s").asks(&[]);
    // What a process before this one has sent may still be carried out for a while.
    bench.wait(std::time::Duration::from_secs(120));
    bench.asks(&["parent ConfigMap,Gone.example.com in shop"]);
    bench.succeed("parent").asks(&[]);
    bench
        .send(Event::KindServed(kind("Gone.example.com")))
        .asks(&["watch Gone.example.com"]);
    bench
        .listed(&["Gone.example.com"])
        .asks(&["parent ConfigMap in shop"]);
    bench.fail("parent", transient()).forget_asked();
    bench
        .render("r2", &["ConfigMap shop/a", "Gone.example.com shop/g"])
        .send(Event::PruneGate(true));
    bench.wait(std::time::Duration::from_secs(2));
    bench.asks(&["parent ConfigMap,Gone.example.com in shop"]);
    bench
        .succeed("parent")
        .asks(&["apply Gone.example.com shop/g"]);
}
