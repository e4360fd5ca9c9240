//! The folders that are built.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// One folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// One Deployment, which is mostly the start of a process.
    One,
    /// So many Deployments, with `namePrefix` and `labels`.
    Deployments(usize),
    /// So many objects of five kinds that name each other, with everything that a large overlay has.
    Mixed(usize),
}

/// How many objects of the mixed folder are made by generators, of a hundred.
const GENERATED: usize = 2;

/// The applications of the mixed folder share this many ConfigMaps and ServiceAccounts.
const SHARED: usize = 20;

impl Case {
    /// For the name of a folder.
    pub(super) fn name(self) -> String {
        match self {
            Self::One => "one".to_owned(),
            Self::Deployments(count) => format!("deployments-{count}"),
            Self::Mixed(count) => format!("mixed-{count}"),
        }
    }

    /// For people.
    pub(super) fn describe(self) -> String {
        match self {
            Self::One => "one Deployment".to_owned(),
            Self::Deployments(_) => "Deployments, namePrefix, labels".to_owned(),
            Self::Mixed(_) => {
                "mixed, prefix, labels, images, patch by label, generators".to_owned()
            }
        }
    }

    /// Whether the real kustomize builds it too; with more objects that would take too long.
    pub(super) fn compared(self) -> bool {
        !matches!(self, Self::Mixed(2000 | 8000))
    }

    /// Writes the files into `root/folder`.
    pub(super) fn write(self, root: &Path) -> Result<()> {
        let folder = root.join("folder");
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let (kustomization, objects) = match self {
            Self::One => (
                "resources:\n  - objects.yaml\n".to_owned(),
                deployment(0),
            ),
            Self::Deployments(count) => (
                "namePrefix: prod-\nlabels:\n  - pairs:\n      team: shop\n    includeSelectors: true\n\
                 resources:\n  - objects.yaml\n"
                    .to_owned(),
                documents((0..count).map(deployment)),
            ),
            Self::Mixed(count) => mixed(count),
        };
        for (name, text) in [
            ("kustomization.yaml", kustomization),
            ("objects.yaml", objects),
        ] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }
}

fn documents(objects: impl Iterator<Item = String>) -> String {
    objects.collect::<Vec<_>>().join("---\n")
}

fn mixed(count: usize) -> (String, String) {
    let mut kustomization = String::from(
        "namePrefix: prod-
namespace: shop
commonAnnotations:
  example.com/owner: shop
labels:
  - pairs:
      team: shop
    includeSelectors: true
images:
  - name: registry.example/app
    newTag: 2.0.0
patches:
  - target:
      kind: Deployment
      labelSelector: tier=front
    patch: |-
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: any
      spec:
        replicas: 5
        template:
          spec:
            containers:
              - name: app
                resources:
                  requests:
                    cpu: 100m
resources:
  - objects.yaml
",
    );
    let generated = count * GENERATED / 100;
    for (field, number) in [
        ("configMapGenerator", generated / 2),
        ("secretGenerator", generated - generated / 2),
    ] {
        let _ = writeln!(kustomization, "{field}:");
        for at in 0..number {
            let _ = write!(
                kustomization,
                "  - name: generated-{at}\n    literals:\n      - number={at}\n      - text=some text\n"
            );
        }
    }
    let objects = (0..count - generated).map(|at| {
        let app = at / 5;
        match at % 5 {
            0 => deployment(app),
            1 => service(app),
            2 => config_map(app),
            3 => account(app),
            _ => ingress(app),
        }
    });
    (kustomization, documents(objects))
}

fn deployment(app: usize) -> String {
    let tier = if app.is_multiple_of(3) {
        "front"
    } else {
        "back"
    };
    let shared = app % SHARED;
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: app-{app:05}
  labels:
    app: app-{app:05}
    tier: {tier}
spec:
  replicas: 2
  selector:
    matchLabels:
      app: app-{app:05}
  template:
    metadata:
      labels:
        app: app-{app:05}
    spec:
      serviceAccountName: app-{shared:05}
      containers:
        - name: app
          image: registry.example/app:1.0.0
          ports:
            - name: http
              containerPort: 8080
          env:
            - name: LEVEL
              value: info
          volumeMounts:
            - name: config
              mountPath: /etc/app
      volumes:
        - name: config
          configMap:
            name: generated-{shared}
"
    )
}

fn service(app: usize) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata:
  name: app-{app:05}
spec:
  selector:
    app: app-{app:05}
  ports:
    - name: http
      port: 80
      targetPort: http
"
    )
}

fn config_map(app: usize) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata:
  name: app-{app:05}
data:
  level: info
  host: app-{app:05}.example
"
    )
}

fn account(app: usize) -> String {
    format!(
        "apiVersion: v1
kind: ServiceAccount
metadata:
  name: app-{app:05}
"
    )
}

fn ingress(app: usize) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: app-{app:05}
spec:
  rules:
    - host: app-{app:05}.example
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: app-{app:05}
                port:
                  name: http
"
    )
}
