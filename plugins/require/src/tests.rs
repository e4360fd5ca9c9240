#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::json;
use windlass_plugin_sdk::parse_config;
use windlass_plugin_sdk::testing::MemoryHost;

/// A pod specification that breaks no rule.
fn good() -> Json {
    json!({
        "securityContext": {"runAsNonRoot": true},
        "initContainers": [{"name": "init", "image": "init:1",
            "resources": {"limits": {"memory": "1Mi"}, "requests": {"cpu": 1, "memory": "1Mi"}}}],
        "containers": [{"name": "app", "image": "app:1", "readinessProbe": {}, "livenessProbe": {},
            "resources": {"limits": {"memory": "1Mi"}, "requests": {"cpu": 1, "memory": "1Mi"}}}],
    })
}

fn deployment(spec: Json) -> Json {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"template": {"spec": spec}}})
}

fn with(change: impl FnOnce(&mut Json)) -> Json {
    let mut spec = good();
    change(&mut spec);
    deployment(spec)
}

fn check(objects: &[Json], config: Json) -> Result<Vec<String>, Failure> {
    let config = parse_config(&config.to_string())?;
    let findings = Require::validate(objects, config, &mut MemoryHost::new())?;
    Ok(findings
        .iter()
        .map(|it| format!("{:?}: {}", it.severity(), it.message()))
        .collect())
}

#[rstest]
#[case::nothing(deployment(good()), &[])]
#[case::limits(with(|spec| spec["containers"][0]["resources"]["limits"] = json!({"cpu": 1})),
    &["Warning: container `app` has no memory limit"])]
#[case::requests(with(|spec| spec["initContainers"][0]["resources"]["requests"] = Json::Null),
    &["Warning: container `init` has no cpu and memory request"])]
#[case::requests_of_the_pod(with(|spec| {
    spec["containers"][0]["resources"]["requests"] = Json::Null;
    spec["resources"] = json!({"requests": {"cpu": 1, "memory": "1Mi"}});
}), &[])]
#[case::probes(with(|spec| spec["containers"][0]["readinessProbe"] = Json::Null),
    &["Warning: container `app` has no readinessProbe"])]
#[case::no_tag(with(|spec| spec["containers"][0]["image"] = json!("app")),
    &["Error: image `app` of container `app` has no tag"])]
#[case::latest(with(|spec| spec["initContainers"][0]["image"] = json!("app:latest")),
    &["Error: image `app:latest` of container `init` is not a fixed one"])]
#[case::privileged(with(|spec| spec["containers"][0]["securityContext"] = json!({"privileged": true})),
    &["Error: container `app` is privileged"])]
#[case::root(with(|spec| spec["containers"][0]["securityContext"] = json!({"runAsUser": 0})),
    &["Warning: container `app` may run as root"])]
#[case::other_user(with(|spec| {
    spec["securityContext"] = json!({"runAsUser": 1000});
}), &[])]
#[case::host_network(with(|spec| spec["hostNetwork"] = json!(true)),
    &["Warning: the pod shares the network namespace of its node"])]
#[case::plain_secret(
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
        "data": {"a": "cGxhaW4="}, "stringData": {"b": "plain", "empty": ""}}),
    &["Error: the Secret holds a plain value", "Error: the Secret holds a plain value"])]
#[case::secret_references(
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
        "data": {"a": STANDARD.encode("x=windlass~vault~db~key~end")},
        "stringData": {"b": "windlass~vault~db~key~end", "c": "${secret:a/b/c}"}}),
    &[])]
fn a_broken_rule_is_found(#[case] object: Json, #[case] expected: &[&str]) {
    assert_eq!(check(&[object], json!({})).unwrap(), expected);
}

#[rstest]
#[case::pod("v1", "Pod", "/spec")]
#[case::job("batch/v1", "Job", "/spec/template/spec")]
#[case::cron_job("batch/v1", "CronJob", "/spec/jobTemplate/spec/template/spec")]
#[case::daemon_set("apps/v1", "DaemonSet", "/spec/template/spec")]
#[case::stateful_set("apps/v1", "StatefulSet", "/spec/template/spec")]
#[case::replica_set("apps/v1", "ReplicaSet", "/spec/template/spec")]
fn every_workload_is_looked_into(#[case] version: &str, #[case] kind: &str, #[case] at: &str) {
    let mut spec = good();
    spec["containers"][0]["image"] = json!("app");
    let nested = at
        .split('/')
        .skip(1)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .fold(spec, |inner, key| json!({key: inner}));
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a"}});
    object["spec"] = nested["spec"].clone();
    let found = check(&[object], json!({})).unwrap();
    assert_eq!(found, ["Error: image `app` of container `app` has no tag"]);
}

#[test]
fn a_finding_has_object_field_rule_and_hint() {
    let objects = [
        json!({}),
        with(|spec| spec["containers"][0]["image"] = json!("app")),
    ];
    let config = parse_config("{}").unwrap();
    let findings = Require::validate(&objects, config, &mut MemoryHost::new()).unwrap();
    let expected = Finding::error("image `app` of container `app` has no tag")
        .object(1)
        .field("spec.template.spec.containers[0].image")
        .hint("name a version, or better a digest: what runs would change without a commit")
        .rule("no-latest-tag");
    assert_eq!(findings, [expected]);
}

#[rstest]
#[case::off(json!({"rules": {"no-latest-tag": "off"}}), &[])]
#[case::off_as_yaml_reads_it(json!({"rules": {"no-latest-tag": false}}), &[])]
#[case::info(json!({"rules": {"no-latest-tag": "info"}}),
    &["Info: image `app` of container `app` has no tag"])]
#[case::exempt(json!({"exempt": [{"name": "we*", "rules": ["no-latest-tag"], "reason": "r"}]}), &[])]
#[case::exempt_from_all(json!({"exempt": [{"kind": "Deployment", "namespace": "shop"}]}), &[])]
#[case::exempt_from_another(json!({"exempt": [{"name": "web", "rules": ["probes"]}]}),
    &["Error: image `app` of container `app` has no tag"])]
#[case::other_object(json!({"exempt": [{"name": "api"}]}),
    &["Error: image `app` of container `app` has no tag"])]
#[case::own_limits(json!({"rules": {"no-latest-tag": "off"}, "limits": ["cpu"]}),
    &["Warning: container `init` has no cpu limit", "Warning: container `app` has no cpu limit"])]
#[case::replicas(json!({"rules": {"no-latest-tag": "off", "minimum-replicas": "error"}}),
    &["Error: 1 replicas are fewer than 2"])]
fn rules_can_be_set(#[case] config: Json, #[case] expected: &[&str]) {
    let object = with(|spec| spec["containers"][0]["image"] = json!("app"));
    assert_eq!(check(&[object], config).unwrap(), expected);
}

#[test]
fn an_autoscaler_cares_for_the_replicas() {
    let scaler = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "x", "namespace": "shop"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}});
    let config = json!({"rules": {"minimum-replicas": "error"}});
    assert_eq!(
        check(&[deployment(good()), scaler], config).unwrap(),
        Vec::<String>::new()
    );
}

#[rstest]
#[case::rule(json!({"rules": {"probe": "off"}}), "did you mean `probes`?")]
#[case::level(json!({"rules": {"probes": "of"}}), "did you mean `off`?")]
#[case::exempted_rule(json!({"exempt": [{"name": "a", "rules": ["probe"]}]}), "did you mean `probes`?")]
#[case::everything(json!({"exempt": [{}]}), "the exemption is for every object (at exempt[0])")]
fn a_wrong_configuration_is_named(#[case] config: Json, #[case] expected: &str) {
    let failure = check(&[], config).unwrap_err().to_string();
    assert!(failure.contains(expected), "{failure}");
}

#[test]
fn defaults_of_the_schema_are_those_of_the_rules() {
    let schema = config::schema();
    let rules = schema["properties"]["rules"]["properties"]
        .as_object()
        .unwrap();
    assert_eq!(rules.len(), config::RULES.len());
    assert_eq!(rules["probes"]["default"], "warning");
}
