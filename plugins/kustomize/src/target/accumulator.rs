//! What a kustomization has gathered so far.

use crate::config::TransformerConfig;
use crate::resources::Resources;
use crate::transform::variable::Variables;

/// The resources of a kustomization, and the rules that its own ones and those below it have made
/// for what is done at the root: which fields refer to names and to variables.
#[derive(Debug, Default)]
pub(super) struct Accumulator {
    pub(super) resources: Resources,
    pub(super) config: TransformerConfig,
    pub(super) variables: Variables,
}
