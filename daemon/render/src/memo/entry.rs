//! What is remembered.

use crate::finish::Scope;
use crate::reads::ReadSet;
use crate::set::{Hash, ObjectSet};
use std::collections::BTreeMap;
use std::sync::Arc;
use windlass_manifest::GroupKind;
use windlass_plugin_host::{Finding, LogLine};
use windlass_source::Tree;

/// The result of a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StepResult {
    /// The objects after the step; `None` when it only checks.
    pub(crate) objects: Option<Arc<ObjectSet>>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) log: Vec<LogLine>,
    pub(crate) reads: ReadSet,
}

impl StepResult {
    /// About how much memory it takes, in bytes.
    pub(crate) fn size(&self) -> usize {
        let texts = |it: &Finding| it.message.len() + 256;
        self.objects.as_ref().map_or(0, |objects| objects.size())
            + self.findings.iter().map(texts).sum::<usize>()
            + self
                .log
                .iter()
                .map(|line| line.message.len() + 64)
                .sum::<usize>()
            + self.reads.size()
            + 256
    }
}

/// What tells in a few look-ups that a render would come out the same.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    /// The fewest paths that decide everything that was read.
    pub(crate) roots: ReadSet,
    /// What was asked about custom kinds.
    pub(crate) scopes: BTreeMap<GroupKind, Option<bool>>,
    /// The digest of the objects.
    pub(crate) digest: String,
    /// Where the render itself is, as long as it is remembered.
    pub(crate) render: Hash,
}

impl Receipt {
    pub(crate) fn holds(&self, tree: &dyn Tree, scope: &Scope<'_>) -> bool {
        self.roots.holds(tree)
            && self
                .scopes
                .iter()
                .all(|(kind, known)| scope(kind) == *known)
    }

    pub(crate) fn size(&self) -> usize {
        self.roots.size() + self.scopes.len() * 128 + 256
    }
}
