//! What is known about kinds: their scope, and how their lists merge.

mod builtin;
mod custom;
mod scope;

use std::borrow::Cow;
use std::rc::Rc;

use windlass_plugin_sdk::Json;

use crate::error::Result;
use crate::id::{CLUSTER, DEFAULT_NAMESPACE};

/// What is known about kinds in one build: the built-in types, or those of `openapi.path`.
///
/// The facts about built-in types are those of kustomize's own schema, Kubernetes 1.21.2
/// (`kyaml/openapi`), because a newer one merges lists that kustomize replaces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schema {
    custom: Option<Rc<custom::Definitions>>,
    /// Whether the built-in types are known beside those of the file.
    beside_builtin: bool,
}

/// What is known of a value: of an object, a field or an item of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Known<'s> {
    /// A built-in type.
    Builtin(builtin::Type),
    /// A definition of `openapi.path`.
    Custom(&'s Json),
}

/// The fields of which the values tell the items of a list that merges; none for a set of scalars.
pub(crate) type MergeKeys<'s> = Cow<'s, [&'s str]>;

impl Schema {
    /// Takes the OpenAPI definitions of a file in the place of the built-in types.
    ///
    /// The scopes of the built-in kinds stay known, as kustomize asks its table of them first. The
    /// types do if `beside_builtin`: kustomize forgets nothing that it needed before it came to the
    /// file.
    ///
    /// # Errors
    /// Definitions in a shape that the OpenAPI specification 2.0 does not have.
    pub(crate) fn custom(document: Json, beside_builtin: bool) -> Result<Self> {
        let definitions = custom::Definitions::read(document)?;
        Ok(Self {
            custom: Some(Rc::new(definitions)),
            beside_builtin,
        })
    }

    /// Whether a version can be named in `openapi.version`.
    pub(crate) fn is_version(version: &str) -> bool {
        version == builtin::VERSION
    }

    /// Whether the kind is certainly cluster-scoped. What is unknown is not.
    pub(crate) fn is_cluster_scoped(&self, api_version: &str, kind: &str) -> bool {
        if scope::is_cluster_scoped(api_version, kind) {
            return true;
        }
        match &self.custom {
            // The built-in table wins over a file that calls a built-in kind cluster-scoped.
            Some(custom) => {
                custom.is_cluster_scoped(api_version, kind)
                    && !scope::is_namespaced(api_version, kind)
            }
            None => false,
        }
    }

    /// The namespace that counts in comparisons.
    pub(crate) fn effective_namespace<'a>(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &'a str,
    ) -> &'a str {
        if self.is_cluster_scoped(api_version, kind) {
            CLUSTER
        } else if namespace.is_empty() {
            DEFAULT_NAMESPACE
        } else {
            namespace
        }
    }

    /// What is known of the objects of a kind.
    pub(crate) fn kind(&self, api_version: &str, kind: &str) -> Option<Known<'_>> {
        if let Some(custom) = &self.custom
            && !builtin::is_kustomize(api_version, kind)
        {
            let known = custom.kind(api_version, kind).map(Known::Custom);
            if known.is_some() || !self.beside_builtin {
                return known;
            }
        }
        builtin::kind(api_version, kind).map(Known::Builtin)
    }

    /// What is known of a field of a mapping.
    pub(crate) fn field<'s>(&'s self, of: Known<'s>, name: &str) -> Option<Known<'s>> {
        match (of, &self.custom) {
            (Known::Builtin(of), _) => of.field(name).map(Known::Builtin),
            (Known::Custom(of), Some(custom)) => self.known(custom.field(of, name)?),
            (Known::Custom(_), None) => None,
        }
    }

    /// What is known of the items of a list.
    pub(crate) fn items<'s>(&'s self, of: Known<'s>) -> Option<Known<'s>> {
        match (of, &self.custom) {
            (Known::Builtin(of), _) => of.items().map(Known::Builtin),
            (Known::Custom(of), Some(custom)) => self.known(custom.items(of)?),
            (Known::Custom(_), None) => None,
        }
    }

    fn known<'s>(&self, found: custom::Found<'s>) -> Option<Known<'s>> {
        match found {
            custom::Found::Here(definition) => Some(Known::Custom(definition)),
            custom::Found::Elsewhere(name) if self.beside_builtin => {
                builtin::definition(name).map(Known::Builtin)
            }
            custom::Found::Elsewhere(_) => None,
        }
    }

    /// The merge keys of a list; `None` for one that a patch replaces.
    pub(crate) fn merge_keys<'s>(&self, of: Known<'s>) -> Option<MergeKeys<'s>> {
        match of {
            Known::Builtin(of) => of.merge_keys().map(Cow::Borrowed),
            Known::Custom(of) => custom::merge_keys(of).map(Cow::Owned),
        }
    }
}
