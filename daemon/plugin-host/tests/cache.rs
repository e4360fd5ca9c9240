//! Compiled plugins are found again, and never trusted when they should not be.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use rstest::rstest;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use support::{IDENTITY, transform};
use windlass_plugin_host::{Host, HostOptions, Limits, Plugin};

fn host(folder: &Path) -> Host {
    Host::new(HostOptions {
        cache_dir: Some(folder.to_owned()),
        ..HostOptions::default()
    })
    .unwrap()
}

fn load_and_call(folder: &Path) -> Plugin {
    let plugin = host(folder).load("shell", &IDENTITY.wasm()).unwrap();
    let output = transform(&plugin, &["{}"], "{}", &Limits::default()).unwrap();
    assert_eq!(output.value, ["{}"], "it works");
    plugin
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect()
}

#[test]
fn a_compiled_plugin_is_found_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("new/cache");
    let first = load_and_call(&cache);
    let [file] = files(&cache).try_into().unwrap();
    let mode = fs::metadata(&cache).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "the folder is ours alone");

    let before = fs::metadata(&file).unwrap();
    let second = load_and_call(&cache);
    assert_eq!(second.description(), first.description());
    let after = fs::metadata(&file).unwrap();
    assert_eq!(after.len(), before.len());
    assert_eq!(
        std::os::unix::fs::MetadataExt::ino(&after),
        std::os::unix::fs::MetadataExt::ino(&before),
        "it was read and not written again"
    );
}

#[rstest]
#[case::emptied(|_: &mut Vec<u8>| ())]
#[case::cut(|file: &mut Vec<u8>| file.truncate(file.len() / 2))]
#[case::flipped_in_the_code(|file: &mut Vec<u8>| { let at = file.len() - 100; file[at] ^= 1; })]
#[case::flipped_at_the_beginning(|file: &mut Vec<u8>| file[3] ^= 1)]
#[case::flipped_in_the_digest(|file: &mut Vec<u8>| { let at = file.len() - 20; file[at] ^= 1; })]
#[case::flipped_in_the_length(|file: &mut Vec<u8>| { let at = file.len() - 3; file[at] ^= 1; })]
#[case::longer(|file: &mut Vec<u8>| file.push(0))]
fn a_damaged_file_is_compiled_anew(#[case] damage: fn(&mut Vec<u8>)) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
    load_and_call(folder.path());
    let [file] = files(folder.path()).try_into().unwrap();
    let sound = fs::read(&file).unwrap();
    let mut damaged = sound.clone();
    damage(&mut damaged);
    if damaged == sound {
        damaged.clear();
    }
    fs::write(&file, &damaged).unwrap();

    load_and_call(folder.path());
    assert_eq!(files(folder.path()).len(), 1, "no litter");
    let healed = fs::read(&file).unwrap();
    assert_ne!(healed, damaged, "it was replaced");
}

#[test]
fn a_folder_that_others_may_write_to_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
    load_and_call(folder.path());
    assert_eq!(files(folder.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_folder_that_cannot_be_made_costs_time_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    load_and_call(&file.join("cache"));
}

#[test]
fn many_hosts_and_threads_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| load_and_call(&cache));
        }
    });
    assert_eq!(files(&cache).len(), 1, "one file, whole");
    load_and_call(&cache);
}

#[test]
fn one_host_compiles_the_same_bytes_once() {
    let folder = tempfile::tempdir().unwrap();
    let host = host(&folder.path().join("cache"));
    let wasm = IDENTITY.wasm();
    let digests: Vec<String> = std::thread::scope(|scope| {
        let loads: Vec<_> = (0..4)
            .map(|number| {
                let (host, wasm) = (&host, &wasm);
                scope.spawn(move || {
                    let plugin = host.load(&format!("name-{number}"), wasm).unwrap();
                    assert_eq!(plugin.name(), format!("name-{number}"), "each its own name");
                    plugin.digest().to_owned()
                })
            })
            .collect();
        loads.into_iter().map(|load| load.join().unwrap()).collect()
    });
    assert!(
        digests.windows(2).all(|pair| pair[0] == pair[1]),
        "{digests:?}"
    );
}
