//! How deep and how large a value is, asked before anything walks through it by recursion.

use crate::Json;

/// How deep a value may be nested to be patched or compared.
///
/// The decoder reads no deeper than this either; a value that a program built may be deeper.
pub(crate) const MAX_DEPTH: usize = 128;

/// The size of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Levels of lists and mappings; a scalar has none.
    pub(crate) depth: usize,
    /// Values in it, itself included.
    pub(crate) nodes: usize,
}

/// Measures a value without recursion, so that depth itself is no danger.
pub(crate) fn measure(value: &Json) -> Size {
    let mut size = Size { depth: 0, nodes: 0 };
    let mut open = vec![(value, 0)];
    while let Some((value, above)) = open.pop() {
        size.nodes += 1;
        match value {
            Json::Array(items) => {
                size.depth = size.depth.max(above + 1);
                open.extend(items.iter().map(|item| (item, above + 1)));
            }
            Json::Object(map) => {
                size.depth = size.depth.max(above + 1);
                open.extend(map.values().map(|value| (value, above + 1)));
            }
            _ => {}
        }
    }
    size
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::json;

    use super::*;

    #[rstest]
    #[case(json!(1), 0, 1)]
    #[case(json!({}), 1, 1)]
    #[case(json!({"a": [1, {"b": null}], "c": 2}), 3, 6)]
    fn a_value_has_levels_and_nodes(
        #[case] value: Json,
        #[case] depth: usize,
        #[case] nodes: usize,
    ) {
        assert_eq!(
            measure(&value),
            Size { depth, nodes },
            "the size of {value}"
        );
    }
}
