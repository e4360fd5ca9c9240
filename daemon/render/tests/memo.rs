//! What is rendered again, and what is not.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::tree::MemoryTree;
use common::{config_map, pipeline, renderer, with_memo};
use serde_json::json;
use windlass_render::{Memo, Pipeline, Rendered};

fn tree() -> MemoryTree {
    let mut tree = MemoryTree::new()
        .file("base/a.yaml", config_map("a", "1"))
        .file("prod/environment.yaml", "")
        .file("test/b.yaml", config_map("b", "1"))
        .link("prod/linked.yaml", "shared/l.yaml")
        .file("shared/l.yaml", config_map("l", "1"));
    for number in 0..200 {
        let name = format!("c{number}");
        tree = tree.file(&format!("prod/many/{name}.yaml"), config_map(&name, "1"));
    }
    tree
}

fn prod() -> Pipeline {
    let patch =
        json!({"patches": [{"target": {"name": "a"}, "patch": {"data": {"patched": "x"}}}]});
    pipeline(
        "prod",
        &[
            ("manifests", json!({"paths": [".", "../base"]})),
            ("patch", patch),
            ("require", json!({})),
        ],
    )
}

fn remembered(rendered: &Rendered) -> Vec<bool> {
    rendered.steps.iter().map(|step| step.remembered).collect()
}

#[test]
fn an_unchanged_environment_costs_a_few_look_ups() {
    let renderer = with_memo();
    let before = tree();
    let first = renderer.render(&before, &prod()).unwrap();
    assert!(!first.remembered, "the first one runs");

    let elsewhere = tree()
        .file("test/b.yaml", config_map("b", "2"))
        .file("new/x.yaml", "");
    elsewhere.take_asked();
    let second = renderer.render(&elsewhere, &prod()).unwrap();
    assert!(second.remembered, "nothing that was read has changed");
    assert_eq!(second.digest, first.digest);
    assert_eq!(second.objects, first.objects);
    let asked = elsewhere.take_asked();
    assert!(asked <= 8, "{asked} questions for two hundred files");
    assert_eq!(elsewhere.take_contents(), 0, "no file was read");
    let known = renderer
        .known_digest(&elsewhere, &prod(), &|_| None)
        .unwrap();
    assert_eq!(known, Some(first.digest));
}

#[test]
fn a_change_runs_what_depends_on_it() {
    let renderer = with_memo();
    let first = renderer.render(&tree(), &prod()).unwrap();

    let changed = tree().file("base/a.yaml", config_map("a", "2"));
    assert_eq!(
        renderer.known_digest(&changed, &prod(), &|_| None).unwrap(),
        None
    );
    let second = renderer.render(&changed, &prod()).unwrap();
    assert_eq!(remembered(&second), [false, false, false]);
    assert_ne!(second.digest, first.digest);

    let back = renderer.render(&tree(), &prod()).unwrap();
    assert!(back.remembered, "an earlier state is remembered too");
    assert_eq!(back.digest, first.digest);
}

#[test]
fn a_change_that_changes_no_object_ends_where_it_is_noticed() {
    let renderer = with_memo();
    let first = renderer.render(&tree(), &prod()).unwrap();
    let comment = tree().file("base/a.yaml", format!("# why\n{}", config_map("a", "1")));
    let second = renderer.render(&comment, &prod()).unwrap();
    assert_eq!(remembered(&second), [false, true, true]);
    assert_eq!(second.digest, first.digest);
}

#[test]
fn what_a_link_leads_to_counts() {
    let renderer = with_memo();
    let first = renderer.render(&tree(), &prod()).unwrap();
    let changed = tree().file("shared/l.yaml", config_map("l", "2"));
    let second = renderer.render(&changed, &prod()).unwrap();
    assert_ne!(
        second.digest, first.digest,
        "the file behind the link is another one"
    );
}

#[test]
fn a_new_file_and_a_removed_one_count() {
    let renderer = with_memo();
    let first = renderer.render(&tree(), &prod()).unwrap();
    let added = tree().file("prod/many/new.yaml", config_map("new", "1"));
    assert_eq!(
        renderer.render(&added, &prod()).unwrap().objects.len(),
        first.objects.len() + 1
    );
    let removed = tree().without("prod/many/c1.yaml");
    assert_eq!(
        renderer.render(&removed, &prod()).unwrap().objects.len(),
        first.objects.len() - 1
    );
}

#[test]
fn configuration_variables_namespace_and_plugin_count() {
    let renderer = with_memo();
    let tree = tree().file("p.wasm", windlass_plugins::get("patch").unwrap());
    renderer.render(&tree, &prod()).unwrap();
    let ran = |change: &dyn Fn(&mut Pipeline)| {
        let mut pipeline = prod();
        change(&mut pipeline);
        remembered(&renderer.render(&tree, &pipeline).unwrap())
    };
    assert_eq!(ran(&|_| {}), [true, true, true]);
    assert_eq!(
        ran(&|it| it.steps[2].config = json!({"minimumReplicas": 5})),
        [true, true, false]
    );
    let variables = ran(&|it| {
        it.variables.insert("X".to_owned(), json!(1));
    });
    assert_eq!(
        variables,
        [false, false, true],
        "`require` knows of no variables"
    );
    assert_eq!(
        ran(&|it| it.namespace = Some("x".to_owned())),
        [true, true, true]
    );
    let same_bytes =
        ran(&|it| it.steps[1].plugin = windlass_render::PluginRef::Path("/p.wasm".into()));
    assert_eq!(
        same_bytes,
        [true, true, true],
        "a plugin is what it is made of"
    );
}

#[test]
fn a_folder_remembers_for_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let first = renderer(Memo::with_folder(folder.path(), 8 << 20))
        .render(&tree(), &prod())
        .unwrap();
    let next = renderer(Memo::with_folder(folder.path(), 8 << 20));
    let second = next.render(&tree(), &prod()).unwrap();
    assert_eq!(remembered(&second), [true, true, true]);
    assert!(second.remembered);
    assert_eq!(second.digest, first.digest);
    assert_eq!(second.findings, first.findings);
}

#[test]
fn without_a_memo_everything_runs() {
    let renderer = renderer(Memo::none());
    for _ in 0..2 {
        assert_eq!(
            remembered(&renderer.render(&tree(), &prod()).unwrap()),
            [false, false, false]
        );
    }
}

#[test]
fn nothing_secret_is_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let tree = MemoryTree::new().file("e/a.yaml", config_map("a", "${secret:vault/db/password}"));
    let pipeline = pipeline("e", &[("manifests", json!({})), ("secrets", json!({}))]);
    let rendered = renderer(Memo::with_folder(folder.path(), 8 << 20))
        .render(&tree, &pipeline)
        .unwrap();
    let value = &rendered.objects[0].object.json()["data"]["key"];
    assert_eq!(
        value, "windlass~vault~db~password~end",
        "a reference is all there is"
    );
}
