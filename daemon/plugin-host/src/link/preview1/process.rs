//! What a command has in place of an operating system: three streams, and the files that were handed
//! in, which can be read and nothing else.

use super::errno::{Errno, Fault};
use crate::state::Stop;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The folder that a command finds open: the root, in which there is what was handed in.
const ROOT: u32 = 3;

/// The most descriptors at a time.
const DESCRIPTORS: usize = 1024;

/// The longest path, in bytes.
const PATH_BYTES: usize = 4096;

/// The streams, the files and the open descriptors of one call.
#[derive(Debug, Default)]
pub(crate) struct Process {
    input: Vec<u8>,
    consumed: usize,
    output: Vec<u8>,
    output_limit: u64,
    /// By path from the root, without a slash in front.
    files: BTreeMap<String, Arc<[u8]>>,
    open: BTreeMap<u32, Descriptor>,
}

/// What is behind a number that the guest holds.
#[derive(Clone, Debug)]
pub(super) enum Descriptor {
    /// Standard input, by whatever way it was opened.
    Input,
    /// Standard output.
    Output,
    /// Standard error.
    Errors,
    /// A folder, by its path from the root.
    Folder(String),
    /// A file, and the place in it at which the next read begins.
    File { content: Arc<[u8]>, at: u64 },
}

/// What a path or a descriptor leads to, in the words of `filetype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A stream is no terminal, which some programs refuse to read from, and no file either.
    Stream = 0,
    Folder = 3,
    File = 4,
}

impl Descriptor {
    /// What it is, and its size in bytes.
    pub(super) fn kind(&self) -> (Kind, u64) {
        match self {
            Self::Input | Self::Output | Self::Errors => (Kind::Stream, 0),
            Self::Folder(_) => (Kind::Folder, 0),
            Self::File { content, .. } => (Kind::File, content.len() as u64),
        }
    }
}

/// How a path is to be opened.
pub(super) struct Opening {
    /// It has to be a folder.
    pub(super) folder: bool,
    /// It may be made, or cut, or written to.
    pub(super) change: bool,
    /// It must not be there yet.
    pub(super) new: bool,
}

impl Process {
    /// Prepares a call: what stands on standard input, how much may come out, and the files.
    pub(crate) fn new(input: Vec<u8>, output_limit: u64, files: BTreeMap<String, Vec<u8>>) -> Self {
        let files = files
            .into_iter()
            .filter_map(|(path, content)| Some((resolve("", &path).ok()?, content.into())))
            .collect();
        let open = BTreeMap::from([
            (0, Descriptor::Input),
            (1, Descriptor::Output),
            (2, Descriptor::Errors),
            (ROOT, Descriptor::Folder(String::new())),
        ]);
        Self {
            input,
            consumed: 0,
            output: Vec::new(),
            output_limit,
            files,
            open,
        }
    }

    /// What was written to standard output.
    pub(crate) fn output(&self) -> &[u8] {
        &self.output
    }

    pub(super) fn get(&self, fd: u32) -> Result<&Descriptor, Errno> {
        self.open.get(&fd).ok_or(Errno::BADF)
    }

    /// Whether the folder is one that was open from the beginning.
    pub(super) fn is_preopened(&self, fd: u32) -> bool {
        fd == ROOT && matches!(self.get(fd), Ok(Descriptor::Folder(_)))
    }

    pub(super) fn close(&mut self, fd: u32) -> Result<(), Errno> {
        self.open.remove(&fd).map(drop).ok_or(Errno::BADF)
    }

    /// Reads on; 0 at the end.
    pub(super) fn read(&mut self, fd: u32, into: &mut [u8]) -> Result<usize, Errno> {
        match self.open.get_mut(&fd).ok_or(Errno::BADF)? {
            Descriptor::Input => {
                let read = copy(&self.input, self.consumed as u64, into);
                self.consumed += read;
                Ok(read)
            }
            Descriptor::File { content, at } => {
                let read = copy(content, *at, into);
                *at = at.saturating_add(read as u64);
                Ok(read)
            }
            Descriptor::Folder(_) => Err(Errno::ISDIR),
            Descriptor::Output | Descriptor::Errors => Err(Errno::BADF),
        }
    }

    /// Reads at a place of a file.
    pub(super) fn read_at(&self, fd: u32, at: u64, into: &mut [u8]) -> Result<usize, Errno> {
        match self.get(fd)? {
            Descriptor::File { content, .. } => Ok(copy(content, at, into)),
            Descriptor::Folder(_) => Err(Errno::ISDIR),
            Descriptor::Input | Descriptor::Output | Descriptor::Errors => Err(Errno::SPIPE),
        }
    }

    /// Moves the place of the next read, and gives it.
    pub(super) fn seek(&mut self, fd: u32, offset: i64, whence: u32) -> Result<u64, Errno> {
        match self.open.get_mut(&fd).ok_or(Errno::BADF)? {
            Descriptor::File { content, at } => {
                let from = match whence {
                    0 => 0,
                    1 => *at,
                    2 => content.len() as u64,
                    _ => return Err(Errno::INVAL),
                };
                *at = from.checked_add_signed(offset).ok_or(Errno::INVAL)?;
                Ok(*at)
            }
            Descriptor::Folder(_) => Err(Errno::ISDIR),
            Descriptor::Input | Descriptor::Output | Descriptor::Errors => Err(Errno::SPIPE),
        }
    }

    /// Adds to standard output.
    pub(crate) fn put_out(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        let length = (self.output.len() as u64).saturating_add(bytes.len() as u64);
        if length > self.output_limit {
            return Err(Stop::OutputBytes);
        }
        self.output.extend_from_slice(bytes);
        Ok(())
    }

    /// Finds what is at a path, seen from an open folder.
    pub(super) fn find(&self, fd: u32, path: &[u8]) -> Result<Descriptor, Errno> {
        let Descriptor::Folder(base) = self.get(fd)? else {
            return Err(Errno::NOTDIR);
        };
        if path.len() > PATH_BYTES {
            return Err(Errno::NAMETOOLONG);
        }
        let path = std::str::from_utf8(path).map_err(|_| Errno::ILSEQ)?;
        let path = resolve(base, path)?;
        match path.as_str() {
            "" | "dev" => return Ok(Descriptor::Folder(path)),
            "dev/stdin" => return Ok(Descriptor::Input),
            "dev/stdout" => return Ok(Descriptor::Output),
            "dev/stderr" => return Ok(Descriptor::Errors),
            _ => {}
        }
        if let Some(content) = self.files.get(&path) {
            let content = Arc::clone(content);
            return Ok(Descriptor::File { content, at: 0 });
        }
        match self.below(&path).next() {
            Some(_) => Ok(Descriptor::Folder(path)),
            None => Err(Errno::NOENT),
        }
    }

    /// Opens a path and gives the number of its descriptor.
    pub(super) fn open(&mut self, fd: u32, path: &[u8], how: &Opening) -> Result<u32, Errno> {
        let found = match self.find(fd, path) {
            Err(Errno::NOENT) if how.change => return Err(Errno::ROFS),
            found => found?,
        };
        match found.kind().0 {
            _ if how.new => return Err(Errno::EXIST),
            Kind::Stream | Kind::File if how.folder => return Err(Errno::NOTDIR),
            Kind::Folder | Kind::File if how.change => return Err(Errno::ROFS),
            _ => {}
        }
        if self.open.len() >= DESCRIPTORS {
            return Err(Errno::MFILE);
        }
        let free = (ROOT + 1..).find(|fd| !self.open.contains_key(fd));
        let fd = free.ok_or(Errno::MFILE)?;
        self.open.insert(fd, found);
        Ok(fd)
    }

    /// The names in an open folder, each with what it is.
    pub(super) fn entries(&self, fd: u32) -> Result<BTreeMap<&str, Kind>, Errno> {
        let Descriptor::Folder(folder) = self.get(fd)? else {
            return Err(Errno::NOTDIR);
        };
        Ok(self
            .below(folder)
            .map(|rest| match rest.split_once('/') {
                Some((name, _)) => (name, Kind::Folder),
                None => (rest, Kind::File),
            })
            .collect())
    }

    /// The paths of the files in a folder and below it, as seen from there.
    fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let prefix = match folder {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        self.files
            .range(prefix.clone()..)
            .map_while(move |(path, _)| path.strip_prefix(&prefix))
    }
}

/// Makes a path one from the root. There is nothing above the root to lead to.
fn resolve(base: &str, path: &str) -> Result<String, Errno> {
    let mut parts: Vec<&str> = match path.starts_with('/') {
        true => Vec::new(),
        false => base.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in path.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != ".." {
            parts.push(part);
        } else if parts.pop().is_none() {
            return Err(Errno::NOTCAPABLE);
        }
    }
    Ok(parts.join("/"))
}

fn copy(content: &[u8], at: u64, into: &mut [u8]) -> usize {
    let from = usize::try_from(at).unwrap_or(usize::MAX).min(content.len());
    let length = into.len().min(content.len() - from);
    into[..length].copy_from_slice(&content[from..from + length]);
    length
}

/// What a write is for: standard output is the answer, standard error is for people.
pub(super) fn is_answer(descriptor: &Descriptor) -> Result<bool, Fault> {
    match descriptor {
        Descriptor::Output => Ok(true),
        Descriptor::Errors => Ok(false),
        Descriptor::File { .. } => Err(Errno::ROFS.into()),
        Descriptor::Input | Descriptor::Folder(_) => Err(Errno::BADF.into()),
    }
}
