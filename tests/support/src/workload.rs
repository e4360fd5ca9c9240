//! The workload of the benchmark that Flux publishes: four objects an application, none of which starts a pod.

use serde_json::{Value, json};

/// The kinds of one application, in the order of [`objects`].
pub const KINDS: [&str; 4] = ["ServiceAccount", "Service", "Deployment", "Ingress"];

/// The four objects of application `name`.
pub fn objects(name: &str, namespace: &str) -> [Value; 4] {
    let metadata = json!({ "name": name, "namespace": namespace, "labels": { "app": name } });
    [
        json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": metadata,
        }),
        json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {
                "selector": { "app": name },
                "ports": [{ "name": "http", "port": 80, "targetPort": "http" }],
            },
        }),
        json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": metadata,
            "spec": {
                "replicas": 0,
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name } },
                    "spec": {
                        "serviceAccountName": name,
                        "containers": [{
                            "name": "app",
                            "image": "registry.example/app:1.0.0",
                            "ports": [{ "name": "http", "containerPort": 8080 }],
                        }],
                    },
                },
            },
        }),
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": metadata,
            "spec": {
                "rules": [{
                    "host": format!("{name}.{namespace}.example"),
                    "http": { "paths": [{
                        "path": "/",
                        "pathType": "Prefix",
                        "backend": { "service": { "name": name, "port": { "name": "http" } } },
                    }] },
                }],
            },
        }),
    ]
}

/// The four objects as one stream of YAML documents, for a file in a repository.
pub fn manifest(name: &str, namespace: &str) -> String {
    let mut text = String::new();
    for object in objects(name, namespace) {
        text.push_str("---");
        write_block(&object, 0, &mut text);
        text.push('\n');
    }
    text
}

/// Writes block style, as people do, so that what a benchmark parses looks like what repositories hold.
fn write_block(value: &Value, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                text.push_str(&format!("\n{indent}{key}:"));
                write_block(value, depth + 1, text);
            }
        }
        Value::Array(items) => {
            for item in items {
                text.push_str(&format!("\n{indent}-"));
                write_block(item, depth + 1, text);
            }
        }
        scalar => text.push_str(&format!(" {scalar}")),
    }
}

/// A Deployment whose pods are run by the simulated nodes.
///
/// `simulate` may be `crash`, `stuck` or `failed`, which the stages of the control plane understand; pods turn ready
/// without it.
pub fn deployment(name: &str, namespace: &str, replicas: u32, simulate: Option<&str>) -> Value {
    let mut labels = json!({ "app": name });
    if let Some(simulate) = simulate {
        labels["windlass.dev/simulate"] = json!(simulate);
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [{ "name": "app", "image": "registry.example/app:1.0.0" }] },
            },
        },
    })
}
