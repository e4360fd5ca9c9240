#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::reads::Access;
use crate::tree::MemoryTree;
use rstest::rstest;
use std::time::Duration;
use windlass_plugin_host::{Host, HostOptions, Imports};

/// Prints what it gets.
fn echo() -> Vec<u8> {
    let text = include_str!("../../plugin-host/tests/guests/command.wat")
        .replace("{imports}", "")
        .replace("{data}", "")
        .replace("{start}", "(call $echo)");
    wat::parse_str(text).unwrap()
}

fn tree() -> MemoryTree {
    MemoryTree::new()
        .file("base/functions/echo.wasm", echo())
        .file("base/functions/text.wasm", "no plugin")
        .file("prod/a.yaml", "")
}

/// Runs a plugin as the one at `depth` would, and gives what was read as well.
fn run(path: &str, depth: usize, within: Duration) -> (RunEnd, Vec<String>) {
    let plugins = Plugins::new(
        Host::new(HostOptions::default()).unwrap(),
        Box::new(|_| None),
    );
    let at = StepContext {
        folder: "prod".to_owned(),
        step: 1,
        plugin: "outer".to_owned(),
    };
    let limits = Limits::default();
    let nest = Nest {
        depth,
        ..Nest::new(&plugins, &at, &limits)
    };
    let tree = tree();
    let mut view = View::new(&tree, "prod").with_plugins(nest);
    let end = view.run_plugin(Run {
        path: path.to_owned(),
        objects: vec![r#"{"kind":"A"}"#.to_owned()],
        config: "{}".to_owned(),
        within,
    });
    let reads = view.into_reads();
    let read = |path: &str| reads.knows(&Access::Read(path.to_owned()));
    let read = ["base/functions/echo.wasm", "base/functions/text.wasm"]
        .into_iter()
        .filter(|path| read(path))
        .map(str::to_owned)
        .collect();
    (end, read)
}

const MINUTE: Duration = Duration::from_secs(60);

#[rstest]
#[case::relative("../base/functions/echo.wasm", 0)]
#[case::from_the_root("/base/functions/echo.wasm", 0)]
#[case::nested("/base/functions/echo.wasm", 1)]
fn a_plugin_of_the_commit_is_run_and_recorded(#[case] path: &str, #[case] depth: usize) {
    let (end, read) = run(path, depth, MINUTE);
    let expected = Ran {
        objects: vec![r#"{"kind":"A"}"#.to_owned()],
        ..Ran::default()
    };
    assert_eq!(end.result, Ok(expected));
    assert_eq!(read, ["base/functions/echo.wasm"]);
    assert!(end.loading > Duration::ZERO, "it had to be compiled");
}

#[rstest]
#[case::too_deep("/base/functions/echo.wasm", 2, MINUTE, "the limit")]
#[case::absent("none.wasm", 0, MINUTE, "prod/none.wasm is not in the tree")]
#[case::no_plugin(
    "/base/functions/text.wasm",
    0,
    MINUTE,
    "is not a WebAssembly component"
)]
#[case::outside("../../x.wasm", 0, MINUTE, "the plugin's file cannot be read")]
fn what_cannot_be_run_says_why(
    #[case] path: &str,
    #[case] depth: usize,
    #[case] within: Duration,
    #[case] says: &str,
) {
    let (end, _) = run(path, depth, within);
    let message = end.result.unwrap_err().message;
    assert!(message.contains(says), "says `{says}`: {message}");
    assert!(
        !message.contains("step 1"),
        "the caller is known: {message}"
    );
}
