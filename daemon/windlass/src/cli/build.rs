//! `windlass build FOLDER`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use windlass_manifest::{INDEX_ANNOTATION, Json, PATH_ANNOTATION, to_yaml_stream};
use windlass_plugin_host::Level;
use windlass_render::{LimitOverrides, PluginRef, Step};
use windlass_source::Folder;

use super::output::{print_value, put, tell};
use super::{Failed, Format, local};

/// Arguments of `windlass build`: those of `kustomize build`, where it has them.
#[derive(Debug, Args)]
pub(crate) struct BuildArgs {
    /// The folder with the kustomization.
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// What is printed.
    #[arg(short, long, value_enum, default_value_t = Output::Yaml)]
    output: Output,
    /// The order of the objects, unless the kustomization has `sortOptions`.
    #[arg(long, value_enum, default_value_t = Reorder::Legacy)]
    reorder: Reorder,
    /// Whether a kustomization may load files from outside of its folder.
    #[arg(long, value_enum, default_value_t = LoadRestrictor::RootOnly)]
    load_restrictor: LoadRestrictor,
    /// What may be read at all; default: the repository that holds FOLDER, or else everything.
    #[arg(long, value_name = "FOLDER")]
    root: Option<PathBuf>,
    /// Where compiled plugins are kept.
    #[arg(long, value_name = "FOLDER", env = "WINDLASS_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Documents separated by `---`.
    Yaml,
    /// A JSON array.
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Reorder {
    /// By kind: those that others need first.
    Legacy,
    /// As they were read.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LoadRestrictor {
    /// From the folder of the kustomization and below.
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    /// From everywhere.
    #[value(name = "LoadRestrictionsNone")]
    None,
}

/// Builds the folder in the sandbox and prints the objects.
pub(crate) fn build(args: &BuildArgs) -> Result<ExitCode, Failed> {
    let (tree, folder) = open(&args.folder, args.root.as_deref())?;
    let step = Step {
        plugin: PluginRef::Builtin("kustomize".to_owned()),
        config: serde_json::json!({
            "reorder": match args.reorder {
                Reorder::Legacy => "legacy",
                Reorder::None => "none",
            },
            "loadRestrictor": match args.load_restrictor {
                LoadRestrictor::RootOnly => "LoadRestrictionsRootOnly",
                LoadRestrictor::None => "LoadRestrictionsNone",
            },
        }),
        limits: LimitOverrides::default(),
    };
    let cache = local::cache_dir(args.cache_dir.as_deref());
    let output = local::renderer(&cache, false)?.generate(&tree, &folder, &step)?;
    for line in output
        .log
        .iter()
        .filter(|line| line.level >= Level::Warning)
    {
        tell(format_args!("warning: {}", line.message));
    }
    let objects = output
        .value
        .iter()
        .map(|text| object(text))
        .collect::<Result<Vec<_>, _>>()?;
    match args.output {
        Output::Yaml => put(&to_yaml_stream(&objects))?,
        Output::Json => print_value(&objects, Format::Json)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The tree and the folder in it.
fn open(path: &Path, root: Option<&Path>) -> Result<(Folder, String), Failed> {
    let shown = path.display();
    let wrong = |what: String| Failed::new("WL0003", what);
    let folder = path
        .canonicalize()
        .map_err(|error| wrong(format!("{shown} cannot be opened: {error}")))?;
    if !folder.is_dir() {
        return Err(wrong(format!(
            "{shown} is not a folder; name the folder that holds the kustomization"
        )));
    }
    let root = match root {
        Some(root) => root
            .canonicalize()
            .map_err(|error| wrong(format!("--root {}: {error}", root.display())))?,
        // Bases may lie anywhere, and who calls this may read them anyway.
        None => folder
            .ancestors()
            .find(|above| above.join(".git").exists())
            .or_else(|| folder.ancestors().last())
            .unwrap_or(&folder)
            .to_path_buf(),
    };
    let inside = folder
        .strip_prefix(&root)
        .map_err(|_| wrong(format!("{shown} is not below the root {}", root.display())))?
        .to_str()
        .ok_or_else(|| wrong(format!("{shown}: the path is not UTF-8")))?
        .to_owned();
    Ok((Folder::open(&root)?, inside))
}

/// The object without what the sandbox has noted about its origin.
fn object(text: &str) -> Result<Json, Failed> {
    let mut object: Json = serde_json::from_str(text)
        .map_err(|error| Failed::new("WL0002", format!("the plugin gave back no JSON: {error}")))?;
    let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) else {
        return Ok(object);
    };
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Json::as_object_mut)
    {
        annotations.remove(PATH_ANNOTATION);
        annotations.remove(INDEX_ANNOTATION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    Ok(object)
}
