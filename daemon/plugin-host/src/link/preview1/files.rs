//! Descriptors and paths.

use super::errno::Errno;
use super::process::{Descriptor, Kind, Opening, is_answer};
use super::{MODULE, answer};
use crate::state::State;
use wasmtime::{Caller, Linker};

/// `rights`: what a descriptor may be used for. All of them, since what is not possible is refused
/// where it is tried.
const ALL_RIGHTS: u64 = (1 << 30) - 1;
/// `rights`: writing.
const WRITING: u64 = 1 << 6;

/// `oflags`.
const CREATE: u32 = 1;
const FOLDER: u32 = 2;
const NEW: u32 = 4;
const CUT: u32 = 8;

/// The size of a `dirent`, in bytes.
const DIRENT: usize = 24;

pub(super) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    reading(linker)?;
    writing(linker)?;
    places(linker)?;
    descriptors(linker)?;
    preopened(linker)?;
    folders(linker)?;
    paths(linker)
}

fn reading(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_read",
        |mut caller: Caller<'_, State>, fd: u32, vectors: u32, count: u32, done: u32| {
            answer(&mut caller, |memory, state| {
                let mut total = 0;
                state.process.read(fd, &mut [])?;
                for (at, length) in memory.vectors(vectors, count)? {
                    let into = memory.bytes_mut(at, length)?;
                    let read = state.process.read(fd, into)? as u32;
                    total += read;
                    if read < length {
                        break;
                    }
                }
                Ok(memory.put_u32(done, total)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |mut caller: Caller<'_, State>,
         fd: u32,
         vectors: u32,
         count: u32,
         offset: u64,
         done: u32| {
            answer(&mut caller, |memory, state| {
                let mut total = 0;
                state.process.read_at(fd, 0, &mut [])?;
                for (at, length) in memory.vectors(vectors, count)? {
                    let into = memory.bytes_mut(at, length)?;
                    let from = offset.saturating_add(u64::from(total));
                    let read = state.process.read_at(fd, from, into)? as u32;
                    total += read;
                    if read < length {
                        break;
                    }
                }
                Ok(memory.put_u32(done, total)?)
            })
        },
    )?;
    Ok(())
}

fn writing(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_write",
        |mut caller: Caller<'_, State>, fd: u32, vectors: u32, count: u32, done: u32| {
            answer(&mut caller, |memory, state| {
                let is_answer = is_answer(state.process.get(fd)?)?;
                let mut total = 0_u32;
                for (at, length) in memory.vectors(vectors, count)? {
                    let bytes = memory.bytes(at, length)?;
                    if is_answer {
                        state.process.put_out(bytes)?;
                    } else {
                        state.print(bytes)?;
                    }
                    total = total.saturating_add(length);
                }
                Ok(memory.put_u32(done, total)?)
            })
        },
    )?;
    for sync in ["fd_sync", "fd_datasync"] {
        linker.func_wrap(MODULE, sync, |mut caller: Caller<'_, State>, fd: u32| {
            answer(&mut caller, |_, state| {
                state.process.get(fd)?;
                Ok(())
            })
        })?;
    }
    Ok(())
}

fn places(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_seek",
        |mut caller: Caller<'_, State>, fd: u32, offset: i64, whence: u32, at: u32| {
            answer(&mut caller, |memory, state| {
                let place = state.process.seek(fd, offset, whence)?;
                Ok(memory.put_u64(at, place)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_tell",
        |mut caller: Caller<'_, State>, fd: u32, at: u32| {
            answer(&mut caller, |memory, state| {
                let place = state.process.seek(fd, 0, 1)?;
                Ok(memory.put_u64(at, place)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_advise",
        |mut caller: Caller<'_, State>, fd: u32, _: u64, _: u64, _: u32| {
            answer(&mut caller, |_, state| {
                state.process.get(fd)?;
                Ok(())
            })
        },
    )?;
    Ok(())
}

fn descriptors(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_close",
        |mut caller: Caller<'_, State>, fd: u32| {
            answer(&mut caller, |_, state| Ok(state.process.close(fd)?))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_get",
        |mut caller: Caller<'_, State>, fd: u32, at: u32| {
            answer(&mut caller, |memory, state| {
                let (kind, _) = state.process.get(fd)?.kind();
                let mut stat = [0; 24];
                stat[0] = kind as u8;
                stat[8..16].copy_from_slice(&ALL_RIGHTS.to_le_bytes());
                stat[16..24].copy_from_slice(&ALL_RIGHTS.to_le_bytes());
                Ok(memory.put(at, &stat)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_fdstat_set_flags",
        |mut caller: Caller<'_, State>, fd: u32, _: u32| {
            answer(&mut caller, |_, state| {
                state.process.get(fd)?;
                Ok(())
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_get",
        |mut caller: Caller<'_, State>, fd: u32, at: u32| {
            answer(&mut caller, |memory, state| {
                Ok(memory.put(at, &stat(state.process.get(fd)?))?)
            })
        },
    )?;
    Ok(())
}

fn preopened(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_prestat_get",
        |mut caller: Caller<'_, State>, fd: u32, at: u32| {
            answer(&mut caller, |memory, state| {
                if !state.process.is_preopened(fd) {
                    return Err(Errno::BADF.into());
                }
                // A folder whose name has one byte.
                Ok(memory.put(at, &[0, 0, 0, 0, 1, 0, 0, 0])?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_prestat_dir_name",
        |mut caller: Caller<'_, State>, fd: u32, at: u32, length: u32| {
            answer(&mut caller, |memory, state| {
                if !state.process.is_preopened(fd) {
                    return Err(Errno::BADF.into());
                }
                if length < 1 {
                    return Err(Errno::NAMETOOLONG.into());
                }
                Ok(memory.put(at, b"/")?)
            })
        },
    )?;
    Ok(())
}

fn folders(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |mut caller: Caller<'_, State>, fd: u32, at: u32, length: u32, cookie: u64, used: u32| {
            answer(&mut caller, |memory, state| {
                let entries = state.process.entries(fd)?;
                let room = memory.bytes_mut(at, length)?;
                let mut filled = 0;
                let skipped = usize::try_from(cookie).unwrap_or(usize::MAX);
                for (index, (name, kind)) in entries.into_iter().enumerate().skip(skipped) {
                    let mut entry = [0; DIRENT];
                    entry[..8].copy_from_slice(&(index as u64 + 1).to_le_bytes());
                    entry[16..20].copy_from_slice(&(name.len() as u32).to_le_bytes());
                    entry[20] = kind as u8;
                    filled += put_part(&mut room[filled..], &entry);
                    filled += put_part(&mut room[filled..], name.as_bytes());
                    if filled == room.len() {
                        break;
                    }
                }
                // A full buffer says that there is more: what was cut is read again.
                Ok(memory.put_u32(used, filled as u32)?)
            })
        },
    )?;
    Ok(())
}

/// Puts as much as there is room for.
fn put_part(room: &mut [u8], bytes: &[u8]) -> usize {
    let length = bytes.len().min(room.len());
    room[..length].copy_from_slice(&bytes[..length]);
    length
}

fn paths(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |mut caller: Caller<'_, State>, fd: u32, _: u32, path: u32, length: u32, at: u32| {
            answer(&mut caller, |memory, state| {
                let found = state.process.find(fd, memory.bytes(path, length)?)?;
                Ok(memory.put(at, &stat(&found))?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_open",
        |mut caller: Caller<'_, State>,
         fd: u32,
         _lookup: u32,
         path: u32,
         length: u32,
         flags: u32,
         rights: u64,
         _inherited: u64,
         _status: u32,
         at: u32| {
            answer(&mut caller, |memory, state| {
                let how = Opening {
                    folder: flags & FOLDER != 0,
                    change: flags & (CREATE | CUT) != 0 || rights & WRITING != 0,
                    new: flags & NEW != 0,
                };
                let path = memory.bytes(path, length)?;
                let opened = state.process.open(fd, path, &how)?;
                Ok(memory.put_u32(at, opened)?)
            })
        },
    )?;
    Ok(())
}

/// A `filestat`, whose times are all 0.
fn stat(descriptor: &Descriptor) -> [u8; 64] {
    let (kind, size): (Kind, u64) = descriptor.kind();
    let mut stat = [0; 64];
    stat[16] = kind as u8;
    stat[24] = 1;
    stat[32..40].copy_from_slice(&size.to_le_bytes());
    stat
}
