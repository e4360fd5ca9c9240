//! Pipelines of the real plugins over a tree in memory.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::tree::MemoryTree;
use common::{config_map, deployment, ids, pipeline, renderer, without_memo};
use rstest::rstest;
use serde_json::{Value, json};
use windlass_plugin_host::Severity;
use windlass_render::{LimitOverrides, Memo, Pipeline, RenderError};

fn shop() -> MemoryTree {
    MemoryTree::new()
        .file(
            "base/server.yaml",
            deployment("server") + "---\n" + &config_map("settings", "base"),
        )
        .file("prod/environment.yaml", "kind: Environment")
        .file(
            "prod/overlay/settings.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata:\n  host: ${HOST}\n",
        )
        .file(
            "prod/namespace.yaml",
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
        )
}

fn shop_pipeline() -> Pipeline {
    let steps = [
        (
            "overlay",
            json!({"base": "../base", "with": "overlay", "add": "namespace.yaml"}),
        ),
        (
            "patch",
            json!({"patches": [{"target": {"kind": "Deployment"},
                "patch": {"spec": {"replicas": "${REPLICAS}"}}}]}),
        ),
        (
            "secrets",
            json!({"secrets": [{"name": "db", "stringData": {"k": "${secret:vault/db/k}"}}]}),
        ),
        (
            "require",
            json!({"rules": {"probes": "info", "run-as-non-root": "off"}}),
        ),
    ];
    let mut pipeline = pipeline("prod", &steps);
    pipeline.namespace = Some("shop".to_owned());
    pipeline.variables = [("HOST", json!("shop.example")), ("REPLICAS", json!(3))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    pipeline
}

#[test]
fn a_pipeline_of_all_plugins_gives_objects_findings_and_origins() {
    let rendered = without_memo().render(&shop(), &shop_pipeline()).unwrap();
    assert_eq!(
        ids(&rendered),
        [
            "Deployment.apps shop/server",
            "ConfigMap shop/settings",
            "Namespace shop",
            "Secret shop/db"
        ]
    );
    let origins: Vec<String> = rendered
        .objects
        .iter()
        .map(|it| it.origin.to_string())
        .collect();
    assert_eq!(
        origins,
        [
            "base/server.yaml",
            "base/server.yaml (document 2)",
            "prod/namespace.yaml",
            "step 3 (secrets)"
        ]
    );
    let json: Vec<&Value> = rendered.objects.iter().map(|it| it.object.json()).collect();
    assert_eq!(json[0]["spec"]["replicas"], 3);
    assert_eq!(
        json[0]["spec"]["template"]["spec"]["containers"][0]["env"][0]["value"],
        "postgres://u:windlass~vault~server~password~end@db"
    );
    assert_eq!(
        json[1]["data"],
        json!({"host": "shop.example", "key": "base"})
    );
    assert!(
        json.iter()
            .all(|it| it["metadata"].get("annotations").is_none()),
        "no origin is left"
    );

    let found = rendered
        .findings
        .iter()
        .find(|it| it.finding.severity == Severity::Warning);
    let found = found.unwrap();
    assert_eq!(found.step, 4);
    assert_eq!(found.plugin, "require");
    assert_eq!(
        found.object.as_ref().unwrap().to_string(),
        "Deployment.apps server"
    );
    assert_eq!(
        found.origin.as_ref().unwrap().to_string(),
        "base/server.yaml"
    );
    assert!(
        !rendered.blocked(),
        "no finding is an error: {:?}",
        rendered.findings
    );

    let steps: Vec<_> = rendered
        .steps
        .iter()
        .map(|it| (it.plugin.as_str(), it.objects_out))
        .collect();
    assert_eq!(
        steps,
        [("overlay", 3), ("patch", 3), ("secrets", 4), ("require", 4)]
    );
    assert_eq!(rendered.steps[0].files_read, 3);
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let one = without_memo().render(&shop(), &shop_pipeline()).unwrap();
    let two = without_memo().render(&shop(), &shop_pipeline()).unwrap();
    assert_eq!(one.digest, two.digest);
    assert_eq!(one.objects, two.objects);
    let mut other = shop_pipeline();
    other.namespace = Some("other".to_owned());
    assert_ne!(
        without_memo().render(&shop(), &other).unwrap().digest,
        one.digest
    );
}

#[test]
fn an_error_of_a_validator_blocks() {
    let tree = shop().file(
        "prod/overlay/settings.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: server}\nspec: {template: {spec: \
         {containers: [{name: server, image: 'server:latest'}]}}}",
    );
    let rendered = without_memo().render(&tree, &shop_pipeline()).unwrap();
    assert!(rendered.blocked());
}

#[test]
fn no_steps_give_no_objects() {
    let rendered = without_memo()
        .render(&shop(), &pipeline("prod", &[]))
        .unwrap();
    assert!(rendered.objects.is_empty());
}

#[test]
fn a_custom_kind_is_namespaced_unless_somebody_knows_better() {
    let tree = MemoryTree::new().file(
        "env/a.yaml",
        "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n",
    );
    let mut pipeline = pipeline("env", &[("manifests", json!({}))]);
    pipeline.namespace = Some("shop".to_owned());
    let renderer = common::with_memo();
    let unknown = renderer.render(&tree, &pipeline).unwrap();
    assert_eq!(ids(&unknown), ["Thing.example.com shop/a"]);
    let known = renderer
        .render_with_scope(&tree, &pipeline, &|_| Some(false))
        .unwrap();
    assert_eq!(
        ids(&known),
        ["Thing.example.com a"],
        "what was remembered does not hold any more"
    );
}

#[test]
fn a_plugin_of_the_repository_runs_as_a_built_in_one() {
    let wasm = windlass_plugins::get("manifests").unwrap();
    let tree = shop().file("plugins/mine.wasm", wasm);
    let config = json!({"paths": "namespace.yaml"});
    for path in ["/plugins/mine.wasm", "../plugins/mine.wasm"] {
        let rendered = without_memo()
            .render(&tree, &pipeline("prod", &[(path, config.clone())]))
            .unwrap();
        assert_eq!(ids(&rendered), ["Namespace shop"]);
    }
}

fn failure(tree: &MemoryTree, pipeline: &Pipeline) -> RenderError {
    without_memo().render(tree, pipeline).unwrap_err()
}

#[rstest]
#[case::unknown(&[("manifest", json!({}))], "WL0501",
    "prod, step 1 (manifest): there is no built-in plugin of this name (did you mean `manifests`?)")]
#[case::no_file(&[("mine.wasm", json!({}))], "WL0502",
    "prod, step 1 (mine.wasm): the plugin's file cannot be read: prod/mine.wasm is not in the tree")]
#[case::outside(&[("../../mine.wasm", json!({}))], "WL0502",
    "prod, step 1 (../../mine.wasm): the plugin's file cannot be read: ../../mine.wasm: this leads \
     out of what the environment may read")]
#[case::no_wasm(&[("/no.wasm", json!({}))], "WL0401", "prod, step 1 (/no.wasm): plugin `/no.wasm` ")]
#[case::config(&[("manifests", json!([]))], "WL0504",
    "prod, step 1 (manifests): `config` is a list, not a mapping")]
#[case::plugin_says_no(&[("manifests", json!({"path": "."}))], "WL0410",
    "prod, step 1 (manifests): plugin `manifests` 0.1.0 failed: the configuration is wrong: unknown \
     field `path`")]
#[case::second_step(&[("manifests", json!({})), ("patch", json!({"patches": [{"patch": 1}]}))],
    "WL0433", "prod, step 2 (patch): `config.patches[0].patch` is a number, not a mapping or a list \
     or a text")]
#[case::twice(&[("manifests", json!({"paths": "namespace.yaml"})),
    ("manifests", json!({"paths": ["../prod/namespace.yaml"]}))], "WL0507",
    "prod: Namespace shop is there twice: from prod/namespace.yaml and from prod/namespace.yaml")]
#[case::no_object(&[("manifests", json!({"paths": "namespace.yaml"})),
    ("patch", json!({"patches": [{"target": {}, "patch": [{"op": "remove", "path": "/kind"}]}]}))],
    "WL0506", "prod, step 2 (patch): object 1 of 1 that the plugin gave is none: ")]
fn an_error_names_environment_step_and_plugin(
    #[case] steps: &[(&str, Value)],
    #[case] code: &str,
    #[case] expected: &str,
) {
    let tree = shop().file("no.wasm", "text");
    let error = failure(&tree, &pipeline("prod", steps));
    assert!(error.to_string().starts_with(expected), "{error}");
    assert_eq!(error.code(), code);
}

#[test]
fn a_failure_about_an_object_names_it_and_its_file() {
    let patch = json!({"patches": [{"target": {"kind": "Namespace"},
        "patch": [{"op": "remove", "path": "/spec/x"}]}]});
    let steps = [
        ("manifests", json!({"paths": "namespace.yaml"})),
        ("patch", patch),
    ];
    let error = failure(&shop(), &pipeline("prod", &steps)).to_string();
    assert!(
        error.ends_with("(about Namespace shop from prod/namespace.yaml)"),
        "{error}"
    );
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let error = failure(&shop(), &pipeline("staging", &[("manifests", json!({}))]));
    assert_eq!(error.code(), "WL0508");
    assert!(
        error
            .to_string()
            .starts_with("staging: the environment's folder cannot be read")
    );
}

#[test]
fn limits_of_a_step_are_its_own() {
    let mut pipeline = pipeline("prod", &[("manifests", json!({"paths": "/base"}))]);
    pipeline.steps[0].limits.objects = Some(1);
    assert_eq!(failure(&shop(), &pipeline).code(), "WL0416");
    pipeline.steps[0].limits = LimitOverrides {
        memory_bytes: Some(u64::MAX),
        ..LimitOverrides::default()
    };
    let error = failure(&shop(), &pipeline);
    assert_eq!(error.code(), "WL0505");
    assert!(
        error.to_string().contains("`limits.memory` asks for"),
        "{error}"
    );
}

#[test]
fn many_environments_are_rendered_at_once() {
    let mut tree = MemoryTree::new();
    for number in 0..40 {
        let name = format!("e{number}");
        tree = tree.file(&format!("{name}/a.yaml"), config_map(&name, "x"));
    }
    let renderer = renderer(Memo::in_memory(1 << 20));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (renderer, tree) = (&renderer, &tree);
            scope.spawn(move || {
                for number in 0..40 {
                    let name = format!("e{}", (number + thread * 7) % 40);
                    let pipeline = pipeline(&name, &[("manifests", json!({}))]);
                    let rendered = renderer.render(tree, &pipeline).unwrap();
                    assert_eq!(ids(&rendered), [format!("ConfigMap {name}")]);
                }
            });
        }
    });
}
