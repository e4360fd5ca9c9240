//! What comes out of a render.

use crate::reads::ReadSet;
use serde::{Deserialize, Serialize};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use windlass_manifest::{Object, ObjectId, Origin};
use windlass_plugin_host::{Finding, LogLine, Severity};

/// The result of a pipeline. Cloning it is cheap: the objects are shared.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The objects, in the order in which the last step gave them.
    pub objects: Objects,
    /// What the validators said, in the order of the steps.
    pub findings: Vec<StepFinding>,
    /// How each step went, for `--explain`.
    pub steps: Vec<StepTrace>,
    /// Everything that was read.
    pub reads: Arc<ReadSet>,
    /// The SHA-256 of the objects in hexadecimal: equal for equal objects in equal order.
    pub digest: String,
    /// Whether no step had to run.
    pub remembered: bool,
}

impl Rendered {
    /// Whether a finding forbids the sync.
    pub fn blocked(&self) -> bool {
        self.findings
            .iter()
            .any(|it| it.finding.severity == Severity::Error)
    }
}

/// One object of a render.
#[derive(Clone, Debug, PartialEq)]
pub struct RenderedObject {
    /// The object as it is applied, without the annotations that said where it came from.
    pub object: Object,
    /// Where it came from; the file is a path in the tree.
    pub origin: Origin,
}

/// Objects that are shared by everyone who remembers the render.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Objects(Arc<Vec<RenderedObject>>);

impl From<Vec<RenderedObject>> for Objects {
    fn from(objects: Vec<RenderedObject>) -> Self {
        Self(Arc::new(objects))
    }
}

impl Deref for Objects {
    type Target = [RenderedObject];

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

/// Gives the objects away; those that others share are copied.
impl IntoIterator for Objects {
    type Item = RenderedObject;
    type IntoIter = std::vec::IntoIter<RenderedObject>;

    fn into_iter(self) -> Self::IntoIter {
        Arc::unwrap_or_clone(self.0).into_iter()
    }
}

impl<'a> IntoIterator for &'a Objects {
    type Item = &'a RenderedObject;
    type IntoIter = std::slice::Iter<'a, RenderedObject>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// A finding with the step that found it and the object that it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFinding {
    /// The step, from 1.
    pub step: usize,
    /// The plugin's name.
    pub plugin: String,
    /// The object, when it is about one.
    pub object: Option<ObjectId>,
    /// Where that object came from.
    pub origin: Option<Origin>,
    /// What the plugin said; its index of the object counts the objects of that step.
    pub finding: Finding,
}

/// How a step went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTrace {
    /// The plugin, as it calls itself.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// Whether the result was remembered; otherwise the plugin ran.
    pub remembered: bool,
    /// How long it took, now.
    pub elapsed: Duration,
    /// How many files it read, now or when it ran.
    pub files_read: usize,
    /// How many objects went in.
    pub objects_in: usize,
    /// How many came out.
    pub objects_out: usize,
    /// What it logged when it ran.
    pub log: Vec<LogLine>,
}
