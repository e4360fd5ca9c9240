//! What the rules are not for.

use crate::config::{Exempt, Rule};
use windlass_plugin_common::{Matcher, Target};
use windlass_plugin_sdk::{Failure, Json};

/// The exemptions of a configuration.
pub(crate) struct Exemptions<'a>(Vec<(Matcher, &'a [Rule])>);

impl<'a> Exemptions<'a> {
    pub(crate) fn new(exempt: &'a [Exempt]) -> Result<Self, Failure> {
        exempt
            .iter()
            .enumerate()
            .map(|(index, entry)| {
                let Exempt {
                    kind,
                    name,
                    namespace,
                    rules,
                    _reason: _,
                } = entry;
                let place = format!("exempt[{index}]");
                if kind.is_none() && name.is_none() && namespace.is_none() {
                    return Err(Failure::new("the exemption is for every object")
                        .field(place)
                        .hint(
                            "name objects by `kind`, `name` or `namespace`, or set the rule to \
                               `off`",
                        ));
                }
                let target = Target {
                    kind: kind.clone(),
                    name: name.clone(),
                    namespace: namespace.clone(),
                    ..Target::default()
                };
                Ok((target.matcher(&place)?, rules.as_slice()))
            })
            .collect::<Result<Vec<_>, _>>()
            .map(Self)
    }

    /// Says whether a rule is not for an object.
    pub(crate) fn covers(&self, rule: Rule, object: &Json) -> bool {
        self.0.iter().any(|(matcher, rules)| {
            (rules.is_empty() || rules.contains(&rule)) && matcher.matches(object)
        })
    }
}
