//! The annotations on an object that change how it is synced: Windlass's own, and those of other
//! tools that say the same, so that nobody has to rewrite manifests.

/// Says what happens on a conflict with another field manager: `force`, `yield` or `fail`.
pub const CONFLICT: &str = "windlass.dev/conflict";
/// Keeps an object that has left Git, with the value `false`.
pub const PRUNE: &str = "windlass.dev/prune";

const HELM_POLICY: &str = "helm.sh/resource-policy";
const FLUX_PRUNE: &str = "kustomize.toolkit.fluxcd.io/prune";
const ARGO_OPTIONS: &str = "argocd.argoproj.io/sync-options";

/// Returns whether an object's annotations, read by `get`, say that it is never pruned.
pub(crate) fn keep<'a>(get: impl Fn(&str) -> Option<&'a str>) -> bool {
    let is = |name, values: &[&str]| {
        get(name).is_some_and(|value| values.iter().any(|v| value.trim().eq_ignore_ascii_case(v)))
    };
    is(PRUNE, &["false", "disabled"])
        || is(HELM_POLICY, &["keep"])
        || is(FLUX_PRUNE, &["disabled"])
        || get(ARGO_OPTIONS).is_some_and(|options| {
            options
                .split(',')
                .filter_map(|option| option.split_once('='))
                .any(|(name, value)| name.trim() == "Prune" && value.trim() == "false")
        })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(PRUNE, "false", true)]
    #[case(PRUNE, "true", false)]
    #[case(HELM_POLICY, "keep", true)]
    #[case(HELM_POLICY, "delete", false)]
    #[case(FLUX_PRUNE, "disabled", true)]
    #[case(FLUX_PRUNE, "enabled", false)]
    #[case(ARGO_OPTIONS, "ServerSideApply=true, Prune=false", true)]
    #[case(ARGO_OPTIONS, "PruneLast=true", false)]
    #[case(ARGO_OPTIONS, "Prune=confirm", false)]
    #[case("example.com/prune", "false", false)]
    fn other_tools_words_for_keep_are_understood(
        #[case] name: &str,
        #[case] value: &str,
        #[case] expected: bool,
    ) {
        let kept = keep(|asked| (asked == name).then_some(value));
        assert_eq!(kept, expected, "{name}: {value}");
    }
}
