//! From a snapshot to what the state machine is told: render, check what is allowed, bind secrets.

use std::sync::Arc;

use windlass_cluster::resources::{EnvironmentSpec, IgnoreSpec, RepositorySpec};
use windlass_cluster::{Secrets, Target};
use windlass_engine::applyset::SetId;
use windlass_engine::{Blocked, Desired, IgnoreRule, Pointer, desired_set};
use windlass_manifest::{GroupKind, Object};
use windlass_render::Renderer;
use windlass_source::Snapshot;

use super::status::FindingView;
use crate::config::{ConfigError, resolve_pipeline};

/// The namespace that an object without one lands in when the environment names none either.
pub(crate) const DEFAULT_NAMESPACE: &str = "default";

/// Everything that one render needs, taken out of the controller so that it can run elsewhere.
pub(crate) struct RenderJob {
    pub(crate) renderer: Arc<Renderer>,
    pub(crate) target: Target,
    pub(crate) secrets: Secrets,
    pub(crate) set: SetId,
    pub(crate) snapshot: Snapshot,
    pub(crate) folder: String,
    pub(crate) spec: Result<Arc<EnvironmentSpec>, ConfigError>,
    pub(crate) repository: Arc<RepositorySpec>,
    /// The namespace of objects that name none.
    pub(crate) namespace: String,
    /// The digest of the render in force; the same again ends the job early.
    pub(crate) digest: Option<String>,
}

/// How a render ended.
#[derive(Debug)]
pub(crate) struct RenderOutcome {
    pub(crate) revision: String,
    /// No step was executed: every one was remembered.
    pub(crate) remembered: bool,
    pub(crate) result: RenderResult,
}

#[derive(Debug)]
pub(crate) enum RenderResult {
    /// The objects are those of the render in force.
    Unchanged,
    /// New objects.
    Objects {
        digest: String,
        objects: Vec<Desired>,
        findings: Vec<FindingView>,
    },
    /// The environment cannot be rendered; `code` has a page.
    Failed {
        code: &'static str,
        message: String,
        findings: Vec<FindingView>,
    },
}

impl RenderJob {
    /// Renders. The plugins run on a blocking thread; secrets are looked up afterwards.
    pub(crate) async fn run(self) -> RenderOutcome {
        let revision = self.snapshot.commit().id.clone();
        let secrets = self.secrets.clone();
        let target = self.target.clone();
        let namespace = self.namespace.clone();
        let failed = |code, message: String| RenderOutcome {
            revision: revision.clone(),
            remembered: false,
            result: RenderResult::Failed {
                code,
                message,
                findings: Vec::new(),
            },
        };
        let rendered = tokio::task::spawn_blocking(move || self.render()).await;
        let (remembered, mut result) = match rendered {
            Ok(rendered) => rendered,
            // The sandbox and the readers return errors; a panic here is a defect of ours, and it
            // must stay on the environment that met it.
            Err(_panic) => {
                return failed(
                    "WL0109",
                    "rendering ended in a defect of Windlass; see its log".into(),
                );
            }
        };
        if let RenderResult::Objects { objects, .. } = &mut result {
            for object in objects.iter_mut() {
                bind(object, &target, &secrets, &namespace).await;
            }
        }
        RenderOutcome {
            revision,
            remembered,
            result,
        }
    }

    fn render(&self) -> (bool, RenderResult) {
        let failed = |code, message: String| {
            (
                false,
                RenderResult::Failed {
                    code,
                    message,
                    findings: Vec::new(),
                },
            )
        };
        let spec = match &self.spec {
            Ok(spec) => spec,
            Err(error) => return failed(error.code, error.to_string()),
        };
        let pipeline = match resolve_pipeline(&self.snapshot, &self.folder, spec) {
            Ok(mut pipeline) => {
                pipeline.namespace = Some(self.namespace.clone());
                pipeline
            }
            Err(error) => return failed(error.code, error.to_string()),
        };
        let scope = |kind: &GroupKind| self.target.is_namespaced(kind);
        // What is in force already need not be brought back from the memo, only compared.
        if self.digest.is_some()
            && let Ok(known) = self
                .renderer
                .known_digest(&self.snapshot, &pipeline, &scope)
            && known == self.digest
        {
            return (true, RenderResult::Unchanged);
        }
        let rendered = match self
            .renderer
            .render_with_scope(&self.snapshot, &pipeline, &scope)
        {
            Ok(rendered) => rendered,
            Err(error) => return failed(error.code(), error.to_string()),
        };
        let findings: Vec<FindingView> = rendered.findings.iter().map(FindingView::new).collect();
        if rendered.blocked() {
            let errors = findings
                .iter()
                .filter(|finding| finding.severity == "error");
            let count = errors.clone().count();
            let first = errors.map(FindingView::sentence).next().unwrap_or_default();
            let message = match count {
                1 => first,
                _ => format!("{first} (and {} more)", count - 1),
            };
            let result = RenderResult::Failed {
                code: "WL0510",
                message,
                findings,
            };
            return (rendered.remembered, result);
        }
        if self.digest.as_ref() == Some(&rendered.digest) {
            return (rendered.remembered, RenderResult::Unchanged);
        }
        for rendered in rendered.objects.iter() {
            if let Some(message) =
                forbidden(&rendered.object, self.repository.namespaces.as_deref())
            {
                let message = format!("{}: {message}", rendered.origin);
                return failed("WL0110", message);
            }
        }
        let remembered = rendered.remembered;
        let digest = rendered.digest;
        let objects = rendered
            .objects
            .into_iter()
            .map(|r| (r.object, r.origin))
            .collect();
        let ignore = match ignore_rules(spec) {
            Ok(rules) => rules,
            Err(message) => return failed("WL0104", message),
        };
        match desired_set(objects, &self.set, &ignore) {
            Ok(objects) => (
                remembered,
                RenderResult::Objects {
                    digest,
                    objects,
                    findings,
                },
            ),
            Err(error) => failed(error.code(), error.to_string()),
        }
    }
}

fn ignore_rules(spec: &EnvironmentSpec) -> Result<Vec<IgnoreRule>, String> {
    let rule = |given: &IgnoreSpec| {
        let fields: Result<Vec<Pointer>, _> =
            given.fields.iter().map(|field| field.parse()).collect();
        Ok(IgnoreRule {
            kind: GroupKind::new(given.group.clone().unwrap_or_default(), given.kind.clone()),
            namespace: given.namespace.clone(),
            name: given.name.clone(),
            fields: fields.map_err(|error| format!("spec.ignore: {error}"))?,
        })
    };
    spec.ignore.iter().map(rule).collect()
}

/// What Git says can narrow what the `Repository` allows, never widen it.
fn forbidden(object: &Object, allowed: Option<&[String]>) -> Option<String> {
    let allowed = allowed?;
    if allowed.iter().any(|namespace| namespace == "*") {
        return None;
    }
    let id = object.id();
    match &id.namespace {
        Some(namespace) if allowed.contains(namespace) => None,
        Some(namespace) => Some(format!(
            "{id} is in namespace `{namespace}`, but the Repository allows {} (spec.namespaces)",
            allowed.join(", ")
        )),
        None if id.kind == "Namespace" && id.group.is_empty() && allowed.contains(&id.name) => None,
        None => Some(format!(
            "{id} belongs to no namespace, but the Repository allows only {} (spec.namespaces)",
            allowed.join(", ")
        )),
    }
}

/// Gives the object the fingerprint that it will have once its secrets are filled in.
pub(crate) async fn bind(
    object: &mut Desired,
    target: &Target,
    secrets: &Secrets,
    namespace: &str,
) {
    match target.expected(object, secrets, namespace).await {
        Ok(expected) => {
            object.expected = Some(expected);
            object.blocked = None;
        }
        Err(error) => {
            object.expected = None;
            object.blocked = Some(Blocked {
                code: error.code(),
                message: error.to_string(),
            });
        }
    }
}
