//! Objects that have pods.

use serde_json::{Value, json};

use super::names::{IMAGES, LABEL_VALUES, VARIABLES, labels, name_of};
use crate::random::Random;

/// The kinds that [`make`] knows, with their `apiVersion`.
pub(super) const KINDS: [(&str, &str); 9] = [
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "ReplicaSet"),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
    ("v1", "Pod"),
    ("v1", "ReplicationController"),
    ("extensions/v1beta1", "Deployment"),
];

/// The `spec` of an object of the kind, and what else is beside `metadata`.
pub(super) fn spec(random: &mut Random, kind: &str) -> Value {
    let labels = labels(random);
    let template = |random: &mut Random, labels: &Value| {
        let mut template = json!({"metadata": {"labels": labels}, "spec": pod(random)});
        if random.percent(20) {
            template["metadata"]["annotations"] =
                json!({"note": format!("see $({})", random.text(&VARIABLES))});
        }
        template
    };
    let mut spec = match kind {
        "Pod" => return pod(random),
        "Job" => json!({"template": template(random, &labels)}),
        "CronJob" => json!({
            "schedule": "*/5 * * * *",
            "jobTemplate": {"spec": {"template": template(random, &labels)}},
        }),
        "ReplicationController" => {
            json!({"selector": labels, "template": template(random, &labels)})
        }
        _ => {
            json!({"selector": {"matchLabels": labels}, "template": template(random, &labels)})
        }
    };
    match kind {
        "Deployment" | "StatefulSet" | "ReplicaSet" | "ReplicationController"
            if random.percent(60) =>
        {
            spec["replicas"] = random.below(5).into();
        }
        "Job" if random.percent(40) => spec["parallelism"] = 2.into(),
        _ => {}
    }
    if kind == "StatefulSet" {
        spec["serviceName"] = name_of(random, "Service").into();
        if random.percent(50) {
            spec["volumeClaimTemplates"] = json!([{
                "metadata": {"name": "data", "labels": {"app": random.text(&LABEL_VALUES)}},
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": name_of(random, "StorageClass"),
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }]);
        }
    }
    if kind == "Deployment" && random.percent(25) {
        spec["strategy"] = if random.percent(50) {
            json!({"type": "Recreate"})
        } else {
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}})
        };
    }
    spec
}

fn pod(random: &mut Random) -> Value {
    let count = random.between(1, 3);
    let containers: Vec<Value> = (0..count).map(|at| container(random, at)).collect();
    let mut pod = json!({ "containers": containers });
    if random.percent(25) {
        pod["initContainers"] = json!([container(random, 7)]);
    }
    if random.percent(40) {
        pod["serviceAccountName"] = name_of(random, "ServiceAccount").into();
    }
    if random.percent(20) {
        pod["imagePullSecrets"] = json!([{"name": name_of(random, "Secret")}]);
    }
    if random.percent(60) {
        pod["volumes"] = (0..random.between(1, 4))
            .map(|at| volume(random, at))
            .collect();
    }
    if random.percent(15) {
        pod["nodeSelector"] = json!({"disk": "ssd"});
    }
    if random.percent(20) {
        pod["tolerations"] = json!([
            {"key": "dedicated", "operator": "Equal", "value": "db", "effect": "NoSchedule"},
            {"operator": "Exists"},
        ]);
    }
    if random.percent(15) {
        pod["hostAliases"] = json!([{"ip": "10.0.0.1", "hostnames": ["a.example", "b.example"]}]);
    }
    if random.percent(15) {
        pod["securityContext"] = json!({"runAsNonRoot": true, "supplementalGroups": [1, 2]});
    }
    if random.percent(20) {
        let term = json!({
            "labelSelector": {"matchLabels": labels(random)},
            "topologyKey": "kubernetes.io/hostname",
        });
        pod["affinity"] = if random.percent(50) {
            json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
        } else {
            json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution":
                [{"weight": 10, "podAffinityTerm": term}]}})
        };
    }
    if random.percent(15) {
        pod["topologySpreadConstraints"] = json!([{
            "maxSkew": 1,
            "topologyKey": "zone",
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": labels(random)},
        }]);
    }
    pod
}

fn container(random: &mut Random, at: usize) -> Value {
    let name = ["app", "proxy", "helper"]
        .get(at)
        .copied()
        .unwrap_or("init");
    let mut container = json!({"name": name, "image": random.text(&IMAGES)});
    if random.percent(10) {
        // An image without a value and none at all are both met in the wild.
        container["image"] = "".into();
    }
    if random.percent(30) {
        container["args"] = json!(["--config", format!("$({})", random.text(&VARIABLES)), "-v"]);
    }
    if random.percent(15) {
        container["command"] = json!(["/bin/sh", "-c", "exec app"]);
    }
    if random.percent(50) {
        container["env"] = (0..random.between(1, 4))
            .map(|at| environment(random, at))
            .collect();
    }
    if random.percent(25) {
        container["envFrom"] = json!([
            {"configMapRef": {"name": name_of(random, "ConfigMap")}},
            {"secretRef": {"name": name_of(random, "Secret")}, "prefix": "S_"},
        ]);
    }
    if random.percent(40) {
        container["ports"] = json!([
            {"containerPort": 80 + at, "name": "http"},
            {"containerPort": 80 + at, "protocol": "UDP"},
        ]);
        if random.percent(50) {
            container["ports"] = json!([{"containerPort": 8080}]);
        }
    }
    if random.percent(35) {
        container["volumeMounts"] = json!([
            {"name": "vol-0", "mountPath": "/etc/app"},
            {"name": "vol-1", "mountPath": "/data", "readOnly": true},
        ]);
    }
    if random.percent(25) {
        container["resources"] = json!({"limits": {"cpu": 1, "memory": "64Mi"}});
    }
    if random.percent(15) {
        container["livenessProbe"] = json!({"httpGet": {"path": "/", "port": "http"}});
    }
    container
}

fn environment(random: &mut Random, at: usize) -> Value {
    let name = format!("VAR_{at}");
    match random.below(5) {
        0 => json!({"name": name, "valueFrom": {"configMapKeyRef":
            {"name": name_of(random, "ConfigMap"), "key": "a"}}}),
        1 => json!({"name": name, "valueFrom": {"secretKeyRef":
            {"name": name_of(random, "Secret"), "key": "password"}}}),
        2 => json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        3 => json!({"name": name, "value": format!("http://$({}):80", random.text(&VARIABLES))}),
        _ => json!({"name": name, "value": "plain"}),
    }
}

fn volume(random: &mut Random, at: usize) -> Value {
    let name = format!("vol-{at}");
    match random.below(6) {
        0 => json!({"name": name, "configMap": {"name": name_of(random, "ConfigMap"),
            "items": [{"key": "a", "path": "a.txt"}]}}),
        1 => json!({"name": name, "secret": {"secretName": name_of(random, "Secret")}}),
        2 => json!({"name": name, "persistentVolumeClaim":
            {"claimName": name_of(random, "PersistentVolumeClaim")}}),
        3 => json!({"name": name, "projected": {"sources": [
            {"configMap": {"name": name_of(random, "ConfigMap")}},
            {"secret": {"name": name_of(random, "Secret")}},
        ]}}),
        4 => json!({"name": name, "hostPath": {"path": "/tmp"}}),
        _ => json!({"name": name, "emptyDir": {}}),
    }
}
