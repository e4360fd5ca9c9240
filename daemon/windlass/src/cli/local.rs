//! A local folder as the tree that an environment is rendered from.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_cluster::resources::EnvironmentSpec;
use windlass_plugin_host::{Host, HostOptions, Limits};
use windlass_render::{Memo, Pipeline, Rendered, Renderer};
use windlass_source::Folder;

use super::Failed;
use crate::config::{FILE_NAME, read, resolve_pipeline, slug};

/// How much rendered output the memo keeps in memory.
const MEMO_BYTES: usize = 64 * 1024 * 1024;

/// An environment on disk, ready to be rendered.
pub(crate) struct LocalEnvironment {
    pub(crate) tree: Folder,
    pub(crate) name: String,
    pub(crate) pipeline: Pipeline,
}

/// Opens `path`, an environment's folder or its `environment.yaml`.
///
/// The tree's root is the repository that holds the folder, so that `../base` is found; outside a
/// repository it is the folder that the command was started in, or `path` itself.
pub(crate) fn open(path: &Path, root: Option<&Path>) -> Result<LocalEnvironment, Failed> {
    let shown = path.display();
    let path = path
        .canonicalize()
        .map_err(|error| Failed::new("WL0003", format!("{shown} cannot be opened: {error}")))?;
    let folder = if path.is_file() && path.file_name().is_some_and(|name| name == FILE_NAME) {
        path.parent()
            .map_or_else(|| path.clone(), Path::to_path_buf)
    } else {
        path
    };
    if !folder.is_dir() {
        return Err(Failed::new(
            "WL0003",
            format!("{shown} is not a folder; name an environment's folder"),
        ));
    }
    let root = match root {
        Some(root) => root.canonicalize().map_err(|error| {
            Failed::new("WL0003", format!("--root {}: {error}", root.display()))
        })?,
        None => root_of(&folder),
    };
    let relative = folder.strip_prefix(&root).map_err(|_| {
        Failed::new(
            "WL0003",
            format!("{shown} is not below the root {}", root.display()),
        )
    })?;
    let relative = relative
        .to_str()
        .ok_or_else(|| Failed::new("WL0003", format!("{shown}: the path is not UTF-8")))?;
    let tree = Folder::open(&root)?;
    let found = read(&tree, relative);
    let (name, spec) = match found {
        Some(found) => (found.name, found.spec?),
        None => (slug(relative), EnvironmentSpec::default()),
    };
    let mut pipeline = resolve_pipeline(&tree, relative, &spec)?;
    pipeline.namespace.clone_from(&spec.namespace);
    Ok(LocalEnvironment {
        tree,
        name,
        pipeline,
    })
}

fn root_of(folder: &Path) -> PathBuf {
    let repository = folder
        .ancestors()
        .find(|ancestor| ancestor.join(".git").exists());
    if let Some(repository) = repository {
        return repository.to_path_buf();
    }
    match std::env::current_dir().and_then(|here| here.canonicalize()) {
        Ok(here) if folder.starts_with(&here) => here,
        _ => folder.to_path_buf(),
    }
}

/// Where compiled plugins and memos are kept between commands.
pub(crate) fn cache_dir(given: Option<&Path>) -> PathBuf {
    if let Some(given) = given {
        return given.to_path_buf();
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    let base = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(home);
    base.unwrap_or_else(std::env::temp_dir).join("windlass")
}

/// The renderer with the plugins of this release.
pub(crate) fn renderer(cache_dir: &Path, memo_on_disk: bool) -> Result<Renderer, Failed> {
    let host = Host::new(HostOptions {
        cache_dir: Some(cache_dir.join("plugins")),
        limits: Limits::default(),
        compiler: crate::compiler()?,
    })?
    .with_digests(windlass_plugins::digest);
    let memo = if memo_on_disk {
        Memo::with_folder(&cache_dir.join("memo"), MEMO_BYTES)
    } else {
        Memo::in_memory(MEMO_BYTES)
    };
    Ok(Renderer::new(host, memo, windlass_plugins::get)
        .with_builtin_names(windlass_plugins::names()))
}

impl LocalEnvironment {
    pub(crate) fn render(&self, renderer: &Renderer) -> Result<Rendered, Failed> {
        Ok(renderer.render(&self.tree, &self.pipeline)?)
    }
}

/// The renderer for a daemon: shared by its render threads.
pub(crate) fn shared_renderer(cache_dir: &Path) -> Result<Arc<Renderer>, Failed> {
    renderer(cache_dir, true).map(Arc::new)
}
