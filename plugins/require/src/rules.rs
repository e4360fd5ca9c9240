//! The rules.

use crate::config::{Config, Rule};
use crate::exempt::Exemptions;
use crate::images::{Loose, loose};
use crate::pods::{Container, Pod};
use crate::secrets::plain_fields;
use std::collections::BTreeSet;
use std::fmt;
use windlass_plugin_common::Identity;
use windlass_plugin_sdk::{Finding, Json};

/// Collects what the rules have to say.
pub(crate) struct Check<'a> {
    config: &'a Config,
    exemptions: &'a Exemptions<'a>,
    /// Namespace, kind and name of what an autoscaler scales.
    scaled: BTreeSet<(String, String, String)>,
    findings: Vec<Finding>,
}

/// One thing that is wrong with an object.
struct Problem {
    rule: Rule,
    field: String,
    message: String,
    hint: String,
}

impl Problem {
    fn new(rule: Rule, field: String, message: impl fmt::Display, hint: impl fmt::Display) -> Self {
        Self {
            rule,
            field,
            message: message.to_string(),
            hint: hint.to_string(),
        }
    }
}

impl<'a> Check<'a> {
    pub(crate) fn new(
        config: &'a Config,
        exemptions: &'a Exemptions<'a>,
        objects: &[Json],
    ) -> Self {
        let scaled = objects.iter().filter_map(scaled_by).collect();
        Self {
            config,
            exemptions,
            scaled,
            findings: Vec::new(),
        }
    }

    pub(crate) fn into_findings(self) -> Vec<Finding> {
        self.findings
    }

    pub(crate) fn object(&mut self, index: usize, object: &Json) {
        let mut problems = Vec::new();
        for field in plain_fields(object) {
            problems.push(Problem::new(
                Rule::NoPlainSecrets,
                field,
                "the Secret holds a plain value",
                "put the value into a secret store and refer to it with \
                 `${secret:STORE/NAME/KEY}`; what is no secret belongs into a ConfigMap",
            ));
        }
        self.replicas(object, &mut problems);
        if let Some(pod) = Pod::of(object) {
            host_namespaces(&pod, &mut problems);
            for container in pod.containers() {
                self.container(&pod, &container, &mut problems);
            }
        }
        for problem in problems {
            self.report(index, object, problem);
        }
    }

    fn report(&mut self, index: usize, object: &Json, problem: Problem) {
        let Problem {
            rule,
            field,
            message,
            hint,
        } = problem;
        let Some(severity) = self.config.rules.of(rule).severity() else {
            return;
        };
        if self.exemptions.covers(rule, object) {
            return;
        }
        let finding = Finding::new(severity, message);
        self.findings.push(
            finding
                .object(index)
                .field(field)
                .hint(hint)
                .rule(rule.to_string()),
        );
    }

    fn container(&self, pod: &Pod<'_>, container: &Container<'_>, problems: &mut Vec<Problem>) {
        let Container {
            value,
            path,
            is_init,
        } = container;
        let name = container.name();
        let security = &value["securityContext"];
        if security["privileged"] == true {
            problems.push(Problem::new(
                Rule::NoPrivileged,
                format!("{path}.securityContext.privileged"),
                format!("container `{name}` is privileged"),
                "ask for the single capabilities that it needs in `securityContext.capabilities`",
            ));
        }
        if let Some(loose) = value["image"].as_str().and_then(loose) {
            let image = value["image"].as_str().unwrap_or_default();
            let message = match loose {
                Loose::NoTag => format!("image `{image}` of container `{name}` has no tag"),
                Loose::Latest => {
                    format!("image `{image}` of container `{name}` is not a fixed one")
                }
            };
            let hint =
                "name a version, or better a digest: what runs would change without a commit";
            problems.push(Problem::new(
                Rule::NoLatestTag,
                format!("{path}.image"),
                message,
                hint,
            ));
        }
        if !is_non_root(&pod.spec["securityContext"], security)
            && pod.spec["os"]["name"] != "windows"
        {
            problems.push(Problem::new(
                Rule::RunAsNonRoot,
                format!("{path}.securityContext.runAsNonRoot"),
                format!("container `{name}` may run as root"),
                "set `runAsNonRoot: true` in the `securityContext` of the pod or the container",
            ));
        }
        let resources = [
            (
                Rule::ResourceRequests,
                "requests",
                "request",
                &self.config.requests,
            ),
            (Rule::ResourceLimits, "limits", "limit", &self.config.limits),
        ];
        for (rule, list, word, wanted) in resources {
            let missing: Vec<&str> = wanted
                .iter()
                .map(String::as_str)
                .filter(|it| value["resources"][list][*it].is_null())
                .filter(|it| pod.spec["resources"][list][*it].is_null())
                .collect();
            if !missing.is_empty() {
                let missing = missing.join(" and ");
                problems.push(Problem::new(
                    rule,
                    format!("{path}.resources.{list}"),
                    format!("container `{name}` has no {missing} {word}"),
                    format!("set {missing} in `resources.{list}`"),
                ));
            }
        }
        if pod.is_service && !is_init {
            for probe in ["readinessProbe", "livenessProbe"] {
                if value[probe].is_null() {
                    problems.push(Problem::new(
                        Rule::Probes,
                        format!("{path}.{probe}"),
                        format!("container `{name}` has no {probe}"),
                        "say how Kubernetes finds out that the container works",
                    ));
                }
            }
        }
    }

    fn replicas(&self, object: &Json, problems: &mut Vec<Problem>) {
        let identity = Identity::of(object);
        if identity.group != "apps" || !matches!(identity.kind, "Deployment" | "StatefulSet") {
            return;
        }
        let minimum = self.config.minimum_replicas;
        let replicas = object["spec"]["replicas"].as_u64().unwrap_or(1);
        if replicas < minimum && !self.scaled.contains(&key(&identity)) {
            problems.push(Problem::new(
                Rule::MinimumReplicas,
                "spec.replicas".to_owned(),
                format!("{replicas} replicas are fewer than {minimum}"),
                "raise `spec.replicas`, or let a HorizontalPodAutoscaler care for it",
            ));
        }
    }
}

fn key(identity: &Identity<'_>) -> (String, String, String) {
    let namespace = identity.namespace.unwrap_or_default();
    (
        namespace.to_owned(),
        identity.kind.to_owned(),
        identity.name.to_owned(),
    )
}

fn scaled_by(object: &Json) -> Option<(String, String, String)> {
    let identity = Identity::of(object);
    if identity.group != "autoscaling" || identity.kind != "HorizontalPodAutoscaler" {
        return None;
    }
    let target = &object["spec"]["scaleTargetRef"];
    let kind = target["kind"].as_str()?.to_owned();
    let name = target["name"].as_str()?.to_owned();
    Some((
        identity.namespace.unwrap_or_default().to_owned(),
        kind,
        name,
    ))
}

fn host_namespaces(pod: &Pod<'_>, problems: &mut Vec<Problem>) {
    for (field, what) in [
        ("hostNetwork", "network"),
        ("hostPID", "process"),
        ("hostIPC", "IPC"),
    ] {
        if pod.spec[field] == true {
            problems.push(Problem::new(
                Rule::NoHostNamespaces,
                format!("{}.{field}", pod.path),
                format!("the pod shares the {what} namespace of its node"),
                format!("leave out `{field}`"),
            ));
        }
    }
}

/// What the container says comes before what the pod says.
fn is_non_root(pod: &Json, container: &Json) -> bool {
    let set = |field: &str| match &container[field] {
        Json::Null => &pod[field],
        value => value,
    };
    match set("runAsUser").as_i64() {
        Some(user) => user != 0,
        None => set("runAsNonRoot") == true,
    }
}
