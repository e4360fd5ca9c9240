//! Whether an image names one version for good.

/// What is wrong with the name of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loose {
    /// `nginx`, which means `nginx:latest`.
    NoTag,
    /// `nginx:latest`.
    Latest,
}

/// Looks at an image's name: registry with port, path, tag and digest.
pub(crate) fn loose(image: &str) -> Option<Loose> {
    if image.contains('@') {
        return None;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None => Some(Loose::NoTag),
        Some((_, "latest")) => Some(Loose::Latest),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("nginx", Some(Loose::NoTag))]
    #[case("nginx:latest", Some(Loose::Latest))]
    #[case("nginx:1.29", None)]
    #[case("registry.example:5000/nginx", Some(Loose::NoTag))]
    #[case("registry.example:5000/nginx:1.29", None)]
    #[case("nginx@sha256:0000", None)]
    #[case("nginx:latest@sha256:0000", None)]
    fn images(#[case] image: &str, #[case] expected: Option<Loose>) {
        assert_eq!(loose(image), expected);
    }
}
