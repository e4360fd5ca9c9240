//! The name that was probably meant.

/// Gives the known name that is nearest to the unknown one, when it is near at all.
///
/// A third of the letters may be wrong, and always one: that catches a slip of the finger without
/// proposing something unrelated.
pub fn closest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let allowed = (unknown.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|known| {
            let distance = strsim::osa_distance(&unknown.to_lowercase(), &known.to_lowercase());
            (distance, known)
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::swapped("REPILCAS", Some("REPLICAS"))]
    #[case::case_only("host", Some("HOST"))]
    #[case::nothing_near("PASSWORD", None)]
    fn only_a_near_name_is_proposed(#[case] unknown: &str, #[case] expected: Option<&str>) {
        assert_eq!(closest(unknown, ["REPLICAS", "HOST"]), expected);
    }
}
