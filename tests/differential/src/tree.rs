//! A tree of files to build.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::node::{Node, stream};

/// The content of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum File {
    /// YAML documents, which can be made smaller piece by piece.
    Yaml(Vec<Node>),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl File {
    /// What is in the file.
    pub fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Yaml(documents) => stream(documents).into_bytes(),
            Self::Bytes(bytes) => bytes.clone(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Yaml(documents) => 1 + documents.iter().map(Node::size).sum::<usize>(),
            Self::Bytes(bytes) => 1 + bytes.len(),
        }
    }
}

/// The files, which folder of them is built, and with which flags.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// By path from the root of the tree.
    pub files: BTreeMap<String, File>,
    /// The folder that is built, from the root of the tree.
    pub folder: String,
    /// The flags of the build.
    pub flags: Flags,
}

/// The flags of a build; both commands understand them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// `--reorder`, when it is given.
    pub reorder: Option<Reorder>,
    /// Whether `--load-restrictor LoadRestrictionsNone` is given.
    pub unrestricted: bool,
}

/// The values of `--reorder`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reorder {
    /// By kind.
    Legacy,
    /// Not at all.
    None,
}

impl Flags {
    /// As on a command line.
    pub fn arguments(self) -> Vec<&'static str> {
        let mut arguments = Vec::new();
        match self.reorder {
            Some(Reorder::Legacy) => arguments.extend(["--reorder", "legacy"]),
            Some(Reorder::None) => arguments.extend(["--reorder", "none"]),
            None => {}
        }
        if self.unrestricted {
            arguments.extend(["--load-restrictor", "LoadRestrictionsNone"]);
        }
        arguments
    }
}

impl Tree {
    /// Adds a YAML file.
    pub fn yaml(&mut self, path: impl Into<String>, documents: Vec<Node>) {
        self.files.insert(path.into(), File::Yaml(documents));
    }

    /// Adds any other file.
    pub fn text(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.files.insert(path.into(), File::Bytes(text.into()));
    }

    /// Reads the files of a folder.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.collect(root, "")?;
        Ok(tree)
    }

    fn collect(&mut self, root: &Path, below: &str) -> Result<()> {
        let folder = root.join(below);
        let entries =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = if below.is_empty() {
                name
            } else {
                format!("{below}/{name}")
            };
            if entry.path().is_dir() {
                self.collect(root, &path)?;
            } else {
                let bytes = fs::read(entry.path())
                    .with_context(|| format!("reading {}", entry.path().display()))?;
                self.text(path, bytes);
            }
        }
        Ok(())
    }

    /// Writes the files into a folder.
    ///
    /// # Errors
    /// What cannot be written.
    pub fn write(&self, root: &Path) -> Result<()> {
        // The folder that is built has to be there even when nothing in it is.
        let built = root.join(&self.folder);
        fs::create_dir_all(&built).with_context(|| format!("making {}", built.display()))?;
        for (path, file) in &self.files {
            let path = root.join(path);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)
                    .with_context(|| format!("making {}", folder.display()))?;
            }
            fs::write(&path, file.bytes())
                .with_context(|| format!("writing {}", path.display()))?;
        }
        Ok(())
    }

    /// A measure of how much there is to look at.
    pub fn size(&self) -> usize {
        self.files.values().map(File::size).sum()
    }

    /// The command and every file, to be read by people.
    pub fn show(&self) -> String {
        let mut text = format!(
            "build {} {}\n",
            self.folder,
            self.flags.arguments().join(" ")
        );
        for (path, file) in &self.files {
            let content = file.bytes();
            let _ = writeln!(text, "--- {path}");
            text.push_str(&String::from_utf8_lossy(&content));
            if !content.ends_with(b"\n") {
                text.push_str("(no line break at the end)\n");
            }
        }
        text
    }
}
