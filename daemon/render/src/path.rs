//! Paths as plugins write them.

use windlass_plugin_host::FileError;

/// The longest path that is looked at, in bytes; as in the contract.
const MAX_LENGTH: usize = 4096;

/// Gives the path in the tree: relative to the environment's folder, or to the root with a `/` in
/// front. `..` may leave the folder and never the tree.
///
/// A path has one form only, since what was read is remembered by it.
///
/// # Errors
/// [`FileError::OutsideTree`], and [`FileError::Refused`] for what is no path.
pub(crate) fn resolve(folder: &str, path: &str) -> Result<String, FileError> {
    if path.len() > MAX_LENGTH {
        return Err(FileError::Refused(format!(
            "a path has at most {MAX_LENGTH} bytes"
        )));
    }
    if path.contains('\0') {
        return Err(FileError::Refused("a path holds no NUL".to_owned()));
    }
    let base = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in base.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop().ok_or(FileError::OutsideTree)?;
            }
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// The folder that a path is in; `None` for the root.
pub(crate) fn parent(path: &str) -> Option<&str> {
    match path {
        "" => None,
        path => Some(path.rsplit_once('/').map_or("", |(parent, _)| parent)),
    }
}

/// The path of an entry of a folder.
pub(crate) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::folder("envs/prod", ".", Some("envs/prod"))]
    #[case::inside("envs/prod", "a/./b.yaml", Some("envs/prod/a/b.yaml"))]
    #[case::beside("envs/prod", "../base", Some("envs/base"))]
    #[case::up_to_the_root("envs/prod", "../..", Some(""))]
    #[case::from_the_root("envs/prod", "/base//x", Some("base/x"))]
    #[case::too_far("envs/prod", "../../../x", None)]
    #[case::too_far_and_back("", "../repo/x", None)]
    #[case::nul("", "a\0b", None)]
    fn paths(#[case] folder: &str, #[case] path: &str, #[case] expected: Option<&str>) {
        assert_eq!(resolve(folder, path).ok().as_deref(), expected);
    }

    #[rstest]
    #[case("a/b", Some("a"))]
    #[case("a", Some(""))]
    #[case("", None)]
    fn parents(#[case] path: &str, #[case] expected: Option<&str>) {
        assert_eq!(parent(path), expected);
    }
}
