//! What an environment wants of the cluster: one [`Desired`] for each rendered object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use windlass_manifest::rank::{Rank, rank_of};
use windlass_manifest::secret_ref::{SecretRef, refs_in};
use windlass_manifest::{GroupKind, Json, Object, ObjectId, Origin, to_canonical_json};

use crate::applyset::{PART_OF, SetId};
use crate::fingerprint::sha256;
use crate::{EngineError, Fingerprint, FingerprintKey, Pointer, annotations, drift};

/// What to do when another manager owns a field that the body sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conflict {
    /// Take the field: Git decides.
    #[default]
    Force,
    /// Leave the field to the other manager and apply the rest.
    Yield,
    /// Apply nothing of the object and report the other manager.
    Fail,
}

/// Why an object cannot be sent yet, though nothing is wrong with the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// The code of the page that explains it.
    pub code: &'static str,
    /// What is missing, for a person to read.
    pub message: String,
}

/// One rendered object, ready to be compared with the live one and to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desired {
    /// Which object.
    pub id: ObjectId,
    /// The version of the API that the body is written in.
    pub api_version: String,
    /// When it is applied, relative to the others.
    pub rank: Rank,
    /// The body as JSON, with the label of membership. Secret references are not resolved: a
    /// value never rests in this crate.
    pub body: Arc<str>,
    /// SHA-256 of the body.
    pub digest: [u8; 32],
    /// Where it was rendered from.
    pub origin: Origin,
    /// The fingerprint of what the body claims once its secrets are put in; `None` while one of
    /// them is missing. [`Desired::expect`] sets it.
    pub expected: Option<Fingerprint>,
    /// Why it cannot be sent, when it cannot.
    pub blocked: Option<Blocked>,
    /// The secrets that the body refers to.
    pub secrets: BTreeSet<SecretRef>,
    /// Fields that are set at creation and then left to others.
    pub leave: Vec<Pointer>,
    /// What to do on a conflict with another manager.
    pub conflict: Conflict,
    /// Whether the object says of itself that it is never pruned.
    pub keep: bool,
}

impl Desired {
    /// Makes a rendered object a member of `set` and reads the annotations that concern its sync.
    ///
    /// # Errors
    ///
    /// [`EngineError::Unnamed`] without a name, [`EngineError::Annotation`] for a value of one of
    /// our annotations that we do not know.
    pub fn new(object: &Object, origin: Origin, set: &SetId) -> Result<Self, EngineError> {
        let id = object.id();
        let name = object
            .json()
            .pointer("/metadata/name")
            .and_then(Json::as_str);
        if name.is_none_or(str::is_empty) {
            return Err(EngineError::Unnamed {
                kind: id.kind,
                origin: Box::new(origin),
            });
        }
        let conflict = conflict(object, &id, &origin)?;
        let keep = annotations::keep(|name| object.annotation(name));
        let mut member = object.clone();
        member.strip_origin();
        member.set_label(PART_OF, set.as_str());
        let body: Arc<str> = to_canonical_json(member.json()).into();
        Ok(Self {
            api_version: object.api_version().to_owned(),
            rank: rank_of(&id.group_kind()),
            digest: sha256(body.as_bytes()),
            secrets: refs_in(member.json()),
            body,
            origin,
            expected: None,
            blocked: None,
            leave: Vec::new(),
            conflict,
            keep,
            id,
        })
    }

    /// Sets the expected fingerprint from the body with its secrets put in.
    ///
    /// `resolved` is dropped by the caller; what stays is keyed and 16 bytes long.
    pub fn expect(&mut self, resolved: &Json, key: &FingerprintKey) {
        self.expected = Some(drift::fingerprint(
            &drift::claim(resolved),
            &self.leave,
            key,
        ));
        self.blocked = None;
    }
}

fn conflict(object: &Object, id: &ObjectId, origin: &Origin) -> Result<Conflict, EngineError> {
    Ok(match object.annotation(annotations::CONFLICT) {
        None | Some("force") => Conflict::Force,
        Some("yield") => Conflict::Yield,
        Some("fail") => Conflict::Fail,
        Some(other) => {
            return Err(EngineError::Annotation {
                id: Box::new(id.clone()),
                origin: Box::new(origin.clone()),
                annotation: annotations::CONFLICT,
                value: other.chars().take(64).collect(),
                allowed: "`force`, `yield` or `fail`",
            });
        }
    })
}

/// Fields of some objects that the environment leaves to others (`ignore` in `environment.yaml`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreRule {
    /// The kind of the objects.
    pub kind: GroupKind,
    /// Their namespace; any when there is none.
    pub namespace: Option<String>,
    /// Their name; any when there is none.
    pub name: Option<String>,
    /// The fields.
    pub fields: Vec<Pointer>,
}

impl IgnoreRule {
    fn concerns(&self, id: &ObjectId) -> bool {
        let fits =
            |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        self.kind.group == id.group
            && self.kind.kind == id.kind
            && fits(&self.namespace, id.namespace.as_deref())
            && fits(&self.name, Some(&id.name))
    }
}

/// Makes a render into the desired set of an environment.
///
/// Beside [`Desired::new`] for each object: an identity is there once, the fields of `ignore` are
/// left to others, and so is `spec.replicas` of each workload that an autoscaler of the same
/// render targets.
///
/// # Errors
///
/// Those of [`Desired::new`], and [`EngineError::Duplicate`] with both origins.
pub fn desired_set(
    objects: Vec<(Object, Origin)>,
    set: &SetId,
    ignore: &[IgnoreRule],
) -> Result<Vec<Desired>, EngineError> {
    let scaled: BTreeSet<ObjectId> = objects
        .iter()
        .filter_map(|(object, _)| autoscaled(object))
        .collect();
    let replicas: Option<Pointer> = "/spec/replicas".parse().ok();
    let mut seen: BTreeMap<ObjectId, usize> = BTreeMap::new();
    let mut wanted: Vec<Desired> = Vec::with_capacity(objects.len());
    for (object, origin) in objects {
        let mut desired = Desired::new(&object, origin, set)?;
        if let Some(first) = seen.insert(desired.id.clone(), wanted.len()) {
            let first = wanted.get(first).map(|desired| desired.origin.clone());
            return Err(EngineError::Duplicate {
                first: Box::new(first.unwrap_or_default()),
                second: Box::new(desired.origin),
                id: Box::new(desired.id),
            });
        }
        let mut leave: BTreeSet<Pointer> = ignore
            .iter()
            .filter(|rule| rule.concerns(&desired.id))
            .flat_map(|rule| rule.fields.iter().cloned())
            .collect();
        if scaled.contains(&desired.id) {
            leave.extend(replicas.clone());
        }
        desired.leave = leave.into_iter().collect();
        wanted.push(desired);
    }
    Ok(wanted)
}

/// The workload that an autoscaler sets the replicas of.
fn autoscaled(object: &Object) -> Option<ObjectId> {
    let id = object.id();
    let default_kind = match (id.group.as_str(), id.kind.as_str()) {
        ("autoscaling", "HorizontalPodAutoscaler") => None,
        // KEDA makes the HorizontalPodAutoscaler itself, from defaults of its own.
        ("keda.sh", "ScaledObject") => Some(("apps/v1", "Deployment")),
        _ => return None,
    };
    let target = object.json().pointer("/spec/scaleTargetRef")?;
    let field = |name: &str| target.get(name).and_then(Json::as_str);
    let api_version = field("apiVersion").or(default_kind.map(|d| d.0))?;
    Some(ObjectId {
        group: api_version
            .split_once('/')
            .map_or("", |(group, _)| group)
            .to_owned(),
        kind: field("kind").or(default_kind.map(|d| d.1))?.to_owned(),
        namespace: id.namespace,
        name: field("name")?.to_owned(),
    })
}
